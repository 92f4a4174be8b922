//! Runs a process: signals, drain in order, the health registry and the ops port.
//!
//! Health has three levels and the worst one wins. Nothing a check does, be it panicking, hanging or blocking its
//! thread, can make an endpoint fail. Readiness follows only what a service cannot work without.

mod check;
pub mod dependency;
mod drain;
mod level;
pub mod ops;
mod registry;
mod report;
mod shutdown;
pub mod system;
mod tasks;

pub use check::{Check, CheckOutcome};
pub use drain::{Drained, Stage, drain, drain_in_order};
pub use level::Level;
pub use registry::{HealthIdentity, HealthRegistry};
pub use report::{CheckReport, HealthReport, Phase, Readiness};
pub use shutdown::Shutdown;
pub use tasks::{TaskEnd, Tasks};
