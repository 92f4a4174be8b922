//! What runs beside the calls: following the log, training models, sweeping old rows.

pub(crate) mod follow;
pub(crate) mod sweep;
pub(crate) mod train;
