//! The gateway: HTTP/JSON, gRPC and gRPC-Web at one port. Routes come from the descriptors
//! of the contract; nothing here knows what a product or a recommendation is.

mod accounts;
mod app;
mod audit;
mod browsers;
mod cache;
mod caller;
mod clock;
mod compression;
mod config;
mod deadline;
mod docs;
mod error;
mod front;
mod gate;
mod grpc;
mod health;
mod http_json;
mod limits;
mod maintenance;
mod metrics;
mod openapi;
mod passthrough;
mod peer;
mod problem;
mod router;
mod rpcs;
mod server;
pub mod store;
mod transcode;
mod transport;
mod upstream;
mod usage;
mod visitor;
mod webhooks;

pub use accounts::{
    AccountError, Commander, FirstUser, Invited, create_user, disable_user, first_user, invite_again,
    list_users,
};
pub use app::{App, GatewayAppSettings, RunningApp};
pub use config::SCHEMA;
pub use error::GatewayError;
pub use transcode::{RuleError, TemplateError};
pub use usage::PlansError;
