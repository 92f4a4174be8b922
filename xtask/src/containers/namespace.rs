//! A network, a process tree and mounts for one run. When its first process ends, however that happens, the kernel
//! ends every other one with it.

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result};

use crate::interrupt::Interrupt;

/// Compose files of cAdvisor look at this folder; an engine makes it where it is missing.
const ENGINES_OWN: &str = "/var/lib/docker";
const CGROUPS: &str = "/sys/fs/cgroup";
/// Where podman puts what it limits.
const CGROUP_PARENT: &str = "libpod_parent";

/// Runs this program again, inside, with `arguments` and `folder`.
pub(super) fn enter(interrupt: &Interrupt, folder: &Path, arguments: &[&str]) -> Result<ExitStatus> {
    let own = std::env::current_exe().context("this program has no path")?;
    // Killed without a word, this process takes `unshare` with it, and that the rest.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]);
    command.args(["--mount-proc", "--propagation", "private"]);
    // The first process of a tree inherits orphans, and a shell that waits sees to them.
    command.args(["sh", "-c", "\"$@\"; exit $?", "sh"]).arg(own).args(arguments).arg(folder);
    let had_folder = Path::new(ENGINES_OWN).exists();
    let status = interrupt.run(&mut command);
    if !had_folder {
        // Only when it is empty.
        std::fs::remove_dir(ENGINES_OWN).ok();
    }
    status
}

/// What a process expects of a machine: loopback, and folders for sockets and shared memory that nobody else sees.
pub(super) fn furnish(interrupt: &Interrupt) -> Result<()> {
    interrupt.run_well(Command::new("ip").args(["link", "set", "lo", "up"]))?;
    for folder in ["/run", "/dev/shm"] {
        let mut mount = Command::new("mount");
        interrupt.run_well(mount.args(["-t", "tmpfs", "-o", "mode=755", "tmpfs", folder]))?;
    }
    std::fs::create_dir_all("/run/lock").context("/run/lock cannot be made")
}

/// Control groups are the one thing that stays behind when processes end.
pub(super) fn clean_up(folder: &Path) {
    let listed = std::fs::read_to_string(folder.join("storage/overlay-containers/containers.json"));
    let Ok(containers) = serde_json::from_str::<serde_json::Value>(&listed.unwrap_or_default()) else {
        return;
    };
    let ids: Vec<&str> =
        containers.as_array().into_iter().flatten().filter_map(|one| one["id"].as_str()).collect();
    let Ok(controllers) = std::fs::read_dir(CGROUPS) else { return };
    for controller in controllers.flatten() {
        for id in &ids {
            // One that still holds a process cannot be removed, and one that is gone need not be.
            let group = controller.path().join(CGROUP_PARENT).join(format!("libpod-{id}"));
            std::fs::remove_dir(group).ok();
        }
    }
}

/// Whether a process has the root of its file system read-only, who it is, and what it may.
pub(super) fn of_process(pid: u64) -> Result<(bool, String)> {
    let read = |name: &str| {
        let path = format!("/proc/{pid}/{name}");
        std::fs::read_to_string(&path).with_context(|| format!("{path} cannot be read"))
    };
    let mounts = read("mounts")?;
    let root = mounts.lines().rfind(|line| line.split(' ').nth(1) == Some("/"));
    let options = root.and_then(|line| line.split(' ').nth(3)).context("the process has no root")?;
    let status = read("status")?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().next().unwrap_or_default().to_owned()
    };
    let shown = format!(
        "uid {}, capabilities {}, no new privileges {}",
        field("Uid:"),
        field("CapEff:"),
        field("NoNewPrivs:")
    );
    Ok((options.split(',').any(|option| option == "ro"), shown))
}

/// A program whose output nobody reads.
pub(super) fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}
