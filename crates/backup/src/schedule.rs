//! When something is due: cron expressions in a time zone, as a pure function of the clock. What was
//! missed while nobody ran is due once, not once for each time.

use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
}

impl Schedule {
    /// Reads five or six fields of cron, such as `0 */6 * * *`, in an IANA time zone.
    ///
    /// # Errors
    /// In words, which of the two is none.
    pub fn read(cron: &str, zone: &str) -> Result<Self, String> {
        let parsed = cron.parse::<Cron>().map_err(|error| {
            format!("{cron:?} is no cron expression ({error}); one is like `0 */6 * * *`")
        })?;
        let zone = TimeZone::get(zone)
            .map_err(|_| format!("{zone:?} is no time zone; one is like Europe/Berlin or UTC"))?;
        Ok(Self { cron: parsed, zone })
    }

    /// The last time at or before `now` that it was due.
    #[must_use]
    pub fn last_due(&self, now: Timestamp) -> Option<Timestamp> {
        let now = now.to_zoned(self.zone.clone());
        self.cron.find_previous_occurrence(&now, true).ok().map(|due| due.timestamp())
    }

    /// The next time after `now`.
    #[must_use]
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let now = now.to_zoned(self.zone.clone());
        self.cron.find_next_occurrence(&now, false).ok().map(|due| due.timestamp())
    }

    /// What is due now, given what was done last: the newest time that was not yet served. What was
    /// never done is due at once.
    #[must_use]
    pub fn due(&self, last_done: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        let due = self.last_due(now)?;
        // A clock that was ahead when it was done last is not waited for.
        let last_done = last_done.filter(|done| *done <= now + SignedDuration::from_mins(1));
        match last_done {
            Some(done) if done >= due => None,
            _ => Some(due),
        }
    }

    /// The time between the two last times it was due: what is normal between two runs.
    #[must_use]
    pub fn interval(&self, now: Timestamp) -> Option<SignedDuration> {
        let due = self.last_due(now)?;
        let before = self.last_due(due - SignedDuration::from_secs(1))?;
        Some(due.duration_since(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn what_was_missed_is_due_once() {
        let schedule = Schedule::read("0 */6 * * *", "UTC").unwrap();
        let now = at("2026-11-23T07:30:00Z");
        assert_eq!(schedule.due(None, now), Some(at("2026-11-23T06:00:00Z")));
        assert_eq!(schedule.due(Some(at("2026-11-20T06:00:00Z")), now), Some(at("2026-11-23T06:00:00Z")));
        assert_eq!(schedule.due(Some(at("2026-11-23T06:00:00Z")), now), None);
        assert_eq!(schedule.next_due(now), Some(at("2026-11-23T12:00:00Z")));
        assert_eq!(schedule.interval(now), Some(SignedDuration::from_hours(6)));
    }

    #[test]
    fn a_clock_that_was_ahead_stops_nothing() {
        let schedule = Schedule::read("0 2 * * *", "UTC").unwrap();
        let now = at("2026-11-23T07:30:00Z");
        assert_eq!(schedule.due(Some(at("2031-01-01T02:00:00Z")), now), Some(at("2026-11-23T02:00:00Z")));
    }

    #[test]
    fn an_hour_that_is_skipped_or_comes_twice_is_due_all_the_same() {
        let schedule = Schedule::read("30 2 * * *", "Europe/Berlin").unwrap();
        // On 2026-03-29 half past two does not exist, on 2026-10-25 it comes twice.
        for (from, until) in [
            ("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"),
            ("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"),
        ] {
            let (mut now, mut done, mut runs) = (at(from), Some(at(from)), 0);
            while now < at(until) {
                if let Some(due) = schedule.due(done, now) {
                    done = Some(due);
                    runs += 1;
                }
                now += SignedDuration::from_mins(10);
            }
            assert!((2..=3).contains(&runs), "{from}: {runs} runs");
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused_in_words() {
        assert!(Schedule::read("often", "UTC").unwrap_err().contains("cron expression"));
        assert!(Schedule::read("0 2 * * *", "Atlantis").unwrap_err().contains("time zone"));
    }
}
