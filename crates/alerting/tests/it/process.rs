//! The whole service as a process of its own that can be killed and frozen: this program, started anew with
//! variables that say what to serve. On the other side are receivers that take each message once, as real ones do: by
//! its webhook-id, by PagerDuty's dedup_key.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use larder_alerting::{App, AppSettings, SCHEMA, migrator};
use larder_identity::{TokenSigner, TokenVerifier};
use larder_settings::{DatabaseSettings, Environment, Settings};
use larder_telemetry::MetricsHandle;
use larder_testkit::TestDatabase;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::house::{keys, token};

const DATABASE: &str = "LARDER_TEST_PROCESS_DATABASE";
const BOOTSTRAP: &str = "LARDER_TEST_PROCESS_BOOTSTRAP";
const API: &str = "LARDER_TEST_PROCESS_API";
const OPS: &str = "LARDER_TEST_PROCESS_OPS";
const DATA: &str = "LARDER_TEST_PROCESS_DATA";
const ON_CALL: &str = "LARDER_TEST_PROCESS_ON_CALL";
const READY_LIMIT: Duration = Duration::from_secs(60);

/// What the receivers have taken.
#[derive(Default)]
pub(crate) struct Taken {
    /// How often a message of each name came.
    pub(crate) deliveries: BTreeMap<String, usize>,
    /// The names of messages about an incident in a state, and how the incident is called.
    pub(crate) messages: BTreeMap<(String, String), BTreeSet<String>>,
    pub(crate) titles: BTreeMap<String, BTreeSet<String>>,
    /// What PagerDuty's triggers were about, by title.
    pub(crate) pages: BTreeMap<String, BTreeSet<String>>,
}

impl Taken {
    /// The titles of incidents that were told in this state.
    pub(crate) fn told(&self, state: &str) -> BTreeSet<String> {
        let told = self.messages.keys().filter(|(_, told)| told == state).map(|(incident_id, _)| incident_id);
        let titles = self.titles.iter();
        let told: BTreeSet<&String> = told.collect();
        titles
            .filter(|(_, ids)| ids.iter().any(|id| told.contains(id)))
            .map(|(title, _)| title.clone())
            .collect()
    }

    /// The titles of incidents of which both receivers know that they are open.
    pub(crate) fn told_and_paged(&self) -> BTreeSet<String> {
        self.told("open").into_iter().filter(|title| self.pages.contains_key(title)).collect()
    }
}

/// A webhook and a PagerDuty.
pub(crate) struct Receivers {
    pub(crate) url: String,
    taken: Arc<Mutex<Taken>>,
}

impl Receivers {
    pub(crate) async fn start() -> Self {
        let taken = Arc::new(Mutex::new(Taken::default()));
        let routes = Router::new()
            .route("/hook", post(take_webhook))
            .route("/v2/enqueue", post(take_event))
            .with_state(taken.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, taken }
    }

    pub(crate) fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap()
    }

    /// Both channels, as fast as they take messages.
    pub(crate) fn on_call(&self) -> String {
        let limit = "limit = { messages = 100000, per = \"1m\", digest_above = 100000 }";
        format!(
            "[route]\nreceiver = \"r\"\ngroup_by = [\"alertname\"]\ngroup_wait = \"0s\"\n\
             [[receivers]]\nname = \"r\"\nchannels = [\"hook\", \"pager\"]\n\
             [[channels]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{url}/hook\"\nsecret = SECRET\n{limit}\n\
             [[channels]]\nname = \"pager\"\nkind = \"pagerduty\"\nrouting_key = SECRET\n\
             url = \"{url}/v2/enqueue\"\n{limit}\n",
            url = self.url
        )
    }
}

async fn take_webhook(State(taken): State<Arc<Mutex<Taken>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let name = headers["webhook-id"].to_str().unwrap().to_owned();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let mut taken = taken.lock().unwrap();
    *taken.deliveries.entry(name.clone()).or_default() += 1;
    for incident in body["incidents"].as_array().into_iter().flatten() {
        let text = |field: &str| incident[field].as_str().unwrap().to_owned();
        let of = (text("incidentId"), text("state"));
        taken.titles.entry(text("title")).or_default().insert(of.0.clone());
        taken.messages.entry(of).or_default().insert(name.clone());
    }
    StatusCode::NO_CONTENT
}

async fn take_event(State(taken): State<Arc<Mutex<Taken>>>, body: Bytes) -> Response {
    let event: Value = serde_json::from_slice(&body).unwrap();
    let key = event["dedup_key"].as_str().unwrap().to_owned();
    if event["event_action"] == "trigger" {
        // `[CRITICAL] #7 Oven7x0`, and the tests' titles are one word.
        let title = event["payload"]["summary"].as_str().unwrap().rsplit(' ').next().unwrap().to_owned();
        taken.lock().unwrap().pages.entry(title).or_default().insert(key.clone());
    }
    let answer = json!({ "status": "success", "message": "Event processed", "dedup_key": key });
    (StatusCode::ACCEPTED, axum::Json(answer)).into_response()
}

/// A database, an on-call file, and replicas on ports that stay theirs over restarts.
pub(crate) struct Deployment {
    settings: DatabaseSettings,
    _database: Option<TestDatabase>,
    folder: TempDir,
}

/// One process of the service. It is killed when this is dropped.
pub(crate) struct Replica {
    pub(crate) child: Child,
    pub(crate) place: Place,
}

/// Where a replica listens and keeps its files.
#[derive(Clone)]
pub(crate) struct Place {
    api: String,
    ops: String,
    data: PathBuf,
}

impl Deployment {
    pub(crate) async fn new(on_call: &str) -> Self {
        let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
        let settings = database.settings();
        Self { _database: Some(database), ..Self::on(settings, on_call) }
    }

    /// On a database that somebody else looks after.
    pub(crate) fn on(settings: DatabaseSettings, on_call: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "a secret for receivers of the tests").unwrap();
        let secret = format!("{{ file = {:?} }}", secret.to_str().unwrap());
        std::fs::write(folder.path().join("on-call.toml"), on_call.replace("SECRET", &secret)).unwrap();
        Self { settings, _database: None, folder }
    }

    pub(crate) fn place(&self, name: &str) -> Place {
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        Place { api: free(), ops: free(), data: self.folder.path().join(name) }
    }

    /// Starts a replica and waits until it is ready.
    pub(crate) async fn serve(&self, place: &Place) -> Replica {
        let url = self.settings.url.as_ref().unwrap().expose_secret();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "process::serve", "--ignored", "--nocapture"])
            .env(DATABASE, url)
            .env(BOOTSTRAP, self.settings.bootstrap.to_string())
            .env(API, &place.api)
            .env(OPS, &place.ops)
            .env(DATA, &place.data)
            .env(ON_CALL, self.folder.path().join("on-call.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let ready = async {
            let url = format!("http://{}/readyz", place.ops);
            while !reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(READY_LIMIT, ready).await.expect("the service gets ready");
        Replica { child, place: place.clone() }
    }

    /// A number out of the database.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        let mut connection =
            PgConnection::connect(self.settings.url.as_ref().unwrap().expose_secret()).await.unwrap();
        let count = sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        count
    }
}

impl Replica {
    /// Sends a signal to the process.
    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().await.unwrap().success());
    }
}

impl Place {
    /// Posts alerts as Prometheus does; whether they were taken.
    pub(crate) async fn post(&self, client: &reqwest::Client, alerts: &[Value]) -> bool {
        let url = format!("http://{}/t/{}/api/v2/alerts", self.api, token("bakery", "prometheus"));
        let request = client.post(url).header("content-type", "application/json");
        let answer = request.body(Value::from(alerts).to_string()).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}

/// The process that the tests start and kill: the whole service, as long as nobody ends it. Without the variables it
/// is nobody's, and does nothing.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "other tests start it as a process of its own"]
async fn serve() {
    let Ok(database_url) = std::env::var(DATABASE) else { return };
    let told = |name: &str| std::env::var(name).unwrap();
    let mut settings = Settings { data_dir: told(DATA).into(), ..Settings::default() };
    settings.environment = Environment::Testing;
    settings.database.url = Some(SecretString::from(database_url));
    settings.database.bootstrap = told(BOOTSTRAP) == "true";
    settings.database.acquire_timeout = Duration::from_secs(1);
    settings.alerting.listen_address = told(API).parse().unwrap();
    settings.alerting.ops_address = told(OPS).parse().unwrap();
    settings.alerting.on_call_file = Some(told(ON_CALL).into());
    settings.alerting.allow_private_targets = true;
    let server = larder_database::Server::from_url(settings.database.url.as_ref().unwrap()).unwrap();
    let signer = TokenSigner::generate().unwrap();
    let app = AppSettings {
        verifier: TokenVerifier::new(&[signer.verifying_key_pem().to_owned()], SCHEMA).unwrap(),
        settings,
        server,
        metrics: MetricsHandle::detached(),
        page_token_key: [7; 32],
        signing_keys: keys(),
        clock: larder_alerting::system_clock,
        steady: larder_alerting::steady_clock,
    };
    let _running = App::build(app).unwrap().start().await.unwrap();
    std::future::pending::<()>().await;
}

/// An alert as Prometheus posts it.
pub(crate) fn alert(name: &str, is_over: bool) -> Value {
    let ends_at = if is_over { "2026-11-01T07:00:00Z" } else { "2099-01-01T00:00:00Z" };
    json!({
        "labels": { "alertname": name, "severity": "critical" },
        "annotations": { "summary": name },
        "startsAt": "2026-11-01T06:00:00Z",
        "endsAt": ends_at,
    })
}

/// Waits until it is true, for `limit` at most.
pub(crate) async fn eventually(what: &str, limit: Duration, mut is_true: impl FnMut() -> bool) {
    let waiting = async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(limit, waiting).await.unwrap_or_else(|_| panic!("never happened: {what}"));
}
