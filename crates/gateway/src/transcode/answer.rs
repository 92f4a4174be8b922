//! Writes an answer as proto JSON: lowerCamelCase names, 64-bit integers as strings, enums
//! by name, and fields without presence always, so that a client can rely on them.

use prost_reflect::{DynamicMessage, SerializeOptions, Value};

use super::batch::{self, RefusedRow};
use super::rule::Route;

const OPTIONS: SerializeOptions = SerializeOptions::new().skip_default_fields(false);

/// The upstream's answer could not be read or written; the contract and the upstream do not
/// agree.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    #[error("the answer does not decode: {0}")]
    Decode(#[from] prost::DecodeError),
    #[error("the answer has no JSON form: {0}")]
    Encode(#[from] serde_json::Error),
}

/// Writes the encoded answer `message` of `route` as JSON.
pub(crate) fn write(route: &Route, message: &[u8], refused: &[RefusedRow]) -> Result<Vec<u8>, AnswerError> {
    let mut answer = DynamicMessage::decode(route.rpc.output(), message)?;
    if let Some(shape) = &route.batch {
        batch::name_fields_as_json(shape, &mut answer);
        batch::replace_verdicts(shape, &mut answer, refused);
    }
    let mut json = Vec::with_capacity(message.len() * 2 + 64);
    let Some(field) = &route.response_body else {
        answer.serialize_with_options(&mut serde_json::Serializer::new(&mut json), &OPTIONS)?;
        return Ok(json);
    };
    let value = answer.get_field(field);
    if let Value::Message(message) = value.as_ref() {
        message.serialize_with_options(&mut serde_json::Serializer::new(&mut json), &OPTIONS)?;
        return Ok(json);
    }
    let whole = answer.serialize_with_options(serde_json::value::Serializer, &OPTIONS)?;
    let part = whole.get(field.json_name()).unwrap_or(&serde_json::Value::Null);
    serde_json::to_writer(&mut json, part)?;
    Ok(json)
}
