//! What is told while the database is away: alerts that would wake somebody, and that escalation stands still for
//! incidents nobody has acknowledged. Told is what a channel took; all else is tried again. No IO here.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::retry;

/// A shorter absence is no news by itself; alerts that come in it are told at once all the same.
const NEWS: Duration = Duration::from_secs(60);
/// While it lasts nobody can acknowledge, so it is told again.
const REMINDED: Duration = Duration::from_secs(300);
/// So many alerts, and so many incidents, are named in one message.
const NAMED_MOST: usize = 20;

/// Whether the database answers, as everybody who asked it last found.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    away_since: Mutex<Option<Instant>>,
}

impl Sight {
    /// Somebody asked the database for something, and it did or did not answer.
    pub(crate) fn seen(&self, is_there: bool) {
        let mut away_since = self.away_since.lock().unwrap_or_else(PoisonError::into_inner);
        *away_since = if is_there { None } else { away_since.or_else(|| Some(Instant::now())) };
    }

    /// Since when it is away; `None` while it is there.
    pub(crate) fn away_since(&self) -> Option<Instant> {
        *self.away_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An absence of the database, as it is now.
#[derive(Clone, Debug)]
pub(crate) struct Absence {
    pub(crate) since: Instant,
    /// Incidents that nobody had acknowledged when the database answered last, each in a line.
    pub(crate) unacknowledged: Vec<String>,
}

/// One message to one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bulletin {
    /// The same at every try.
    pub(crate) notification_id: Uuid,
    /// The absence it is about: all its bulletins are one thing to a receiver that keeps track.
    pub(crate) absence_id: Uuid,
    pub(crate) title: String,
    pub(crate) text: String,
    /// The database is back.
    pub(crate) is_over: bool,
}

/// What one channel has been told.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    absence_id: Option<Uuid>,
    /// Alerts it does not know of yet, by fingerprint.
    fresh: BTreeMap<i64, String>,
    told: HashSet<i64>,
    told_at: Option<Instant>,
    /// What is being tried: it stays as it is until the channel takes it, since a lost answer may hide that it did.
    tried: Option<Bulletin>,
    attempts: i32,
    try_at: Option<Instant>,
    is_busy: bool,
}

impl Desk {
    /// An alert that came in while the database was away.
    pub(crate) fn hear(&mut self, fingerprint: i64, line: &str) {
        if !self.told.contains(&fingerprint) {
            self.fresh.entry(fingerprint).or_insert_with(|| line.to_owned());
        }
    }

    /// What is to be sent now, if anything; whoever takes it says what came of it.
    pub(crate) fn next(&mut self, absence: Option<&Absence>, now: Instant) -> Option<Bulletin> {
        if self.is_busy || self.try_at.is_some_and(|at| now < at) {
            return None;
        }
        if self.tried.as_ref().is_some_and(|tried| tried.is_over == absence.is_some()) {
            // The database came or went meanwhile: what was to be said is not so any more.
            (self.tried, self.attempts) = (None, 0);
        }
        if self.tried.is_none() {
            self.tried = match absence {
                Some(absence) => self.news(absence, now),
                None => self.all_clear(),
            };
        }
        self.is_busy = self.tried.is_some();
        self.tried.clone()
    }

    fn news(&mut self, absence: &Absence, now: Instant) -> Option<Bulletin> {
        let lasts = now - absence.since;
        let is_news = lasts >= NEWS
            && match self.told_at {
                None => true,
                Some(told_at) => now - told_at >= REMINDED,
            };
        if self.fresh.is_empty() && !is_news {
            return None;
        }
        let fresh = std::mem::take(&mut self.fresh);
        let lines: Vec<String> = fresh.values().cloned().collect();
        self.told.extend(fresh.into_keys());
        let mut text = named(lines);
        if lasts >= NEWS {
            text.push(format!("The database has been away for {} minutes.", lasts.as_secs() / 60));
            if !self.told.is_empty() {
                text.push(format!(
                    "{} alerts have fired since; nobody can acknowledge them.",
                    self.told.len()
                ));
            }
            if !absence.unacknowledged.is_empty() {
                text.push("Escalation stands still for incidents that nobody has acknowledged:".to_owned());
                text.extend(named(absence.unacknowledged.clone()));
            }
        }
        let title = if self.told.is_empty() {
            "EMERGENCY: the alerting database is away"
        } else {
            "EMERGENCY: alerts fire while the alerting database is away"
        };
        Some(self.bulletin(title, text, false))
    }

    /// Whoever was told of the absence is told of its end.
    fn all_clear(&mut self) -> Option<Bulletin> {
        if self.told_at.is_none() {
            *self = Self::default();
            return None;
        }
        let text =
            vec!["What came in meanwhile is being told the usual way, and escalation goes on.".to_owned()];
        Some(self.bulletin("The alerting database is back", text, true))
    }

    fn bulletin(&mut self, title: &str, text: Vec<String>, is_over: bool) -> Bulletin {
        let absence_id = *self.absence_id.get_or_insert_with(Uuid::now_v7);
        let title = title.to_owned();
        Bulletin { notification_id: Uuid::now_v7(), absence_id, title, text: text.join("\n"), is_over }
    }

    /// The channel took it, or refused it for good, which another try would not change.
    pub(crate) fn taken(&mut self, now: Instant) {
        if self.tried.take().is_some_and(|tried| tried.is_over) {
            *self = Self::default();
            return;
        }
        (self.told_at, self.attempts, self.try_at, self.is_busy) = (Some(now), 0, None, false);
    }

    /// It is to be tried again, after `wait` where the channel said so.
    pub(crate) fn try_again(&mut self, now: Instant, wait: Option<Duration>) {
        self.attempts = self.attempts.saturating_add(1);
        let own = Duration::from_micros(retry::wait_us(self.attempts, 0).unsigned_abs());
        (self.try_at, self.is_busy) = (Some(now + wait.unwrap_or(own)), false);
    }
}

/// The first of them, and how many more there are.
fn named(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(NAMED_MOST);
    lines.truncate(NAMED_MOST);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn absence(since: Instant, unacknowledged: &[&str]) -> Absence {
        Absence { since, unacknowledged: unacknowledged.iter().map(|line| (*line).to_owned()).collect() }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_alert_is_told_at_once_and_once_and_what_is_not_taken_is_tried_again_as_it_was() {
        let (mut desk, start) = (Desk::default(), Instant::now());
        let away = absence(start, &[]);
        assert_eq!(desk.next(Some(&away), start), None, "a moment is no news");
        desk.hear(1, "OvenCold");
        let first = desk.next(Some(&away), start).unwrap();
        assert!(first.text.contains("OvenCold") && !first.is_over);
        assert_eq!(desk.next(Some(&away), start), None, "it is on its way");
        desk.hear(2, "DoorOpen");
        desk.try_again(start, None);
        assert_eq!(desk.next(Some(&away), start), None, "not at once");
        assert_eq!(
            desk.next(Some(&away), start + seconds(3)).unwrap(),
            first,
            "the same under the same name"
        );
        desk.taken(start + seconds(3));
        let second = desk.next(Some(&away), start + seconds(3)).unwrap();
        assert!(second.text.contains("DoorOpen") && !second.text.contains("OvenCold"));
        assert_eq!(second.absence_id, first.absence_id);
        desk.taken(start + seconds(4));
        desk.hear(1, "OvenCold");
        assert_eq!(desk.next(Some(&away), start + seconds(5)), None);
    }

    #[test]
    fn an_absence_of_a_minute_is_told_reminded_of_and_ended() {
        let (mut desk, start) = (Desk::default(), Instant::now());
        let away = absence(start, &["#7 OvenCold"]);
        assert_eq!(desk.next(Some(&away), start + seconds(59)), None);
        let told = desk.next(Some(&away), start + seconds(60)).unwrap();
        assert!(told.text.contains("1 minutes") && told.text.contains("#7 OvenCold"), "{}", told.text);
        desk.taken(start + seconds(60));
        assert_eq!(desk.next(Some(&away), start + seconds(359)), None);
        assert!(desk.next(Some(&away), start + seconds(360)).is_some());
        desk.taken(start + seconds(361));
        let over = desk.next(None, start + seconds(362)).unwrap();
        assert!(over.is_over && over.absence_id == told.absence_id);
        desk.try_again(start + seconds(362), Some(seconds(30)));
        assert_eq!(desk.next(None, start + seconds(391)), None, "as the channel asked");
        assert!(desk.next(None, start + seconds(392)).unwrap().is_over);
        desk.taken(start + seconds(393));
        assert_eq!(desk.next(None, start + seconds(394)), None);
    }

    #[test]
    fn who_was_told_nothing_is_not_told_that_it_is_over() {
        let (mut desk, start) = (Desk::default(), Instant::now());
        desk.hear(1, "OvenCold");
        assert!(desk.next(Some(&absence(start, &[])), start).is_some());
        desk.try_again(start, None);
        assert_eq!(desk.next(None, start + seconds(60)), None);
        assert_eq!(desk.next(None, start + seconds(61)), None);
    }

    #[test]
    fn many_are_counted() {
        let (mut desk, start) = (Desk::default(), Instant::now());
        (0..50).for_each(|number| desk.hear(number, &format!("Alert{number:02}")));
        let text = desk.next(Some(&absence(start, &[])), start).unwrap().text;
        assert!(
            text.contains("Alert19") && !text.contains("Alert20") && text.contains("and 30 more"),
            "{text}"
        );
    }

    #[test]
    fn the_database_is_away_since_the_first_who_missed_it() {
        let sight = Sight::default();
        assert_eq!(sight.away_since(), None);
        sight.seen(false);
        let since = sight.away_since();
        sight.seen(false);
        assert!(since.is_some() && sight.away_since() == since);
        sight.seen(true);
        assert_eq!(sight.away_since(), None);
    }
}
