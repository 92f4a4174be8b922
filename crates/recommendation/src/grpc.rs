//! The porch: calls come in here, the caller is known, wire types come off.

pub(crate) mod catalog;
pub(crate) mod exchange;
pub(crate) mod experiment;
pub(crate) mod market;
pub(crate) mod nutrition;
pub(crate) mod privacy;
pub(crate) mod recommendation;
pub(crate) mod stream;

use larder_identity::Caller;
use larder_telemetry::RequestContext;
use tonic::Request;

use crate::error::Error;

/// Who is calling; the layer in front has proved it.
pub(crate) fn caller<T>(request: &Request<T>) -> Result<Caller, Error> {
    let caller = request.extensions().get::<Caller>().cloned();
    let caller =
        caller.ok_or_else(|| Error::Internal("no caller: the identity layer is missing".to_owned()))?;
    RequestContext::set_tenant(caller.tenant.as_str());
    Ok(caller)
}
