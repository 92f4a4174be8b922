//! The peers: other programs that get the same known purchases and write lists for the same
//! customers. What is wanted after the cut is never written where they can read it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    Outcome,
    arguments::Arguments,
    cut::{Cut, Task},
    data::Purchases,
    larder::Lists,
    times::DAY_US,
};

/// Cores for everybody, peers and Larder alike.
pub(crate) const THREADS: &str = "2";

/// Where the peers work.
pub(crate) struct Peers<'a> {
    python: &'a Path,
    scripts: &'a Path,
    folder: PathBuf,
    seed: u64,
}

impl<'a> Peers<'a> {
    /// Writes what the peers may know; `None` when Larder is measured alone.
    pub(crate) fn prepare(
        arguments: &'a Arguments,
        purchases: &Purchases,
        test: &Cut,
        worlds: &[Cut],
    ) -> Outcome<Option<Self>> {
        let Some((python, scripts)) = &arguments.peers else { return Ok(None) };
        let folder = arguments.folder.join(format!("{}-{}", arguments.label, arguments.protocol.name()));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let peers = Self { python, scripts, folder, seed: arguments.seed };
        let tasks: Vec<&str> = Task::all_of(arguments.protocol).iter().map(|task| task.name()).collect();
        let about = json!({
            "customers": purchases.customers.len(),
            "products": purchases.products.len(),
            "length": arguments.protocol.length(),
            "tasks": tasks,
        });
        write_case(&peers.folder.join("test"), purchases, test, &about)?;
        for (number, world) in (1..).zip(worlds) {
            let folder = peers.folder.join(format!("world-{number}"));
            write_case(&folder, purchases, world, &about)?;
            let wanted = world.targets.iter().flat_map(|target| {
                let mut wanted: Vec<u32> = target.wanted.iter().copied().collect();
                wanted.sort_unstable();
                wanted.into_iter().flat_map(|product| [target.customer, product])
            });
            write(&folder, "wanted.i32", wanted.map(|number| (number as i32).to_le_bytes()))?;
        }
        Ok(Some(peers))
    }

    /// Runs one step to its end. Its own words go to the error output.
    pub(crate) fn run(&self, step: &str) -> Outcome<()> {
        eprintln!("peers: {step}");
        let status = Command::new(self.python)
            .arg(self.scripts.join("main.py"))
            .arg(step)
            .arg(&self.folder)
            .args([THREADS, &self.seed.to_string()])
            .env("OMP_NUM_THREADS", THREADS)
            .env("OPENBLAS_NUM_THREADS", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(format!("the peers' step `{step}` failed: {status}").into());
        }
        Ok(())
    }

    /// Every method's lists for a task, in the order of the targets, by the method's name.
    pub(crate) fn lists(&self, task: Task, targets: usize) -> Outcome<Vec<(String, Lists)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.folder.join("lists").join(task.name()))? {
            let path = entry?.path();
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let bytes = fs::read(&path)?;
            let (numbers, _) = bytes.as_chunks::<4>();
            let numbers: Vec<i32> = numbers.iter().map(|number| i32::from_le_bytes(*number)).collect();
            let length = (numbers.len() / targets.max(1)).max(1);
            let lists: Lists = numbers
                .chunks(length)
                .map(|list| list.iter().filter_map(|product| u32::try_from(*product).ok()).collect())
                .collect();
            if lists.len() != targets {
                return Err(format!("{name} made {} lists for {targets} customers", lists.len()).into());
            }
            found.push((name, lists));
        }
        found.sort();
        Ok(found)
    }

    /// What a step remembered, such as `cost`.
    pub(crate) fn remembered(&self, name: &str) -> Outcome<Value> {
        Ok(serde_json::from_slice(&fs::read(self.folder.join(format!("{name}.json")))?)?)
    }
}

fn write_case(folder: &Path, purchases: &Purchases, cut: &Cut, about: &Value) -> Outcome<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("case.json"), about.to_string())?;
    let days = |at_us: i64| (at_us as f64 / DAY_US as f64).to_le_bytes();
    let whole = |number: u32| (number as i32).to_le_bytes();
    write(folder, "customer.i32", cut.known.iter().map(|line| whole(line.customer)))?;
    write(folder, "product.i32", cut.known.iter().map(|line| whole(line.product)))?;
    write(folder, "basket.i32", cut.known.iter().map(|line| whole(line.basket)))?;
    write(folder, "quantity.f32", cut.known.iter().map(|line| line.quantity.to_le_bytes()))?;
    write(folder, "day.f64", cut.known.iter().map(|line| days(line.at_us)))?;
    write(folder, "target.i32", cut.targets.iter().map(|target| whole(target.customer)))?;
    write(folder, "target_day.f64", cut.targets.iter().map(|target| days(target.at_us)))?;
    let mut names: Vec<&str> = purchases.products.iter().map(|product| product.category.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let categories = purchases.products.iter().map(|product| match product.category.as_str() {
        "" => -1,
        name => names.binary_search(&name).map_or(-1, |place| place as i32),
    });
    write(folder, "category.i32", categories.map(i32::to_le_bytes))
}

fn write<const N: usize>(folder: &Path, name: &str, values: impl Iterator<Item = [u8; N]>) -> Outcome<()> {
    Ok(fs::write(folder.join(name), values.flatten().collect::<Vec<u8>>())?)
}
