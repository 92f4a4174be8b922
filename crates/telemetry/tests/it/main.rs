//! Telemetry from outside: real servers on port 0, a fake collector, a fake error tracker.
#![expect(clippy::unwrap_used, reason = "what helps a test may fail like a test")]

mod export;
mod http;
mod logs;
mod panics;
mod process;
mod rpc;
mod support;
