//! gRPC's health service (`grpc.health.v1`): the whole server, or the service that the target's path names.

use hyper_util::rt::TokioIo;
use tonic::transport::{ClientTlsConfig, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use url::Url;

use super::connect;
use crate::channels::Reach;

pub(super) async fn look(target: &str, reach: Reach) -> Result<(), String> {
    let url = Url::parse(target).map_err(|_| "its address is no URL".to_owned())?;
    let host = url.host_str().ok_or("its address has no host")?;
    let port = url.port_or_known_default().ok_or("its address has no port")?;
    let stream = connect(&format!("{host}:{port}"), reach).await?;
    let broken = |_| "its address is none for gRPC".to_owned();
    let mut endpoint = Endpoint::from_shared(format!("{}://{host}:{port}", url.scheme())).map_err(broken)?;
    if url.scheme() == "https" {
        endpoint = endpoint.tls_config(ClientTlsConfig::new().with_native_roots()).map_err(broken)?;
    }
    let mut stream = Some(stream);
    // The connection that was allowed is the one that is used: no name is looked up again.
    let connector = tower::service_fn(move |_| {
        let stream = stream.take();
        async move { stream.map(TokioIo::new).ok_or_else(|| std::io::Error::other("connected once")) }
    });
    let channel =
        endpoint.connect_with_connector(connector).await.map_err(|_| "no gRPC connection".to_owned())?;
    let service = url.path().trim_matches('/').to_owned();
    let answer = HealthClient::new(channel).check(HealthCheckRequest { service }).await;
    let status = answer.map_err(|status| format!("it answers {:?}", status.code()))?.into_inner().status();
    match status {
        ServingStatus::Serving => Ok(()),
        other => Err(format!("it says {}", other.as_str_name())),
    }
}
