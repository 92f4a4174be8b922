//! Pure on-call: which alerts belong together, whether they speak, and who is reached when. Nothing here knows a
//! database, a network, a wire format or a clock: `now` and seeds are arguments, and the same arguments give the same
//! answer after every restart.

pub mod alert;
pub mod calendar;
pub mod escalation;
pub mod flapping;
pub mod history_chain;
pub mod incident;
pub mod inhibition;
pub mod labels;
pub mod link;
mod local_time;
pub mod matcher;
pub mod notification;
pub mod post_mortem;
mod quoting;
pub mod recurrence;
pub mod report;
pub mod routing;
pub mod schedule;
pub mod settings;
pub mod severity;
pub mod silence;
pub mod storm;
pub mod time_interval;
