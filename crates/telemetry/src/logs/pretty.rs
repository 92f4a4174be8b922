//! Lines for people: time, level, where, what, then `key=value`, with colours on a terminal.

use std::fmt::Debug;
use std::io::Write;

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use super::LineIds;
use super::fields::{WITHHELD, is_withheld};

/// Appends the event's line, with its line feed.
pub(crate) fn write(
    line: &mut Vec<u8>,
    event: &Event<'_>,
    ids: &LineIds,
    (now, is_coloured): (Timestamp, bool),
) {
    let mut visitor = PrettyFields::default();
    event.record(&mut visitor);
    let metadata = event.metadata();
    let time = now.strftime("%H:%M:%S%.3f");
    let (colour, reset) = if is_coloured { (colour_of(*metadata.level()), "\x1b[0m") } else { ("", "") };
    // Writing into memory cannot fail.
    let _ = write!(line, "{time} {colour}{:>5}{reset} ", metadata.level());
    let _ =
        write!(line, "{}: {}{}", ids.service.unwrap_or(metadata.target()), visitor.message, visitor.fields);
    if let Some(id) = &ids.tenant_id {
        let _ = write!(line, " tenant_id={id}");
    }
    if let Some(id) = &ids.correlation_id {
        let _ = write!(line, " correlation_id={id}");
    }
    line.push(b'\n');
}

fn colour_of(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        _ => "\x1b[90m",
    }
}

#[derive(Default)]
struct PrettyFields {
    message: String,
    fields: String,
}

impl Visit for PrettyFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        use std::fmt::Write as _;
        match field.name() {
            "message" => self.message.push_str(value),
            name if is_withheld(name) => drop(write!(self.fields, " {name}={WITHHELD}")),
            name => drop(write!(self.fields, " {name}={}", value.escape_debug())),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
