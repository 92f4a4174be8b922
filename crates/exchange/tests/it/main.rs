//! Files written and read back, and files that people send.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where it stopped")]

mod bad_input;
mod others;
mod round_trip;
mod support;
