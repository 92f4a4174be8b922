//! How good forecasts of demand are beside those of others: the same days known, the same days judged, the
//! same metrics. `cargo xtask bench demand` builds it, sets up the peers and prints its rows;
//! docs/benchmarks.md tells what the rows mean. Alone:
//! `cargo run --release -p larder-demand --example demand -- --data FOLDER [--protocol NAME]`.

mod arguments;
mod daily;
mod data;
mod judge;
mod market_days;
mod peers;
mod sell_outs;
mod speed;

use std::{error::Error, process::ExitCode};

use crate::arguments::{Arguments, Protocol};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demand: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Outcome<()> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    match arguments.protocol {
        Protocol::MarketDays => market_days::measure(&arguments),
        Protocol::Daily => daily::measure(&arguments),
        Protocol::SellOuts => sell_outs::measure(),
        Protocol::Speed => speed::measure(&arguments),
    }
}
