//! What a suite is to do and to keep to, worked out from its arguments.

use std::time::Duration;

use clap::ValueEnum;

use super::arguments::{AllArgs, ChaosArgs, Numbers, RunArgs, SpikeArgs};
use super::chaos::{Fault, PlannedFault};
use super::judge::Limit;
use super::shape::{Shape, Step};
use crate::error::CommandError;

/// A fault has to last so long to be felt.
const LEAST_FAULT: Duration = Duration::from_secs(1);
/// So much calm has to follow: three good seconds are looked for.
const LEAST_CALM: Duration = Duration::from_secs(5);
/// Of the calm around a fault so much comes before it.
const CALM_BEFORE: f64 = 0.2;

/// One suite.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) suite: &'static str,
    /// Its shape in words.
    pub(crate) about: String,
    pub(crate) shape: Shape,
    pub(crate) limits: Vec<Limit>,
    pub(crate) faults: Vec<PlannedFault>,
}

impl Plan {
    /// The same, and no process may grow by more.
    pub(crate) fn with_growth(mut self, percent: f64) -> Self {
        self.limits.push(Limit::GrowthPercent(percent));
        self
    }
}

/// The same users all the time.
pub(crate) fn steady(suite: &'static str, numbers: Numbers, run: &RunArgs) -> Plan {
    let length = Duration::from_secs(numbers.duration_s);
    let shape = Shape {
        steps: vec![Step { name: suite, users: numbers.users, length }],
        calls_per_user_s: run.calls_per_user_s,
    };
    let about = format!("{} for {}", crowd(numbers.users, run), spoken(length));
    let limits = vec![
        Limit::ErrorPercent(numbers.max_error_percent),
        Limit::P99(Duration::from_millis(numbers.max_p99_ms)),
    ];
    Plan { suite, about, shape, limits, faults: Vec::new() }
}

/// A sudden crowd.
pub(crate) fn spike(args: &SpikeArgs, run: &RunArgs) -> Plan {
    let step = |name, users, seconds| Step { name, users, length: Duration::from_secs(seconds) };
    let steps = vec![
        step("before", args.users, args.before_s),
        step("peak", args.peak_users, args.peak_s),
        step("after", args.users, args.after_s),
    ];
    let before = steps[0].length;
    let since = before + steps[1].length;
    let about = format!(
        "{} for {}, {} for {}, {} users again for {}",
        crowd(args.users, run),
        spoken(before),
        crowd(args.peak_users, run),
        spoken(steps[1].length),
        args.users,
        spoken(steps[2].length)
    );
    let limits = vec![
        Limit::ErrorPercent(args.max_error_percent),
        Limit::Recovery { before, since, within: Duration::from_secs(args.max_recovery_s) },
    ];
    let shape = Shape { steps, calls_per_user_s: run.calls_per_user_s };
    Plan { suite: "spike", about, shape, limits, faults: Vec::new() }
}

/// Faults, one after the other.
pub(crate) fn chaos(args: &ChaosArgs, run: &RunArgs) -> Result<Plan, CommandError> {
    let faults = if args.faults.is_empty() { Fault::value_variants() } else { &args.faults };
    let length = Duration::from_secs(args.duration_s);
    let share = f64::from(args.fault_percent) / 100.0;
    let turn = length / u32::try_from(faults.len()).unwrap_or(u32::MAX);
    let (broken, calm) = (turn.mul_f64(share), turn.mul_f64(1.0 - share));
    if broken < LEAST_FAULT || calm < LEAST_CALM {
        let least = (LEAST_FAULT.as_secs_f64() / share).max(LEAST_CALM.as_secs_f64() / (1.0 - share));
        return Err(CommandError::Usage(format!(
            "{} s are too short for {} faults of {} % of the time: give at least {:.0} s, or fewer faults (--faults)",
            args.duration_s,
            faults.len(),
            args.fault_percent,
            (least * faults.len() as f64).ceil()
        )));
    }
    let planned = faults.iter().zip(0u32..).map(|(fault, place)| {
        let from = turn * place + calm.mul_f64(CALM_BEFORE);
        PlannedFault { fault: *fault, from, to: from + broken }
    });
    let about = format!(
        "{} for {}, with {} faults of {:.1} s each",
        crowd(args.users, run),
        spoken(length),
        faults.len(),
        broken.as_secs_f64()
    );
    Ok(Plan {
        suite: "chaos",
        about,
        shape: Shape {
            steps: vec![Step { name: "chaos", users: args.users, length }],
            calls_per_user_s: run.calls_per_user_s,
        },
        limits: vec![
            Limit::UnrelatedErrorPercent(args.max_unrelated_error_percent),
            Limit::FaultRecovery(Duration::from_secs(args.max_recovery_s)),
        ],
        faults: planned.collect(),
    })
}

/// All suites with their own numbers, or for as long as was told.
pub(crate) fn several(args: &AllArgs) -> Result<Vec<Plan>, CommandError> {
    let length = |usual, quick| args.each_s.unwrap_or(if args.quick { quick } else { usual });
    let numbers = |users, duration_s, max_error_percent| Numbers {
        users,
        duration_s,
        max_error_percent,
        max_p99_ms: args.max_p99_ms,
    };
    let run = &args.run;
    let spike_args = SpikeArgs::usual(length(60, 15), length(60, 15), length(60, 30), run.clone());
    let chaos_s = args.chaos_s.unwrap_or(if args.quick { 300 } else { 600 });
    let chaos_args = ChaosArgs::usual(chaos_s, args.faults.clone(), run.clone());
    Ok(vec![
        steady("sustained", numbers(10, length(3_600, 60), 0.1), run),
        steady("burst", numbers(50, length(300, 30), 1.0), run),
        spike(&spike_args, run),
        steady("soak", numbers(5, length(86_400, 120), 0.1), run).with_growth(args.max_growth_percent),
        chaos(&chaos_args, run)?,
    ])
}

fn crowd(users: u32, run: &RunArgs) -> String {
    let rate = f64::from(users) * run.calls_per_user_s;
    format!("{users} users × {}/s = {rate} calls/s", run.calls_per_user_s)
}

fn spoken(length: Duration) -> String {
    match length.as_secs() {
        seconds if seconds >= 3_600 && seconds % 3_600 == 0 => format!("{} h", seconds / 3_600),
        seconds if seconds >= 120 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::commands::load::suites::Suite;
    use crate::commands::load::suites::arguments::Place;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        suite: Suite,
    }

    fn plans(line: &str) -> (Place, Vec<Plan>) {
        let line =
            Line::try_parse_from(format!("load {line}").split(' ')).unwrap_or_else(|error| panic!("{error}"));
        let (_, place, plans) = line.suite.plans().unwrap();
        (place, plans)
    }

    fn users_and_seconds(plan: &Plan) -> Vec<(u32, u64)> {
        plan.shape.steps.iter().map(|step| (step.users, step.length.as_secs())).collect()
    }

    #[test]
    fn the_shapes_are_those_that_are_told() {
        for (line, expected) in [
            ("sustained", vec![(10, 3_600)]),
            ("burst", vec![(50, 300)]),
            ("spike", vec![(5, 60), (100, 60), (5, 60)]),
            ("soak", vec![(5, 86_400)]),
            ("chaos", vec![(20, 600)]),
            ("burst --users 7 --duration-s 9", vec![(7, 9)]),
        ] {
            assert_eq!(users_and_seconds(&plans(line).1[0]), expected, "{line}");
        }
        assert_eq!(plans("sustained").1[0].limits[0], Limit::ErrorPercent(0.1));
        assert_eq!(plans("burst").1[0].limits[0], Limit::ErrorPercent(1.0));
        assert_eq!(plans("burst --max-error-percent 3").1[0].limits[0], Limit::ErrorPercent(3.0));
        assert!(plans("soak").1[0].limits.contains(&Limit::GrowthPercent(5.0)));
        assert_eq!(plans("sustained").1[0].about, "10 users × 1/s = 10 calls/s for 1 h");
    }

    #[test]
    fn all_is_every_suite_on_a_larder_of_its_own() {
        let (place, all) = plans("all --quick");
        assert!(place.is_private());
        let names: Vec<&str> = all.iter().map(|plan| plan.suite).collect();
        assert_eq!(names, ["sustained", "burst", "spike", "soak", "chaos"]);
        let total: u64 = all.iter().map(|plan| plan.shape.length().as_secs()).sum();
        assert!((300..900).contains(&total), "{total} s");
        assert!(plans("chaos").0.is_private() && !plans("sustained").0.is_private());
        assert!(plans("sustained --private").0.is_private());
    }

    #[test]
    fn something_is_broken_for_the_share_of_the_time_that_was_asked_and_never_two_things_at_once() {
        let plan = &plans("chaos --fault-percent 30").1[0];
        assert_eq!(plan.faults.len(), Fault::value_variants().len());
        let broken: Duration = plan.faults.iter().map(|planned| planned.to - planned.from).sum();
        assert!((broken.as_secs_f64() - 180.0).abs() < 0.1, "{broken:?}");
        assert!(plan.faults.windows(2).all(|pair| pair[0].to + LEAST_CALM < pair[1].from));
        assert!(plan.faults.last().unwrap().to + LEAST_CALM < plan.shape.length());
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_would_be_accepted() {
        let refused = |line: &str| match Line::try_parse_from(format!("load {line}").split(' ')) {
            Ok(line) => line.suite.plans().map(|_| ()).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        let told = refused("chaos --duration-s 20");
        assert!(told.contains("at least") && told.contains("--faults"), "{told}");
        assert!(refused("chaos --faults meteorite").contains("kill-recommendation"));
        assert!(refused("burst --users 10000 --calls-per-user-s 1000").contains("10000000"));
        assert!(refused("burst --max-error-percent 101").contains("from 0 to 100"));
        assert!(refused("burst --users 0").contains("--users"));
    }
}
