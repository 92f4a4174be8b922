//! What runs beside the calls: following the log, training models, writing down what was
//! shown, fetching the sales of shops, watching demand models, sweeping old rows.

pub(crate) mod expose;
pub(crate) mod follow;
pub(crate) mod keep;
pub(crate) mod reload;
pub(crate) mod retain;
pub(crate) mod sweep;
pub(crate) mod sync_shops;
pub(crate) mod train;
pub(crate) mod watch_demand;
