//! Logs, traces, metrics and correlation ids, and the HTTP and gRPC layers that add them.
//!
//! Telemetry may never slow, fail or block a request: every queue is bounded, every exporter has its own thread,
//! and what cannot be delivered is dropped and counted.
//!
//! # What is never logged
//! - secrets: passwords, API keys, tokens, the `authorization` and `cookie` headers, DSNs, private keys
//! - raw paths and query strings of requests: an access line names the matched route alone
//! - bodies, in either direction, and the values of SQL parameters
//! - what customers are and do: names, e-mail and postal addresses, telephone numbers, diets, allergies
//!
//! Call sites keep to this list; [`logs`] replaces the value of a field whose name is on it, as the second lock on
//! the door. Error trackers receive less still: a fixed sentence, kinds and ids, never the text of an error.

pub mod context;
pub mod correlation;
pub mod errors;
mod exchange;
mod faults;
pub mod grpc;
pub mod http;
mod init;
pub mod logs;
pub mod metrics;
pub mod names;
pub mod panics;
mod process;
pub mod propagation;
mod rpc_client;
mod rpc_record;
mod sampling;
mod series;
mod trace_parent;
mod traces;

pub use context::RequestContext;
pub use correlation::CorrelationId;
pub use errors::ErrorKind;
pub use init::{ServiceIdentity, Telemetry, TelemetryError, init, subscriber};
pub use metrics::MetricsHandle;
pub use traces::TracePipeline;
