//! The vendor's shop at Square: its consent and tokens, its sales brought home, and which product here each
//! thing there is. Nothing here knows the calls.

pub(crate) mod consent;
pub(crate) mod lines;
pub(crate) mod products;
pub(crate) mod rotation;
pub(crate) mod standing;
pub(crate) mod stock;
pub(crate) mod sync;
pub(crate) mod tokens;
pub(crate) mod webhook;
