//! The `traceparent` and `tracestate` headers of W3C Trace Context, level 1, read strictly: what is not exactly
//! right is ignored, as the recommendation asks.

use std::str::FromStr;

use http::{HeaderMap, HeaderValue};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

use crate::names;

const VERSION_0_LENGTH: usize = 55;

/// The caller's span, or `None` when the headers name none or are malformed.
pub(crate) fn extract(headers: &HeaderMap) -> Option<SpanContext> {
    let value = headers.get(names::TRACE_PARENT_HEADER)?.as_bytes();
    let (trace_id, span_id, flags) = parse(value)?;
    let state = headers
        .get(names::TRACE_STATE_HEADER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| TraceState::from_str(text).ok())
        .unwrap_or_default();
    let context = SpanContext::new(trace_id, span_id, flags & TraceFlags::SAMPLED, true, state);
    context.is_valid().then_some(context)
}

/// Writes both headers, replacing what was there.
pub(crate) fn inject(context: &SpanContext, headers: &mut HeaderMap) {
    headers.insert(names::TRACE_PARENT_HEADER, header_value(context));
    headers.remove(names::TRACE_STATE_HEADER);
    let state = context.trace_state().header();
    if !state.is_empty()
        && let Ok(value) = HeaderValue::from_str(&state)
    {
        headers.insert(names::TRACE_STATE_HEADER, value);
    }
}

fn header_value(context: &SpanContext) -> HeaderValue {
    let mut bytes = *b"00-00000000000000000000000000000000-0000000000000000-00";
    write_hex(&context.trace_id().to_bytes(), &mut bytes[3..35]);
    write_hex(&context.span_id().to_bytes(), &mut bytes[36..52]);
    write_hex(&[context.trace_flags().to_u8()], &mut bytes[53..55]);
    HeaderValue::from_bytes(&bytes).expect("hexadecimal digits and dashes may stand in a header")
}

fn parse(value: &[u8]) -> Option<(TraceId, SpanId, TraceFlags)> {
    let dashes_stand = value.len() >= VERSION_0_LENGTH && [2, 35, 52].iter().all(|&at| value[at] == b'-');
    if !dashes_stand {
        return None;
    }
    let [version] = read_hex::<1>(&value[..2])?;
    let longer = value.get(VERSION_0_LENGTH);
    match (version, longer) {
        (0xff, _) | (0, Some(_)) => return None,
        (_, Some(next)) if *next != b'-' => return None,
        _ => {}
    }
    let trace_id = TraceId::from_bytes(read_hex::<16>(&value[3..35])?);
    let span_id = SpanId::from_bytes(read_hex::<8>(&value[36..52])?);
    let [flags] = read_hex::<1>(&value[53..55])?;
    Some((trace_id, span_id, TraceFlags::new(flags)))
}

fn read_hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Lower-case hexadecimal digits of `bytes` into `digits`, which is twice as long.
pub(crate) fn write_hex(bytes: &[u8], digits: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(digits.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn extract_one(value: &str) -> Option<SpanContext> {
        let mut headers = HeaderMap::new();
        headers.insert(names::TRACE_PARENT_HEADER, HeaderValue::from_str(value).unwrap());
        extract(&headers)
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let read = extract_one(GOOD).unwrap();
        assert!(read.is_sampled());
        let mut headers = HeaderMap::new();
        inject(&read, &mut headers);
        assert_eq!(headers[names::TRACE_PARENT_HEADER], GOOD);
        assert!(!headers.contains_key(names::TRACE_STATE_HEADER));
    }

    #[test]
    fn the_trace_state_travels_along() {
        let mut headers = HeaderMap::new();
        headers.insert(names::TRACE_PARENT_HEADER, HeaderValue::from_static(GOOD));
        headers.insert(names::TRACE_STATE_HEADER, HeaderValue::from_static("shop=a1,mesh=b2"));
        let mut onward = HeaderMap::new();
        inject(&extract(&headers).unwrap(), &mut onward);
        assert_eq!(onward[names::TRACE_STATE_HEADER], "shop=a1,mesh=b2");
    }

    #[test]
    fn a_later_version_may_be_longer() {
        assert!(extract_one("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").is_some());
        assert!(extract_one("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more").is_none());
    }

    #[test]
    fn malformed_values_are_ignored() {
        for bad in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
            "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
        ] {
            assert!(extract_one(bad).is_none(), "{bad:?}");
        }
    }
}
