//! What a newcomer waits for: a fresh clone, an empty cargo cache, one command, and the
//! first recommendation. Takes as long as building everything does.

use std::error::Error;
use std::process::Command;
use std::time::{Duration, Instant};

use larder_testkit::Row;

use crate::program::Larder;

const LIMIT: Duration = Duration::from_secs(3_600);

/// Clones the workspace of the current folder and runs `cargo xtask up` in it.
pub(crate) fn measure(larder: &Larder) -> Result<(), Box<dyn Error>> {
    let clone = larder.folder.join("clone");
    let started = Instant::now();
    let cloned = Command::new("git").args(["clone", "--quiet", "."]).arg(&clone).status()?;
    if !cloned.success() {
        return Err("the workspace cannot be cloned".into());
    }
    let mut command = Command::new("cargo");
    command
        .args(["xtask", "up"])
        .current_dir(&clone)
        .env("CARGO_HOME", larder.folder.join("cargo-home"))
        .env("CARGO_TARGET_DIR", larder.folder.join("clone-target"));
    let newcomer = larder.on_folder("clone-data");
    let (running, _) = newcomer.run_until_first_answer(command, LIMIT)?;
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    running.stop()?;
    Row::new("clone-to-first-recommendation", minutes, "min").target("< 12").print();
    Ok(())
}
