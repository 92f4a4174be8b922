//! Feature flags: flagd's file format, evaluated here as OpenFeature has it, followed when the file changes. What a flag
//! is for is not known here; whoever asks says what holds when there is no such flag.

mod clock;
mod context;
mod error;
mod evaluation;
mod followed;
mod metrics;
mod set;

pub use context::Context;
pub use error::FlagError;
pub use evaluation::{ErrorCode, Evaluation, Reason};
pub use followed::{Change, Flags};
pub use set::{Flag, FlagSet};
