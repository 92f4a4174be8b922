//! The processes of a measurement: started on free ports, loaded by the released `larder load`,
//! asked what they took, and always stopped.

use std::error::Error;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a process may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(60);
/// What Linux counts CPU time in; `getconf CLK_TCK` has said so for decades.
const TICKS_PER_S: f64 = 100.0;

/// How the load speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Grpc,
    Http,
}

/// The programs, the folder to work in, and how long each load takes.
pub(crate) struct Bench {
    pub(crate) program: PathBuf,
    pub(crate) folder: PathBuf,
    seconds: String,
}

/// A process that listens.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// A gateway in front of the service.
pub(crate) struct Gateway {
    pub(crate) process: Process,
}

/// What one load found.
pub(crate) struct Figures(Value);

/// What it took a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) cpu_us: f64,
    pub(crate) rate: f64,
    pub(crate) p99_ms: f64,
    pub(crate) answered: f64,
}

impl Bench {
    /// The program and folder that `cargo xtask bench` names.
    pub(crate) fn from_environment() -> Result<Self, Box<dyn Error>> {
        let named = |name: &str| {
            let value = std::env::var_os(name).map(PathBuf::from);
            value.ok_or_else(|| format!("{name} is not set; run `cargo xtask bench gateway`"))
        };
        let seconds = std::env::args().skip_while(|word| word != "--seconds").nth(1);
        let folder = named("LARDER_TEST_FOLDER")?.join("gateway");
        fs::create_dir_all(&folder)?;
        Ok(Self {
            program: named("LARDER_TEST_PROGRAM")?,
            folder,
            seconds: seconds.unwrap_or_else(|| "5".into()),
        })
    }

    /// The service whose answer is always the same.
    pub(crate) fn service(&self) -> Result<Process, Box<dyn Error>> {
        self.service_at(free_address()?)
    }

    pub(crate) fn service_at(&self, address: SocketAddr) -> Result<Process, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--service", &address.to_string()]);
        Process::start(command, address)
    }

    /// `larder serve gateway` in front of a service.
    pub(crate) fn gateway(
        &self,
        service: SocketAddr,
        variables: &[(&str, &str)],
    ) -> Result<Gateway, Box<dyn Error>> {
        let (address, ops) = (free_address()?, free_address()?);
        let mut command = self.larder(&["serve", "gateway"]);
        command
            .env("LARDER_GATEWAY__LISTEN_ADDRESS", address.to_string())
            .env("LARDER_GATEWAY__OPS_ADDRESS", ops.to_string())
            .env("LARDER_GATEWAY__RECOMMENDATION_URL", format!("http://{service}"))
            .envs(variables.iter().copied());
        Ok(Gateway { process: Process::start(command, address)? })
    }

    /// A service token of the tenant, as the gateway of this folder takes it.
    pub(crate) fn token(&self) -> Result<String, Box<dyn Error>> {
        let scope = "recommendations.read";
        let output = self.larder(&["token", "issue", "--tenant", "demo", "--scope", scope]).output()?;
        let token = String::from_utf8(output.stdout)?.trim().to_owned();
        if token.is_empty() { Err(String::from_utf8(output.stderr)?.into()) } else { Ok(token) }
    }

    /// As fast as the answers come, unless the arguments name a rate.
    pub(crate) fn load(
        &self,
        kind: Kind,
        address: SocketAddr,
        arguments: &[&str],
        token: Option<&str>,
    ) -> Result<Figures, Box<dyn Error>> {
        let target = match kind {
            Kind::Grpc => "grpc",
            Kind::Http => "http",
        };
        let address = format!("http://{address}");
        let mut command = self.larder(&["load", "--json", "--target", target, "--address", &address]);
        command.args(["--duration-s", &self.seconds, "--warmup-s", "1", "--connections", "8"]);
        if !arguments.contains(&"--rate") {
            command.args(["--rate", "0", "--callers", "32"]);
        }
        if let Some(token) = token {
            command.env("LARDER_TOKEN", token);
        }
        let output = command.args(arguments).stderr(Stdio::inherit()).output()?;
        let text = String::from_utf8(output.stdout)?;
        let figures = text.lines().last().ok_or("larder load printed nothing")?;
        Ok(Figures(serde_json::from_str(figures)?))
    }

    fn larder(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).env("LARDER_DATA_DIR", self.folder.join("data")).current_dir(&self.folder);
        command
    }
}

impl Process {
    /// Starts a process and waits until it takes connections.
    pub(crate) fn start(mut command: Command, address: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut process = Self { child, address };
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = process.child.try_wait()? {
                return Err(format!("{command:?} ended with {status}").into());
            }
            if started.elapsed() > START_LIMIT {
                return Err(format!("{command:?} does not listen").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(process)
    }

    /// What a load took of this process and of those it started.
    pub(crate) fn costing(
        &self,
        load: impl FnOnce() -> Result<Figures, Box<dyn Error>>,
    ) -> Result<Cost, Box<dyn Error>> {
        let (before, started) = (self.cpu_us()?, Instant::now());
        let figures = load()?;
        let (took, lasted) = (self.cpu_us()? - before, started.elapsed().as_secs_f64());
        let rate = figures.number("answered_per_s")?;
        let failed = figures.number("failed_count")?;
        if failed > 0.0 {
            return Err(format!("{failed} calls failed").into());
        }
        // The second of warming up was answered as fast.
        let measured = figures.number("answered_count")?;
        let warming = (lasted - measured / rate).clamp(0.0, 1.0) * rate;
        let answered = (measured + warming).max(1.0);
        Ok(Cost { cpu_us: took / answered, rate, p99_ms: figures.number("p99_ms")?, answered })
    }

    /// The CPU time of the process and its children that Linux has counted so far.
    pub(crate) fn cpu_us(&self) -> Result<f64, Box<dyn Error>> {
        let mut ticks = ticks_of(self.child.id())?;
        for child in children_of(self.child.id())? {
            ticks += ticks_of(child)?;
        }
        Ok(ticks / TICKS_PER_S * 1e6)
    }

    /// The resident memory of the process.
    pub(crate) fn memory_mb(&self) -> Result<f64, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024.0 / 1e6)
    }

    /// Sends it a signal by its name.
    pub(crate) fn signal(&self, name: &str) -> Result<(), Box<dyn Error>> {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &pid]).status()?;
        if status.success() { Ok(()) } else { Err(format!("no signal {name}").into()) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal("CONT").ok();
        self.signal("TERM").ok();
        let asked = Instant::now();
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            if asked.elapsed() > Duration::from_secs(30) {
                self.child.kill().ok();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Figures {
    pub(crate) fn number(&self, name: &str) -> Result<f64, Box<dyn Error>> {
        self.0[name].as_f64().ok_or_else(|| format!("larder load told no {name}").into())
    }
}

/// User and system time of a process.
fn ticks_of(pid: u32) -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit_once(')').ok_or("no stat")?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).ok_or("no ticks");
    Ok(ticks(11)? + ticks(12)?)
}

fn children_of(pid: u32) -> Result<Vec<u32>, Box<dyn Error>> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = if Path::new(&path).exists() { fs::read_to_string(path)? } else { String::new() };
    Ok(text.split_whitespace().filter_map(|child| child.parse().ok()).collect())
}

pub(crate) fn free_address() -> Result<SocketAddr, Box<dyn Error>> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
