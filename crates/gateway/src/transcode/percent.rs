//! Percent-decoding that refuses instead of guessing: half an escape or bytes that are not
//! UTF-8 are an error of the client, never a replacement character.

/// Decodes `text`. `plus_is_space` for query strings; `keep_slash` leaves `%2F` as it is, so
/// that a value that spans segments still shows which slash was data.
pub(crate) fn decode(text: &str, plus_is_space: bool, keep_slash: bool) -> Result<String, &'static str> {
    let is_plain = |byte: u8| byte != b'%' && !(plus_is_space && byte == b'+');
    if text.bytes().all(is_plain) {
        return Ok(text.to_owned());
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'%' => {
                let byte = bytes.get(at + 1..at + 3).and_then(hex_byte).ok_or("holds half a %-escape")?;
                if keep_slash && byte == b'/' {
                    decoded.extend_from_slice(&bytes[at..at + 3]);
                } else {
                    decoded.push(byte);
                }
                at += 3;
            }
            b'+' if plus_is_space => {
                decoded.push(b' ');
                at += 1;
            }
            byte => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).map_err(|_| "is not UTF-8 once its %-escapes are read")
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let high = char::from(digits[0]).to_digit(16)?;
    let low = char::from(digits[1]).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_and_refuses() {
        assert_eq!(decode("a%20b+c", true, false), Ok("a b c".into()));
        assert_eq!(decode("a%20b+c", false, false), Ok("a b+c".into()));
        assert_eq!(decode("a%2Fb", false, true), Ok("a%2Fb".into()));
        assert_eq!(decode("%C3%A9", false, false), Ok("é".into()));
        assert!(decode("%", false, false).is_err());
        assert!(decode("%4", false, false).is_err());
        assert!(decode("%zz", false, false).is_err());
        assert!(decode("%ff", false, false).is_err());
    }
}
