//! Real programs of others beside the service: Prometheus, Alertmanager and `amtool` from the distribution, a mail
//! server with TLS and login. `cargo xtask test` installs them and names them in variables; each test starts its own
//! in a folder of its own, on ports that are free.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::house::eventually;

/// The program that a variable names.
pub(crate) fn program(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable).map(PathBuf::from);
    path.unwrap_or_else(|| panic!("{variable} is not set: run cargo xtask test, which installs the program"))
}

/// A server of others. It is killed when this is dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) url: String,
    _folder: TempDir,
}

impl Program {
    /// Kills it as a crash would.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }
}

/// A Prometheus that looks every second and tells `alertmanagers`, each a host and a prefix of paths.
pub(crate) async fn prometheus(target: &str, rules: &str, alertmanagers: &[(&str, &str)]) -> Program {
    let folder = tempfile::tempdir().unwrap();
    let entries: Vec<String> = alertmanagers
        .iter()
        .map(|(host, prefix)| {
            format!("{{ path_prefix: '{prefix}', static_configs: [{{ targets: ['{host}'] }}] }}")
        })
        .collect();
    let file = folder.path().join("prometheus.yml");
    let settings = format!(
        "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\n\
         rule_files: [rules.yml]\n\
         scrape_configs: [{{ job_name: ovens, static_configs: [{{ targets: ['{target}'] }}] }}]\n\
         alerting: {{ alertmanagers: [{}] }}\n",
        entries.join(", ")
    );
    std::fs::write(&file, settings).unwrap();
    std::fs::write(folder.path().join("rules.yml"), rules).unwrap();
    let address = free_address();
    let mut command = Command::new(program("LARDER_TEST_PROMETHEUS"));
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .arg("--rules.alert.resend-delay=1s");
    start(command, address, folder).await
}

/// An Alertmanager whose one receiver is a webhook, and that waits for nothing.
pub(crate) async fn alertmanager(hook: &str) -> Program {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alertmanager.yml");
    let settings = format!(
        "route: {{ receiver: larder, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 2s }}\n\
         receivers: [{{ name: larder, webhook_configs: [{{ url: '{hook}', send_resolved: true }}] }}]\n"
    );
    std::fs::write(&file, settings).unwrap();
    let address = free_address();
    let mut command = Command::new(program("LARDER_TEST_ALERTMANAGER"));
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.path={}", folder.path().join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .arg("--cluster.listen-address=");
    start(command, address, folder).await
}

async fn start(mut command: Command, address: String, folder: TempDir) -> Program {
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    command.current_dir(folder.path()).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let child = command.kill_on_drop(true).spawn().unwrap();
    let program = Program { child, url: format!("http://{address}"), _folder: folder };
    eventually("the program is ready", || async {
        let answer = reqwest::get(format!("{}/-/ready", program.url)).await;
        answer.is_ok_and(|answer| answer.status().is_success())
    })
    .await;
    program
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Whether `amtool` went well and what it printed: its answer, or why there is none.
pub(crate) async fn amtool(url: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program("LARDER_TEST_AMTOOL"))
        .arg(format!("--alertmanager.url={url}"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    // Beside its answer it warns that the server is of another version.
    let text = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// A mail server with TLS and login, in Python.
pub(crate) struct MailServer {
    _child: Child,
    pub(crate) port: u16,
    mails: Arc<Mutex<Vec<Value>>>,
}

impl MailServer {
    /// `arguments` are those of `mail_server.py`.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mail_server.py");
        let mut child = Command::new(program("LARDER_TEST_MAIL_PYTHON"))
            .arg(script)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next_line().await.unwrap().expect("the mail server tells its port");
        let port = first.parse().unwrap();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = mails.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                kept.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { _child: child, port, mails }
    }

    /// The mails that were taken, or that came as far as their last line.
    pub(crate) fn mails(&self) -> Vec<Value> {
        self.mails.lock().unwrap().clone()
    }
}
