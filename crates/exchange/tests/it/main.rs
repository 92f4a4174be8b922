//! Files written and read back, and files that people send.

mod bad_input;
mod round_trip;
mod support;
