//! Test support, for tests only: fresh databases on a real PostgreSQL. Nothing here is mocked and
//! nothing here is linked into the product.

mod database;
mod network;
mod redis;

pub use database::TestDatabase;
pub use network::NetworkCut;
pub use redis::redis_url;
