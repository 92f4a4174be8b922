//! `cargo xtask test-containers`: the shipped Dockerfile and compose files, for once as containers. An engine from the
//! distribution runs them on a network, in a process tree and on mounts of its own, so that nothing outside is touched
//! and nothing outlives the run. Images of others are stood in for: programs of the distribution under the same tags.

mod checks;
mod engine;
mod http;
mod images;
mod namespace;
mod rootfs;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use self::engine::Engine;
use crate::arguments::Arguments;
use crate::interrupt::Interrupt;
use crate::packages;
use crate::servers;
use crate::workspace::Workspace;

/// The programs that are looked for, and the packages that bring them and what they need.
const PROGRAMS: [&str; 7] = ["podman", "buildah", "runc", "debootstrap", "iptables", "ip", "catatonit"];
const PACKAGES: [&str; 11] = [
    "podman",
    "buildah",
    "runc",
    "netavark",
    "aardvark-dns",
    "iptables",
    "catatonit",
    "golang-github-containers-common",
    "debootstrap",
    "iproute2",
    "ca-certificates",
];
/// A `larder` that is built already, instead of a released one.
const PROGRAM: &str = "--larder";
/// Where the run works, said by the process outside to the one inside.
const INSIDE: &str = "--inside";

/// What was made ready outside, where there is a network.
struct Prepared {
    compose: PathBuf,
    rootfs: rootfs::Rootfs,
    /// `larder` without symbols.
    larder: PathBuf,
    folder: PathBuf,
}

/// Runs the test.
pub(crate) fn run(
    workspace: &Workspace,
    interrupt: &Interrupt,
    mut arguments: Arguments,
) -> Result<ExitCode> {
    let inside = arguments.values(INSIDE)?.pop();
    let program = arguments.values(PROGRAM)?.pop().map(PathBuf::from);
    arguments.end()?;
    if !packages::is_root() {
        bail!("containers with networks of their own need root here; run it with sudo");
    }
    let find = |name: &&str| packages::find_program(name).is_some();
    if !PROGRAMS.iter().all(find) {
        packages::install(interrupt, &PACKAGES)?;
    }
    let prepare = |folder: PathBuf| prepare(workspace, interrupt, folder, program.as_deref());
    if let Some(folder) = inside {
        return inner(workspace, interrupt, &prepare(PathBuf::from(folder))?);
    }
    let folder = tempfile::Builder::new().prefix("larder-containers-").tempdir()?;
    prepare(folder.path().to_owned())?;
    let status = namespace::enter(interrupt, folder.path(), &["test-containers", INSIDE]);
    namespace::clean_up(folder.path());
    folder.close().context("the folder of the run cannot be removed")?;
    Ok(if status?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Installs, fetches and builds what is not there yet; what is there is only named.
fn prepare(
    workspace: &Workspace,
    interrupt: &Interrupt,
    folder: PathBuf,
    program: Option<&Path>,
) -> Result<Prepared> {
    let compose = servers::COMPOSE.find_or_install(interrupt)?;
    let rootfs = rootfs::Rootfs::find_or_make(interrupt)?;
    let larder = folder.join("larder");
    if !larder.is_file() {
        let program = match program {
            Some(program) if program.is_file() => program.to_owned(),
            Some(program) => bail!("{PROGRAM} names no file: {}", program.display()),
            None => released(workspace, interrupt)?,
        };
        interrupt.run_well(Command::new("strip").arg("-o").arg(&larder).arg(&program))?;
        println!("the builder stage is stood in for by {}, without its symbols", program.display());
    }
    Ok(Prepared { compose, rootfs, larder, folder })
}

/// The released program of these sources; Cargo builds what is not as they are.
fn released(workspace: &Workspace, interrupt: &Interrupt) -> Result<PathBuf> {
    eprintln!("xtask: building the released larder; from nothing this takes many minutes");
    let build = ["build", "--release", "--locked", "--package", "larder"];
    interrupt.run_well(workspace.cargo().args(build))?;
    Ok(workspace.target.join("release/larder"))
}

/// Everything that happens on the network of the run.
fn inner(workspace: &Workspace, interrupt: &Interrupt, prepared: &Prepared) -> Result<ExitCode> {
    namespace::furnish(interrupt)?;
    let engine = Engine::start(interrupt, &workspace.root, prepared)?;
    images::make(workspace, &engine, prepared)?;
    let outcome = checks::run(&engine);
    if let Err(error) = &outcome
        && interrupt.check().is_ok()
    {
        eprintln!("xtask: {error:#}\n");
        engine.tell_what_happened();
    }
    engine.stop();
    outcome.map(|()| ExitCode::SUCCESS)
}

/// Writes a file of the run.
fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}
