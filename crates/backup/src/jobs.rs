//! What runs by itself.

pub(crate) mod schedules;
