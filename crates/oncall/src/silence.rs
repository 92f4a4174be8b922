//! Silences: which alerts are kept from speaking, for how long, and why. A maintenance window is one that comes
//! again. A hidden alert is kept, shown with what hides it, and speaks when the silence ends.

use jiff::{SignedDuration, Timestamp};

use crate::labels::{Fingerprint, Labels};
use crate::matcher::Matchers;
use crate::recurrence::Recurrence;

/// How long before its end a silence is told to be ending.
pub const EXPIRY_NOTICE: SignedDuration = SignedDuration::from_mins(15);

/// A silence.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Silence {
    /// What it is known by.
    pub id: String,
    /// Sets of matchers; an alert that fulfils any whole set is meant. Never empty.
    pub matchers: Vec<Matchers>,
    /// When it holds.
    pub when: SilenceTime,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
}

/// When a silence holds.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SilenceTime {
    /// Between two instants.
    Fixed {
        /// From when.
        starts_at: Timestamp,
        /// Until before when.
        ends_at: Timestamp,
    },
    /// Again and again.
    Recurring {
        /// By which rule.
        recurrence: Recurrence,
        /// The last instant of all, if there is one.
        until: Option<Timestamp>,
    },
    /// Until the alerts that it meant when it was made are over, and no longer than a limit, so that a forgotten one
    /// does not hide for ever. A new episode of such an alert speaks.
    UntilResolved {
        /// From when.
        starts_at: Timestamp,
        /// Until before when at the latest.
        at_most_until: Timestamp,
        /// The alerts that are not over yet.
        waiting_for: Vec<Fingerprint>,
    },
}

/// What state a silence is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SilenceState {
    /// It will hold.
    Pending {
        /// From when.
        starts_at: Timestamp,
    },
    /// It holds.
    Active {
        /// Until before when, unless it is ended.
        ends_at: Timestamp,
    },
    /// It will not hold again.
    Expired,
}

/// Why a silence is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSilence {
    /// No set of matchers, or an empty one.
    #[error("matchers: a set is empty; accepted: at least one matcher in every set")]
    NoMatchers,
    /// Matchers that hold for an alert without any label.
    #[error(
        "matchers: {0} would hide every alert; accepted: at least one matcher that an absent label does not fulfil"
    )]
    MatchesEverything(Matchers),
    /// It ends before it begins.
    #[error("ends_at: {ends_at} is not behind the beginning, {starts_at}; accepted: a later instant")]
    EndsBeforeItBegins {
        /// The beginning.
        starts_at: Timestamp,
        /// The end.
        ends_at: Timestamp,
    },
    /// No reason is given.
    #[error("comment: is empty; accepted: why this is silenced, for those who will wonder")]
    NoComment,
}

impl Silence {
    /// Checks what somebody asks for.
    ///
    /// # Errors
    /// [`InvalidSilence`], as Alertmanager refuses it.
    pub fn check(&self) -> Result<(), InvalidSilence> {
        if self.matchers.is_empty() || self.matchers.iter().any(Matchers::is_empty) {
            return Err(InvalidSilence::NoMatchers);
        }
        if let Some(everything) = self.matchers.iter().find(|matchers| matchers.match_everything()) {
            return Err(InvalidSilence::MatchesEverything(everything.clone()));
        }
        if self.comment.trim().is_empty() {
            return Err(InvalidSilence::NoComment);
        }
        let (starts_at, ends_at) = match &self.when {
            SilenceTime::Fixed { starts_at, ends_at } => (*starts_at, *ends_at),
            SilenceTime::UntilResolved { starts_at, at_most_until, .. } => (*starts_at, *at_most_until),
            SilenceTime::Recurring { .. } => return Ok(()),
        };
        if starts_at < ends_at {
            Ok(())
        } else {
            Err(InvalidSilence::EndsBeforeItBegins { starts_at, ends_at })
        }
    }

    /// Its state at an instant.
    pub fn state_at(&self, now: Timestamp) -> SilenceState {
        let between = |starts_at: Timestamp, ends_at: Timestamp| {
            if now < starts_at {
                SilenceState::Pending { starts_at }
            } else if now < ends_at {
                SilenceState::Active { ends_at }
            } else {
                SilenceState::Expired
            }
        };
        match &self.when {
            SilenceTime::Fixed { starts_at, ends_at } => between(*starts_at, *ends_at),
            SilenceTime::UntilResolved { waiting_for, .. } if waiting_for.is_empty() => SilenceState::Expired,
            SilenceTime::UntilResolved { starts_at, at_most_until, .. } => {
                between(*starts_at, *at_most_until)
            }
            SilenceTime::Recurring { recurrence, until } => {
                let last = until.unwrap_or(Timestamp::MAX);
                let window = recurrence.at(now).or_else(|| recurrence.next_after(now));
                let window = window.filter(|(starts_at, _)| *starts_at < last);
                window.map_or(SilenceState::Expired, |(starts_at, ends_at)| {
                    between(starts_at, ends_at.min(last))
                })
            }
        }
    }

    /// Whether it means an alert, whenever that is.
    pub fn means(&self, labels: &Labels) -> bool {
        let meant = || self.matchers.iter().any(|matchers| matchers.matches(labels));
        match &self.when {
            SilenceTime::UntilResolved { waiting_for, .. } => {
                waiting_for.contains(&labels.fingerprint()) && meant()
            }
            _ => meant(),
        }
    }

    /// Which of some alerts it means, so that whoever makes it sees at once what falls silent.
    pub fn preview<'a>(&self, alerts: impl IntoIterator<Item = &'a Labels>) -> Vec<&'a Labels> {
        alerts
            .into_iter()
            .filter(|labels| self.matchers.iter().any(|matchers| matchers.matches(labels)))
            .collect()
    }

    /// Takes note that alerts are over. Tells whether the silence waits for fewer than before.
    pub fn note_resolved(&mut self, resolved: &[Fingerprint]) -> bool {
        let SilenceTime::UntilResolved { waiting_for, .. } = &mut self.when else { return false };
        let before = waiting_for.len();
        waiting_for.retain(|fingerprint| !resolved.contains(fingerprint));
        waiting_for.len() < before
    }

    /// When to tell that it is about to end: a quarter of an hour before, or, when it lasts less than half an hour,
    /// half-way. `None` when it does not hold, or is only a window of many.
    pub fn expiry_notice_at(&self, now: Timestamp) -> Option<Timestamp> {
        let SilenceState::Active { ends_at } = self.state_at(now) else { return None };
        let starts_at = match &self.when {
            SilenceTime::Fixed { starts_at, .. } | SilenceTime::UntilResolved { starts_at, .. } => *starts_at,
            SilenceTime::Recurring { .. } => return None,
        };
        let half = SignedDuration::from_secs(ends_at.duration_since(starts_at).as_secs() / 2);
        ends_at.checked_sub(EXPIRY_NOTICE.min(half)).ok()
    }
}

/// The silences that hold at an instant, with the instant at which that list must be made anew.
#[derive(Debug)]
pub struct ActiveSilences<'s> {
    active: Vec<&'s Silence>,
    /// When a silence begins or ends next; `None` when none will.
    pub good_until: Option<Timestamp>,
}

impl<'s> ActiveSilences<'s> {
    /// Of all silences, those that hold.
    pub fn at(now: Timestamp, silences: impl IntoIterator<Item = &'s Silence>) -> Self {
        let (mut active, mut good_until) = (Vec::new(), None::<Timestamp>);
        for silence in silences {
            let changes_at = match silence.state_at(now) {
                SilenceState::Pending { starts_at } => starts_at,
                SilenceState::Active { ends_at } => {
                    active.push(silence);
                    ends_at
                }
                SilenceState::Expired => continue,
            };
            good_until = Some(good_until.map_or(changes_at, |known| known.min(changes_at)));
        }
        Self { active, good_until }
    }

    /// The silences that hide an alert.
    pub fn hide(&self, labels: &Labels) -> Vec<&'s Silence> {
        self.active.iter().copied().filter(|silence| silence.means(labels)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn silence(matchers: &[&str], when: SilenceTime) -> Silence {
        let matchers = matchers.iter().map(|text| text.parse().expect("matchers")).collect();
        Silence { id: "s".into(), matchers, when, created_by: "ana".into(), comment: "upgrade".into() }
    }

    fn fixed(from: &str, until: &str) -> SilenceTime {
        SilenceTime::Fixed { starts_at: instant(from), ends_at: instant(until) }
    }

    #[test]
    fn it_holds_from_its_beginning_until_before_its_end() {
        let silence = silence(
            &["service=shop", "team=market,severity=~\"warn.*\""],
            fixed("2026-11-20T10:00:00Z", "2026-11-20T12:00:00Z"),
        );
        silence.check().expect("a good one");
        let shop = Labels::from_iter([("service", "shop")]);
        let hides =
            |at: &str, labels: &Labels| !ActiveSilences::at(instant(at), [&silence]).hide(labels).is_empty();
        assert!(!hides("2026-11-20T09:59:59Z", &shop));
        assert!(hides("2026-11-20T10:00:00Z", &shop));
        assert!(!hides("2026-11-20T12:00:00Z", &shop));
        assert!(hides(
            "2026-11-20T11:00:00Z",
            &Labels::from_iter([("team", "market"), ("severity", "warning")])
        ));
        assert!(!hides("2026-11-20T11:00:00Z", &Labels::from_iter([("team", "market")])));
        let notice = silence.expiry_notice_at(instant("2026-11-20T11:00:00Z"));
        assert_eq!(notice, Some(instant("2026-11-20T11:45:00Z")));
        assert_eq!(
            ActiveSilences::at(instant("2026-11-20T09:00:00Z"), [&silence]).good_until,
            Some(instant("2026-11-20T10:00:00Z"))
        );
    }

    #[test]
    fn a_window_that_comes_again_is_pending_between() {
        let recurrence = Recurrence::new(
            "2026-01-04T02:00:00".parse().expect("local"),
            "Europe/Paris",
            "FREQ=WEEKLY;BYDAY=SU",
            120,
        );
        let recurrence = recurrence.expect("a rule");
        let until = Some(instant("2026-11-29T02:00:00Z"));
        let silence = silence(&["service=shop"], SilenceTime::Recurring { recurrence, until });
        assert_eq!(
            silence.state_at(instant("2026-11-20T00:00:00Z")),
            SilenceState::Pending { starts_at: instant("2026-11-22T01:00:00Z") }
        );
        assert_eq!(
            silence.state_at(instant("2026-11-22T02:59:59Z")),
            SilenceState::Active { ends_at: instant("2026-11-22T03:00:00Z") }
        );
        assert_eq!(
            silence.state_at(instant("2026-11-29T01:30:00Z")),
            SilenceState::Active { ends_at: instant("2026-11-29T02:00:00Z") }
        );
        assert_eq!(silence.state_at(instant("2026-11-29T02:00:00Z")), SilenceState::Expired);
    }

    #[test]
    fn one_until_resolved_ends_with_the_last_alert_it_meant() {
        let (one, other) = (
            Labels::from_iter([("service", "shop"), ("pod", "a")]),
            Labels::from_iter([("service", "shop"), ("pod", "b")]),
        );
        let when = SilenceTime::UntilResolved {
            starts_at: instant("2026-11-20T10:00:00Z"),
            at_most_until: instant("2026-11-21T10:00:00Z"),
            waiting_for: vec![one.fingerprint(), other.fingerprint()],
        };
        let mut silence = silence(&["service=shop"], when);
        let now = instant("2026-11-20T11:00:00Z");
        assert_eq!(silence.preview([&one, &other, &Labels::default()]).len(), 2);
        assert!(
            !silence.means(&Labels::from_iter([("service", "shop"), ("pod", "c")])),
            "an alert that came later speaks"
        );
        assert!(silence.note_resolved(&[one.fingerprint()]));
        assert!(!silence.note_resolved(&[one.fingerprint()]), "twice is once");
        assert!(!silence.means(&one), "its next episode speaks");
        assert!(matches!(silence.state_at(now), SilenceState::Active { .. }));
        silence.note_resolved(&[other.fingerprint()]);
        assert_eq!(silence.state_at(now), SilenceState::Expired);
    }

    #[test]
    fn what_would_hide_everything_or_nothing_is_refused() {
        let good = fixed("2026-11-20T10:00:00Z", "2026-11-20T12:00:00Z");
        assert_eq!(silence(&[], good.clone()).check(), Err(InvalidSilence::NoMatchers));
        assert!(matches!(
            silence(&["a=~\".*\""], good.clone()).check(),
            Err(InvalidSilence::MatchesEverything(_))
        ));
        let backwards = fixed("2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z");
        assert!(matches!(
            silence(&["a=b"], backwards).check(),
            Err(InvalidSilence::EndsBeforeItBegins { .. })
        ));
        let mut unexplained = silence(&["a=b"], good);
        unexplained.comment = " ".into();
        assert_eq!(unexplained.check(), Err(InvalidSilence::NoComment));
    }
}
