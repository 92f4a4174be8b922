//! What the suites take. The defaults are the shapes that a release is held to; everything can be set.

use std::path::PathBuf;

use super::chaos::Fault;
use super::plan::{Plan, chaos, several, steady};
use super::record::MOST_CALLS;
use crate::client::ConnectArgs;
use crate::error::CommandError;

/// The suites.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Suite {
    /// A usual day: 10 users for an hour
    Sustained(SteadyArgs),
    /// A busy time: 50 users for five minutes
    Burst(SteadyArgs),
    /// 5 users, suddenly 100, and 5 again
    Spike(SpikeArgs),
    /// 5 users for a day, in which no process may grow
    Soak(SoakArgs),
    /// 20 users of a Larder of its own, of which something is broken for 30 % of the time
    Chaos(ChaosArgs),
    /// All of them, one after the other, on a Larder of its own
    All(AllArgs),
}

/// What every suite takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RunArgs {
    /// What each user does, on average
    #[arg(long, default_value_t = 1.0, value_name = "CALLS", value_parser = rate)]
    pub(crate) calls_per_user_s: f64,
    /// Whom recommendations are asked for, one customer id a line; left out, the tenant's first 1,000
    #[arg(long, value_name = "FILE")]
    pub(crate) customers: Option<PathBuf>,
    /// Also records purchases, of customers `load-0` to `load-199`; a Larder of its own always gets them
    #[arg(long)]
    pub(crate) with_writes: bool,
    /// The same seed makes the same calls at the same moments
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where report.json and report.html are written
    #[arg(long, value_name = "FOLDER", default_value = "load-report")]
    pub(crate) report_dir: PathBuf,
    /// Prints the report as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// What the suites take that can run anywhere.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PlaceArgs {
    /// Starts a Larder of its own with the demo shop, and loads that one
    #[arg(long)]
    private: bool,
    /// An ops port whose process is looked at, such as http://127.0.0.1:9080; may be given several times
    /// [default: that of the gateway that runs on this data folder, or of the settings in force]
    #[arg(long, value_name = "URL")]
    ops: Vec<String>,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Where a suite runs.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// On a stack that this command brings up and takes down.
    Private,
    /// On one that is there.
    At { connect: ConnectArgs, ops: Vec<String> },
}

impl PlaceArgs {
    fn place(self) -> Place {
        match self.private {
            true => Place::Private,
            false => Place::At { connect: self.connect, ops: self.ops },
        }
    }
}

impl Place {
    pub(crate) fn is_private(&self) -> bool {
        matches!(self, Self::Private)
    }
}

/// The same number of users all the time.
#[derive(Debug, clap::Args)]
pub(crate) struct SteadyArgs {
    /// How many users there are [default: 10 of sustained, 50 of burst, 5 of soak]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    users: Option<u32>,
    /// How long [default: an hour of sustained, five minutes of burst, a day of soak]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    duration_s: Option<u64>,
    /// Fewer calls than this may fail [default: 0.1 of sustained and soak, 1 of burst]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    max_error_percent: Option<f64>,
    /// 99 of 100 answers have to come sooner
    #[arg(long, default_value_t = 1_000, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    max_p99_ms: u64,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    run: RunArgs,
}

/// A sudden crowd.
#[derive(Debug, clap::Args)]
pub(crate) struct SpikeArgs {
    /// How many users there are before and after
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) users: u32,
    /// How many there are at the peak
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) peak_users: u32,
    /// How long it is calm before the peak
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) before_s: u64,
    /// How long the peak is
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) peak_s: u64,
    /// How long it is calm after the peak; a recovery needs three good seconds
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(3..))]
    pub(crate) after_s: u64,
    /// Fewer calls than this may fail
    #[arg(long, default_value_t = 1.0, value_name = "PERCENT", value_parser = percent)]
    pub(crate) max_error_percent: f64,
    /// Sooner than this after the peak all has to be as before
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_recovery_s: u64,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

impl SpikeArgs {
    /// The usual numbers for other lengths, on a Larder of its own.
    pub(crate) fn usual(before_s: u64, peak_s: u64, after_s: u64, run: RunArgs) -> Self {
        let connect = ConnectArgs { address: None, token: None, api_key: None, tenant: None };
        Self {
            users: 5,
            peak_users: 100,
            before_s,
            peak_s,
            after_s,
            max_error_percent: 1.0,
            max_recovery_s: 10,
            place: PlaceArgs { private: true, ops: Vec::new(), connect },
            run,
        }
    }
}

/// A long time.
#[derive(Debug, clap::Args)]
pub(crate) struct SoakArgs {
    /// How much a process may have grown from the second quarter of the time to the last one
    #[arg(long, default_value_t = 5.0, value_name = "PERCENT", value_parser = percent)]
    max_growth_percent: f64,
    #[command(flatten)]
    steady: SteadyArgs,
}

/// Faults.
#[derive(Debug, clap::Args)]
pub(crate) struct ChaosArgs {
    /// How many users there are
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) users: u32,
    /// How long
    #[arg(long, default_value_t = 600, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) duration_s: u64,
    /// For how much of that time something is broken
    #[arg(long, default_value_t = 30, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(1..=80))]
    pub(crate) fault_percent: u32,
    /// What is broken, one after the other and separated by commas [default: all of them]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FAULT")]
    pub(crate) faults: Vec<Fault>,
    /// Of the calls that need nothing broken, no more than this may fail
    #[arg(long, default_value_t = 0.0, value_name = "PERCENT", value_parser = percent)]
    pub(crate) max_unrelated_error_percent: f64,
    /// Sooner than this after each fault all has to be as before
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_recovery_s: u64,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

impl ChaosArgs {
    /// The usual numbers for another length and these faults.
    pub(crate) fn usual(duration_s: u64, faults: Vec<Fault>, run: RunArgs) -> Self {
        Self {
            users: 20,
            duration_s,
            fault_percent: 30,
            faults,
            max_unrelated_error_percent: 0.0,
            max_recovery_s: 30,
            run,
        }
    }
}

/// All suites.
#[derive(Debug, clap::Args)]
pub(crate) struct AllArgs {
    /// Minutes instead of more than a day: a minute of `sustained`, half a one of `burst`, one of `spike`, two of
    /// `soak`, five of `chaos`
    #[arg(long)]
    pub(crate) quick: bool,
    /// How long each suite and each part of the spike takes, but for `chaos`
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(3..))]
    pub(crate) each_s: Option<u64>,
    /// How long `chaos` takes
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) chaos_s: Option<u64>,
    /// What is broken in `chaos`, separated by commas [default: all there is]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FAULT")]
    pub(crate) faults: Vec<Fault>,
    /// 99 of 100 answers have to come sooner
    #[arg(long, default_value_t = 1_000, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_p99_ms: u64,
    /// How much a process may grow in `soak`
    #[arg(long, default_value_t = 5.0, value_name = "PERCENT", value_parser = percent)]
    pub(crate) max_growth_percent: f64,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

impl Suite {
    /// What is to be run, and where.
    pub(crate) fn plans(self) -> Result<(RunArgs, Place, Vec<Plan>), CommandError> {
        let (run, place, plans) = match self {
            Self::Sustained(args) => {
                let plan = steady("sustained", args.numbers((10, 3_600, 0.1)), &args.run);
                (args.run, args.place.place(), vec![plan])
            }
            Self::Burst(args) => {
                let plan = steady("burst", args.numbers((50, 300, 1.0)), &args.run);
                (args.run, args.place.place(), vec![plan])
            }
            Self::Spike(args) => {
                let plan = super::plan::spike(&args, &args.run);
                (args.run, args.place.place(), vec![plan])
            }
            Self::Soak(args) => {
                let plan = steady("soak", args.steady.numbers((5, 86_400, 0.1)), &args.steady.run);
                let plan = plan.with_growth(args.max_growth_percent);
                (args.steady.run, args.steady.place.place(), vec![plan])
            }
            Self::Chaos(args) => {
                let plan = chaos(&args, &args.run)?;
                (args.run, Place::Private, vec![plan])
            }
            Self::All(args) => {
                let plans = several(&args)?;
                (args.run, Place::Private, plans)
            }
        };
        for plan in &plans {
            let calls = plan.shape.expected_calls();
            if calls > MOST_CALLS {
                return Err(CommandError::Usage(format!(
                    "{} would make {calls:.0} calls, and at most {MOST_CALLS:.0} are kept: take fewer users, calls of \
                     each (--calls-per-user-s) or seconds",
                    plan.suite
                )));
            }
        }
        Ok((run, place, plans))
    }
}

/// The numbers of a suite whose users stay the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    pub(crate) users: u32,
    pub(crate) duration_s: u64,
    pub(crate) max_error_percent: f64,
    pub(crate) max_p99_ms: u64,
}

impl SteadyArgs {
    /// What was told, and else what is usual.
    fn numbers(&self, usual: (u32, u64, f64)) -> Numbers {
        let (users, duration_s, max_error_percent) = usual;
        Numbers {
            users: self.users.unwrap_or(users),
            duration_s: self.duration_s.unwrap_or(duration_s),
            max_error_percent: self.max_error_percent.unwrap_or(max_error_percent),
            max_p99_ms: self.max_p99_ms,
        }
    }
}

fn rate(text: &str) -> Result<f64, String> {
    within(text, 0.001, 1_000.0)
}

fn percent(text: &str) -> Result<f64, String> {
    within(text, 0.0, 100.0)
}

fn within(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let refused = || format!("give a number from {least} to {most}");
    let number: f64 = text.parse().map_err(|_| refused())?;
    if (least..=most).contains(&number) { Ok(number) } else { Err(refused()) }
}
