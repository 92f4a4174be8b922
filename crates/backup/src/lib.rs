//! The backup service: copies of PostgreSQL that count once they have been restored. Objects of
//! one backup belong to it alone, and its manifest, written last, is what makes it a backup.

mod alarm;
mod app;
mod clock;
mod config;
pub mod contents;
mod convert;
pub mod drill;
pub mod dump;
mod error;
mod grpc;
mod health;
mod jobs;
pub mod manifest;
mod metrics;
mod operate;
mod operations;
mod page;
pub mod pipeline;
mod programs;
mod progress;
pub mod recovery;
pub mod restore;
pub mod retention;
pub mod schedule;
mod state;
mod store;
pub mod target;
mod under_way;
pub mod vault;
pub mod wal;

pub use app::{App, AppError, AppSettings, RunningApp, SCHEMA, migrator};
pub use clock::{Clock, system_clock};
pub use config::{FOLDER_TARGET, S3_TARGET, open_vault};
pub use error::BackupError;
pub use progress::{Progress, Step};
