//! Nothing by which somebody is known stands in the log of the alerting service, in an incident's history or in the
//! outbox: not the tokens of sources, not the keys, not the addresses and secrets of receivers; also not when
//! everything is logged and every channel fails.

use std::path::Path;
use std::time::Duration;

use http::StatusCode;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use larder_testkit::TestDatabase;
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::process::Command;

use super::larder::{finish, larder};
use super::roles::free_addresses;

const LIMIT: Duration = Duration::from_secs(60);
const SIGNING_KEY: &str = "a-key-of-the-tests-that-signs-links-and-tokens";
/// What receivers know the service by.
const SECRET: &str = "a-secret-for-receivers-of-the-tests";
/// Nobody listens at port 9.
const SLACK: &str = "http://127.0.0.1:9/services/T00000000/B00000000/not-for-everybody";

/// Every channel fails.
fn on_call(folder: &Path) -> String {
    let [secret, slack] = [("secret", SECRET), ("slack", SLACK)].map(|(name, text)| {
        let file = folder.join(name);
        std::fs::write(&file, text).unwrap();
        format!("{{ file = {file:?} }}")
    });
    format!(
        "external_url = \"https://larder.test\"\n[route]\nreceiver = \"r\"\ngroup_wait = \"0s\"\n\
         [[receivers]]\nname = \"r\"\nchannels = [\"slack\", \"hook\", \"pager\", \"mail\"]\n\
         [[channels]]\nname = \"slack\"\nkind = \"slack\"\nwebhook_url = {slack}\n\
         [[channels]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/hook\"\nsecret = {secret}\n\
         [[channels]]\nname = \"pager\"\nkind = \"pagerduty\"\nrouting_key = {secret}\nurl = \"http://127.0.0.1:9/v2\"\n\
         [[channels]]\nname = \"mail\"\nkind = \"email\"\nhost = \"127.0.0.1\"\nport = 9\nsecurity = \"none\"\n\
         user = \"larder\"\npassword = {secret}\nfrom = \"larder@example.org\"\nto = [\"ops@example.org\"]\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_secret_is_told_nowhere() {
    let database = TestDatabase::create(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("on-call.toml"), on_call(folder.path())).unwrap();
    let [listen, ops, ..] = free_addresses();
    let configure = |command: &mut Command| {
        command
            .current_dir(folder.path())
            .env("LARDER_DATA_DIR", folder.path().join("data"))
            .env("LARDER_DATABASE__URL", database.url().expose_secret())
            .env("LARDER_ALERTING__LISTEN_ADDRESS", &listen)
            .env("LARDER_ALERTING__OPS_ADDRESS", &ops)
            .env("LARDER_ALERTING__ON_CALL_FILE", folder.path().join("on-call.toml"))
            .env("LARDER_ALERTING__SIGNING_KEYS", SIGNING_KEY)
            .env("LARDER_ALERTING__ALLOW_PRIVATE_TARGETS", "true");
    };
    let mut issue = larder(&["token", "ingest", "--tenant", "demo", "--source", "prometheus"]);
    configure(&mut issue);
    let token = finish(&mut issue).await.expect_code(0).stdout.trim().to_owned();

    let log_path = folder.path().join("log");
    let log = std::fs::File::create(&log_path).unwrap();
    let mut serve = larder(&["serve", "alerting"]);
    configure(&mut serve);
    serve.env("LARDER_TELEMETRY__LOG_FILTER", "debug").stdout(log.try_clone().unwrap()).stderr(log);
    let service = serve.spawn().unwrap();
    let ready = async {
        while finish(&mut larder(&["healthcheck", "--url", &format!("http://{ops}")])).await.code != Some(0) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(LIMIT, ready).await.expect("the service gets ready");

    let client = Client::builder(TokioExecutor::new()).build_http::<String>();
    let post = |path: String, bearer: Option<&str>, body: String| {
        let mut request = http::Request::post(format!("http://{listen}{path}"));
        if let Some(token) = bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.header("content-type", "application/json").body(body).unwrap();
        let answer = client.request(request);
        async { answer.await.unwrap().status() }
    };
    let alert = json!([{
        "labels": { "alertname": "OvenCold", "severity": "critical" },
        "annotations": { "summary": "the oven is cold" },
        "endsAt": "2099-01-01T00:00:00Z",
    }]);
    let alerts = "/api/v2/alerts";
    assert_eq!(post(format!("/t/{token}{alerts}"), None, alert.to_string()).await, StatusCode::OK);
    assert_eq!(post(format!("/t/{token}x{alerts}"), None, "[]".into()).await, StatusCode::UNAUTHORIZED);
    assert_eq!(post(alerts.into(), Some(&token), "{".into()).await, StatusCode::BAD_REQUEST);

    let mut connection = PgConnection::connect(database.url().expose_secret()).await.unwrap();
    let tries =
        "select count(distinct channel) from alerting.notifications where attempts > 0 and last_error <> ''";
    let failed = async {
        while sqlx::query_scalar::<_, i64>(tries).fetch_one(&mut connection).await.unwrap() < 4 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LIMIT, failed).await.expect("every channel fails");
    let told = "select string_agg(told, '\n') from (
        select text as told from alerting.timeline union all select last_error from alerting.notifications
        union all select pause_reason from alerting.channel_states
    ) as all_texts";
    let told: String = sqlx::query_scalar(told).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let logged = async {
        loop {
            let logged = std::fs::read_to_string(&log_path).unwrap();
            if logged.contains("notification not taken") {
                return logged;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let logged = tokio::time::timeout(LIMIT, logged).await.expect("failures are logged");
    drop(service);
    for secret in [token.as_str(), SECRET, SIGNING_KEY, "not-for-everybody"] {
        for (place, text) in [("the log", &logged), ("the database", &told)] {
            let line = text.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{place} tells a secret: {line:?}");
        }
    }
}
