//! The porch from outside: requests in, gRPC statuses out.

use std::convert::Infallible;
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tonic::Code;
use tonic_types::StatusExt;
use tower::ServiceExt;

use super::*;
use crate::{Scopes, TokenSigner};

const PATH: &str = "/larder.catalog.v1.CatalogService/GetProduct";

fn required_scope(path: &str) -> Option<&'static str> {
    (path == PATH).then_some("catalog.read")
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

struct House {
    signer: TokenSigner,
    anonymous_tenant_allowed: bool,
}

impl House {
    fn new(anonymous_tenant_allowed: bool) -> Self {
        Self { signer: TokenSigner::generate().unwrap(), anonymous_tenant_allowed }
    }

    fn token(&self, scopes: &str, ttl: Duration, at: SystemTime) -> String {
        let caller = Caller {
            tenant: TenantId::parse("corner-shop").unwrap(),
            subject: "tests".to_owned(),
            scopes: Scopes::parse(scopes).unwrap(),
        };
        format!("Bearer {}", self.signer.sign(&caller, "recommendation", ttl, at).unwrap())
    }

    /// Sends a request through the porch and returns who entered, or the status of the refusal.
    async fn send(&self, path: &str, headers: &[(&str, &str)]) -> Result<Option<Caller>, Status> {
        let policy = GrpcCallerPolicy {
            verifier: TokenVerifier::new(&[self.signer.verifying_key_pem().to_owned()], "recommendation")
                .unwrap(),
            anonymous_tenant_allowed: self.anonymous_tenant_allowed,
            required_scope,
        };
        let inner = tower::service_fn(|request: Request<()>| async move {
            let mut response = Response::new(tonic::body::Body::empty());
            response.extensions_mut().insert(request.extensions().get::<Caller>().cloned());
            Ok::<_, Infallible>(response)
        });
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let layer = GrpcCallerLayer { clock: now, ..GrpcCallerLayer::new(policy) };
        let response = layer.layer(inner).oneshot(request.body(()).unwrap()).await.unwrap();
        assert_eq!(response.status(), http::StatusCode::OK, "refusals are gRPC's, not HTTP's");
        match Status::from_header_map(response.headers()) {
            Some(status) => {
                assert_eq!(response.headers()["content-type"], "application/grpc");
                Err(status)
            }
            None => Ok(response.extensions().get::<Option<Caller>>().unwrap().clone()),
        }
    }
}

fn reason_of(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

#[tokio::test]
async fn a_valid_token_enters_with_its_tenant() {
    let house = House::new(false);
    let token = house.token("catalog.read", Duration::from_secs(60), now());
    // A tenant named beside a token is not the token's, and means nothing.
    let caller =
        house.send(PATH, &[("authorization", &token), (TENANT_HEADER, "other")]).await.unwrap().unwrap();
    assert_eq!(caller.tenant.as_str(), "corner-shop");
    assert_eq!(caller.subject, "tests");
}

#[tokio::test]
async fn without_credentials_nobody_enters_where_they_are_required() {
    let status = House::new(false).send(PATH, &[(TENANT_HEADER, "demo")]).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(reason_of(&status), "CREDENTIALS_MISSING");
}

#[tokio::test]
async fn anonymous_callers_are_the_demo_tenant_or_the_one_they_name() {
    let house = House::new(true);
    let caller = house.send(PATH, &[]).await.unwrap().unwrap();
    assert_eq!(caller, Caller::anonymous(TenantId::demo()));
    let caller = house.send(PATH, &[(TENANT_HEADER, "corner-shop")]).await.unwrap().unwrap();
    assert_eq!(caller.tenant.as_str(), "corner-shop");
}

#[tokio::test]
async fn a_tenant_that_is_no_slug_is_an_invalid_argument() {
    for tenant in ["", "Corner Shop", "a'; drop table", "caf\u{e9}"] {
        let status = House::new(true).send(PATH, &[(TENANT_HEADER, tenant)]).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{tenant}");
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, TENANT_HEADER);
    }
}

#[tokio::test]
async fn credentials_that_are_shown_are_checked_even_in_development() {
    let status = House::new(true).send(PATH, &[("authorization", "Bearer nonsense")]).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn every_invalid_credential_gets_the_same_answer() {
    let house = House::new(false);
    let long_ago = now() - Duration::from_secs(3_600);
    let expired = house.token("*", Duration::from_secs(60), long_ago);
    let foreign = House::new(false).token("*", Duration::from_secs(60), now());
    let valid = house.token("*", Duration::from_secs(60), now());
    let forged = format!("{}AAAA", &valid[..valid.len() - 4]);
    let mut answers = Vec::new();
    for credentials in [&expired, &foreign, &forged, "Bearer", "Basic dTpw", "Bearer a b c", ""] {
        let status = house.send(PATH, &[("authorization", credentials)]).await.unwrap_err();
        answers.push((
            status.code(),
            status.message().to_owned(),
            reason_of(&status),
            status.details().to_vec(),
        ));
    }
    let twice = house.send(PATH, &[("authorization", &valid), ("authorization", &valid)]).await.unwrap_err();
    answers.push((twice.code(), twice.message().to_owned(), reason_of(&twice), twice.details().to_vec()));
    assert_eq!(answers[0].0, Code::Unauthenticated);
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let house = House::new(false);
    let token = house.token("catalog.write models.read", Duration::from_secs(60), now());
    let status = house.send(PATH, &[("authorization", &token)]).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert!(status.message().contains("catalog.read"), "{}", status.message());
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.reason, "MISSING_SCOPE");
    assert_eq!(info.domain, "larder");
    assert_eq!(info.metadata["scope"], "catalog.read");
}

#[tokio::test]
async fn health_and_reflection_are_open_and_unknown_calls_are_not() {
    let house = House::new(false);
    for path in ["/grpc.health.v1.Health/Check", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"]
    {
        assert_eq!(house.send(path, &[]).await.unwrap(), None, "{path}");
    }
    for path in ["/larder.later.v1.LaterService/Do", "/grpc.health.v1.HealthX/Check", "/"] {
        assert_eq!(house.send(path, &[]).await.unwrap_err().code(), Code::Unauthenticated, "{path}");
    }
}

#[test]
fn refusals_are_counted_by_reason() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        let house = House::new(false);
        for _ in 0..3 {
            runtime.block_on(house.send(PATH, &[])).unwrap_err();
        }
    });
    let counted: Vec<(String, DebugValue)> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| (key.key().to_string(), value))
        .collect();
    assert_eq!(
        counted,
        [(
            "Key(larder_identity_refusals_total, [reason = missing_credentials])".to_owned(),
            DebugValue::Counter(3)
        )]
    );
}
