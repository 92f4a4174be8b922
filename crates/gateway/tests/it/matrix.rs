//! Who may call what, from the contract alone: every RPC with every scope, without credentials, and for another tenant,
//! through the gateway and round it. An RPC that is added is in here without a line being written for it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use larder_gateway::store::MIGRATOR;
use larder_testkit::TestDatabase;
use prost_reflect::{DescriptorPool, Value};
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::support::raw::Raw;
use crate::support::{gateway_with, service, strict_settings, token};

/// Everybody has it, also without credentials.
const PUBLIC: &str = "public";

struct Rpc {
    path: String,
    scope: String,
}

/// Every RPC of ours with the scope its descriptor names.
fn rpcs() -> Vec<Rpc> {
    let pool = DescriptorPool::decode(larder_proto::FILE_DESCRIPTOR_SET).unwrap();
    let extension = pool.get_extension_by_name("larder.identity.v1.required_scope").unwrap();
    let services = pool.services().filter(|service| service.full_name().starts_with("larder."));
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    methods
        .map(|method| {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            let options = method.options();
            let Value::String(scope) = options.get_extension(&extension).into_owned() else {
                panic!("{path}")
            };
            assert!(!scope.is_empty(), "{path} needs no scope, so anybody may call it");
            assert_eq!(larder_proto::required_scope(&path), Some(scope.as_str()), "{path}");
            Rpc { path, scope }
        })
        .collect()
}

async fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

/// Calls with an empty message and tells how it was refused, if it was.
async fn call(channel: &Channel, path: &str, headers: &[(&'static str, &str)]) -> Result<(), Status> {
    let mut client = Grpc::new(channel.clone());
    client.ready().await.unwrap();
    let mut request = Request::new(Bytes::new());
    for (name, value) in headers {
        request.metadata_mut().insert(*name, value.parse().unwrap());
    }
    request.set_timeout(Duration::from_secs(60));
    client.unary(request, PathAndQuery::try_from(path).unwrap(), Raw).await.map(drop)
}

fn reason(answer: &Result<(), Status>) -> String {
    let Err(status) = answer else { return String::new() };
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

#[tokio::test]
async fn every_rpc_is_for_whoever_holds_its_scope_and_nobody_else() {
    let database = TestDatabase::create(&[("identity", &MIGRATOR)]).await;
    let gateway = gateway_with(strict_settings().await, Some(database.server().clone())).await;
    let channel = channel(gateway.app.address()).await;
    let rpcs = rpcs();
    let scopes: BTreeSet<&str> = rpcs.iter().map(|rpc| rpc.scope.as_str()).collect();
    assert!(rpcs.len() > 100 && scopes.len() > 20, "{} RPCs, {} scopes", rpcs.len(), scopes.len());
    let mut wrong = Vec::new();
    for scope in &scopes {
        let bearer = format!("Bearer {}", token(&gateway.signer, "shop-1", scope));
        for rpc in &rpcs {
            let answer = call(&channel, &rpc.path, &[("authorization", &bearer)]).await;
            let refused = reason(&answer) == "MISSING_SCOPE";
            if refused == (rpc.scope == *scope || rpc.scope == PUBLIC) {
                wrong.push(format!("{} with {scope}: {answer:?}", rpc.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_rpc_refuses_callers_without_credentials_and_for_another_tenant() {
    let database = TestDatabase::create(&[("identity", &MIGRATOR)]).await;
    let gateway = gateway_with(strict_settings().await, Some(database.server().clone())).await;
    let channel = channel(gateway.app.address()).await;
    let bearer = format!("Bearer {}", token(&gateway.signer, "shop-1", "*"));
    let foreign = [("authorization", bearer.as_str()), ("x-larder-tenant", "shop-2")];
    for rpc in rpcs() {
        let nobody = call(&channel, &rpc.path, &[]).await;
        if rpc.scope == PUBLIC {
            // Its own checks speak instead: an empty message is never right.
            let code = nobody.unwrap_err().code();
            assert!(
                [Code::InvalidArgument, Code::FailedPrecondition].contains(&code),
                "{}: {code}",
                rpc.path
            );
            continue;
        }
        assert_eq!(reason(&nobody), "CREDENTIALS_MISSING", "{}", rpc.path);
        assert_eq!(reason(&call(&channel, &rpc.path, &foreign).await), "OTHER_TENANT", "{}", rpc.path);
    }
}

#[tokio::test]
async fn going_round_the_gateway_gains_nothing() {
    let channel = channel(service::start().await).await;
    let stranger = larder_identity::TokenSigner::generate().unwrap();
    let forged = format!("Bearer {}", token(&stranger, "shop-1", "*"));
    for rpc in rpcs() {
        assert_eq!(reason(&call(&channel, &rpc.path, &[]).await), "CREDENTIALS_MISSING", "{}", rpc.path);
        let forged = call(&channel, &rpc.path, &[("authorization", &forged)]).await;
        assert_eq!(reason(&forged), "INVALID_CREDENTIALS", "{}", rpc.path);
    }
}
