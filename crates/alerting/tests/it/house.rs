//! A whole service for one test: a fresh database, a folder of its own, an on-call file, and clients that
//! carry a token of a tenant.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use larder_alerting::{App, AppSettings, Clock, RunningApp, SCHEMA, SigningKeys, TokenPower, migrator};
use larder_identity::{Caller, Scopes, TenantId, TokenSigner, TokenVerifier};
use larder_proto::larder::alerting::v1::alerting_service_client::AlertingServiceClient;
use larder_proto::larder::alerting::v1::*;
use larder_settings::{Environment, Settings};
use larder_telemetry::MetricsHandle;
use larder_testkit::{NetworkCut, TestDatabase};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

const KEYS: &str = "a secret of the tests that is long enough";

pub(crate) struct House {
    pub(crate) database: TestDatabase,
    pub(crate) app: Option<RunningApp>,
    pub(crate) folder: TempDir,
    signer: TokenSigner,
    settings: Settings,
    clock: Clock,
    steady: Clock,
}

#[derive(Clone)]
pub(crate) struct Token(MetadataValue<tonic::metadata::Ascii>);

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

pub(crate) type Client = AlertingServiceClient<InterceptedService<Channel, Token>>;

impl House {
    /// A house whose receiver `r` leads to `channels` of this on-call file.
    pub(crate) async fn open(on_call: &str) -> Self {
        Self::open_with(on_call, |_| {}).await
    }

    pub(crate) async fn open_with(on_call: &str, change: impl FnOnce(&mut Settings)) -> Self {
        Self::open_at(on_call, larder_alerting::system_clock, change).await
    }

    /// A house that lives by another clock.
    pub(crate) async fn open_with_clock(on_call: &str, clock: Clock) -> Self {
        Self::open_at(on_call, clock, |_| {}).await
    }

    /// A house with a clock that the test can set.
    pub(crate) async fn open_at(on_call: &str, clock: Clock, change: impl FnOnce(&mut Settings)) -> Self {
        Self::open_by(on_call, clock, larder_alerting::steady_clock, change).await
    }

    /// The same, and the steady clock is another one too.
    pub(crate) async fn open_by(
        on_call: &str,
        clock: Clock,
        steady: Clock,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "a secret for receivers of the tests").unwrap();
        let mut settings = Settings { data_dir: folder.path().to_owned(), ..Settings::default() };
        settings.environment = Environment::Testing;
        settings.database = database.settings();
        settings.alerting.listen_address = "127.0.0.1:0".parse().unwrap();
        settings.alerting.ops_address = "127.0.0.1:0".parse().unwrap();
        settings.alerting.allow_private_targets = true;
        settings.alerting.home_tenant = "bakery".to_owned();
        settings.lifecycle.drain_timeout = Duration::from_secs(2);
        change(&mut settings);
        let signer = TokenSigner::generate().unwrap();
        let mut house = Self { database, app: None, folder, signer, settings, clock, steady };
        house.settings.alerting.on_call_file = Some(house.on_call_file());
        house.write_on_call(on_call);
        house.start().await;
        house
    }

    /// A house whose way to the database can be cut, and its way.
    pub(crate) async fn behind_a_cut(on_call: &str) -> (Self, NetworkCut) {
        let url = url::Url::parse(&std::env::var("LARDER_TEST_DATABASE_URL").unwrap()).unwrap();
        let upstream: SocketAddr = format!("127.0.0.1:{}", url.port().unwrap()).parse().unwrap();
        let way = NetworkCut::before(upstream).await;
        let house = Self::open_with(on_call, |settings| {
            let url = settings.database.url.as_ref().unwrap().expose_secret();
            let mut through = url::Url::parse(url).unwrap();
            through.set_port(Some(way.address().port())).unwrap();
            settings.database.url = Some(SecretString::from(through.to_string()));
            settings.database.acquire_timeout = Duration::from_secs(1);
        })
        .await;
        (house, way)
    }

    pub(crate) fn on_call_file(&self) -> PathBuf {
        self.folder.path().join("on-call.toml")
    }

    /// Writes the file; `SECRET` in it is where a secret is.
    pub(crate) fn write_on_call(&self, on_call: &str) {
        let secret = self.folder.path().join("secret");
        let secret = format!("{{ file = {:?} }}", secret.to_str().unwrap());
        std::fs::write(self.on_call_file(), on_call.replace("SECRET", &secret)).unwrap();
    }

    pub(crate) async fn start(&mut self) {
        self.app = Some(self.another().await);
    }

    /// A service on the same database and folder.
    pub(crate) async fn another(&self) -> RunningApp {
        self.another_of(self.settings.clone()).await
    }

    /// The same, under a name of its own among the replicas.
    pub(crate) async fn another_named(&self, name: &str) -> RunningApp {
        let mut settings = self.settings.clone();
        settings.alerting.replica_name = Some(name.to_owned());
        self.another_of(settings).await
    }

    async fn another_of(&self, settings: Settings) -> RunningApp {
        let server = larder_database::Server::from_url(self.settings.database.url.as_ref().unwrap()).unwrap();
        let verifier = TokenVerifier::new(&[self.signer.verifying_key_pem().to_owned()], SCHEMA).unwrap();
        let app = AppSettings {
            settings,
            server,
            verifier,
            metrics: MetricsHandle::detached(),
            page_token_key: [7; 32],
            signing_keys: keys(),
            clock: self.clock,
            steady: self.steady,
        };
        App::build(app).unwrap().start().await.unwrap()
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(app) = self.app.take() {
            app.stop().await;
        }
    }

    /// Where a path of the HTTP side is.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.as_ref().unwrap().api_address())
    }

    /// A path under the token of a source.
    pub(crate) fn source_url(&self, tenant: &str, source: &str, path: &str) -> String {
        self.url(&format!("/t/{}{path}", token(tenant, source)))
    }

    /// Sends Alertmanager's webhook as the tenant `bakery` and returns the status.
    pub(crate) async fn webhook(&self, alerts: Value) -> u16 {
        let body = json!({ "version": "4", "status": "firing", "receiver": "larder", "alerts": alerts });
        let url = self.source_url("bakery", "alertmanager", "/hooks/alertmanager");
        reqwest::Client::new().post(url).json(&body).send().await.unwrap().status().as_u16()
    }

    pub(crate) async fn guest(&self, tenant: &str) -> Client {
        let caller =
            Caller { tenant: TenantId::parse(tenant).unwrap(), subject: "ann".into(), scopes: Scopes::all() };
        let now_us = larder_alerting::system_clock();
        let now = SystemTime::UNIX_EPOCH + Duration::from_micros(now_us.unsigned_abs());
        let token = self.signer.sign(&caller, SCHEMA, Duration::from_secs(300), now).unwrap();
        let token = Token(format!("Bearer {token}").parse().unwrap());
        let channel = Channel::from_shared(self.url("")).unwrap().connect().await.unwrap();
        AlertingServiceClient::with_interceptor(channel, token)
    }

    /// The incidents of `bakery` that are not resolved.
    pub(crate) async fn incidents(&self) -> Vec<Incident> {
        self.incidents_in(IncidentState::Unspecified).await
    }

    pub(crate) async fn incidents_in(&self, state: IncidentState) -> Vec<Incident> {
        let request = ListIncidentsRequest { state: state.into(), page_size: 1_000, ..Default::default() };
        self.guest("bakery").await.list_incidents(request).await.unwrap().into_inner().incidents
    }

    pub(crate) async fn timeline(&self, incident_id: &str) -> Vec<String> {
        let request = GetIncidentRequest { incident_id: incident_id.to_owned() };
        let answer = self.guest("bakery").await.get_incident(request).await.unwrap().into_inner();
        assert!(answer.timeline_intact, "{answer:?}");
        answer.timeline.into_iter().map(|entry| entry.kind).collect()
    }
}

/// The token of a source.
pub(crate) fn token(tenant: &str, source: &str) -> String {
    keys().source_token(&TenantId::parse(tenant).unwrap(), source, TokenPower::Operate)
}

pub(crate) fn keys() -> SigningKeys {
    SigningKeys::parse(KEYS).unwrap()
}

/// An alert of Alertmanager's webhook that fires.
pub(crate) fn firing(name: &str, extra: &[(&str, &str)]) -> Value {
    let mut alert = json!({
        "status": "firing",
        "labels": { "alertname": name, "severity": "critical" },
        "annotations": { "summary": format!("{name} happened") },
        "startsAt": "2026-11-01T06:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": "0000000000000000",
    });
    for (label, value) in extra {
        alert["labels"][*label] = (*value).into();
    }
    alert
}

/// The same, over.
pub(crate) fn resolved(name: &str, extra: &[(&str, &str)]) -> Value {
    let mut alert = firing(name, extra);
    alert["status"] = "resolved".into();
    alert["endsAt"] = "2026-11-01T06:05:00Z".into();
    alert
}

/// Waits until `is_true`, for ten seconds at most.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut is_true: impl FnMut() -> F) {
    for _ in 0..1_500 {
        if is_true().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never happened: {what}");
}
