//! Where the tests' Redis is.

/// Returns the address of the Redis that tests share; each test keeps to keys of its own.
///
/// # Panics
/// When `LARDER_TEST_REDIS_URL` is not set.
pub fn redis_url() -> String {
    std::env::var("LARDER_TEST_REDIS_URL")
        .expect("LARDER_TEST_REDIS_URL is not set: run cargo xtask test, which starts a Redis")
}
