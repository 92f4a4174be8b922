//! The outside world of market days: shops, weather, events and holidays.
//!
//! Every answer names its rung, its age and whether it is less than what was asked for; no failure out there becomes
//! a failure in here. Nothing in this crate knows a database or a wire format of Larder's own; clocks are arguments.

mod address;
mod answer;
mod connectors;
mod error;
pub mod events;
pub mod holidays;
mod kept;
mod meters;
mod money;
mod place;
mod remote;
pub mod secrets;
pub mod square;
mod status;
#[cfg(test)]
mod strange;
pub mod weather;

pub use address::{AddressError, BaseUrl, PlainHttp};
pub use answer::{Answer, Asking};
pub use connectors::{Connectors, SetupError};
pub use error::ConnectorError;
pub use kept::{Kept, LastGood};
pub use money::{Money, MoneyError};
pub use place::{NoSuchPlace, Place};
pub use remote::{FeedClient, FeedReach, HttpClient, is_public_address, outside_limits};
pub use status::{ConnectorStatus, LastAnswer, LastError, SourceStatus};

/// Tells the exporter what the metrics of this crate mean; call it once telemetry is set up.
pub fn describe_metrics() {
    meters::describe();
}
