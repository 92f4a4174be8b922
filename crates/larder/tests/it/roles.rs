//! One executable, two roles: each service as a process of its own, as containers run them,
//! with keys from the settings and callers who have to prove who they are.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use larder_testkit::TestDatabase;
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::Instant;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::larder::{finish, larder, signal};

const READY_LIMIT: Duration = Duration::from_secs(60);

/// A folder with settings, and the ports they name.
pub(crate) struct Deployment {
    folder: TempDir,
    pub(crate) gateway: String,
    pub(crate) gateway_ops: String,
    pub(crate) recommendation_ops: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_runs_alone_and_they_trust_each_other_by_keys() {
    let database = TestDatabase::create(&[]).await;
    let deployment = Deployment::new(database.url().expose_secret()).await;
    let recommendation = deployment.serve("recommendation", &deployment.recommendation_ops).await;
    let gateway = deployment.serve("gateway", &deployment.gateway_ops).await;

    let file = deployment.folder.path().join("products.csv");
    fs::write(&file, "product_id,name,price\nrye,Rye bread,2.40 EUR\noat,Oat bread,2.90 EUR\n").unwrap();
    let import = ["import", "--kind", "products", "--address", &deployment.gateway, file.to_str().unwrap()];
    let refused = finish(&mut larder(&import)).await.expect_code(1);
    assert!(refused.stderr.contains("--token"), "it says what would help: {refused:?}");

    let token = deployment.issue("catalog.write").await;
    finish(larder(&import).env("LARDER_TOKEN", &token)).await.expect_code(0);
    let imported = finish(larder(&import).env("LARDER_TOKEN", token + "x")).await;
    assert_eq!(imported.code, Some(1), "a token that was tampered with: {imported:?}");

    let create =
        ["token", "create-key", "--tenant", "bakery", "--scope", "catalog.write", "--name", "till", "--json"];
    let created = finish(deployment.configure(&mut larder(&create))).await.expect_code(0).json();
    let key = created["secret"].as_str().unwrap();
    finish(larder(&import).env("LARDER_API_KEY", key)).await.expect_code(0);

    stop(gateway).await;
    stop(recommendation).await;
}

/// A graceful stop may wait for an open stream for ever (hyper #4170), and a collector that never answers for whatever
/// holds spans.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_with_an_open_stream_and_a_dead_collector_stops_within_its_bound() {
    // It takes connections, and never says anything.
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let database = TestDatabase::create(&[]).await;
    let deployment = Deployment::new(database.url().expose_secret()).await;
    let mut settings = fs::read_to_string(deployment.settings()).unwrap();
    settings.push_str(&format!(
        "[telemetry]\notlp_endpoint = \"http://{}\"\n[lifecycle]\ndrain_timeout_ms = 2000\n",
        collector.local_addr().unwrap()
    ));
    fs::write(deployment.settings(), settings).unwrap();
    let recommendation = deployment.serve("recommendation", &deployment.recommendation_ops).await;
    let mut gateway = deployment.serve("gateway", &deployment.gateway_ops).await;
    let channel = Endpoint::from_shared(deployment.gateway.clone()).unwrap().connect().await.unwrap();
    let mut health = HealthClient::new(channel);
    let mut told = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(told.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    for _ in 0..50 {
        health.check(HealthCheckRequest::default()).await.unwrap();
    }
    let started = Instant::now();
    signal("TERM", gateway.id().unwrap()).await;
    assert_eq!(
        told.message().await.unwrap().unwrap().status(),
        ServingStatus::NotServing,
        "it says so first"
    );
    let ended = tokio::time::timeout(Duration::from_secs(40), gateway.wait()).await;
    ended.expect("it stops").unwrap();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    stop(recommendation).await;
}

impl Deployment {
    pub(crate) async fn new(database_url: &str) -> Self {
        let generated = larder(&["token", "generate-signing-key", "--json"]);
        let keys = finish(&mut { generated }).await.expect_code(0).json();
        let folder = tempfile::tempdir().unwrap();
        let [gateway, gateway_ops, recommendation, recommendation_ops] = free_addresses();
        let settings = format!(
            "environment = \"staging\"\n\
             data_dir = {data_dir:?}\n\
             [gateway]\nlisten_address = \"{gateway}\"\nops_address = \"{gateway_ops}\"\n\
             recommendation_url = \"http://{recommendation}\"\n\
             recommendation_ops_url = \"http://{recommendation_ops}\"\n\
             [recommendation]\nlisten_address = \"{recommendation}\"\nops_address = \"{recommendation_ops}\"\n\
             [database]\nurl = \"{database_url}\"\n\
             [identity]\nverifying_keys = [{verifying_key}]\n",
            data_dir = folder.path().join("data"),
            verifying_key = keys["verifyingKey"],
        );
        fs::write(folder.path().join("larder.toml"), settings).unwrap();
        fs::write(folder.path().join("signing-key.pem"), keys["signingKey"].as_str().unwrap()).unwrap();
        let url = |address: String| format!("http://{address}");
        Self {
            folder,
            gateway: url(gateway),
            gateway_ops: url(gateway_ops),
            recommendation_ops: url(recommendation_ops),
        }
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.folder.path().join("larder.toml")
    }

    fn configure<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("LARDER_CONFIG", self.settings())
    }

    fn signing_key(&self) -> PathBuf {
        self.folder.path().join("signing-key.pem")
    }

    /// Starts a service and waits until its ops port says that it is ready. The gateway alone
    /// has the private key.
    pub(crate) async fn serve(&self, name: &str, ops: &str) -> Child {
        let mut command = larder(&["serve", name]);
        self.configure(&mut command).stdout(Stdio::null());
        if name == "gateway" {
            command.env("LARDER_IDENTITY__SIGNING_KEY_FILE", self.signing_key());
        }
        let child = command.spawn().unwrap();
        let ready = async {
            while finish(&mut larder(&["healthcheck", "--url", ops])).await.code != Some(0) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(READY_LIMIT, ready)
            .await
            .unwrap_or_else(|_| panic!("{name} does not get ready"));
        child
    }

    pub(crate) async fn issue(&self, scope: &str) -> String {
        let mut command = larder(&["token", "issue", "--tenant", "bakery", "--scope", scope]);
        command.env("LARDER_IDENTITY__SIGNING_KEY_FILE", self.signing_key());
        finish(self.configure(&mut command)).await.expect_code(0).stdout.trim().to_owned()
    }
}

pub(crate) async fn stop(mut child: Child) {
    signal("TERM", child.id().unwrap()).await;
    let ended = tokio::time::timeout(Duration::from_secs(40), child.wait()).await;
    assert_eq!(ended.expect("it stops within the limit").unwrap().code(), Some(0));
}

/// Ports that were free a moment ago.
pub(crate) fn free_addresses() -> [String; 4] {
    let listeners = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().to_string())
}
