//! The porch: calls come in here, the caller is known, wire types come off.

pub(crate) mod backup;
mod dumps;
mod fields;
