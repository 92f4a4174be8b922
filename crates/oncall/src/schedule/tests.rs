//! Coverage on the days the clock changes: always exactly one on call, in every zone, and by the same local times.

use jiff::SignedDuration;
use jiff::civil::DateTime;

use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a zone")
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn turns(every: Turn, starts_at: &str, members: &[&str]) -> Layer {
    let members = members.iter().map(|member| (*member).to_owned()).collect();
    let starts_at = starts_at.parse().expect("a local time");
    let rotation = Rotation::Turns { every, starts_at, members };
    Layer { name: "first".into(), rotation, restrictions: Vec::new(), ends_at: None }
}

fn schedule(zone_name: &str, layers: Vec<Layer>) -> Schedule {
    Schedule { name: "shop".into(), zone: zone(zone_name), layers }
}

/// One line a shift, in local time.
fn lines(schedule: &Schedule, from: &str, until: &str, overrides: &[Override]) -> Vec<String> {
    let local = |at: Timestamp| at.to_zoned(schedule.zone.clone()).strftime("%a %d %H:%M %:z").to_string();
    let shifts = schedule.shifts(instant(from), instant(until), overrides);
    let who = |shift: &Shift| shift.on_call.as_ref().map_or("-".into(), |on_call| on_call.contact.clone());
    shifts.iter().map(|shift| format!("{} {}", local(shift.starts_at), who(shift))).collect()
}

#[test]
fn a_daily_hand_over_keeps_its_hour_when_the_clock_changes() {
    let daily = schedule("Europe/Paris", vec![turns(Turn::Days(1), "2026-01-01T02:30:00", &["ana", "ben"])]);
    assert_eq!(
        lines(&daily, "2026-03-28T12:00:00Z", "2026-03-31T00:00:00Z", &[]),
        ["Sat 28 13:00 +01:00 ana", "Sun 29 03:00 +02:00 ben", "Mon 30 02:30 +02:00 ana"],
        "a hand-over that is skipped takes place when the clock jumps"
    );
    assert_eq!(
        lines(&daily, "2026-10-24T12:00:00Z", "2026-10-27T00:00:00Z", &[]),
        ["Sat 24 14:00 +02:00 ana", "Sun 25 02:30 +02:00 ben", "Mon 26 02:30 +01:00 ana"],
        "one that comes twice takes place the first time"
    );
}

#[test]
fn a_day_that_the_calendar_leaves_out_costs_nobody_a_turn_of_length_zero() {
    let daily = schedule("Pacific/Apia", vec![turns(Turn::Days(1), "2011-12-01T09:00:00", &["ana", "ben"])]);
    let shifts = lines(&daily, "2011-12-28T19:00:00Z", "2012-01-01T00:00:00Z", &[]);
    assert_eq!(
        shifts,
        [
            "Wed 28 09:00 -10:00 ben",
            "Thu 29 09:00 -10:00 ana",
            "Sat 31 00:00 +14:00 ben",
            "Sat 31 09:00 +14:00 ana",
            "Sun 01 09:00 +14:00 ben"
        ]
    );
}

#[test]
fn weeks_and_months_and_hours_are_counted_from_the_first_turn() {
    let weekly = schedule(
        "America/Chicago",
        vec![turns(Turn::Weeks(1), "2026-02-23T09:00:00", &["ana", "ben", "eve"])],
    );
    assert_eq!(
        lines(&weekly, "2026-02-20T00:00:00Z", "2026-03-17T00:00:00Z", &[]),
        [
            "Thu 19 18:00 -06:00 -",
            "Mon 23 09:00 -06:00 ana",
            "Mon 02 09:00 -06:00 ben",
            "Mon 09 09:00 -05:00 eve",
            "Mon 16 09:00 -05:00 ana"
        ],
        "nobody before the first turn"
    );
    let monthly = schedule("UTC", vec![turns(Turn::Months(1), "2026-01-31T00:00:00", &["ana", "ben"])]);
    assert_eq!(
        lines(&monthly, "2026-02-01T00:00:00Z", "2026-05-01T00:00:00Z", &[]),
        [
            "Sun 01 00:00 +00:00 ana",
            "Sat 28 00:00 +00:00 ben",
            "Tue 31 00:00 +00:00 ana",
            "Thu 30 00:00 +00:00 ben"
        ]
    );
    let hourly =
        schedule("Europe/Paris", vec![turns(Turn::Hours(12), "2026-03-28T08:00:00", &["ana", "ben"])]);
    assert_eq!(
        lines(&hourly, "2026-03-28T07:00:00Z", "2026-03-29T20:00:00Z", &[]),
        [
            "Sat 28 08:00 +01:00 ana",
            "Sat 28 20:00 +01:00 ben",
            "Sun 29 09:00 +02:00 ana",
            "Sun 29 21:00 +02:00 ben"
        ],
        "twelve hours that pass"
    );
}

#[test]
fn higher_layers_cover_lower_ones_within_their_hours() {
    let mut nights = turns(Turn::Days(1), "2026-01-01T00:00:00", &["eve"]);
    nights.name = "nights".into();
    nights.restrictions =
        vec![Restriction { weekdays: vec![(1, 5)], from_minute: 22 * 60, until_minute: 6 * 60 }];
    let days = turns(Turn::Weeks(1), "2026-01-05T09:00:00", &["ana"]);
    let both = schedule("Europe/Paris", vec![days, nights]);
    assert_eq!(
        lines(&both, "2026-11-19T12:00:00Z", "2026-11-23T12:00:00Z", &[]),
        [
            "Thu 19 13:00 +01:00 ana",
            "Thu 19 22:00 +01:00 eve",
            "Fri 20 06:00 +01:00 ana",
            "Fri 20 22:00 +01:00 eve",
            "Sat 21 06:00 +01:00 ana"
        ],
        "Friday's window runs into Saturday, and on Saturday none begins"
    );
}

#[test]
fn overrides_cover_everything_also_over_a_change_of_the_clock() {
    let daily = schedule("Europe/Paris", vec![turns(Turn::Days(1), "2026-01-01T09:00:00", &["ana", "ben"])]);
    let told =
        |id: &str, contact: Option<&str>, instead_of: Option<&str>, from: &str, until: &str| Override {
            id: id.into(),
            contact: contact.map(str::to_owned),
            instead_of: instead_of.map(str::to_owned),
            starts_at: instant(from),
            ends_at: instant(until),
        };
    let night = told("night", Some("eve"), None, "2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z");
    let holiday = told("holiday", Some("zoe"), Some("ben"), "2026-03-28T00:00:00Z", "2026-04-01T00:00:00Z");
    let open = told("open", None, None, "2026-03-30T10:00:00Z", "2026-03-30T11:00:00Z");
    assert_eq!(
        lines(&daily, "2026-03-28T12:00:00Z", "2026-03-31T00:00:00Z", &[holiday, night, open.clone()]),
        [
            "Sat 28 13:00 +01:00 ana",
            "Sat 28 23:00 +01:00 eve",
            "Sun 29 07:00 +02:00 ana",
            "Sun 29 09:00 +02:00 zoe",
            "Mon 30 09:00 +02:00 ana",
            "Mon 30 12:00 +02:00 -",
            "Mon 30 13:00 +02:00 ana"
        ]
    );
    let from = instant("2026-03-29T00:00:00Z");
    let gaps = daily.gaps(from, from + SignedDuration::from_hours(7 * 24), std::slice::from_ref(&open));
    assert_eq!(gaps.len(), 1);
    assert_eq!((gaps[0].starts_at, gaps[0].ends_at), (open.starts_at, open.ends_at));
}

#[test]
fn fixed_shifts_are_what_is_written_down() {
    let shift = |contact: &str, from: &str, until: &str| FixedShift {
        contact: contact.into(),
        starts_at: from.parse().expect("a local time"),
        ends_at: until.parse().expect("a local time"),
    };
    let shifts = vec![
        shift("ana", "2026-11-20T09:00:00", "2026-11-21T09:00:00"),
        shift("ben", "2026-11-21T08:00:00", "2026-11-22T09:00:00"),
    ];
    let layer = Layer {
        name: "x".into(),
        rotation: Rotation::Fixed(shifts),
        restrictions: Vec::new(),
        ends_at: None,
    };
    let fixed = schedule("UTC", vec![layer]);
    assert_eq!(
        lines(&fixed, "2026-11-20T00:00:00Z", "2026-11-23T00:00:00Z", &[]),
        [
            "Fri 20 00:00 +00:00 -",
            "Fri 20 09:00 +00:00 ana",
            "Sat 21 08:00 +00:00 ben",
            "Sun 22 09:00 +00:00 -"
        ]
    );
}

/// Two layers that are meant to cover every instant: days and nights, handed over at awkward hours.
fn covering(zone: &TimeZone, hand_over: DateTime) -> Schedule {
    let members = |names: [&str; 3]| names.map(str::to_owned).to_vec();
    let rotation = |every, names| Rotation::Turns { every, starts_at: hand_over, members: members(names) };
    let base = Layer {
        name: "base".into(),
        rotation: rotation(Turn::Days(1), ["ana", "ben", "eve"]),
        restrictions: Vec::new(),
        ends_at: None,
    };
    let window = |from_minute, until_minute| Restriction { weekdays: Vec::new(), from_minute, until_minute };
    let hours = Layer {
        name: "hours".into(),
        rotation: rotation(Turn::Weeks(1), ["joe", "kim", "lea"]),
        restrictions: vec![window(22 * 60 + 30, 2 * 60 + 15), window(2 * 60 + 15, 2 * 60 + 45)],
        ends_at: None,
    };
    Schedule { name: "x".into(), zone: zone.clone(), layers: vec![base, hours] }
}

/// What the coverage promises of a stretch of time.
fn assert_covered(schedule: &Schedule, from: Timestamp, until: Timestamp, what: &str) {
    for layers in [&schedule.layers[..1], &schedule.layers[..]] {
        let schedule = Schedule { layers: layers.to_vec(), ..schedule.clone() };
        let shifts = schedule.shifts(from, until, &[]);
        assert_eq!(shifts.first().map(|shift| shift.starts_at), Some(from), "{what}");
        assert_eq!(shifts.last().map(|shift| shift.ends_at), Some(until), "{what}");
        for pair in shifts.windows(2) {
            assert_eq!(pair[0].ends_at, pair[1].starts_at, "{what}: no hole and no overlap");
        }
        for shift in &shifts {
            assert!(shift.starts_at < shift.ends_at, "{what}: {shift:?} is empty");
            assert!(shift.on_call.is_some(), "{what}: nobody at {}", shift.starts_at);
            let last = shift.ends_at - SignedDuration::from_secs(1);
            assert_eq!(schedule.on_call(last, &[]), shift.on_call, "{what}: the same to the end");
        }
    }
}

/// The same told another way: the number of hand-overs passed is the highest that the local clock has ever shown.
fn assert_turns_follow_the_wall_clock(schedule: &Schedule, from: Timestamp, until: Timestamp, what: &str) {
    let Rotation::Turns { starts_at, members, .. } = &schedule.layers[0].rotation else { unreachable!() };
    let passed = |at: Timestamp| {
        let local = at.to_zoned(schedule.zone.clone()).datetime();
        let days = (local.date() - starts_at.date()).get_days();
        if local.time() >= starts_at.time() { days } else { days - 1 }
    };
    let base = Schedule { layers: schedule.layers[..1].to_vec(), ..schedule.clone() };
    let warm_up = from - SignedDuration::from_hours(26);
    let mut highest = i32::MIN;
    let mut at = warm_up;
    while at < until {
        highest = highest.max(passed(at));
        if at >= from {
            let expected = &members[usize::try_from(highest).expect("after the start") % members.len()];
            let on_call = base.on_call(at, &[]).map(|on_call| on_call.contact);
            assert_eq!(on_call.as_ref(), Some(expected), "{what}: at {at}");
        }
        at += SignedDuration::from_mins(15);
    }
}

fn transitions(zone: &TimeZone) -> Vec<Timestamp> {
    let (from, until) = (instant("2020-01-01T00:00:00Z"), instant("2041-01-01T00:00:00Z"));
    let found = zone.following(from).map(|transition| transition.timestamp());
    found.take_while(|&at| at < until).collect()
}

const HAND_OVERS: [&str; 4] =
    ["2019-01-07T00:00:00", "2019-01-07T01:45:00", "2019-01-07T02:30:00", "2019-01-07T23:15:00"];

/// Every zone whose clock changes in those years, one of each that change alike: the others are a fixed offset,
/// for which there is nothing to be wrong about.
fn changing_zones() -> Vec<(String, TimeZone, Vec<Timestamp>)> {
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    assert!(names.len() > 400, "the zones are there: {}", names.len());
    let mut seen = std::collections::BTreeSet::new();
    let zones = names.into_iter().map(|name| (zone(&name), name));
    let zones = zones.map(|(zone, name)| (name, transitions(&zone), zone));
    let zones = zones.filter(|(_, changes, zone)| {
        let first = changes.first().map(|change| zone.to_offset(*change));
        first.is_some() && seen.insert((changes.clone(), first))
    });
    zones.map(|(name, changes, zone)| (name, zone, changes)).collect()
}

#[test]
fn somebody_is_on_call_around_every_change_of_the_clock_in_every_zone() {
    let mut checked = 0;
    for (number, (name, zone, changes)) in changing_zones().iter().enumerate() {
        for (nth, &change) in changes.iter().enumerate() {
            let hand_over = HAND_OVERS[(number + nth) % HAND_OVERS.len()];
            let schedule = covering(zone, hand_over.parse().expect("a local time"));
            let what = format!("{name}, {change}, {hand_over}");
            let (from, until) =
                (change - SignedDuration::from_hours(30), change + SignedDuration::from_hours(30));
            assert_covered(&schedule, from, until, &what);
            assert_turns_follow_the_wall_clock(&schedule, from, until, &what);
            checked += 1;
        }
    }
    assert!(checked > 1000, "only {checked} changes of the clock were looked at");
}

#[test]
fn somebody_is_on_call_at_every_instant_from_2020_to_2040_in_every_zone() {
    for (number, (name, zone, _)) in changing_zones().iter().enumerate() {
        for year in 2020..=2040_i16 {
            let hand_over = HAND_OVERS[(number + year.unsigned_abs() as usize) % HAND_OVERS.len()];
            let schedule = covering(zone, hand_over.parse().expect("a local time"));
            let start = |year| {
                let start = jiff::civil::date(year, 1, 1).to_zoned(TimeZone::UTC);
                start.expect("a date").timestamp()
            };
            assert_covered(&schedule, start(year), start(year + 1), &format!("{name}, {year}, {hand_over}"));
        }
    }
}

#[test]
fn what_is_said_of_an_instant_does_not_depend_on_where_the_question_began() {
    let schedule = covering(&zone("Africa/Casablanca"), "2020-01-01T02:30:00".parse().expect("a local time"));
    let from = instant("2026-02-10T00:00:00Z");
    let until = from + SignedDuration::from_hours(24 * 60);
    let whole = schedule.shifts(from, until, &[]);
    for hours in (1..24 * 40).step_by(17) {
        let later = schedule.shifts(from + SignedDuration::from_hours(hours), until, &[]);
        let tail: Vec<&Shift> = whole.iter().filter(|shift| shift.ends_at > later[0].starts_at).collect();
        assert_eq!(later.len(), tail.len());
        assert_eq!(later[1..], whole[whole.len() - later.len() + 1..]);
    }
}
