//! The processes of the stack, with what is shipped for them: only names of containers are replaced by addresses of
//! this machine.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use larder_testkit::{OBJECT_STORE_KEY, OBJECT_STORE_SECRET, ObjectStore, TestCluster, redis_url};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{BUCKET, LIMIT};

/// What the shipped files call each address.
const NAMES: [&str; 14] = [
    "gateway:8080",
    "gateway:9080",
    "recommendation:50051",
    "recommendation:9051",
    "backup:50052",
    "backup:9052",
    "alerting:50053",
    "alerting:9053",
    "localhost:9090",
    "alertmanager:9093",
    "node-exporter:9100",
    "postgres-exporter:9187",
    "redis-exporter:9121",
    "blackbox-exporter:9115",
];
/// What cannot be had here: containers and Grafana's programs.
const NOT_HERE: [&str; 6] = ["containers", "grafana", "loki", "tempo", "alloy", "otel-collector"];

/// An address of this machine for each name.
pub(crate) struct Addresses(Vec<(&'static str, String)>);

impl Addresses {
    pub(crate) fn free() -> Self {
        let listeners = NAMES.map(|name| (name, TcpListener::bind("127.0.0.1:0").unwrap()));
        Self(listeners.map(|(name, listener)| (name, listener.local_addr().unwrap().to_string())).to_vec())
    }

    fn of(&self, name: &str) -> &str {
        &self.0.iter().find(|(known, _)| *known == name).unwrap().1
    }

    fn put_into(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, address)| text.replace(name, address))
    }
}

/// Everything that was started. What is still there when this is dropped is killed.
pub(crate) struct Stack {
    services: Vec<Child>,
    _others: Vec<Child>,
    gateway: String,
    prometheus: String,
    _folder: TempDir,
}

impl Stack {
    pub(crate) async fn start(
        at: &Addresses,
        cluster: &TestCluster,
        store: &ObjectStore,
        mail: SocketAddr,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let mut others = exporters(at, cluster, dir);
        others.push(alertmanager(at, dir));
        let mut services = Vec::new();
        for name in ["alerting", "recommendation", "backup", "gateway"] {
            services.push(service(name, at, (cluster, store, mail), dir));
            let url = format!("http://{}/readyz", at.of(ops_name(name)));
            until(name, || async { status(&url).await == Some(200) }).await;
        }
        others.push(prometheus(at, dir));
        let url = |name: &str| format!("http://{}", at.of(name));
        Self {
            services,
            _others: others,
            gateway: url("gateway:8080"),
            prometheus: url("localhost:9090"),
            _folder: folder,
        }
    }

    pub(crate) fn gateway(&self, path: &str) -> String {
        format!("{}{path}", self.gateway)
    }

    /// Whether a query has an answer now.
    pub(crate) async fn holds(&self, query: &str) -> bool {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let answer = get(&format!("{}/api/v1/query?query={query}", self.prometheus)).await;
        answer["data"]["result"].as_array().is_some_and(|result| !result.is_empty())
    }

    /// Every service ends by itself when it is asked to.
    pub(crate) async fn stop(mut self) {
        for service in &mut self.services {
            let pid = service.id().unwrap().to_string();
            assert!(Command::new("kill").arg("-TERM").arg(pid).status().await.unwrap().success());
        }
        for mut service in self.services.drain(..) {
            let ended = tokio::time::timeout(LIMIT, service.wait()).await;
            assert_eq!(ended.unwrap().unwrap().code(), Some(0));
        }
    }
}

fn ops_name(service: &str) -> &'static str {
    NAMES
        .into_iter()
        .find(|name| name.starts_with(service) && name.split(':').next_back().unwrap().starts_with('9'))
        .unwrap()
}

fn shipped(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(path).canonicalize().unwrap()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(shipped(path)).unwrap()
}

fn program(variable: &str) -> Command {
    let path = std::env::var_os(variable);
    Command::new(path.unwrap_or_else(|| panic!("{variable} is not set: run cargo xtask test-stack")))
}

fn spawn(mut command: Command, dir: &Path, name: &str) -> Child {
    let log = std::fs::File::create(dir.join(format!("{name}.log"))).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).kill_on_drop(true);
    command.current_dir(dir).spawn().unwrap()
}

/// The environment of the compose file, with this machine's addresses.
fn service(
    name: &str,
    at: &Addresses,
    (cluster, store, mail): (&TestCluster, &ObjectStore, SocketAddr),
    dir: &Path,
) -> Child {
    let on_call = read("alerting/on-call.toml");
    let here = format!("host = \"{}\"\nport = {}", mail.ip(), mail.port());
    let replaced = on_call.replace("host = \"mail\"\nport = 1025", &here);
    assert_ne!(replaced, on_call);
    std::fs::write(dir.join("on-call.toml"), replaced).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
    for (variable, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LARDER_"))
    {
        command.env_remove(variable);
    }
    let section = name.to_uppercase();
    let api = NAMES.into_iter().find(|known| known.starts_with(name) && *known != ops_name(name)).unwrap();
    let url = |name: &str| format!("http://{}", at.of(name));
    command
        .args(["serve", name])
        .env("LARDER_DATA_DIR", dir.join("data"))
        .env("LARDER_DATABASE__URL", cluster.url().expose_secret())
        .env("LARDER_DATABASE__BIN_DIR", &cluster.binaries().dir)
        .env("LARDER_REDIS__URL", redis_url())
        .env("LARDER_TELEMETRY__LOG_FILTER", "warn")
        .env(format!("LARDER_{section}__LISTEN_ADDRESS"), at.of(api))
        .env(format!("LARDER_{section}__OPS_ADDRESS"), at.of(ops_name(name)));
    match name {
        "gateway" => {
            for service in ["recommendation", "backup", "alerting"] {
                let api = NAMES.into_iter().find(|known| known.starts_with(service)).unwrap();
                command.env(format!("LARDER_GATEWAY__{}_URL", service.to_uppercase()), url(api));
                command.env(
                    format!("LARDER_GATEWAY__{}_OPS_URL", service.to_uppercase()),
                    url(ops_name(service)),
                );
            }
        }
        "backup" => {
            command
                .env("LARDER_BACKUP__ALERTING_URL", url("alerting:50053"))
                .env("LARDER_BACKUP__S3_BUCKET", BUCKET)
                .env("LARDER_BACKUP__S3_ENDPOINT", store.endpoint())
                .env("LARDER_BACKUP__S3_ACCESS_KEY_ID", OBJECT_STORE_KEY)
                .env("LARDER_BACKUP__S3_SECRET_ACCESS_KEY", OBJECT_STORE_SECRET);
        }
        "alerting" => {
            command
                .env("LARDER_ALERTING__ON_CALL_FILE", dir.join("on-call.toml"))
                .env("LARDER_ALERTING__ALLOW_PRIVATE_TARGETS", "true")
                .env("LARDER_ALERTING__SIGNING_KEYS_FILE", shipped("docker/secrets/alerting_signing_keys"));
        }
        _ => {}
    }
    spawn(command, dir, name)
}

fn prometheus(at: &Addresses, dir: &Path) -> Child {
    let mut settings: Value =
        serde_saphyr::from_str(&at.put_into(&read("prometheus/prometheus.yml"))).unwrap();
    let jobs = settings["scrape_configs"].as_array_mut().unwrap();
    let before = jobs.len();
    jobs.retain(|job| !NOT_HERE.contains(&job["job_name"].as_str().unwrap()));
    assert_eq!(jobs.len() + NOT_HERE.len(), before);
    settings["rule_files"] = json!([shipped("prometheus/rules").join("*.yml")]);
    // What is JSON is YAML too.
    std::fs::write(dir.join("prometheus.yml"), settings.to_string()).unwrap();
    let mut command = program("LARDER_TEST_PROMETHEUS");
    command
        .arg("--config.file=prometheus.yml")
        .arg("--storage.tsdb.path=prometheus-data")
        .arg("--rules.alert.resend-delay=30s")
        .arg(format!("--web.listen-address={}", at.of("localhost:9090")));
    spawn(command, dir, "prometheus")
}

fn alertmanager(at: &Addresses, dir: &Path) -> Child {
    let token = shipped("docker/secrets/alertmanager_token").display().to_string();
    let settings = at.put_into(&read("alertmanager/alertmanager.yml"));
    let settings = settings.replace("/run/secrets/alertmanager_token", &token);
    std::fs::write(dir.join("alertmanager.yml"), settings).unwrap();
    let mut command = program("LARDER_TEST_ALERTMANAGER");
    command
        .arg("--config.file=alertmanager.yml")
        .arg("--storage.path=alertmanager-data")
        .arg("--cluster.listen-address=")
        .arg(format!("--web.listen-address={}", at.of("alertmanager:9093")));
    spawn(command, dir, "alertmanager")
}

fn exporters(at: &Addresses, cluster: &TestCluster, dir: &Path) -> Vec<Child> {
    let flag = |name: &str| format!("web.listen-address={}", at.of(name));
    let mut node = program("LARDER_TEST_NODE_EXPORTER");
    node.arg(format!("--{}", flag("node-exporter:9100")));
    let mut postgres = program("LARDER_TEST_POSTGRES_EXPORTER");
    let socket = cluster.socket_dir().display();
    postgres
        .arg(format!("--{}", flag("postgres-exporter:9187")))
        .arg(format!("--extend.query-path={}", shipped("postgres/queries.yaml").display()))
        .env(
            "DATA_SOURCE_NAME",
            format!("host={socket} port={} user=postgres dbname=postgres sslmode=disable", cluster.port()),
        );
    let mut redis = program("LARDER_TEST_REDIS_EXPORTER");
    redis.arg(format!("-redis.addr={}", redis_url())).arg(format!("-{}", flag("redis-exporter:9121")));
    let mut blackbox = program("LARDER_TEST_BLACKBOX_EXPORTER");
    blackbox
        .arg(format!("--config.file={}", shipped("prometheus/blackbox.yml").display()))
        .arg(format!("--{}", flag("blackbox-exporter:9115")));
    [("node", node), ("postgres", postgres), ("redis", redis), ("blackbox", blackbox)]
        .into_iter()
        .map(|(name, command)| spawn(command, dir, &format!("{name}-exporter")))
        .collect()
}

async fn ask(url: &str) -> Option<(u16, Vec<u8>)> {
    let client: Client<_, String> = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.get(url.parse().unwrap()).await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.into_body().collect().await.ok()?.to_bytes().to_vec()))
}

async fn status(url: &str) -> Option<u16> {
    ask(url).await.map(|(status, _)| status)
}

/// What an address answers, as JSON; null when it answers nothing of the kind.
pub(crate) async fn get(url: &str) -> Value {
    let body = ask(url).await.map(|(_, body)| body).unwrap_or_default();
    serde_json::from_slice(&body).unwrap_or(Value::Null)
}

/// Waits until it is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let waited = tokio::time::timeout(LIMIT, async {
        while !is_so().await {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}
