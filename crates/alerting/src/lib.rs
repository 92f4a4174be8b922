//! The alerting service: alerts come in from every side, become incidents, and a person knows of them. What
//! is acknowledged to a sender is durable; what is told to a person is kept until it was taken.

mod app;
mod calendars;
mod changes;
mod channels;
mod clock;
mod convert;
mod course;
mod emergency;
mod error;
mod escalate;
mod failover;
mod grpc;
mod health;
mod hiding;
mod http;
mod in_force;
mod incident;
mod ingest;
mod jobs;
mod message;
mod metrics;
mod operate;
mod probes;
mod retry;
mod signing;
mod silencing;
mod spool;
mod state;
mod store;
mod timeline;
mod view;

pub use app::{App, AppError, AppSettings, RunningApp, SCHEMA, migrator};
pub use clock::{Clock, steady_clock, system_clock};
pub use signing::{NoKeys, SigningKeys, TokenPower, is_source_name};
