//! The recommendation service: the catalogue, what customers did, and what they may want
//! next. Writes go to PostgreSQL and are durable before they are acknowledged; reads are
//! answered from memory and never wait for the database.

mod app;
mod arrangement;
mod batch;
mod clock;
mod convert;
mod days;
mod erase;
mod error;
mod exchange;
mod experiment_results;
mod experiments;
mod exposures;
mod followed;
mod given;
mod grpc;
mod health;
mod jobs;
mod kept_facts;
mod last_good;
mod market;
mod metrics;
mod model_settings;
mod models_at_hand;
mod nutrition;
mod operate;
mod operation;
mod policy;
mod privacy;
mod profile;
mod recommend;
mod record;
mod served;
mod session;
mod shop;
mod showing;
mod snapshots;
mod state;
mod store;
mod training;
mod validate;
mod wishes;
mod write;

pub use app::{App, AppError, AppSettings, RunningApp, SCHEMA, migrator};
pub use clock::{Clock, system_clock};
pub use model_settings::check_model_settings;
pub use shop::rotation::{Rotation, RotationError, rotate_secrets};
pub use training::{WorkerError, lower_priority, run_training_worker};
