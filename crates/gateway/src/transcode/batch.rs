//! Batches whose rows stand for themselves: a row that is not even readable gets its verdict
//! like a row that is wrong, and the other rows go in. Recognised by shape in the
//! descriptors: a request of one list of rows with ids, an answer with `verdicts`.

use std::collections::HashMap;

use prost::Message;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, ReflectMessage, Value,
};
use prost_types::Any;
use tonic_types::pb;

use super::diagnose;
use super::request::{BadRequest, Violation};
use super::rule::RequestBody;
use crate::problem::json_path;

/// The fields that make an RPC a batch.
#[derive(Debug)]
pub(crate) struct BatchShape {
    rows: FieldDescriptor,
    row: MessageDescriptor,
    verdicts: FieldDescriptor,
    verdict: MessageDescriptor,
}

/// A row that could not be read, by its place.
#[derive(Debug)]
pub(crate) struct RefusedRow {
    index: i32,
    violations: Vec<Violation>,
}

impl BatchShape {
    /// The shape of `rpc`, when it is a batch whose rows start with an id: a row without one
    /// is never valid, so an empty row can stand in for one that could not be read.
    pub(crate) fn of(
        rpc: &MethodDescriptor,
        body: &RequestBody,
        response_body: Option<&FieldDescriptor>,
    ) -> Option<Self> {
        if !matches!(body, RequestBody::Whole) || response_body.is_some() || rpc.is_server_streaming() {
            return None;
        }
        let input = rpc.input();
        let mut fields = input.fields();
        let rows = fields.next().filter(|rows| rows.is_list())?;
        let row = rows.kind().as_message()?.clone();
        let first = row.fields().min_by_key(FieldDescriptor::number)?;
        let has_id = first.name().ends_with("_id") && first.kind() == Kind::String;
        if fields.next().is_some() || !has_id {
            return None;
        }
        let verdicts = rpc.output().get_field_by_name("verdicts").filter(FieldDescriptor::is_list)?;
        let verdict = verdicts.kind().as_message()?.clone();
        (verdict.full_name() == "larder.batch.v1.RowVerdict").then_some(())?;
        Some(Self { rows, row, verdicts, verdict })
    }
}

/// Reads the rows of `body` one by one; `None` when something else than rows is wrong.
pub(crate) fn read_rows(
    shape: &BatchShape,
    input: &MessageDescriptor,
    body: &[u8],
    refused: &mut Vec<RefusedRow>,
) -> Option<DynamicMessage> {
    let serde_json::Value::Object(members) = serde_json::from_slice(body).ok()? else { return None };
    let mut members = members.into_iter();
    let (name, serde_json::Value::Array(rows)) = members.next()? else { return None };
    if members.next().is_some() || (name != shape.rows.json_name() && name != shape.rows.name()) {
        return None;
    }
    let mut read = Vec::with_capacity(rows.len());
    for (index, row) in rows.into_iter().enumerate() {
        let message = DynamicMessage::deserialize(shape.row.clone(), &row).unwrap_or_else(|error| {
            let violations = diagnose::explain(&shape.row, &row, &error);
            refused.push(RefusedRow { index: i32::try_from(index).unwrap_or(i32::MAX), violations });
            DynamicMessage::new(shape.row.clone())
        });
        read.push(Value::Message(message));
    }
    let mut message = DynamicMessage::new(input.clone());
    message.set_field(&shape.rows, Value::List(read));
    Some(message)
}

/// Puts the reasons why rows could not be read in the place of the upstream's verdicts on
/// the empty rows that stood in for them.
pub(crate) fn replace_verdicts(shape: &BatchShape, answer: &mut DynamicMessage, refused: &[RefusedRow]) {
    let Value::List(verdicts) = answer.get_field_mut(&shape.verdicts) else { return };
    let places: HashMap<i32, usize> = verdicts
        .iter()
        .enumerate()
        .filter_map(|(place, verdict)| {
            Some((verdict.as_message()?.get_field_by_name("index")?.as_i32()?, place))
        })
        .collect();
    for row in refused {
        let Some(status) = status_of(shape, row).map(Value::Message) else { continue };
        let mut verdict = DynamicMessage::new(shape.verdict.clone());
        verdict.set_field_by_name("index", Value::I32(row.index));
        verdict.set_field_by_name("status", status);
        match places.get(&row.index) {
            Some(place) => verdicts[*place] = Value::Message(verdict),
            None => verdicts.push(Value::Message(verdict)),
        }
    }
}

/// Names the fields in the upstream's verdicts as JSON names them: the upstream speaks proto,
/// and a client of JSON has never seen `product_id`.
pub(crate) fn name_fields_as_json(shape: &BatchShape, answer: &mut DynamicMessage) {
    let Value::List(verdicts) = answer.get_field_mut(&shape.verdicts) else { return };
    for verdict in verdicts {
        let Some(Value::Message(status)) = verdict.as_message_mut().and_then(refused_status) else {
            continue;
        };
        let Ok(mut plain) = pb::Status::decode(status.encode_to_vec().as_slice()) else { continue };
        plain.details.iter_mut().for_each(|detail| {
            if let Some((message, details)) = json_details(detail) {
                plain.message = message;
                detail.value = details;
            }
        });
        if let Ok(renamed) = DynamicMessage::decode(status.descriptor(), plain.encode_to_vec().as_slice()) {
            *status = renamed;
        }
    }
}

/// The status of a verdict that refuses its row.
fn refused_status(verdict: &mut DynamicMessage) -> Option<&mut Value> {
    let code = verdict.get_field_by_name("status")?.as_message()?.get_field_by_name("code")?.as_i32()?;
    if code == 0 { None } else { verdict.get_field_by_name_mut("status") }
}

/// The message and the encoded details of a refusal, its fields named as JSON names them.
fn json_details(detail: &Any) -> Option<(String, Vec<u8>)> {
    if !detail.type_url.ends_with("/google.rpc.BadRequest") {
        return None;
    }
    let mut details = pb::BadRequest::decode(detail.value.as_slice()).ok()?;
    for violation in &mut details.field_violations {
        violation.field = json_path(&violation.field);
    }
    let told = details.field_violations.iter().map(|told| format!("{}: {}", told.field, told.description));
    Some((told.collect::<Vec<_>>().join("; "), details.encode_to_vec()))
}

fn status_of(shape: &BatchShape, row: &RefusedRow) -> Option<DynamicMessage> {
    let field_violations = row.violations.iter().map(|violation| pb::bad_request::FieldViolation {
        field: violation.field.clone(),
        description: violation.description.clone(),
        ..Default::default()
    });
    let details = pb::BadRequest { field_violations: field_violations.collect() };
    let status = pb::Status {
        code: tonic::Code::InvalidArgument.into(),
        message: BadRequest::summary(&row.violations),
        details: vec![Any {
            type_url: "type.googleapis.com/google.rpc.BadRequest".into(),
            value: details.encode_to_vec(),
        }],
    };
    let descriptor = shape.verdict.get_field_by_name("status")?.kind().as_message()?.clone();
    DynamicMessage::decode(descriptor, status.encode_to_vec().as_slice()).ok()
}
