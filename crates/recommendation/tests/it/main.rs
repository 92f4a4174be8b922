//! The service as its clients see it: the real server on port 0, real PostgreSQL behind
//! it, typed clients in front.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where it stopped")]

mod arranging;
mod bad_input;
mod catalogue;
mod erasing;
mod exchanging;
mod experimenting;
mod failing;
mod filters;
mod given;
mod house;
mod importing;
mod isolation;
mod many;
mod market;
mod model_settings;
mod nearby;
mod nutrition;
mod operating;
mod placements;
mod privacy;
mod profiles;
mod recommending;
mod recording;
mod references;
mod sessions;
mod training;
