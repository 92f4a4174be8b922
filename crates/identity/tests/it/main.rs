//! The porch in front of a real gRPC server, asked by real clients over a socket: what a client
//! sees of a refusal is a status with details, and what may enter reaches the server.

#![expect(clippy::unwrap_used, reason = "a test may stop where it is")]

use std::time::{Duration, SystemTime};

use larder_identity::{
    Caller, GrpcCallerLayer, GrpcCallerPolicy, Scopes, TenantId, TokenSigner, TokenVerifier,
};
use larder_proto::larder::catalog::v1::GetProductRequest;
use larder_proto::larder::catalog::v1::catalog_service_client::CatalogServiceClient;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

const AUDIENCE: &str = "recommendation";

/// Starts a server that has only the health service, so that a call of any other that gets past
/// the porch is UNIMPLEMENTED.
async fn connect(signer: &TokenSigner) -> Channel {
    let layer = GrpcCallerLayer::new(GrpcCallerPolicy {
        verifier: TokenVerifier::new(&[signer.verifying_key_pem().to_owned()], AUDIENCE).unwrap(),
        anonymous_tenant_allowed: false,
        required_scope: larder_proto::required_scope,
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_, health) = tonic_health::server::health_reporter();
    let server = Server::builder().layer(layer).add_service(health);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the server under test reads the real clock")]
fn token_of(signer: &TokenSigner, scopes: &str) -> String {
    let caller = Caller {
        tenant: TenantId::demo(),
        subject: "tests".to_owned(),
        scopes: Scopes::parse(scopes).unwrap(),
    };
    signer.sign(&caller, AUDIENCE, Duration::from_secs(60), SystemTime::now()).unwrap()
}

async fn get_product(channel: &Channel, token: Option<&str>) -> Status {
    let mut request = Request::new(GetProductRequest::default());
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    CatalogServiceClient::new(channel.clone()).get_product(request).await.unwrap_err()
}

#[tokio::test]
async fn a_client_sees_each_refusal_as_a_status_with_details() {
    let signer = TokenSigner::generate().unwrap();
    let channel = connect(&signer).await;

    let missing = get_product(&channel, None).await;
    assert_eq!(missing.code(), Code::Unauthenticated);
    assert_eq!(missing.get_details_error_info().unwrap().reason, "CREDENTIALS_MISSING");

    let forged = token_of(&TokenSigner::generate().unwrap(), "catalog.read");
    let invalid = get_product(&channel, Some(&forged)).await;
    assert_eq!(invalid.code(), Code::Unauthenticated);
    assert_eq!(invalid.get_details_error_info().unwrap().reason, "INVALID_CREDENTIALS");

    let unscoped = get_product(&channel, Some(&token_of(&signer, "catalog.write"))).await;
    assert_eq!(unscoped.code(), Code::PermissionDenied);
    assert_eq!(unscoped.get_details_error_info().unwrap().metadata["scope"], "catalog.read");
}

#[tokio::test]
async fn who_may_enter_reaches_the_server() {
    let signer = TokenSigner::generate().unwrap();
    let channel = connect(&signer).await;
    let status = get_product(&channel, Some(&token_of(&signer, "catalog.read"))).await;
    assert_eq!(status.code(), Code::Unimplemented, "{status}");
    HealthClient::new(channel).check(HealthCheckRequest::default()).await.unwrap();
}
