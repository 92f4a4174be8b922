//! The program under test: calls that end by themselves, and a `larder up` that is watched,
//! asked over HTTP and never left behind.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

/// The first start makes a database cluster and loads the demo shop.
const START_LIMIT: Duration = Duration::from_secs(300);

/// A data folder that is removed with its database, also where root keeps that.
pub(crate) struct DataDir(TempDir);

impl DataDir {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// Another file or folder beside the data.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The cluster's own folder, wherever it is.
    pub(crate) fn cluster(&self) -> PathBuf {
        self.path().join("postgres")
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        let target = std::fs::read_link(self.cluster()).ok();
        if let Some(home) =
            target.as_deref().and_then(Path::parent).filter(|home| home.starts_with("/var/lib/larder"))
        {
            std::fs::remove_dir_all(home).ok();
        }
    }
}

/// A call of the program that knows nothing of the settings of whoever runs the tests.
pub(crate) fn larder(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
    for (name, _) in std::env::vars_os() {
        let ours = name.to_str().is_some_and(|name| name.starts_with("LARDER_"));
        if ours {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs the program to its end in an empty folder.
pub(crate) async fn run(arguments: &[&str]) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    finish(larder(arguments).current_dir(folder.path())).await
}

/// Runs a call to its end.
pub(crate) async fn finish(command: &mut Command) -> Finished {
    let output = tokio::time::timeout(START_LIMIT, command.output()).await.expect("the call ends").unwrap();
    Finished::from(output)
}

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// What was printed with `--json`.
    pub(crate) fn json(&self) -> Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The same, once the call went well.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self
    }
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// A `larder up` on free ports.
pub(crate) struct Up {
    child: Child,
    data_dir: PathBuf,
    stderr: Arc<Mutex<String>>,
    pub(crate) gateway: String,
    pub(crate) gateway_ops: String,
    /// How to sign in, told at the first start.
    pub(crate) first_user: Value,
    /// Everything it said when it was ready.
    pub(crate) ready: Value,
    http: Client<HttpConnector, String>,
}

/// The environment of everything that works on `data_dir`.
pub(crate) fn on_folder(command: &mut Command, data_dir: &Path) {
    command.env("LARDER_DATA_DIR", data_dir).current_dir(std::env::temp_dir());
    for service in ["GATEWAY", "RECOMMENDATION", "BACKUP", "ALERTING"] {
        command.env(format!("LARDER_{service}__LISTEN_ADDRESS"), "127.0.0.1:0");
        command.env(format!("LARDER_{service}__OPS_ADDRESS"), "127.0.0.1:0");
    }
    command.env("LARDER_TELEMETRY__LOG_FILTER", "warn");
}

impl Up {
    /// Starts it and waits until it says that it is ready.
    pub(crate) async fn start(data_dir: &Path, arguments: &[&str]) -> Self {
        let mut command = larder(&["up", "--json"]);
        on_folder(&mut command, data_dir);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = collect_stderr(&mut child);
        let ready = when_ready(&mut child);
        let ready = tokio::time::timeout(START_LIMIT, ready).await;
        let Ok(Ok(ready)) = ready else {
            panic!("larder up did not get ready: {}", stderr.lock().unwrap());
        };
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        let http = Client::builder(TokioExecutor::new()).build_http();
        let data_dir = data_dir.to_owned();
        let (gateway, gateway_ops) = (text("gateway"), text("gatewayOps"));
        let first_user = ready["firstUser"].clone();
        Self { child, data_dir, stderr, gateway, gateway_ops, first_user, ready, http }
    }

    /// Asks the gateway, and expects an answer of status 200.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.request("GET", path, None).await.unwrap();
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// Sends JSON to the gateway, and expects an answer of status 200.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.request("POST", path, Some(body)).await.unwrap();
        assert_eq!(status, 200, "POST {path}: {answer}");
        answer
    }

    /// Any request; the error is that of the connection.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), String> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.gateway))
            .header("content-type", "application/json")
            .body(body.map(Value::to_string).unwrap_or_default())
            .unwrap();
        let answer = self.http.request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }

    /// Sends a body as it is, with headers of its own.
    pub(crate) async fn send(&self, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut request = http::Request::builder().method("POST").uri(format!("{}{path}", self.gateway));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.http.request(request.body(body.to_owned()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// What a path answers as it is: the status, the content type and the text.
    pub(crate) async fn page(&self, path: &str) -> (u16, String, String) {
        let uri = format!("{}{path}", self.gateway);
        let request = http::Request::builder().uri(uri).body(String::new()).unwrap();
        let answer = self.http.request(request).await.unwrap();
        let content_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, content_type, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// A file that leaves: status, how it is to be called, and its bytes.
    pub(crate) async fn file(&self, path: &str) -> (u16, String, Vec<u8>) {
        let uri = format!("{}{path}", self.gateway);
        let request = http::Request::builder().uri(uri).body(String::new()).unwrap();
        let answer = self.http.request(request).await.unwrap();
        let named =
            answer.headers().get("content-disposition").map(|named| named.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, named.unwrap_or_default(), bytes.to_vec())
    }

    /// Another call of the program that works on the same folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = larder(arguments);
        on_folder(&mut command, &self.data_dir);
        command
    }

    /// What it has said to people so far.
    pub(crate) fn said(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// The process, for signals.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Asks it to stop, and returns its exit code.
    pub(crate) async fn stop(mut self) -> Option<i32> {
        signal("TERM", self.pid()).await;
        let ended = tokio::time::timeout(Duration::from_secs(40), self.child.wait()).await;
        ended.expect("it stops within the limit").unwrap().code()
    }

    /// Kills it without warning.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// A test that failed still stops what it started, or its PostgreSQL would stay behind.
impl Drop for Up {
    #[expect(clippy::disallowed_methods, reason = "there is no waiting on the runtime in a drop")]
    fn drop(&mut self) {
        let Some(pid) = self.child.id() else { return };
        std::process::Command::new("kill").arg("-TERM").arg(pid.to_string()).status().ok();
        for _ in 0..200 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Sends a signal.
pub(crate) async fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().await.unwrap();
    assert!(status.success());
}

/// Reads stdout to its end, and answers with the line that tells the addresses.
fn when_ready(child: &mut Child) -> oneshot::Receiver<Value> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (ready, when_ready) = oneshot::channel();
    let mut ready = Some(ready);
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if line["event"] == "ready" {
                ready.take().map(|ready| ready.send(line));
            }
        }
    });
    when_ready
}

fn collect_stderr(child: &mut Child) -> Arc<Mutex<String>> {
    let collected = Arc::new(Mutex::new(String::new()));
    let (mut stderr, sink) = (child.stderr.take().unwrap(), collected.clone());
    tokio::spawn(async move {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = stderr.read(&mut bytes).await {
            sink.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    });
    collected
}
