//! Calls to other services over connections that show our certificate and want one of our authority. TLS is spoken
//! below the gRPC client, so that each new connection takes the certificate that is in force then.

use std::sync::Arc;

use hyper_util::rt::TokioIo;
use tonic::transport::{Channel, Endpoint, Uri};
use url::Url;

use crate::Watched;

/// What leads to the service at an `https` url; for [`channel`] alone.
///
/// # Errors
/// When the url is none that can be called.
pub fn endpoint(url: &Url) -> Result<Endpoint, tonic::transport::Error> {
    // The client would speak TLS of its own for `https`, and with one certificate for ever.
    let below = url.as_str().replacen("https://", "http://", 1);
    let endpoint = Endpoint::from_shared(below)?;
    Ok(match url.as_str().parse() {
        Ok(origin) => endpoint.origin(origin),
        Err(_) => endpoint,
    })
}

/// A channel that connects when it is first called.
pub fn channel(endpoint: &Endpoint, url: &Url, certificates: Arc<Watched>) -> Channel {
    let host: Arc<str> = url.host_str().unwrap_or_default().into();
    let port = url.port_or_known_default().unwrap_or(443);
    let connector = tower::service_fn(move |_: Uri| {
        let (certificates, host) = (certificates.clone(), host.clone());
        async move { certificates.connect(&host, port).await.map(TokioIo::new) }
    });
    endpoint.connect_with_connector_lazy(connector)
}
