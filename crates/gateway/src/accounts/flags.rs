//! Feature flags as they are shown and tried out.

use std::collections::BTreeMap;
use std::sync::Arc;

use larder_flags::Context;
use larder_proto::larder::flags::v1::flag_service_server::FlagService;
use larder_proto::larder::flags::v1::*;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde_json::Value as Json;
use tonic::{Request, Response, Status};

use super::error::Error;
use super::grpc::Asker;
use super::{State, tenants};

const KEY_BYTES: usize = 256;
/// Deeper contexts are refused before they are read.
const DEEPEST: usize = 32;

/// `FlagService`.
pub(crate) struct FlagCalls {
    pub(crate) state: Arc<State>,
}

#[tonic::async_trait]
impl FlagService for FlagCalls {
    async fn list_flags(
        &self,
        request: Request<ListFlagsRequest>,
    ) -> Result<Response<ListFlagsResponse>, Status> {
        let asker = Asker::of(&request)?;
        tenants::check_operator(&self.state, &asker)?;
        let set = self.state.flags.set();
        let flags = set.flags().map(|(name, flag)| Flag {
            flag_key: name.to_owned(),
            enabled: flag.is_enabled,
            variants: flag
                .variants
                .iter()
                .map(|(name, value)| FlagVariant { name: name.clone(), value: Some(to_wire(value)) })
                .collect(),
            default_variant: flag.default_variant.clone().unwrap_or_default(),
            targeting: flag.targeting.as_ref().and_then(Json::as_object).map(to_struct),
            metadata: Some(to_struct(&flag.metadata)),
        });
        Ok(Response::new(ListFlagsResponse { flags: flags.collect() }))
    }

    async fn evaluate_flag(
        &self,
        request: Request<EvaluateFlagRequest>,
    ) -> Result<Response<EvaluateFlagResponse>, Status> {
        let asker = Asker::of(&request)?;
        let request = request.into_inner();
        if request.flag_key.is_empty() || request.flag_key.len() > KEY_BYTES {
            return Err(Error::invalid("flag_key", "must have 1 to 256 bytes").into());
        }
        let mut context = Context::default();
        for (name, value) in request.context.unwrap_or_default().fields {
            let value =
                from_wire(value, 0).ok_or_else(|| Error::invalid("context", "is nested too deeply"))?;
            context = context.with(&name, value);
        }
        if !request.targeting_key.is_empty() {
            context.targeting_key = Some(request.targeting_key);
        }
        let context = context.with("tenant", asker.caller.tenant.as_str());
        let found = self.state.flags.evaluate(&request.flag_key, &context);
        Ok(Response::new(EvaluateFlagResponse {
            flag_key: request.flag_key,
            value: Some(found.value).filter(|value| !value.is_null()).map(|value| to_wire(&value)),
            variant: found.variant,
            reason: found.reason.as_str().to_owned(),
            error_code: found.error.map(|error| error.as_str().to_owned()).unwrap_or_default(),
            metadata: Some(to_struct(&found.metadata)),
        }))
    }
}

fn to_struct(object: &serde_json::Map<String, Json>) -> Struct {
    let fields: BTreeMap<String, Value> =
        object.iter().map(|(name, value)| (name.clone(), to_wire(value))).collect();
    Struct { fields }
}

fn to_wire(value: &Json) -> Value {
    let kind = match value {
        Json::Null => Kind::NullValue(0),
        Json::Bool(value) => Kind::BoolValue(*value),
        Json::Number(value) => Kind::NumberValue(value.as_f64().unwrap_or_default()),
        Json::String(value) => Kind::StringValue(value.clone()),
        Json::Array(values) => Kind::ListValue(ListValue { values: values.iter().map(to_wire).collect() }),
        Json::Object(object) => Kind::StructValue(to_struct(object)),
    };
    Value { kind: Some(kind) }
}

fn from_wire(value: Value, depth: usize) -> Option<Json> {
    if depth > DEEPEST {
        return None;
    }
    Some(match value.kind {
        None | Some(Kind::NullValue(_)) => Json::Null,
        Some(Kind::BoolValue(value)) => Json::from(value),
        // A whole number is one for rules too, whatever the wire made of it.
        Some(Kind::NumberValue(value)) if value.fract() == 0.0 && value.abs() < 9e15 => {
            Json::from(value as i64)
        }
        Some(Kind::NumberValue(value)) => Json::from(value),
        Some(Kind::StringValue(value)) => Json::from(value),
        Some(Kind::ListValue(list)) => {
            let items: Option<Vec<Json>> =
                list.values.into_iter().map(|value| from_wire(value, depth + 1)).collect();
            Json::from(items?)
        }
        Some(Kind::StructValue(object)) => {
            let fields = object.fields.into_iter();
            let fields: Option<serde_json::Map<String, Json>> =
                fields.map(|(name, value)| Some((name, from_wire(value, depth + 1)?))).collect();
            Json::Object(fields?)
        }
    })
}
