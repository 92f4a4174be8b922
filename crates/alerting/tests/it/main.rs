//! The service as its clients see it: the real server on port 0, real PostgreSQL behind it, and on the other
//! side receivers that speak the wire shapes of the real ones.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where it stopped")]

mod acting;
mod bad_luck;
mod delivering;
mod firing;
mod house;
mod isolation;
mod kills;
mod links;
mod long_outages;
mod mail_security;
mod mailing;
mod monitoring;
mod outages;
mod process;
mod programs;
mod quiet;
mod receivers;
mod replicas;
mod sources;
