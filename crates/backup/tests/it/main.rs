//! Backups of a real PostgreSQL, restored and started: one binary for all of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cluster;
mod damage;
mod drill;
mod kills;
mod round_trip;
mod service;
mod wal;
