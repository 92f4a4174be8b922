//! What runs by itself.

pub(crate) mod schedules;
pub(crate) mod wal;
