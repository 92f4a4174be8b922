//! What market days need of the database, made ready for the pure functions of `larder-demand`, and
//! what comes of those. Nothing here knows the calls.

pub(crate) mod championship;
pub(crate) mod history;
pub(crate) mod hours;
pub(crate) mod models;
pub(crate) mod normals;
pub(crate) mod outlook;
pub(crate) mod planning;
pub(crate) mod promotions;
pub(crate) mod recipe;
pub(crate) mod records;
pub(crate) mod sheet;
pub(crate) mod signs;
