//! What runs by itself.

pub(crate) mod alarms;
pub(crate) mod left_overs;
pub(crate) mod schedules;
pub(crate) mod wal;
