//! The connectors against stand-ins: local servers that speak the recorded wire shape, and fail in the ways real
//! services do.

mod outside;
mod square_ladder;
mod square_oauth;
mod square_sales;
