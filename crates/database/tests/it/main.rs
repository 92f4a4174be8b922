//! The database crate against a real PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bootstrap;
mod fixture;
mod migrations;
mod pools;
mod private;
mod private_failures;
mod tenants;
