//! Test support, for tests only: fresh databases on a real PostgreSQL. Nothing here is mocked and
//! nothing here is linked into the product.

mod database;
mod redis;

pub use database::TestDatabase;
pub use redis::redis_url;
