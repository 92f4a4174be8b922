//! Pure on-call: which alerts belong together, whether they speak, and who is reached when. Nothing here knows a
//! database, a network, a wire format or a clock: `now` and seeds are arguments, and the same arguments give the same
//! answer after every restart.

pub mod labels;
pub mod matcher;
mod quoting;
pub mod routing;
pub mod settings;
pub mod severity;
pub mod time_interval;
