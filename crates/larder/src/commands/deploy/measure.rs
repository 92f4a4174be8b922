//! A certificate's days, and numbers of JSON that are written as text.

use jiff::Timestamp;
use serde_json::Value;
use x509_parser::parse_x509_certificate;

/// How many whole days a certificate in DER is good for after `now`; none when it cannot be read.
pub(super) fn days_left(certificate: &[u8], now: Timestamp) -> Option<i64> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    let left_s = certificate.validity().not_after.timestamp() - now.as_second();
    Some(left_s.div_euclid(86_400))
}

/// A whole number; the JSON of the contract writes those of 64 bits as text.
pub(super) fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_come_as_numbers_and_as_text() {
        assert_eq!(whole(&json!(1_200)), Some(1_200));
        assert_eq!(whole(&json!("1200")), Some(1_200));
        assert_eq!(whole(&json!("soon")), None);
        assert_eq!(whole(&Value::Null), None);
    }

    #[test]
    fn what_is_no_certificate_has_no_days() {
        assert_eq!(days_left(b"none", Timestamp::UNIX_EPOCH), None);
    }
}
