//! What the contract says of single fields (`larder.rules.v1`), kept where a service reads a message: on its bytes, before
//! there is a message. Rules are tables that are generated with the messages; nothing here knows one of them.

mod codec;
mod error;
mod rule;
mod scan;

pub use codec::{RuledCodec, RuledDecoder};
pub use error::Violation;
pub use rule::{Field, Kind, Message, Rule, Ruled};
pub use scan::check;
