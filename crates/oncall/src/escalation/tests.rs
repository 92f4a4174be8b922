//! Timelines as one would draw them, and what holds of every one.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::schedule::{FixedShift, Layer, Override, Rotation, Schedule, Turn};
use crate::settings::Team;

const MINUTE: Duration = Duration::from_secs(60);

fn at(minutes: i64) -> Timestamp {
    "2026-11-20T00:00:00Z".parse::<Timestamp>().expect("an instant") + SignedDuration::from_mins(minutes)
}

/// A world of people: `shop` alternates daily at midnight, `empty` has nobody.
struct World {
    schedules: BTreeMap<String, Schedule>,
    overrides: BTreeMap<String, Vec<Override>>,
    teams: BTreeMap<String, Team>,
}

impl World {
    fn new() -> Self {
        let layer = |rotation| Layer { name: "x".into(), rotation, restrictions: Vec::new(), ends_at: None };
        let starts_at = "2026-01-01T00:00:00".parse().expect("a local time");
        let members = vec!["ana".to_owned(), "ben".to_owned()];
        let turns = Rotation::Turns { every: Turn::Days(1), starts_at, members };
        let nobody = Rotation::Fixed(Vec::<FixedShift>::new());
        let schedule = |name: &str, rotation| {
            let schedule = Schedule { name: name.into(), zone: TimeZone::UTC, layers: vec![layer(rotation)] };
            (name.to_owned(), schedule)
        };
        let members = vec!["joe".to_owned(), "kim".to_owned(), "lea".to_owned()];
        let team = Team { name: "market".into(), members };
        Self {
            schedules: BTreeMap::from([schedule("shop", turns), schedule("empty", nobody)]),
            overrides: BTreeMap::new(),
            teams: BTreeMap::from([("market".to_owned(), team)]),
        }
    }

    fn people(&self) -> People<'_> {
        People { schedules: &self.schedules, overrides: &self.overrides, teams: &self.teams }
    }
}

fn step(target: Target, minutes: u32) -> EscalationStep {
    EscalationStep { targets: vec![target], wait: MINUTE * minutes, round_robin: false }
}

fn policy(steps: Vec<EscalationStep>, repeat: u32) -> EscalationPolicy {
    EscalationPolicy {
        name: "p".into(),
        steps,
        repeat,
        acknowledge_timeout: Some(MINUTE * 30),
        fallback: Vec::new(),
    }
}

fn shop(minutes: u32) -> EscalationStep {
    step(Target::Schedule("shop".into()), minutes)
}

/// One line an action.
fn drawn(timeline: &[(Timestamp, Action)]) -> Vec<String> {
    let minutes = |due: Timestamp| due.duration_since(at(0)).as_mins();
    let what = |action: &Action| match action {
        Action::Page(page) => {
            [&page.contacts[..], &page.channels[..], &page.because[..]].concat().join(" + ")
        }
        Action::GiveUp { because } => format!("gives up: {because}"),
        other => format!("{other:?}"),
    };
    timeline.iter().map(|(due, action)| format!("{} {}", minutes(*due), what(action))).collect()
}

fn opened() -> Vec<(Timestamp, IncidentEvent)> {
    vec![(at(0), IncidentEvent::Opened)]
}

#[test]
fn steps_follow_each_other_and_repeat() {
    let world = World::new();
    let policy = policy(
        vec![shop(5), step(Target::Team("market".into()), 10), step(Target::Channel("slack".into()), 15)],
        1,
    );
    let timeline = policy.timeline(&world.people(), &opened(), 0, at(10_000));
    assert_eq!(
        drawn(&timeline),
        [
            "0 ben",
            "5 joe + kim + lea",
            "15 slack",
            "30 ben",
            "35 joe + kim + lea",
            "45 slack",
            "60 gives up: 6 pages reached somebody, and nobody acknowledged",
        ]
    );
}

#[test]
fn who_is_on_call_is_asked_when_the_step_is_due() {
    let world = World::new();
    let policy = policy(vec![shop(60), shop(60)], 0);
    let late = vec![(at(1410), IncidentEvent::Opened)];
    assert_eq!(drawn(&policy.timeline(&world.people(), &late, 0, at(1500)))[..2], ["1410 ben", "1470 ana"]);
}

#[test]
fn when_nobody_is_on_call_the_fallback_is_reached_and_it_says_why() {
    let world = World::new();
    let mut policy = policy(vec![step(Target::Schedule("empty".into()), 5), shop(5)], 0);
    let timeline = policy.timeline(&world.people(), &opened(), 0, at(100));
    assert_eq!(
        drawn(&timeline)[..2],
        ["0 nobody is on call in the schedule empty", "0 ben"],
        "no time is lost"
    );
    policy.fallback = vec![Target::Contact("eve".into())];
    let timeline = policy.timeline(&world.people(), &opened(), 0, at(100));
    assert_eq!(
        drawn(&timeline)[0],
        "0 eve + nobody is on call in the schedule empty + so those who are reached when nobody else is"
    );
    policy.steps.truncate(1);
    policy.fallback.clear();
    let timeline = policy.timeline(&world.people(), &opened(), 0, at(100));
    assert_eq!(drawn(&timeline)[1], "0 gives up: no step reached anybody");
}

#[test]
fn a_round_goes_round() {
    let world = World::new();
    let mut policy = policy(vec![step(Target::Team("market".into()), 5)], 3);
    policy.steps[0].round_robin = true;
    let first = |sequence| drawn(&policy.timeline(&world.people(), &opened(), sequence, at(20)));
    assert_eq!(first(0)[..4], ["0 joe", "5 kim", "10 lea", "15 joe"]);
    assert_eq!(first(1)[0], "0 kim", "the next incident begins with the next one");
}

#[test]
fn a_page_that_failed_brings_the_next_at_once() {
    let world = World::new();
    let policy = policy(vec![shop(5), step(Target::Channel("slack".into()), 5)], 0);
    let mut history = opened();
    history.push((at(0), IncidentEvent::Paged { position: 0, reached: true }));
    history.push((at(1), IncidentEvent::PageFailed));
    assert_eq!(drawn(&policy.timeline(&world.people(), &history, 0, at(100)))[0], "1 slack");
}

#[test]
fn an_acknowledgement_lapses_a_snooze_ends_and_a_hand_over_begins_anew() {
    let world = World::new();
    let policy = policy(vec![shop(5)], 0);
    let mut history = opened();
    history.push((at(0), IncidentEvent::Paged { position: 0, reached: true }));
    let until = policy.acknowledged_until(at(3));
    history.push((at(3), IncidentEvent::Acknowledged { by: "ben".into(), until }));
    let timeline = policy.timeline(&world.people(), &history, 0, at(50));
    assert_eq!(drawn(&timeline)[..2], ["33 LapseAcknowledgement", "33 ben"]);
    history.push((at(10), IncidentEvent::Snoozed { by: "ben".into(), until: at(120) }));
    let timeline = policy.timeline(&world.people(), &history, 0, at(300));
    assert_eq!(drawn(&timeline)[..2], ["120 EndSnooze", "120 ben"]);
    history.push((at(20), IncidentEvent::HandedOver { by: "ben".into(), to: Target::Contact("zoe".into()) }));
    let timeline = policy.timeline(&world.people(), &history, 0, at(300));
    assert_eq!(drawn(&timeline)[..2], ["20 zoe", "25 ben"]);
    history.push((at(21), IncidentEvent::Resolved { by: None }));
    assert!(policy.timeline(&world.people(), &history, 0, at(300)).is_empty());
    history.push((at(60), IncidentEvent::Opened));
    assert_eq!(drawn(&policy.timeline(&world.people(), &history, 0, at(61))), ["60 ben"]);
}

#[test]
fn after_every_step_was_tried_it_can_begin_anew() {
    let world = World::new();
    let policy = policy(vec![shop(5)], 0);
    let mut history = opened();
    history.push((at(0), IncidentEvent::Paged { position: 0, reached: true }));
    history.push((at(1), IncidentEvent::Opened));
    assert_eq!(
        drawn(&policy.timeline(&world.people(), &history, 0, at(100))).len(),
        1,
        "not while it goes on"
    );
    history.push((at(5), IncidentEvent::Exhausted));
    assert!(policy.timeline(&world.people(), &history, 0, at(300)).is_empty());
    history.push((at(240), IncidentEvent::Opened));
    assert_eq!(drawn(&policy.timeline(&world.people(), &history, 0, at(242))), ["240 ben"]);
}

#[test]
fn a_page_written_down_twice_counts_once() {
    let world = World::new();
    let policy = policy(vec![shop(5), step(Target::Channel("slack".into()), 5)], 0);
    let mut history = opened();
    history.push((at(0), IncidentEvent::Paged { position: 0, reached: true }));
    history.push((at(1), IncidentEvent::Paged { position: 0, reached: true }));
    assert_eq!(drawn(&policy.timeline(&world.people(), &history, 0, at(100)))[0], "5 slack");
}

fn targets() -> impl Strategy<Value = Target> {
    prop_oneof![
        Just(Target::Schedule("shop".into())),
        Just(Target::Schedule("empty".into())),
        Just(Target::Schedule("no such".into())),
        Just(Target::Team("market".into())),
        Just(Target::Contact("eve".into())),
        Just(Target::Channel("slack".into())),
    ]
}

fn policies() -> impl Strategy<Value = EscalationPolicy> {
    let step = (prop::collection::vec(targets(), 0..3), 0_u32..30, any::<bool>()).prop_map(
        |(targets, minutes, round_robin)| EscalationStep { targets, wait: MINUTE * minutes, round_robin },
    );
    let timeout = prop::option::of((1_u32..60).prop_map(|minutes| MINUTE * minutes));
    let fallback = prop::collection::vec(targets(), 0..2);
    (prop::collection::vec(step, 1..5), 0_u32..4, timeout, fallback).prop_map(
        |(steps, repeat, acknowledge_timeout, fallback)| EscalationPolicy {
            name: "p".into(),
            steps,
            repeat,
            acknowledge_timeout,
            fallback,
        },
    )
}

proptest! {
    #[test]
    fn every_incident_reaches_somebody_or_says_why(policy in policies(), sequence in any::<u64>()) {
        let world = World::new();
        let timeline = policy.timeline(&world.people(), &opened(), sequence, at(1_000_000));
        let pages = timeline.iter().filter_map(|(_, action)| match action {
            Action::Page(page) => Some(page),
            _ => None,
        });
        let reached = pages.clone().filter(|page| !page.is_empty()).count();
        let unexplained = policy.steps.iter().any(|step| step.targets.is_empty());
        for page in pages.filter(|page| page.is_empty()) {
            prop_assert!(unexplained || !page.because.is_empty(), "an empty page says why");
        }
        let last = timeline.last().map(|(_, action)| action);
        let Some(Action::GiveUp { because }) = last else { panic!("it ends by saying so: {last:?}") };
        prop_assert_eq!(reached == 0, because == "no step reached anybody");
        prop_assert!(timeline.windows(2).all(|pair| pair[0].0 <= pair[1].0), "in order");
        prop_assert_eq!(timeline.len(), policy.steps.len() * (policy.repeat as usize + 1) + 1);
    }

    #[test]
    fn a_restart_at_any_moment_changes_nothing(policy in policies(), sequence in any::<u64>(), cut in any::<prop::sample::Index>()) {
        let world = World::new();
        let whole = policy.timeline(&world.people(), &opened(), sequence, at(1_000_000));
        let cut = cut.index(whole.len() + 1);
        let mut history = opened();
        history.extend(whole[..cut].iter().map(|(done_at, action)| (*done_at, action.event())));
        let stored = serde_json::to_string(&history).expect("serialisable");
        let history: Vec<(Timestamp, IncidentEvent)> = serde_json::from_str(&stored).expect("readable");
        prop_assert_eq!(policy.timeline(&world.people(), &history, sequence, at(1_000_000)), &whole[cut..]);
    }

    #[test]
    fn nothing_is_due_after_an_acknowledgement_before_it_lapses(
        policy in policies(),
        cut in any::<prop::sample::Index>(),
        minutes in 0_i64..60,
    ) {
        let world = World::new();
        let whole = policy.timeline(&world.people(), &opened(), 0, at(1_000_000));
        let cut = cut.index(whole.len());
        let mut history = opened();
        history.extend(whole[..cut].iter().map(|(done_at, action)| (*done_at, action.event())));
        let taken_at = history.last().expect("opened").0 + SignedDuration::from_mins(minutes);
        let until = policy.acknowledged_until(taken_at);
        history.push((taken_at, IncidentEvent::Acknowledged { by: "ana".into(), until }));
        match policy.next(&world.people(), &history, 0, taken_at) {
            Next::Rest { .. } => prop_assert!(until.is_none()),
            Next::Do { due_at, action } => {
                prop_assert_eq!(action, Action::LapseAcknowledgement);
                prop_assert_eq!(Some(due_at), until);
            }
        }
    }
}
