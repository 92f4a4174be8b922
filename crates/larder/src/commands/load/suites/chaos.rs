//! Faults at real dependencies: a process is killed or frozen, a way to a service or to the database is slow, reset
//! again and again, or leads nowhere. Each is made, kept for a while and healed; nothing is pretended.

use std::time::{Duration, Instant};

use clap::ValueEnum;
use rustix::process::Signal;

use super::judge::Injected;
use super::mix::Part;
use super::stack::Stack;
use super::stack::link::Condition;
use crate::clock;
use crate::error::CommandError;

/// How long every piece of data takes in either direction on a way that is slow.
const DELAY: Duration = Duration::from_millis(150);
/// How often all connections of a way are reset.
const RESET_EVERY: Duration = Duration::from_millis(250);

/// What is broken, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    /// The recommendation service is killed and started again
    KillRecommendation,
    /// The recommendation service is there and does nothing
    FreezeRecommendation,
    /// Every answer of the recommendation service comes 300 ms later
    SlowRecommendation,
    /// Connections to the recommendation service are reset four times a second
    ResetRecommendation,
    /// Nothing gets from the gateway to the recommendation service or back
    PartitionRecommendation,
    /// The alerting service is killed and started again
    KillAlerting,
    /// Nothing gets from the gateway to the alerting service or back
    PartitionAlerting,
    /// The backup service is killed and started again
    KillBackup,
    /// PostgreSQL is killed, and nobody gets through until the end of the fault
    KillDatabase,
    /// Everything PostgreSQL is asked takes 300 ms longer
    SlowDatabase,
    /// Connections to PostgreSQL are reset four times a second
    ResetDatabase,
    /// Nothing gets to PostgreSQL or back
    PartitionDatabase,
    /// Nothing gets to Redis or back; left out where there is no redis-server
    PartitionRedis,
    /// The gateway is killed and started again
    KillGateway,
}

/// The ways in which things break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Kill,
    Freeze,
    Slow,
    Reset,
    Partition,
}

impl Fault {
    fn parts(self) -> (How, Part, &'static str) {
        match self {
            Self::KillRecommendation => (How::Kill, Part::Recommendation, "kill-recommendation"),
            Self::FreezeRecommendation => (How::Freeze, Part::Recommendation, "freeze-recommendation"),
            Self::SlowRecommendation => (How::Slow, Part::Recommendation, "slow-recommendation"),
            Self::ResetRecommendation => (How::Reset, Part::Recommendation, "reset-recommendation"),
            Self::PartitionRecommendation => {
                (How::Partition, Part::Recommendation, "partition-recommendation")
            }
            Self::KillAlerting => (How::Kill, Part::Alerting, "kill-alerting"),
            Self::PartitionAlerting => (How::Partition, Part::Alerting, "partition-alerting"),
            Self::KillBackup => (How::Kill, Part::Backup, "kill-backup"),
            Self::KillDatabase => (How::Kill, Part::Database, "kill-database"),
            Self::SlowDatabase => (How::Slow, Part::Database, "slow-database"),
            Self::ResetDatabase => (How::Reset, Part::Database, "reset-database"),
            Self::PartitionDatabase => (How::Partition, Part::Database, "partition-database"),
            Self::PartitionRedis => (How::Partition, Part::Redis, "partition-redis"),
            Self::KillGateway => (How::Kill, Part::Gateway, "kill-gateway"),
        }
    }
}

/// A fault and its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PlannedFault {
    pub(crate) fault: Fault,
    pub(crate) from: Duration,
    pub(crate) to: Duration,
}

/// What became of the planned faults.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) faults: Vec<Injected>,
    /// Of what this stack has not.
    pub(crate) left_out: Vec<&'static str>,
}

/// Makes and heals the faults at their times, and notes when that was.
pub(crate) async fn inject(
    stack: &mut Stack,
    faults: &[PlannedFault],
    started: Instant,
    injected: &mut Made,
) -> Result<(), CommandError> {
    for planned in faults {
        let (how, part, name) = planned.fault.parts();
        if !stack.has(part) {
            eprintln!("chaos: {name} is left out: there is none");
            injected.left_out.push(name);
            continue;
        }
        wait_until(started + planned.from).await;
        let from = started.elapsed();
        eprintln!("chaos: {name}");
        break_part(stack, how, part)?;
        if how == How::Reset {
            reset_until(stack, part, started + planned.to).await;
        }
        wait_until(started + planned.to).await;
        let healed = started.elapsed();
        heal_part(stack, how, part)?;
        injected.faults.push(Injected { name, part, from, healed });
    }
    Ok(())
}

fn break_part(stack: &mut Stack, how: How, part: Part) -> Result<(), CommandError> {
    match how {
        How::Kill if part == Part::Database => {
            stack.set_link(part, Condition::Refusing);
            stack.kill_database()
        }
        How::Kill => stack.service(part)?.kill(),
        How::Freeze => stack.service(part)?.signal(Signal::STOP),
        How::Slow => {
            stack.set_link(part, Condition::Slow(DELAY));
            Ok(())
        }
        How::Partition => {
            stack.set_link(part, Condition::Silent);
            Ok(())
        }
        How::Reset => Ok(()),
    }
}

fn heal_part(stack: &mut Stack, how: How, part: Part) -> Result<(), CommandError> {
    match how {
        How::Kill if part != Part::Database => stack.service(part)?.start(),
        How::Freeze => stack.service(part)?.signal(Signal::CONT),
        How::Kill | How::Slow | How::Partition | How::Reset => {
            stack.set_link(part, Condition::Open);
            Ok(())
        }
    }
}

async fn reset_until(stack: &Stack, part: Part, end: Instant) {
    while clock::instant() < end {
        stack.reset_link(part);
        tokio::time::sleep(RESET_EVERY).await;
    }
}

async fn wait_until(moment: Instant) {
    tokio::time::sleep(moment.saturating_duration_since(clock::instant())).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_called_on_the_command_line_as_in_the_report() {
        for fault in Fault::value_variants() {
            let (_, _, name) = fault.parts();
            assert_eq!(fault.to_possible_value().unwrap().get_name(), name);
        }
    }
}
