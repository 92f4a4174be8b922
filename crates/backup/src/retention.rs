//! Which backups stay, as a pure function: whoever previews and whoever removes ask the same one.
//! Ages are counted from the newest backup and never from the clock alone, so that a clock that
//! jumps ahead takes nothing away.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::manifest::BackupId;

/// What a target keeps. A backup stays for any one of these reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// So many of the newest, whatever their age; at least one.
    pub keep_count: u32,
    /// Everything younger than so many days.
    pub keep_days: u32,
    /// The newest of each of so many days (grandfather, father, son).
    pub daily: u32,
    /// The newest of each of so many weeks, which begin on Monday.
    pub weekly: u32,
    /// The newest of each of so many months.
    pub monthly: u32,
    /// The newest of each of so many years.
    pub yearly: u32,
}

/// From an age on, what is kept lies in another storage class.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Days since the backup was begun.
    pub after_days: u32,
    /// As the bucket calls it.
    pub storage_class: String,
}

/// The storage class that each backup belongs in by its age, of those that belong in another than they were written
/// to. What a restore would begin with never gets there: the newest backup of each cluster, the last one that was
/// proven, what they build on, and what is being read.
#[must_use]
pub fn tiers_of<'a>(
    tiers: &'a [Tier],
    candidates: &[Candidate],
    verdicts: &[RetentionVerdict],
    now: Timestamp,
) -> BTreeMap<BackupId, &'a str> {
    let mut near: BTreeSet<&BackupId> = BTreeSet::new();
    let series: BTreeSet<&str> = candidates.iter().map(|candidate| candidate.series.as_str()).collect();
    for series in series {
        let of_series = || candidates.iter().filter(|candidate| candidate.series == series);
        let newest = |of: &mut dyn Iterator<Item = &'_ Candidate>| {
            of.map(|candidate| &candidate.backup_id).max().cloned()
        };
        for id in [newest(&mut of_series()), newest(&mut of_series().filter(|candidate| candidate.is_proven))]
        {
            let mut next = id;
            while let Some(candidate) = next.and_then(|id| candidates.iter().find(|one| one.backup_id == id))
            {
                near.insert(&candidate.backup_id);
                next = candidate.parent.clone();
            }
        }
    }
    let stays = |id: &BackupId| verdicts.iter().any(|verdict| verdict.backup_id == *id && verdict.stays());
    let age_days = |id: &BackupId| now.duration_since(id.begun_at()).as_hours() / 24;
    candidates
        .iter()
        .filter(|candidate| !candidate.is_in_use && stays(&candidate.backup_id))
        .filter(|candidate| !near.contains(&candidate.backup_id))
        .filter_map(|candidate| {
            let id = &candidate.backup_id;
            let tier = tiers.iter().rev().find(|tier| age_days(id) >= i64::from(tier.after_days))?;
            Some((id.clone(), tier.storage_class.as_str()))
        })
        .collect()
}

/// A backup as retention sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name, which tells when it was begun.
    pub backup_id: BackupId,
    /// What it builds on.
    pub parent: Option<BackupId>,
    /// Whether its last drill passed and nothing has failed since.
    pub is_proven: bool,
    /// Whether somebody forbade its removal.
    pub is_held: bool,
    /// Whether something is reading it now.
    pub is_in_use: bool,
    /// The cluster it is of; each is kept by itself.
    pub series: String,
}

/// Why a backup stays or goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Somebody forbade its removal.
    Held,
    /// Something is reading it now.
    InUse,
    /// No newer one was proven.
    LastProven,
    /// One of the newest.
    Newest,
    /// Younger than the days that are kept.
    Young,
    /// The newest of its day, week, month or year.
    NewestOf(&'static str),
    /// A backup that stays builds on it.
    ParentOf(BackupId),
    /// Nothing keeps it.
    Expired,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Held => formatter.write_str("it is held"),
            Self::InUse => formatter.write_str("it is being read"),
            Self::LastProven => formatter.write_str("it is the last one that was proven"),
            Self::Newest => formatter.write_str("it is one of the newest"),
            Self::Young => formatter.write_str("it is younger than what is kept"),
            Self::NewestOf(period) => write!(formatter, "it is the newest of its {period}"),
            Self::ParentOf(child) => write!(formatter, "{child} builds on it"),
            Self::Expired => formatter.write_str("nothing keeps it any more"),
        }
    }
}

/// What becomes of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionVerdict {
    /// Which one.
    pub backup_id: BackupId,
    /// The first reason that decides.
    pub reason: Reason,
}

impl RetentionVerdict {
    /// Whether it stays.
    #[must_use]
    pub fn stays(&self) -> bool {
        self.reason != Reason::Expired
    }
}

/// Which period a day is in, as two numbers that no other period has.
type PeriodOf = fn(Date) -> (i16, i16);

/// Decides about all backups of a target, the newest first.
#[must_use]
pub fn decide(policy: &Policy, candidates: &[Candidate], now: Timestamp) -> Vec<RetentionVerdict> {
    let mut reasons: BTreeMap<&BackupId, Reason> = BTreeMap::new();
    let series: BTreeSet<&str> = candidates.iter().map(|candidate| candidate.series.as_str()).collect();
    for series in series {
        let mut newest_first: Vec<_> =
            candidates.iter().filter(|candidate| candidate.series == series).collect();
        newest_first.sort_by(|one, other| other.backup_id.cmp(&one.backup_id));
        keep_in_series(policy, &newest_first, now, &mut reasons);
    }
    keep_parents(candidates, &mut reasons);
    let mut verdicts: Vec<_> = candidates
        .iter()
        .map(|candidate| RetentionVerdict {
            backup_id: candidate.backup_id.clone(),
            reason: reasons.remove(&candidate.backup_id).unwrap_or(Reason::Expired),
        })
        .collect();
    verdicts.sort_by(|one, other| other.backup_id.cmp(&one.backup_id));
    verdicts
}

fn keep_in_series<'a>(
    policy: &Policy,
    newest_first: &[&'a Candidate],
    now: Timestamp,
    reasons: &mut BTreeMap<&'a BackupId, Reason>,
) {
    let mut keep = |candidate: &'a Candidate, reason: Reason| {
        reasons.entry(&candidate.backup_id).or_insert(reason);
    };
    for &candidate in newest_first {
        if candidate.is_held {
            keep(candidate, Reason::Held);
        } else if candidate.is_in_use {
            keep(candidate, Reason::InUse);
        }
    }
    if let Some(proven) = newest_first.iter().copied().find(|candidate| candidate.is_proven) {
        keep(proven, Reason::LastProven);
    }
    for &candidate in newest_first.iter().take(policy.keep_count.max(1) as usize) {
        keep(candidate, Reason::Newest);
    }
    let Some(newest) = newest_first.first() else { return };
    let reference = newest.backup_id.begun_at().min(now);
    let young = SignedDuration::from_hours(24 * i64::from(policy.keep_days));
    for &candidate in newest_first {
        if reference.duration_since(candidate.backup_id.begun_at()) < young {
            keep(candidate, Reason::Young);
        }
    }
    let periods: [(&'static str, u32, PeriodOf); 4] = [
        ("day", policy.daily, |date| (date.year(), date.day_of_year())),
        ("week", policy.weekly, |date| {
            let week = date.iso_week_date();
            (week.year(), i16::from(week.week()))
        }),
        ("month", policy.monthly, |date| (date.year(), i16::from(date.month()))),
        ("year", policy.yearly, |date| (date.year(), 0)),
    ];
    for (name, count, period_of) in periods {
        let mut seen = HashSet::new();
        for &candidate in newest_first {
            let date = candidate.backup_id.begun_at().to_zoned(TimeZone::UTC).date();
            if seen.len() < count as usize && seen.insert(period_of(date)) {
                keep(candidate, Reason::NewestOf(name));
            }
        }
    }
}

/// A backup is of no use without what it builds on.
fn keep_parents<'a>(candidates: &'a [Candidate], reasons: &mut BTreeMap<&'a BackupId, Reason>) {
    let by_id: BTreeMap<_, _> =
        candidates.iter().map(|candidate| (&candidate.backup_id, candidate)).collect();
    let mut open: Vec<&BackupId> = reasons.keys().copied().collect();
    while let Some(child) = open.pop() {
        let parent = by_id.get(child).and_then(|candidate| candidate.parent.as_ref());
        if let Some(parent) = parent.and_then(|parent| by_id.get(parent))
            && !reasons.contains_key(&parent.backup_id)
        {
            reasons.insert(&parent.backup_id, Reason::ParentOf(child.clone()));
            open.push(&parent.backup_id);
        }
    }
}

#[cfg(test)]
mod tests;
