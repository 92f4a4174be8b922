//! The fields of an event: its message, and which values are withheld whatever a call site says.

/// What stands in the place of a withheld value.
pub(crate) const WITHHELD: &str = "[withheld]";

/// Whether a field's last word is on the list of what is never logged.
pub(crate) fn is_withheld(field: &str) -> bool {
    // Where a process listens is no secret; where a person lives is.
    if matches!(field, "server.address" | "ops.address") {
        return false;
    }
    let last = field.rsplit('.').next().unwrap_or(field);
    matches!(
        last,
        "authorization"
            | "cookie"
            | "password"
            | "secret"
            | "token"
            | "api_key"
            | "private_key"
            | "signing_key"
            | "dsn"
            | "email"
            | "phone"
            | "address"
            | "full_name"
            | "allergens"
            | "body"
            | "query_string"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_decides() {
        assert!(is_withheld("user.email"));
        assert!(is_withheld("password"));
        assert!(!is_withheld("token.ttl_s"));
        assert!(!is_withheld("product.id"));
        assert!(is_withheld("customer.address"));
        assert!(!is_withheld("server.address"));
    }
}
