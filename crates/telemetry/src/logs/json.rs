//! One JSON object a line, written by hand because it is written for every request: the fixed keys first, then the
//! event's own fields under their dotted names.

use std::error::Error;
use std::fmt::{self, Debug};
use std::io::Write;

use jiff::Timestamp;
use tracing::Event;
use tracing::field::{Field, Visit};

use super::LineIds;
use super::fields::{WITHHELD, is_withheld};
use crate::init::ServiceIdentity;
use crate::trace_parent::write_hex;

/// Appends the event's line, with its line feed.
pub(crate) fn write(
    line: &mut Vec<u8>,
    event: &Event<'_>,
    ids: &LineIds,
    (now, identity): (Timestamp, &ServiceIdentity),
) {
    let metadata = event.metadata();
    let mut visitor = JsonFields::default();
    event.record(&mut visitor);
    // Writing into memory cannot fail.
    let _ = write!(line, r#"{{"timestamp":"{:.6}","level":"{}""#, now, metadata.level());
    text(line, "message", &visitor.message);
    text(line, "target", metadata.target());
    text(line, "service", ids.service.unwrap_or(identity.name));
    text(line, "version", identity.version);
    text(line, "environment", &identity.environment);
    if let Some((trace_id, span_id)) = ids.trace {
        hex(line, "trace_id", &trace_id.to_bytes());
        hex(line, "span_id", &span_id.to_bytes());
    }
    if let Some(id) = ids.correlation_id.as_deref().filter(|_| !visitor.has_correlation_id) {
        text(line, "correlation_id", id);
    }
    if let Some(id) = ids.tenant_id.as_deref().filter(|_| !visitor.has_tenant_id) {
        text(line, "tenant_id", id);
    }
    line.extend_from_slice(&visitor.fields);
    line.extend_from_slice(b"}\n");
}

fn text(line: &mut Vec<u8>, key: &str, value: &str) {
    start(line, key);
    string(line, value);
}

fn hex(line: &mut Vec<u8>, key: &str, bytes: &[u8]) {
    let mut digits = [b'0'; 32];
    let digits = &mut digits[..bytes.len() * 2];
    write_hex(bytes, digits);
    start(line, key);
    line.push(b'"');
    line.extend_from_slice(digits);
    line.push(b'"');
}

/// Names in code need no escaping.
fn start(line: &mut Vec<u8>, key: &str) {
    line.extend_from_slice(b",\"");
    line.extend_from_slice(key.as_bytes());
    line.extend_from_slice(b"\":");
}

fn string(line: &mut Vec<u8>, value: &str) {
    // A string and memory: neither can fail to serialise.
    let _ = serde_json::to_writer(line, value);
}

#[derive(Default)]
struct JsonFields {
    message: String,
    fields: Vec<u8>,
    has_correlation_id: bool,
    has_tenant_id: bool,
}

impl JsonFields {
    /// Writes the key; `None` when the value is to be left out.
    fn start(&mut self, field: &Field) -> Option<&mut Vec<u8>> {
        let name = field.name();
        match name {
            "correlation_id" => self.has_correlation_id = true,
            "tenant_id" => self.has_tenant_id = true,
            "timestamp" | "level" | "target" | "service" | "version" | "environment" | "trace_id"
            | "span_id" => {
                self.fields.extend_from_slice(b",\"event.");
                self.fields.extend_from_slice(name.as_bytes());
                self.fields.extend_from_slice(b"\":");
                return Some(&mut self.fields);
            }
            _ => {}
        }
        start(&mut self.fields, name);
        if is_withheld(name) {
            string(&mut self.fields, WITHHELD);
            return None;
        }
        Some(&mut self.fields)
    }

    fn bare(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if let Some(fields) = self.start(field) {
            let _ = fields.write_fmt(value);
        }
    }
}

impl Visit for JsonFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else if let Some(fields) = self.start(field) {
            string(fields, value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record_str(field, &value.to_string());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, format_args!("{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field, format_args!("{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.bare(field, format_args!("{value}"));
        } else {
            self.bare(field, format_args!("null"));
        }
    }
}
