//! The continuous archive of the write-ahead log: received over the replication protocol into a
//! spool, kept at the targets, checked, and given back to a server in recovery.
//!
//! `receiver` keeps a `session` with the server alive, `writer` puts what comes into the `spool`, one
//! `lane` a target carries it on, and `door` gives it back. `catalog` alone decides what is missing.

mod archive;
mod catalog;
pub mod door;
mod envelope;
pub mod expire;
mod lane;
mod names;
mod page;
mod receiver;
mod session;
mod spool;
mod status;
mod verify;
mod writer;

pub use archive::{Fetched, WalArchive};
pub use catalog::{Answer, Catalog};
pub use door::{Door, Outcome, WalGiver};
pub use envelope::{Head, Origin};
pub use names::WalItem;
pub use receiver::{WalReceiver, WalSettings};
pub use spool::Spool;
pub use status::{Gap, TargetStatus, WalState, WalStatus};
pub use verify::{CheckedLog, verify};
