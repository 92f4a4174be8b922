//! What a call is about, read from its message by the contract: the fields that name something. Passwords, tokens and
//! whatever else a request holds are not among them.

use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, Value};

/// The longest description that is kept.
const TARGET_BYTES: usize = 1_024;

/// Names of fields that say what something is about, beside those that end in `_id`.
const TELLING: [&str; 10] =
    ["display_name", "email", "format", "matchers", "name", "reason", "roles", "scopes", "url", "version"];

/// The telling fields of a request, as `tenant_id=shop-1, roles=viewer vendor`.
pub(crate) fn subject_matter(kind: &MessageDescriptor, encoded: &[u8]) -> String {
    let Ok(message) = DynamicMessage::decode(kind.clone(), encoded) else { return String::new() };
    let mut told = Vec::new();
    tell(&message, "", &mut told);
    let mut text = told.join(", ");
    if text.len() > TARGET_BYTES {
        let end = (0..=TARGET_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

/// Messages inside are looked into once: `silence.silence_id`.
fn tell(message: &DynamicMessage, prefix: &str, told: &mut Vec<String>) {
    for (field, value) in message.fields() {
        let name = format!("{prefix}{}", field.name());
        match value {
            Value::Message(inner) if prefix.is_empty() => tell(inner, &format!("{name}."), told),
            value if is_telling(&field) => {
                if let Some(text) = shown(value) {
                    told.push(format!("{name}={text}"));
                }
            }
            _ => {}
        }
    }
}

fn is_telling(field: &FieldDescriptor) -> bool {
    field.name().ends_with("_id") || field.name().ends_with("_ids") || TELLING.contains(&field.name())
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            Some(text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect())
        }
        Value::I32(number) | Value::EnumNumber(number) => Some(number.to_string()),
        Value::I64(number) => Some(number.to_string()),
        Value::List(values) => Some(values.iter().filter_map(shown).collect::<Vec<_>>().join(" ")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;

    fn told(kind: &str, json: serde_json::Value) -> String {
        let pool = DescriptorPool::decode(larder_proto::FILE_DESCRIPTOR_SET).unwrap();
        let kind = pool.get_message_by_name(kind).unwrap();
        let message = DynamicMessage::deserialize(kind.clone(), json).unwrap();
        subject_matter(&kind, &prost::Message::encode_to_vec(&message))
    }

    #[test]
    fn what_names_something_is_told_and_secrets_are_not() {
        let request = serde_json::json!({"email": "ann@shop.example", "roles": ["viewer", "vendor"]});
        let user = told("larder.identity.v1.CreateUserRequest", request);
        assert_eq!(user, "email=ann@shop.example, roles=viewer vendor");
        let request = serde_json::json!({"currentPassword": "one", "newPassword": "other"});
        assert_eq!(told("larder.identity.v1.ChangePasswordRequest", request), "");
        let request = serde_json::json!({"silence": {"silenceId": "s-1", "comment": "at night"}});
        assert_eq!(told("larder.alerting.v1.CreateSilenceRequest", request), "silence.silence_id=s-1");
    }

    #[test]
    fn a_long_or_broken_request_is_cut_or_left_out() {
        let request = serde_json::json!({"tenantId": "a", "reason": "ä\n".repeat(2_000)});
        let long = told("larder.identity.v1.SuspendTenantRequest", request);
        assert!(long.len() <= TARGET_BYTES && long.starts_with("tenant_id=a, reason=ä ä"), "{long}");
        let pool = DescriptorPool::decode(larder_proto::FILE_DESCRIPTOR_SET).unwrap();
        let kind = pool.get_message_by_name("larder.identity.v1.SuspendTenantRequest").unwrap();
        assert_eq!(subject_matter(&kind, &[0xff; 7]), "");
    }
}
