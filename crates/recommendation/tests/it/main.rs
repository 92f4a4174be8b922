//! The service as its clients see it: the real server on port 0, real PostgreSQL behind
//! it, typed clients in front.

mod bad_input;
mod catalogue;
mod erasing;
mod failing;
mod house;
mod isolation;
mod recommending;
mod recording;
mod training;
