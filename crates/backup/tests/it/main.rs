//! Backups of a real PostgreSQL, restored and started: one binary for all of it.

mod cluster;
mod damage;
mod round_trip;
mod service;
