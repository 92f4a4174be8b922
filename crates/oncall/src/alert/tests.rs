//! Orders, repetitions and silences of reports.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;

const TIMEOUT: SignedDuration = SignedDuration::from_mins(5);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).expect("an instant")
}

fn report(starts_at: i64, ends_at: Option<i64>, received_at: i64) -> Report {
    Report {
        labels: Labels::from_iter([("alertname", "X")]),
        annotations: Labels::default(),
        starts_at: Some(at(starts_at)),
        ends_at: ends_at.map(at),
        received_at: at(received_at),
        source_is_lost: false,
    }
}

fn merge_all(reports: &[Report]) -> (Option<Alert>, Vec<AlertChange>) {
    let mut known = None;
    let changes = reports.iter().map(|report| {
        let (alert, change) = Alert::merge(known.as_ref(), report, TIMEOUT);
        known = Some(alert);
        change
    });
    let changes = changes.collect();
    (known, changes)
}

#[test]
fn the_same_report_a_hundred_times_fires_once() {
    let reports = vec![report(0, None, 1); 100];
    let (_, changes) = merge_all(&reports);
    assert_eq!(changes[0], AlertChange::Fired);
    assert!(changes[1..].iter().all(|change| *change == AlertChange::None));
}

#[test]
fn an_end_before_the_beginning_was_heard_stays_an_end() {
    let (alert, changes) = merge_all(&[report(0, Some(60), 61), report(0, None, 62)]);
    assert_eq!(changes, [AlertChange::ResolvedUnseen, AlertChange::None], "the late firing is stale");
    assert_eq!(alert.expect("known").state, AlertState::Resolved);
    let (alert, changes) = merge_all(&[report(0, Some(60), 61), report(100, None, 101)]);
    assert_eq!(changes[1], AlertChange::Fired, "a new episode fires");
    assert_eq!(alert.expect("known").state, AlertState::Firing);
}

#[test]
fn silence_is_lost_and_never_over() {
    let (alert, _) = merge_all(&[report(0, None, 0)]);
    let alert = alert.expect("known");
    assert_eq!(alert.due_at(), Some(at(300)));
    assert_eq!(alert.at(at(299)).1, AlertChange::None);
    let (lost, change) = alert.at(at(300));
    assert_eq!((lost.state, change), (AlertState::SourceLost, AlertChange::Lost));
    assert_eq!(lost.at(at(9_000_000)), (lost.clone(), AlertChange::None), "for ever");
    let (_, change) = Alert::merge(Some(&lost), &report(0, None, 400), TIMEOUT);
    assert_eq!(change, AlertChange::Regained);
    let (_, change) = Alert::merge(Some(&lost), &report(0, Some(350), 400), TIMEOUT);
    assert_eq!(change, AlertChange::Resolved, "its source says so");
}

#[test]
fn what_a_lost_source_calls_over_is_lost() {
    let (alert, _) = merge_all(&[report(0, None, 0)]);
    let doubtful = Report { source_is_lost: true, ..report(0, Some(15), 20) };
    let (alert, change) = Alert::merge(alert.as_ref(), &doubtful, TIMEOUT);
    assert_eq!((alert.state, change), (AlertState::SourceLost, AlertChange::Lost));
}

#[test]
fn a_report_without_a_start_goes_on_with_the_episode() {
    let open = |received_at| Report { starts_at: None, ..report(0, None, received_at) };
    let (alert, changes) = merge_all(&[open(0), open(60), open(120)]);
    assert_eq!(alert.expect("known").starts_at, at(0));
    assert_eq!(changes, [AlertChange::Fired, AlertChange::Refreshed, AlertChange::Refreshed]);
    let over = Report { starts_at: None, ..report(0, Some(130), 130) };
    let (alert, changes) = merge_all(&[open(0), over, open(200)]);
    assert_eq!(changes, [AlertChange::Fired, AlertChange::Resolved, AlertChange::Fired]);
    assert_eq!(alert.expect("known").starts_at, at(200));
}

proptest! {
    #[test]
    fn whatever_the_order_what_is_known_is_the_same(
        told in prop::collection::vec((0_i64..4, prop::option::of(1_i64..50), 200_i64..400), 1..8),
        order in any::<prop::sample::Index>(),
        repeated in any::<prop::sample::Index>(),
    ) {
        let reports: Vec<Report> = told
            .iter()
            .map(|&(episode, ends_at, received_at)| {
                let starts_at = episode * 50;
                report(starts_at, ends_at.map(|length| (starts_at + length).min(199)), received_at)
            })
            .collect();
        let (expected, _) = merge_all(&reports);
        let mut shuffled = reports.clone();
        shuffled.rotate_left(order.index(reports.len()));
        shuffled.reverse();
        shuffled.push(repeated.get(&reports).clone());
        let (known, _) = merge_all(&shuffled);
        let seen = |alert: &Option<Alert>| alert.as_ref().map(|alert| (alert.starts_at, alert.state));
        prop_assert_eq!(seen(&known), seen(&expected));
    }
}
