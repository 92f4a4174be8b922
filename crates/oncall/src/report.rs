//! How long it took: from the opening of an incident to its acknowledgement (MTTA) and to its end (MTTR), over many
//! incidents. Incidents that were never acknowledged, or go on, are counted apart and not averaged in.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::severity::Severity;

/// What is known of an incident's course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentCourse {
    /// What incidents are put together by, for instance their service or team.
    pub group: String,
    /// How bad it was.
    pub severity: Severity,
    /// When it began.
    pub opened_at: Timestamp,
    /// When it was first acknowledged, if it was.
    pub acknowledged_at: Option<Timestamp>,
    /// When it was over, if it is.
    pub resolved_at: Option<Timestamp>,
}

/// Figures over some incidents.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Figures {
    /// How many incidents.
    pub incidents: usize,
    /// How many of them were critical.
    pub critical: usize,
    /// How many were never acknowledged, though they are over.
    pub never_acknowledged: usize,
    /// How many go on.
    pub unresolved: usize,
    /// To the acknowledgement, over those that were acknowledged.
    pub to_acknowledge: Option<Spread>,
    /// To the end, over those that are over.
    pub to_resolve: Option<Spread>,
}

/// The spread of some lengths of time, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Spread {
    /// Of how many.
    pub count: usize,
    /// The arithmetic mean.
    pub mean_seconds: f64,
    /// The median; of an even number, the lower of the two in the middle.
    pub median_seconds: f64,
    /// The 90th percentile by nearest rank: the smallest that nine of ten do not exceed.
    pub p90_seconds: f64,
    /// The longest.
    pub max_seconds: f64,
}

/// A report.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Report {
    /// Over all.
    pub all: Figures,
    /// Over each group.
    pub by_group: BTreeMap<String, Figures>,
}

/// The report over the incidents that were opened from one instant until before another.
pub fn report(courses: &[IncidentCourse], from: Timestamp, until: Timestamp) -> Report {
    let counted: Vec<&IncidentCourse> =
        courses.iter().filter(|course| from <= course.opened_at && course.opened_at < until).collect();
    let mut groups: BTreeMap<String, Vec<&IncidentCourse>> = BTreeMap::new();
    for course in &counted {
        groups.entry(course.group.clone()).or_default().push(course);
    }
    let by_group = groups.into_iter().map(|(group, courses)| (group, figures(&courses))).collect();
    Report { all: figures(&counted), by_group }
}

fn figures(courses: &[&IncidentCourse]) -> Figures {
    let count = |holds: fn(&IncidentCourse) -> bool| courses.iter().filter(|course| holds(course)).count();
    let passed = |end: fn(&IncidentCourse) -> Option<Timestamp>| {
        let seconds = courses.iter().filter_map(|course| Some(end(course)?.duration_since(course.opened_at)));
        spread(seconds.map(|passed| passed.as_secs_f64().max(0.0)).collect())
    };
    Figures {
        incidents: courses.len(),
        critical: count(|course| course.severity == Severity::Critical),
        never_acknowledged: count(|course| course.acknowledged_at.is_none() && course.resolved_at.is_some()),
        unresolved: count(|course| course.resolved_at.is_none()),
        to_acknowledge: passed(|course| course.acknowledged_at),
        to_resolve: passed(|course| course.resolved_at),
    }
}

fn spread(mut seconds: Vec<f64>) -> Option<Spread> {
    seconds.sort_by(f64::total_cmp);
    let count = seconds.len();
    let rank = |numerator: usize, denominator: usize| {
        seconds.get((count * numerator).div_ceil(denominator).saturating_sub(1)).copied()
    };
    Some(Spread {
        count,
        mean_seconds: seconds.iter().sum::<f64>() / count as f64,
        median_seconds: rank(1, 2)?,
        p90_seconds: rank(9, 10)?,
        max_seconds: *seconds.last()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + seconds).expect("an instant")
    }

    fn course(group: &str, opened: i64, acknowledged: Option<i64>, resolved: Option<i64>) -> IncidentCourse {
        IncidentCourse {
            group: group.into(),
            severity: Severity::Critical,
            opened_at: at(opened),
            acknowledged_at: acknowledged.map(|seconds| at(opened + seconds)),
            resolved_at: resolved.map(|seconds| at(opened + seconds)),
        }
    }

    #[test]
    fn the_figures_are_those_one_would_count_by_hand() {
        let mut courses: Vec<IncidentCourse> =
            (1..=10).map(|minute| course("shop", minute, Some(minute * 60), Some(minute * 600))).collect();
        courses.push(course("shop", 20, None, Some(60)));
        courses.push(course("market", 30, None, None));
        courses.push(course("market", -1, Some(1), Some(1)));
        courses.push(course("market", 1000, Some(1), Some(1)));
        let report = report(&courses, at(0), at(1000));
        let shop = &report.by_group["shop"];
        let told = shop.to_acknowledge.expect("some were");
        assert_eq!((told.count, told.mean_seconds, told.median_seconds), (10, 330.0, 300.0));
        assert_eq!((told.p90_seconds, told.max_seconds), (540.0, 600.0));
        assert_eq!(shop.to_resolve.expect("some are").count, 11);
        assert_eq!((shop.incidents, shop.never_acknowledged, shop.unresolved), (11, 1, 0));
        let market = &report.by_group["market"];
        assert_eq!((market.incidents, market.unresolved, market.to_acknowledge), (1, 1, None));
        assert_eq!(report.all.incidents, 12, "those outside of the stretch are not counted");
    }
}
