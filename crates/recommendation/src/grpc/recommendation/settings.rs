//! `GetModelSettings`: what is in force for the caller's tenant, and whether the file as it is
//! now is.

use std::sync::Arc;

use larder_proto::larder::recommendation::v1::*;
use tonic::{Request, Response, Status};

use crate::convert::timestamp;
use crate::error::Error;
use crate::grpc::caller;
use crate::state::State;

/// Returns the model settings in force for the tenant.
pub(super) async fn get_model_settings(
    state: &Arc<State>,
    request: Request<GetModelSettingsRequest>,
) -> Result<Response<GetModelSettingsResponse>, Status> {
    let caller = caller(&request)?;
    let in_force = state.model_settings.in_force(caller.tenant.as_str());
    let settings_json = serde_json::to_string(&*in_force.settings)
        .map_err(|error| Error::Internal(format!("model settings as JSON: {error}")))?;
    Ok(Response::new(GetModelSettingsResponse {
        settings_json,
        checksum_sha256: in_force.checksum_sha256,
        loaded_at: Some(timestamp(in_force.loaded_at_us)),
        refused_because: in_force.refused_because.unwrap_or_default(),
    }))
}
