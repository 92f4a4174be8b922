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
    /// Of everything the peers get to see.
    checksum: u32,
}

/// Written when all lists are made, with the checksum of what they were made of.
const FINISHED: &str = "finished";

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
        if folder.exists() && !arguments.reuse_peers {
            fs::remove_dir_all(&folder)?;
        }
        let mut peers = Self { python, scripts, folder, seed: arguments.seed, checksum: 0 };
        let mut seen = crc32fast::Hasher::new();
        let tasks: Vec<&str> = Task::all_of(arguments.protocol).iter().map(|task| task.name()).collect();
        let about = json!({
            "customers": purchases.customers.len(),
            "products": purchases.products.len(),
            "length": arguments.protocol.length(),
            "tasks": tasks,
        });
        write_case(&peers.folder.join("test"), purchases, test, &about, &mut seen)?;
        for (number, world) in (1..).zip(worlds) {
            let folder = peers.folder.join(format!("world-{number}"));
            write_case(&folder, purchases, world, &about, &mut seen)?;
            let wanted = world.targets.iter().flat_map(|target| {
                let mut wanted: Vec<u32> = target.wanted.iter().copied().collect();
                wanted.sort_unstable();
                wanted.into_iter().flat_map(|product| [target.customer, product])
            });
            write(&folder, "wanted.i32", wanted.map(|number| (number as i32).to_le_bytes()), &mut seen)?;
        }
        peers.checksum = seen.finalize();
        Ok(Some(peers))
    }

    /// Makes all lists, unless they were made of the very same data before and may be used again.
    pub(crate) fn make_lists(&self) -> Outcome<()> {
        let (mark, checksum) = (self.folder.join(FINISHED), self.checksum.to_string());
        if fs::read_to_string(&mark).is_ok_and(|finished| finished == checksum) {
            println!("  the peers' lists are those of an earlier run on the same data");
            return Ok(());
        }
        ["personal", "collaborative", "ranker"].iter().try_for_each(|step| self.run(step))?;
        Ok(fs::write(mark, checksum)?)
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
            .env("OMP_WAIT_POLICY", "passive")
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

fn write_case(
    folder: &Path,
    purchases: &Purchases,
    cut: &Cut,
    about: &Value,
    seen: &mut crc32fast::Hasher,
) -> Outcome<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("case.json"), about.to_string())?;
    let days = |at_us: i64| (at_us as f64 / DAY_US as f64).to_le_bytes();
    let whole = |number: u32| (number as i32).to_le_bytes();
    write(folder, "customer.i32", cut.known.iter().map(|line| whole(line.customer)), seen)?;
    write(folder, "product.i32", cut.known.iter().map(|line| whole(line.product)), seen)?;
    write(folder, "basket.i32", cut.known.iter().map(|line| whole(line.basket)), seen)?;
    write(folder, "quantity.f32", cut.known.iter().map(|line| line.quantity.to_le_bytes()), seen)?;
    write(folder, "day.f64", cut.known.iter().map(|line| days(line.at_us)), seen)?;
    write(folder, "target.i32", cut.targets.iter().map(|target| whole(target.customer)), seen)?;
    write(folder, "target_day.f64", cut.targets.iter().map(|target| days(target.at_us)), seen)?;
    write(folder, "category.i32", category_numbers(purchases).map(i32::to_le_bytes), seen)
}

/// Categories by their place in the alphabet; -1 for a product without one.
fn category_numbers(purchases: &Purchases) -> impl Iterator<Item = i32> {
    let mut names: Vec<&str> = purchases.products.iter().map(|product| product.category.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    purchases.products.iter().map(move |product| match product.category.as_str() {
        "" => -1,
        name => names.binary_search(&name).map_or(-1, |place| place as i32),
    })
}

fn write<const N: usize>(
    folder: &Path,
    name: &str,
    values: impl Iterator<Item = [u8; N]>,
    seen: &mut crc32fast::Hasher,
) -> Outcome<()> {
    let bytes: Vec<u8> = values.flatten().collect();
    seen.update(&bytes);
    Ok(fs::write(folder.join(name), bytes)?)
}
