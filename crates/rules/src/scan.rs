//! Rules held against the bytes of a message, without making one. Each time a field stands there is looked at, so none is let through
//! because another follows. Bytes that are no message are left to the decoder, which refuses them.

use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::error::Violation;
use crate::rule::{Field, Kind, Message};

/// Deeper messages are refused by the decoder.
const DEEPEST: usize = 100;

/// What in `message` breaks `rules`.
pub fn check(rules: &Message, message: &[u8]) -> Vec<Violation> {
    let mut scan = Scan { path: String::new(), violations: Vec::new() };
    // What is no message is the decoder's to refuse.
    let _ = scan.message(rules, message, 0);
    scan.violations
}

struct Scan {
    path: String,
    violations: Vec<Violation>,
}

/// The bytes are no message of protobuf's.
struct Broken;

impl Scan {
    fn message(&mut self, rules: &Message, mut bytes: &[u8], depth: usize) -> Result<(), Broken> {
        if depth > DEEPEST {
            return Err(Broken);
        }
        let mut counts = [0_u32; 64];
        while bytes.has_remaining() {
            let (number, wire_type) = decode_key(&mut bytes).map_err(|_| Broken)?;
            let Some(at) = rules.fields.iter().position(|field| field.number == number) else {
                skip_field(wire_type, number, &mut bytes, DecodeContext::default()).map_err(|_| Broken)?;
                continue;
            };
            let field = &rules.fields[at];
            let Some(count) = counts.get_mut(at) else { return Err(Broken) };
            match (wire_type, field.kind) {
                (WireType::LengthDelimited, Kind::Text | Kind::Bytes | Kind::Message) => {
                    let value = delimited(&mut bytes)?;
                    if field.has_presence || field.is_list || !value.is_empty() {
                        *count += 1;
                        self.value(field, *count - 1, value, depth)?;
                    }
                }
                (WireType::LengthDelimited, kind) => {
                    let mut packed = delimited(&mut bytes)?;
                    while packed.has_remaining() {
                        let value = read_number(&mut packed, kind)?;
                        *count += 1;
                        self.number(field, *count - 1, value);
                    }
                }
                (_, kind @ (Kind::Whole | Kind::ZigZag | Kind::Double | Kind::Float))
                    if wire_type == kind.wire_type() =>
                {
                    let value = read_number(&mut bytes, kind)?;
                    if field.has_presence || field.is_list || value != 0.0 {
                        *count += 1;
                        self.number(field, *count - 1, value);
                    }
                }
                _ => return Err(Broken),
            }
        }
        for (field, count) in rules.fields.iter().zip(counts) {
            if field.rule.required && count == 0 {
                let accepted = match field.kind {
                    Kind::Text if !field.is_list => field.rule.of_text(),
                    Kind::Text | Kind::Bytes | Kind::Message => "must not be left out".to_owned(),
                    _ => field.rule.of_number(),
                };
                self.refuse(field, None, accepted);
            }
            let most = field.rule.max_items;
            if field.is_list && most > 0 && count > most {
                self.refuse(field, None, format!("must have at most {most} entries"));
            }
        }
        Ok(())
    }

    fn value(&mut self, field: &Field, at: u32, value: &[u8], depth: usize) -> Result<(), Broken> {
        let rule = &field.rule;
        if rule.max_items > 0 && at >= rule.max_items {
            return Ok(());
        }
        match field.kind {
            Kind::Text => {
                let text = std::str::from_utf8(value).map_err(|_| Broken)?;
                // What is empty is left out, but for the entries of a list.
                let is_left_out = text.is_empty() && !field.is_list && !rule.required;
                if !is_left_out && !keeps(field, text) {
                    self.refuse(field, field.is_list.then_some(at), rule.of_text());
                }
            }
            Kind::Message => {
                let Some(inner) = field.inner else { return Ok(()) };
                let length = self.path.len();
                self.path.push_str(field.name);
                if field.is_list {
                    self.path.push_str(&format!("[{at}]"));
                }
                self.path.push('.');
                let read = self.message(inner, value, depth + 1);
                self.path.truncate(length);
                read?;
            }
            _ => {}
        }
        Ok(())
    }

    fn number(&mut self, field: &Field, at: u32, number: f64) {
        let rule = &field.rule;
        let is_below = rule.minimum.is_some_and(|least| number < least);
        let is_above = rule.maximum.is_some_and(|most| number > most);
        let is_no_number = number.is_nan() && (rule.minimum.is_some() || rule.maximum.is_some());
        if is_below || is_above || is_no_number {
            self.refuse(field, field.is_list.then_some(at), rule.of_number());
        }
    }

    fn refuse(&mut self, field: &Field, at: Option<u32>, description: String) {
        let index = at.map(|at| format!("[{at}]")).unwrap_or_default();
        let violation = Violation { field: format!("{}{}{index}", self.path, field.name), description };
        if !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }
}

impl Kind {
    fn wire_type(self) -> WireType {
        match self {
            Self::Text | Self::Bytes | Self::Message => WireType::LengthDelimited,
            Self::Whole | Self::ZigZag => WireType::Varint,
            Self::Double => WireType::SixtyFourBit,
            Self::Float => WireType::ThirtyTwoBit,
        }
    }
}

fn keeps(field: &Field, text: &str) -> bool {
    let rule = &field.rule;
    let most = if rule.max_length == 0 { usize::MAX } else { rule.max_length as usize };
    let least = rule.min_length.max(u32::from(rule.required)) as usize;
    // The byte length is looked at first, so that a text of many megabytes costs nothing.
    if text.len() > most.saturating_mul(4) {
        return false;
    }
    let count = text.chars().count();
    (least..=most).contains(&count) && text.chars().all(|character| rule.allows(character))
}

fn delimited<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], Broken> {
    let length = decode_varint(bytes).map_err(|_| Broken)?;
    let length = usize::try_from(length).map_err(|_| Broken)?;
    let (value, rest) = bytes.split_at_checked(length).ok_or(Broken)?;
    *bytes = rest;
    Ok(value)
}

fn read_number(bytes: &mut &[u8], kind: Kind) -> Result<f64, Broken> {
    match kind {
        Kind::Whole => Ok(decode_varint(bytes).map_err(|_| Broken)?.cast_signed() as f64),
        Kind::ZigZag => {
            let read = decode_varint(bytes).map_err(|_| Broken)?;
            Ok(((read >> 1).cast_signed() ^ -(read & 1).cast_signed()) as f64)
        }
        Kind::Double if bytes.remaining() >= 8 => Ok(bytes.get_f64_le()),
        Kind::Float if bytes.remaining() >= 4 => Ok(f64::from(bytes.get_f32_le())),
        _ => Err(Broken),
    }
}

#[cfg(test)]
mod tests;
