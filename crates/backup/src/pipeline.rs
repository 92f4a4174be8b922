//! What happens to bytes between the server and the targets: compressed, sealed for those who hold
//! a key, cut into parts of fixed size with a checksum each, and sent to several targets at once.
//! Memory is bounded by a few parts a target, whatever the database's size.

mod cut;
mod fan_out;
mod opened;
mod polite;
mod seal;
mod throttle;

pub use cut::TarCutter;
pub(crate) use cut::file_size;
pub use fan_out::{FanOut, ObjectWriter, StoredFacts};
pub use opened::{CheckedParts, Identities, OpenedObject, PartChecks, open_bytes};
pub(crate) use polite::Polite;
pub use seal::{SealSettings, Sealer, seal_bytes};
pub use throttle::Throttle;

#[cfg(test)]
mod tests;
