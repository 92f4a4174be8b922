//! Seconds and memory of training: Larder's in a process of its own, the peers' in another, one after
//! the other, each with the same number of threads.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    Outcome,
    arguments::{Arguments, Protocol},
    cut::Cut,
    data::Purchases,
    judge::print,
    larder,
    peers::{Peers, THREADS},
};

const MIB: f64 = 1_048_576.0;

/// What the process does that was started to measure itself.
pub(crate) fn train_and_tell(purchases: &Purchases, test: &Cut, protocol: Protocol) -> Outcome<()> {
    let before = cpu_seconds()?;
    let trained = larder::train(purchases, &test.known, test.trained_at_us, protocol)?;
    println!(
        "{}",
        json!({"seconds": trained.seconds, "cpu_seconds": cpu_seconds()? - before, "peak_bytes": peak_bytes()?})
    );
    Ok(())
}

/// Prints the rows of Larder and, when there are peers, of ALS + item-kNN + LightGBM.
pub(crate) fn measure(arguments: &Arguments, peers: Option<&Peers<'_>>) -> Outcome<()> {
    let own = train_apart()?;
    let of_peers = match peers {
        Some(peers) => {
            peers.run("cost")?;
            Some(peers.remembered("cost")?)
        }
        None => None,
    };
    println!("\n{}: training with {THREADS} threads", arguments.label);
    print_line("Larder, every model", &own);
    if let Some(peers) = &of_peers {
        print_line("ALS + item-kNN + LightGBM ranker", peers);
        for part in ["als_seconds", "item_knn_seconds", "ranker_seconds"] {
            println!("    of it {part:<28} {:>7.1} s", peers[part].as_f64().unwrap_or_default());
        }
    }
    let row = |id: &str, value: f64, unit: &str, target: &str, peer: Option<f64>| {
        let mut row = json!({"id": format!("{}.{id}", arguments.label), "value": value, "unit": unit, "target": target});
        if let Some(peer) = peer {
            row["peer"] = json!("als+item-knn+lightgbm");
            row["peer_value"] = json!(peer);
        }
        print(row);
    };
    let own = |name: &str| own[name].as_f64().ok_or("no figures of training");
    let (seconds, cpu_seconds, mib) = (own("seconds")?, own("cpu_seconds")?, own("peak_bytes")? / MIB);
    let of = |name: &str| of_peers.as_ref().and_then(|peers| peers[name].as_f64());
    row("training-time", seconds, "s", "< 120", of("seconds"));
    row("training-processor-time", cpu_seconds, "s", "< 240", of("cpu_seconds"));
    row("training-memory", mib, "MiB", "< 2048", of("peak_bytes").map(|bytes| bytes / MIB));
    if let Some(peer_seconds) = of("seconds") {
        row("training-time-share", seconds / peer_seconds, "of the peers' time", "<= 1", None);
    }
    Ok(())
}

/// On a busy machine the seconds of the processor say more than those of the clock.
fn print_line(name: &str, cost: &Value) {
    let figure = |name: &str| cost[name].as_f64().unwrap_or_default();
    println!(
        "  {name:<34} {:>7.1} s, {:>7.1} s of the processor, {:>6.0} MiB",
        figure("seconds"),
        figure("cpu_seconds"),
        figure("peak_bytes") / MIB
    );
}

/// Runs this program again to do nothing but train.
fn train_apart() -> Outcome<Value> {
    let output = Command::new(std::env::current_exe()?)
        .args(std::env::args().skip(1))
        .arg("--train-only")
        .env("RAYON_NUM_THREADS", THREADS)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let told = text.lines().find(|line| line.starts_with('{'));
    Ok(serde_json::from_str(told.ok_or("training in a process of its own failed")?)?)
}

/// What the threads of this process have used of the processor, as Linux tells it: user and system
/// time are the 14th and 15th field, in hundredths of a second.
fn cpu_seconds() -> Outcome<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let behind_name = stat.rsplit_once(") ").ok_or("an unknown /proc/self/stat")?.1;
    let fields: Vec<&str> = behind_name.split(' ').collect();
    let (user, system): (f64, f64) = (fields[11].parse()?, fields[12].parse()?);
    Ok((user + system) / 100.0)
}

/// The most memory this process has had, as Linux tells it.
fn peak_bytes() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}
