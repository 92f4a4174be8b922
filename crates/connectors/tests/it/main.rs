//! The connectors against stand-ins: local servers that speak the recorded wire shape, and fail in the ways real
//! services do.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where it stopped")]

mod events_ladder;
mod outside;
mod square_ladder;
mod square_oauth;
mod square_sales;
mod telling;
mod weather_ladder;
