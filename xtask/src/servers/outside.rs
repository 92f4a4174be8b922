//! Programs of others that Larder's tests talk to: Prometheus and Alertmanager with `amtool` from the distribution,
//! and a mail server in Python. Only their paths are handed on; each test starts what it needs for itself.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::interrupt::Interrupt;
use crate::packages;
use crate::workspace::cache_folder;

/// Where a test finds each program, and the names under which distributions have it.
const MONITORING: [(&str, [&str; 2]); 3] = [
    ("LARDER_TEST_PROMETHEUS", ["prometheus", "prometheus"]),
    ("LARDER_TEST_ALERTMANAGER", ["prometheus-alertmanager", "alertmanager"]),
    ("LARDER_TEST_AMTOOL", ["amtool", "amtool"]),
];
const MONITORING_PACKAGES: [&str; 2] = ["prometheus", "prometheus-alertmanager"];

/// The Python that has a mail server in it.
const MAIL_PYTHON: &str = "LARDER_TEST_MAIL_PYTHON";
const MAIL_PACKAGE: &str = "aiosmtpd==1.4.6";

/// The programs that could be had.
pub(super) struct OutsidePrograms(Vec<(&'static str, PathBuf)>);

impl OutsidePrograms {
    /// Installs what is missing. What cannot be had is left out with a word about it; tests that need it
    /// then fail and say so.
    pub(super) fn find_or_install(interrupt: &Interrupt) -> Result<Self> {
        let mut found = Vec::new();
        if monitoring().is_none()
            && let Err(error) = packages::install(interrupt, &MONITORING_PACKAGES)
        {
            eprintln!("xtask: no test can talk to Prometheus or Alertmanager: {error:#}");
        }
        interrupt.check()?;
        found.extend(monitoring().into_iter().flatten());
        match mail_python(interrupt) {
            Ok(python) => found.push((MAIL_PYTHON, python)),
            Err(error) => eprintln!("xtask: no test can talk to a real mail server: {error:#}"),
        }
        interrupt.check()?;
        Ok(Self(found))
    }

    /// Tells a program where they are.
    pub(super) fn describe_to(&self, command: &mut Command) {
        command.envs(self.0.iter().map(|(name, path)| (name, path)));
    }
}

/// All of them, or `None` when one is missing.
fn monitoring() -> Option<Vec<(&'static str, PathBuf)>> {
    MONITORING
        .into_iter()
        .map(|(variable, names)| Some((variable, names.into_iter().find_map(packages::find_program)?)))
        .collect()
}

/// An environment of its own in the cache, made anew when it was made for other packages.
fn mail_python(interrupt: &Interrupt) -> Result<PathBuf> {
    let place = cache_folder()?.join("tools/mail-server");
    let (python, mark) = (place.join("bin/python"), place.join("packages"));
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == MAIL_PACKAGE) {
        return Ok(python);
    }
    eprintln!("xtask: installing {MAIL_PACKAGE} into the cache");
    if place.exists() {
        std::fs::remove_dir_all(&place)?;
    }
    let quiet = |command: &mut Command| interrupt.run_well(command.stdout(Stdio::null()));
    quiet(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "30"]);
    pip.args(["--only-binary", ":all:"]).arg(MAIL_PACKAGE);
    quiet(&mut pip).context("its packages cannot be installed")?;
    std::fs::write(&mark, MAIL_PACKAGE)?;
    Ok(python)
}
