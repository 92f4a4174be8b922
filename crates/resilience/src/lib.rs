//! One policy object for each dependency: bulkhead, deadline, retries within a budget, circuit breaker.
//!
//! A call passes, in this order: the bulkhead (bounded concurrency), the total deadline, the retry loop with its
//! budget, the breaker, the timeout of one attempt. Nothing here knows what is being called. Time is tokio's, so
//! tests pause it; jitter comes from a seed.

mod attempts;
mod backoff;
mod breaker;
mod bulkhead;
mod error;
mod hedging;
mod meters;
mod policy;
mod retry_budget;
mod status;

pub use breaker::BreakerState;
pub use error::CallError;
pub use policy::{Attempt, Outcome, Policy};
pub use status::classify_status;
