//! A service that is frozen and one that is killed, once with answers that are kept and new
//! enough, once with answers that are older than their time.

use std::error::Error;
use std::time::{Duration, Instant};

use larder_testkit::Row;

use crate::process::{Bench, Kind, free_address};

/// A recommendation is given for so long while a new one is fetched behind it.
const UNTIL_OLD: Duration = Duration::from_secs(31);

/// Breaks the service and tells what callers notice.
pub(crate) fn measure(bench: &Bench) -> Result<(), Box<dyn Error>> {
    for (name, signal) in [("killed", "KILL"), ("frozen", "STOP")] {
        let address = free_address()?;
        let service = bench.service_at(address)?;
        let gateway = bench.gateway(address, &[])?;
        let at = gateway.process.address;
        bench.load(Kind::Http, at, &["--rate", "500"], None)?;
        std::thread::sleep(UNTIL_OLD);
        service.signal(signal)?;
        let broken = bench.load(Kind::Http, at, &["--rate", "200"], None)?;
        Row::new(&format!("{name}-p99"), broken.number("p99_ms")?, "ms").target("< 50").print();
        Row::new(&format!("{name}-failed"), broken.number("failed_count")?, "calls").target("<= 0").print();
        let after = bench.load(Kind::Http, at, &["--rate", "200"], None)?;
        Row::new(&format!("{name}-breaker-open-p50"), after.number("p50_ms")?, "ms").target("< 5").print();
        drop(service);
        let _again = bench.service_at(address)?;
        let healed = Instant::now();
        while crate::shop::is_degraded(at)? {
            if healed.elapsed() > Duration::from_secs(30) {
                return Err("it does not heal".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let took = healed.elapsed().as_secs_f64();
        Row::new(&format!("{name}-recovery"), took, "s").target("< 5").print();
    }
    Ok(())
}
