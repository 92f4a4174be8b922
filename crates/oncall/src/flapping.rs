//! Damping: an alert that comes and goes is said to be flapping once, and then kept quiet until it has been calm for
//! a while. A score grows with every turn and fades by half with time; two marks, one to begin and a lower one to end,
//! keep the damping itself from flapping (as route flap damping does, RFC 2439).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How fast is too fast.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FlapLimits {
    /// In how long the score fades to a half.
    pub half_life: Duration,
    /// From this score on the alert is flapping. A turn adds one.
    pub begin: f64,
    /// Below this score it no longer is.
    pub end: f64,
    /// How long it is kept quiet at most without being told again.
    pub remind_after: Duration,
}

/// Three turns within a few minutes begin it, about half an hour of calm ends it, and while it lasts it is told every
/// four hours.
impl Default for FlapLimits {
    fn default() -> Self {
        Self {
            half_life: Duration::from_secs(15 * 60),
            begin: 2.5,
            end: 0.75,
            remind_after: Duration::from_secs(4 * 3600),
        }
    }
}

/// What is kept of an alert between its turns.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FlapScore {
    score: f64,
    scored_at: Timestamp,
    firing: bool,
    damped_since: Option<Timestamp>,
    told_at: Option<Timestamp>,
}

/// What is to be said about a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlapVerdict {
    /// Say it as it is.
    Speak,
    /// Say that it is flapping, once, and that nothing more will be said until it calms down.
    SayFlapping,
    /// Say nothing.
    Quiet,
    /// It has been calm: say how it is now.
    SayCalm {
        /// Whether it fires.
        firing: bool,
    },
}

impl FlapScore {
    /// Of an alert that never turned.
    pub fn new(firing: bool, now: Timestamp) -> Self {
        Self { score: 0.0, scored_at: now, firing, damped_since: None, told_at: None }
    }

    /// Whether it is kept quiet.
    pub fn is_flapping(&self) -> bool {
        self.damped_since.is_some()
    }

    /// Takes a report of how the alert is. One that changes nothing is no turn.
    pub fn record(&mut self, firing: bool, now: Timestamp, limits: &FlapLimits) -> FlapVerdict {
        let turned = firing != self.firing;
        self.fade(now, limits);
        if turned {
            self.firing = firing;
            self.score += 1.0;
        }
        if !self.is_flapping() {
            if !turned || self.score < limits.begin {
                return if turned { FlapVerdict::Speak } else { FlapVerdict::Quiet };
            }
            self.damped_since = Some(now);
            self.told_at = Some(now);
            return FlapVerdict::SayFlapping;
        }
        self.check(now, limits)
    }

    /// Asks whether it has calmed down, or is to be told again.
    pub fn check(&mut self, now: Timestamp, limits: &FlapLimits) -> FlapVerdict {
        self.fade(now, limits);
        if !self.is_flapping() {
            return FlapVerdict::Quiet;
        }
        if self.score < limits.end {
            self.damped_since = None;
            return FlapVerdict::SayCalm { firing: self.firing };
        }
        let quiet_for = now.duration_since(self.told_at.unwrap_or(now));
        if quiet_for >= SignedDuration::try_from(limits.remind_after).unwrap_or(SignedDuration::MAX) {
            self.told_at = Some(now);
            return FlapVerdict::SayFlapping;
        }
        FlapVerdict::Quiet
    }

    /// When [`FlapScore::check`] is to be asked if nothing happens: when it will have calmed down.
    pub fn due_at(&self, limits: &FlapLimits) -> Option<Timestamp> {
        self.damped_since?;
        let half_lives = (self.score / limits.end).log2().max(0.0);
        let seconds = half_lives * limits.half_life.as_secs_f64() + 1.0;
        let calm_at = self.scored_at.checked_add(SignedDuration::try_from_secs_f64(seconds).ok()?).ok()?;
        let reminder = SignedDuration::try_from(limits.remind_after).unwrap_or(SignedDuration::MAX);
        let told_again_at = self.told_at?.checked_add(reminder).unwrap_or(Timestamp::MAX);
        Some(calm_at.min(told_again_at))
    }

    /// A clock that went back fades nothing.
    fn fade(&mut self, now: Timestamp, limits: &FlapLimits) {
        let passed = now.duration_since(self.scored_at).as_secs_f64().max(0.0);
        self.score *= 0.5_f64.powf(passed / limits.half_life.as_secs_f64().max(1.0));
        self.scored_at = self.scored_at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + seconds).expect("an instant")
    }

    /// What is said of an alert that turns every so many seconds for so long, and then stays as it is for a day.
    fn said(every: i64, seconds: i64) -> Vec<(i64, FlapVerdict)> {
        let limits = FlapLimits::default();
        let mut score = FlapScore::new(false, at(0));
        let mut said = Vec::new();
        let mut firing = false;
        for second in (0..seconds).step_by(usize::try_from(every).expect("positive")) {
            firing = !firing;
            said.push((second, score.record(firing, at(second), &limits)));
        }
        while let Some(due_at) = score.due_at(&limits).filter(|due_at| *due_at < at(seconds + 86_400)) {
            said.push((due_at.as_second() - at(0).as_second(), score.check(due_at, &limits)));
        }
        said.retain(|(_, verdict)| *verdict != FlapVerdict::Quiet);
        said
    }

    #[test]
    fn an_hour_of_a_turn_every_ten_seconds_is_four_messages() {
        let said = said(10, 3600);
        let verdicts: Vec<FlapVerdict> = said.iter().map(|(_, verdict)| *verdict).collect();
        use FlapVerdict::{SayCalm, SayFlapping, Speak};
        assert_eq!(verdicts, [Speak, Speak, SayFlapping, SayCalm { firing: false }], "{said:?}");
        let calm_at = said[3].0;
        assert!((3600..3600 + 3 * 3600).contains(&calm_at), "calm is told within hours: {calm_at}");
    }

    #[test]
    fn an_alert_that_comes_and_goes_once_is_told_both_times() {
        let limits = FlapLimits::default();
        let mut score = FlapScore::new(false, at(0));
        assert_eq!(score.record(true, at(0), &limits), FlapVerdict::Speak);
        assert_eq!(score.record(true, at(60), &limits), FlapVerdict::Quiet, "told again is no turn");
        assert_eq!(score.record(false, at(120), &limits), FlapVerdict::Speak);
        assert_eq!(score.due_at(&limits), None);
        assert_eq!(score.record(true, at(7200), &limits), FlapVerdict::Speak);
    }

    #[test]
    fn one_that_never_calms_down_is_told_every_few_hours() {
        let said = said(60, 86_400);
        let told = said.iter().filter(|(_, verdict)| *verdict == FlapVerdict::SayFlapping).count();
        assert!((5..=7).contains(&told), "{told} times in a day");
    }

    #[test]
    fn a_clock_that_jumps_back_does_no_harm() {
        let limits = FlapLimits::default();
        let mut score = FlapScore::new(false, at(0));
        for (turn, second) in [0, -3600, 10, -3590].into_iter().enumerate() {
            score.record(turn % 2 == 0, at(second), &limits);
        }
        assert!(score.is_flapping());
        assert!(score.due_at(&limits).is_some_and(|due_at| due_at < at(4 * 3600)));
    }
}
