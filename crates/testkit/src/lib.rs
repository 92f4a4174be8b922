//! Test support, for tests only: fresh databases on a real PostgreSQL, and stand-ins for networks
//! that are not ours, as local servers that speak their wire shape. Nothing here is linked into the
//! product.

mod cluster;
mod database;
mod network;
mod object_store;
mod redis;
mod row;
pub mod stand_in;

pub use cluster::{Stop, TestCluster, postgresql_versions, run};
pub use database::TestDatabase;
pub use network::NetworkCut;
pub use object_store::{OBJECT_STORE_KEY, OBJECT_STORE_SECRET, ObjectStore};
pub use redis::redis_url;
pub use row::Row;
