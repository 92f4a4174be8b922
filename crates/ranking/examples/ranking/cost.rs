//! Seconds and memory of training: Larder's in a process of its own, the peers' in another, one after
//! the other, each with the same number of threads.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    Outcome,
    arguments::Arguments,
    cut::Cut,
    data::Purchases,
    judge::print,
    larder,
    peers::{Peers, THREADS},
};

const MIB: f64 = 1_048_576.0;

/// What the process does that was started to measure itself.
pub(crate) fn train_and_tell(purchases: &Purchases, test: &Cut) -> Outcome<()> {
    let trained = larder::train(purchases, &test.known, test.trained_at_us)?;
    println!("{}", json!({"seconds": trained.seconds, "peak_bytes": peak_bytes()?}));
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
    let (seconds, mib) = (own["seconds"].as_f64(), own["peak_bytes"].as_f64().map(|bytes| bytes / MIB));
    let (Some(seconds), Some(mib)) = (seconds, mib) else { return Err("no figures of training".into()) };
    println!("  {:<34} {seconds:>7.1} s {mib:>8.0} MiB", "Larder, every model");
    if let Some(peers) = &of_peers {
        let name = "ALS + item-kNN + LightGBM ranker";
        let peak_mib = peers["peak_bytes"].as_f64().unwrap_or_default() / MIB;
        println!("  {name:<34} {:>7.1} s {peak_mib:>8.0} MiB", peers["seconds"].as_f64().unwrap_or_default());
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
    let of = |name: &str| of_peers.as_ref().and_then(|peers| peers[name].as_f64());
    row("training-time", seconds, "s", "< 120", of("seconds"));
    row("training-memory", mib, "MiB", "< 2048", of("peak_bytes").map(|bytes| bytes / MIB));
    if let Some(peer_seconds) = of("seconds") {
        row("training-time-share", seconds / peer_seconds, "of the peers' time", "<= 1", None);
    }
    Ok(())
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

/// The most memory this process has had, as Linux tells it.
fn peak_bytes() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}
