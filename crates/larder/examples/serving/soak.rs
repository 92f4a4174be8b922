//! Whether memory stays flat over a million questions and a million events, in a shop that
//! is trained after each share of them, as it is by itself where training is on.

use std::error::Error;

use larder_testkit::Row;

use crate::open_shop::OpenShop;
use crate::program::Larder;
use crate::shop;

const REQUESTS: u64 = 1_000_000;
const EVENTS: u64 = 1_000_000;
/// Equal shares of both.
const ROUNDS: u64 = 5;
/// Before that, small rounds until as many models are in memory as are kept for going back.
const WARMUP: u64 = 3;
const RATE: u32 = 3_000;

/// Opens a shop that trains in seconds and watches the resident memory of the program.
pub(crate) fn measure(larder: &Larder) -> Result<(), Box<dyn Error>> {
    let shop = OpenShop::open(larder.on_folder("watched-shop"), shop::WATCHED)?;
    shop.import()?;
    let file = shop.files.products.with_file_name("more-interactions.csv");
    let (mut resident_mb, mut untrained_mb) = (Vec::new(), Vec::new());
    for round in 0..WARMUP + ROUNDS {
        let share = if round < WARMUP { ROUNDS * ROUNDS } else { ROUNDS };
        shop::WATCHED.more_interactions(&file, round, EVENTS / share)?;
        shop.running.import("interactions", &file)?;
        shop.load("learned", RATE, REQUESTS / share / u64::from(RATE))?;
        untrained_mb.push(shop.running.memory_mb("VmRSS")?);
        shop.running.train()?;
        shop.load("learned", RATE, 5)?;
        resident_mb.push(shop.running.memory_mb("VmRSS")?);
        eprintln!(
            "round {round}: {:.0} MB, {:.0} MB trained",
            untrained_mb[untrained_mb.len() - 1],
            resident_mb[resident_mb.len() - 1]
        );
    }
    shop.close()?;
    let (first, last) = (resident_mb[WARMUP as usize - 1], resident_mb[resident_mb.len() - 1]);
    let added =
        untrained_mb[1..].iter().zip(&resident_mb).map(|(untrained, trained)| untrained / trained - 1.0);
    let most_added = added.fold(0.0, f64::max);
    Row::new("soak-untrained-events-add", most_added, "of the memory, 200,000 of them").print();
    Row::new("soak-resident-memory-first", first, "MB").print();
    Row::new("soak-resident-memory-growth", last / first - 1.0, "of the first").target("<= 0.05").print();
    Ok(())
}
