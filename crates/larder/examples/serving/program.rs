//! The released program: started on free ports and a folder of its own, loaded by its own
//! `larder load` from another process, and always stopped.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A household of the demo shop.
const CUSTOMER: &str = "household-1501";
const PAUSE: Duration = Duration::from_millis(5);

/// The program and the folder it works in; the folder's database goes with it.
pub(crate) struct Larder {
    program: PathBuf,
    /// The folder that is thrown away afterwards.
    pub(crate) folder: PathBuf,
    data_dir: PathBuf,
    /// Settings beside those that every start gets.
    variables: Vec<(String, String)>,
    /// Whether the folder and its database outlast this run.
    kept: bool,
}

/// A running `larder up`.
pub(crate) struct Running {
    child: Child,
    gateway: SocketAddr,
    recommendation: SocketAddr,
    program: PathBuf,
}

/// Calls to a running program.
pub(crate) struct Loads<'a>(&'a Running);

/// What one load found.
pub(crate) struct Figures(Value);

impl Larder {
    /// The program and folder that `cargo xtask bench` names.
    pub(crate) fn from_environment() -> Result<Self, Box<dyn Error>> {
        let named = |name: &str| {
            let value = std::env::var_os(name).map(PathBuf::from);
            value.ok_or_else(|| format!("{name} is not set; run `cargo xtask bench serving`"))
        };
        let folder = named("LARDER_TEST_FOLDER")?;
        let program = named("LARDER_TEST_PROGRAM")?;
        Ok(Self { program, data_dir: folder.join("serving"), folder, variables: Vec::new(), kept: false })
    }

    /// The same on another data folder.
    pub(crate) fn on_folder(&self, name: &str) -> Self {
        let (program, folder) = (self.program.clone(), self.folder.clone());
        Self { program, data_dir: folder.join(name), folder, variables: Vec::new(), kept: false }
    }

    /// The same on a data folder below `folder` that the next run finds again.
    pub(crate) fn keeping(&self, folder: PathBuf, name: &str) -> Result<Self, Box<dyn Error>> {
        fs::create_dir_all(&folder)?;
        let folder = folder.canonicalize()?;
        let program = self.program.clone();
        Ok(Self { program, data_dir: folder.join(name), folder, variables: Vec::new(), kept: true })
    }

    /// The same with one setting more.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts everything and waits until it is ready.
    pub(crate) fn start(&self, arguments: &[&str]) -> Result<Running, Box<dyn Error>> {
        let mut running = self.spawn(arguments)?;
        let output = running.child.stdout.take().ok_or("the program has no output")?;
        let mut lines = BufReader::new(output).lines();
        let ready = lines.by_ref().map_while(Result::ok).any(|line| line.contains("\"event\":\"ready\""));
        // A pipe that nobody empties would hold the program up.
        std::thread::spawn(move || lines.for_each(drop));
        if ready { Ok(running) } else { Err("larder up ended before it was ready".into()) }
    }

    /// Starts everything and asks for a recommendation until there is one.
    pub(crate) fn start_until_first_answer(
        &self,
        limit: Duration,
    ) -> Result<(Running, Duration), Box<dyn Error>> {
        let mut command = Command::new(&self.program);
        command.arg("up");
        self.run_until_first_answer(command, limit)
    }

    /// The same for any program that becomes `larder up`.
    pub(crate) fn run_until_first_answer(
        &self,
        command: Command,
        limit: Duration,
    ) -> Result<(Running, Duration), Box<dyn Error>> {
        let started = Instant::now();
        let mut running = self.run(command)?;
        let output = running.child.stdout.take().ok_or("the program has no output")?;
        std::thread::spawn(move || BufReader::new(output).lines().for_each(drop));
        while started.elapsed() < limit {
            if recommends(running.gateway) {
                let took = started.elapsed();
                return Ok((running, took));
            }
            std::thread::sleep(PAUSE);
        }
        Err(format!("no recommendation within {limit:?}").into())
    }

    fn spawn(&self, arguments: &[&str]) -> Result<Running, Box<dyn Error>> {
        let mut command = Command::new(&self.program);
        command.args(["up", "--json"]).args(arguments);
        self.run(command)
    }

    fn run(&self, mut command: Command) -> Result<Running, Box<dyn Error>> {
        let [gateway, gateway_ops, recommendation, recommendation_ops] = free_addresses()?;
        let child = command
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env("LARDER_DATA_DIR", &self.data_dir)
            .env("LARDER_GATEWAY__LISTEN_ADDRESS", gateway.to_string())
            .env("LARDER_GATEWAY__OPS_ADDRESS", gateway_ops.to_string())
            .env("LARDER_RECOMMENDATION__LISTEN_ADDRESS", recommendation.to_string())
            .env("LARDER_RECOMMENDATION__OPS_ADDRESS", recommendation_ops.to_string())
            .env("LARDER_BACKUP__ENABLED", "false")
            .env("LARDER_ALERTING__LISTEN_ADDRESS", "127.0.0.1:0")
            .env("LARDER_ALERTING__OPS_ADDRESS", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Running { child, gateway, recommendation, program: self.program.clone() })
    }

    /// The newest snapshot file of the demo shop.
    pub(crate) fn newest_snapshot(&self) -> Result<PathBuf, Box<dyn Error>> {
        let folder = self.data_dir.join("snapshots/demo");
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
        // Beside the snapshots lie notes of what serves and of what else answers need.
        files.retain(|file| file.extension().is_some_and(|extension| extension == "snapshot"));
        files.sort();
        files.pop().ok_or_else(|| "there is no snapshot".into())
    }
}

impl Drop for Larder {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        // Root's clusters lie outside the folder that is thrown away.
        let link = fs::read_link(self.data_dir.join("postgres")).ok();
        if let Some(home) =
            link.as_deref().and_then(Path::parent).filter(|home| home.starts_with("/var/lib/larder"))
        {
            fs::remove_dir_all(home).ok();
        }
    }
}

impl Running {
    /// Where the recommendation service answers gRPC.
    pub(crate) fn service_url(&self) -> String {
        format!("http://{}", self.recommendation)
    }

    pub(crate) fn loads(&self) -> Loads<'_> {
        Loads(self)
    }

    /// A figure of the process's memory as Linux counts it.
    pub(crate) fn memory_mb(&self, name: &str) -> Result<f64, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kib: f64 =
            line.and_then(|text| text.trim().strip_suffix(" kB")).ok_or("no such figure")?.parse()?;
        Ok(kib * 1024.0 / 1e6)
    }

    /// Imports a file by `larder import`.
    pub(crate) fn import(&self, kind: &str, file: &Path) -> Result<(), Box<dyn Error>> {
        self.command(&["import", "--json", "--kind", kind, "--batch-rows", "10000"], Some(file))
    }

    /// Trains a model of everything imported and waits until it serves.
    pub(crate) fn train(&self) -> Result<(), Box<dyn Error>> {
        self.command(&["models", "train"], None)
    }

    fn command(&self, arguments: &[&str], file: Option<&Path>) -> Result<(), Box<dyn Error>> {
        let output = Command::new(&self.program)
            .args(arguments)
            .args(["--address", &format!("http://{}", self.recommendation)])
            .args(file)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output()?;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(format!("larder {arguments:?}: {told}").into()) }
    }

    /// Records one purchase over the JSON route; it is acknowledged when this returns.
    pub(crate) fn record_purchase(
        &self,
        event_id: &str,
        customer_id: &str,
        product_id: &str,
    ) -> Result<(), Box<dyn Error>> {
        let event = serde_json::json!({"interactions": [{
            "eventId": event_id, "customerId": customer_id, "productId": product_id,
            "kind": "INTERACTION_KIND_PURCHASE",
        }]});
        let body = event.to_string();
        let answer = exchange(self.gateway, "POST /v1/interactions:batchRecord", &body)?;
        let is_taken = answer.contains("\"acceptedCount\":1");
        if is_taken { Ok(()) } else { Err(format!("the event was not taken: {answer}").into()) }
    }

    /// Whether the product is among what is recommended to be bought again.
    pub(crate) fn would_repeat(&self, customer_id: &str, product_id: &str) -> Result<bool, Box<dyn Error>> {
        let path = format!(
            "GET /v1/customers/{customer_id}/recommendations?limit=1000&repeatPolicy=REPEAT_POLICY_ONLY&filter.inStockOnly=false"
        );
        Ok(exchange(self.gateway, &path, "")?.contains(&format!("\"{product_id}\"")))
    }

    /// Stops it in order.
    pub(crate) fn stop(mut self) -> Result<(), Box<dyn Error>> {
        terminate(&self.child)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("larder up ended with {status}").into()) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            terminate(&self.child).ok();
            self.child.wait().ok();
        }
    }
}

impl Loads<'_> {
    /// Calls the recommendation service itself.
    pub(crate) fn grpc(&self, arguments: &[&str]) -> Result<Figures, Box<dyn Error>> {
        self.load("grpc", self.0.recommendation, arguments)
    }

    /// Calls the gateway's JSON routes.
    pub(crate) fn http(&self, arguments: &[&str]) -> Result<Figures, Box<dyn Error>> {
        self.load("http", self.0.gateway, arguments)
    }

    fn load(&self, target: &str, address: SocketAddr, arguments: &[&str]) -> Result<Figures, Box<dyn Error>> {
        let output = Command::new(&self.0.program)
            .args(["load", "--json", "--target", target, "--address", &format!("http://{address}")])
            .args(arguments)
            .stderr(Stdio::inherit())
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        let figures = text.lines().last().ok_or("larder load printed nothing")?;
        Ok(Figures(serde_json::from_str(figures)?))
    }
}

impl Figures {
    pub(crate) fn number(&self, name: &str) -> Result<f64, Box<dyn Error>> {
        self.0[name].as_f64().ok_or_else(|| format!("larder load told no {name}").into())
    }
}

fn terminate(child: &Child) -> Result<(), Box<dyn Error>> {
    let status = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status()?;
    if status.success() { Ok(()) } else { Err("the program cannot be stopped".into()) }
}

fn free_addresses() -> Result<[SocketAddr; 4], Box<dyn Error>> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listeners = [bind()?, bind()?, bind()?, bind()?];
    let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); 4];
    for (address, listener) in addresses.iter_mut().zip(&listeners) {
        *address = listener.local_addr()?;
    }
    Ok(addresses)
}

/// Whether the gateway answers with recommendations.
fn recommends(gateway: SocketAddr) -> bool {
    let path = format!("GET /v1/customers/{CUSTOMER}/recommendations?limit=5");
    exchange(gateway, &path, "").is_ok_and(|answer| answer.contains("\"productId\""))
}

/// One request over a connection of its own; an answer that is not 200 is an error.
fn exchange(gateway: SocketAddr, line: &str, body: &str) -> Result<String, Box<dyn Error>> {
    let mut stream = TcpStream::connect(gateway)?;
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: {gateway}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200") { Ok(answer) } else { Err(answer.into()) }
}
