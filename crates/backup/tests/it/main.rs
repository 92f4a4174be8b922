//! Backups of a real PostgreSQL, restored and started: one binary for all of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cluster;
mod damage;
mod disasters;
mod drill;
mod dump;
mod full_disk;
mod kills;
mod round_trip;
mod s3;
mod service;
mod wal;
