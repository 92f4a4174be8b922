//! Podman with everything of its own below the folder of the run, its socket, Compose that speaks to it, and the loop
//! that runs health checks: Podman leaves them to systemd's timers, of which there are none here.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::namespace::quiet;
use super::{Prepared, write};
use crate::clock;
use crate::interrupt::{Interrupt, shown};

/// Where the compose files look for it.
const SOCKET: &str = "/run/docker.sock";
const FILES: [&str; 2] = ["docker-compose.yml", "docker-compose.monitoring.yml"];
/// How long any one call may take.
const CALL_LIMIT_S: &str = "300";
const ALL_HEALTHY_LIMIT_S: &str = "180";
const SERVICE_LIMIT: Duration = Duration::from_secs(20);
/// Containers that are well are asked again after so many rounds of a second.
const ROUNDS: u32 = 8;

/// The engine, running.
pub(super) struct Engine<'a> {
    interrupt: &'a Interrupt,
    root: PathBuf,
    compose: PathBuf,
    variables: Vec<(&'static str, String)>,
    service: Child,
    ended: Arc<AtomicBool>,
    health: Option<JoinHandle<()>>,
}

impl<'a> Engine<'a> {
    pub(super) fn start(interrupt: &'a Interrupt, root: &Path, prepared: &Prepared) -> Result<Self> {
        let variables = settings(&prepared.folder)?;
        let mut service = Command::new("podman");
        service.args(["system", "service", "--time=0", &format!("unix://{SOCKET}")]);
        service.envs(variables.iter().map(|(name, value)| (name, value)));
        let service = quiet(&mut service).spawn().context("podman did not start")?;
        let listens = || Path::new(SOCKET).exists().then_some(());
        clock::wait_for(SERVICE_LIMIT, listens).context("podman's service does not listen")?;
        let ended = Arc::new(AtomicBool::new(false));
        let health = {
            let (ended, variables) = (ended.clone(), variables.clone());
            std::thread::spawn(move || check_health(&ended, &variables))
        };
        let (root, compose) = (root.to_owned(), prepared.compose.clone());
        Ok(Self { interrupt, root, compose, variables, service, ended, health: Some(health) })
    }

    pub(super) fn interrupt(&self) -> &Interrupt {
        self.interrupt
    }

    /// Tells a program which engine there is.
    pub(super) fn told<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.envs(self.variables.iter().map(|(name, value)| (name, value)))
    }

    /// What podman prints when it is called so.
    pub(super) fn podman(&self, arguments: &[&str]) -> Result<String> {
        self.output(self.told(Command::new("podman").args(arguments)))
    }

    /// What a program prints; when it fails, what it says is the error.
    pub(super) fn output(&self, command: &mut Command) -> Result<String> {
        self.interrupt.check()?;
        let child = self
            .interrupt
            .spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let output = child.wait_with_output().context("cannot wait for a program")?;
        self.interrupt.check()?;
        if !output.status.success() {
            bail!("`{}` failed: {}", shown(command), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Compose with the shipped files as they are, and nothing from whoever runs this.
    pub(super) fn compose(&self, arguments: &[&str]) -> Result<String> {
        self.output(&mut self.compose_command(arguments))
    }

    fn compose_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--kill-after", "10", CALL_LIMIT_S]).arg(&self.compose);
        command.args(["--env-file", "/dev/null"]).args(FILES.iter().flat_map(|file| ["-f", file]));
        command.args(arguments).current_dir(&self.root);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LARDER_") {
                command.env_remove(name);
            }
        }
        self.told(&mut command);
        command
    }

    pub(super) fn composed(&self) -> Result<String> {
        self.compose(&["config", "--format", "json"])
    }

    pub(super) fn up(&self) -> Result<String> {
        self.compose(&["up", "--detach", "--no-build", "--wait", "--wait-timeout", ALL_HEALTHY_LIMIT_S])
    }

    /// What an operator would look at first.
    pub(super) fn tell_what_happened(&self) {
        for arguments in [&["ps", "--all"][..], &["logs", "--no-color", "--tail", "12"]] {
            match self.compose(arguments) {
                Ok(said) => eprintln!("{said}"),
                Err(error) => eprintln!("xtask: {error:#}"),
            }
        }
    }

    /// Ends the service. Its containers end with the process tree.
    pub(super) fn stop(mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(health) = self.health.take() {
            health.join().ok();
        }
        self.service.kill().ok();
        self.service.wait().ok();
    }
}

/// Writes the engine's settings, and says which variables name them.
fn settings(folder: &Path) -> Result<Vec<(&'static str, String)>> {
    let shown = folder.display();
    let containers = format!(
        "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n\
         init_path = \"/usr/bin/catatonit\"\n\
         [engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n\
         [network]\nnetwork_backend = \"netavark\"\nnetwork_config_dir = \"{shown}/networks\"\n"
    );
    let storage = format!(
        "[storage]\ndriver = \"overlay\"\ngraphroot = \"{shown}/storage\"\nrunroot = \"/run/larder-containers\"\n"
    );
    // Nothing is ever fetched: every image has been made under the tag that is asked for.
    let registries = "unqualified-search-registries = [\"docker.io\"]\nshort-name-mode = \"disabled\"\n";
    let files = [
        ("CONTAINERS_CONF", "containers.conf", containers.as_str()),
        ("CONTAINERS_STORAGE_CONF", "storage.conf", storage.as_str()),
        ("CONTAINERS_REGISTRIES_CONF", "registries.conf", registries),
    ];
    let mut variables =
        vec![("DOCKER_HOST", format!("unix://{SOCKET}")), ("TMPDIR", folder.display().to_string())];
    for (variable, name, text) in files {
        let path = folder.join(name);
        write(&path, text)?;
        variables.push((variable, path.display().to_string()));
    }
    Ok(variables)
}

/// Runs the health check of every container that is not well, and now and then of those that are.
fn check_health(ended: &AtomicBool, variables: &[(&'static str, String)]) {
    let podman = |arguments: &[&str]| {
        let mut command = Command::new("podman");
        command.args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
        quiet(&mut command);
        command
    };
    let mut round = 0;
    while !ended.load(Ordering::SeqCst) {
        round += 1;
        for state in ["starting", "unhealthy", "healthy"] {
            if state == "healthy" && round % ROUNDS != 0 {
                continue;
            }
            let mut listing = podman(&["ps", "--quiet", "--filter", &format!("health={state}")]);
            let Ok(listed) = listing.stdout(Stdio::piped()).output() else { continue };
            for id in String::from_utf8_lossy(&listed.stdout).lines() {
                if !ended.load(Ordering::SeqCst) {
                    podman(&["healthcheck", "run", id]).status().ok();
                }
            }
        }
        clock::pause(Duration::from_secs(1));
    }
}
