//! One event told of by several sources counts once: two are the same when they begin within three hours of one
//! another, their names share most words, and their places, where both are known, are within a kilometre.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{EventSource, LocalEvent};
use crate::Place;

const SAME_TIME: SignedDuration = SignedDuration::from_hours(3);
const SAME_PLACE_KM: f64 = 1.0;
/// Share of the words of the shorter name that the longer one has too.
const SAME_WORDS: f64 = 0.6;
/// Words that say nothing of which event it is.
const EMPTY_WORDS: [&str; 10] = ["the", "a", "an", "at", "of", "and", "in", "on", "with", "live"];

/// The events, each once, with its distance from the market; the nearest and largest first. Merging what was merged
/// changes nothing.
pub fn merge(events: Vec<LocalEvent>, market: Place) -> Vec<LocalEvent> {
    let mut events: Vec<LocalEvent> = events.into_iter().map(|event| with_distance(event, market)).collect();
    events.sort_by(|one, other| (first_source(one), &one.id).cmp(&(first_source(other), &other.id)));
    let mut merged: Vec<LocalEvent> = Vec::new();
    for event in events {
        match merged.iter_mut().find(|known| is_same(known, &event)) {
            Some(known) => absorb(known, event),
            None => merged.push(event),
        }
    }
    let weight = |event: &LocalEvent| super::expected_attendance(std::slice::from_ref(event));
    merged.sort_by(|one, other| weight(other).total_cmp(&weight(one)).then_with(|| one.id.cmp(&other.id)));
    merged
}

fn first_source(event: &LocalEvent) -> EventSource {
    event.sources.first().copied().unwrap_or(EventSource::Calendar)
}

fn with_distance(mut event: LocalEvent, market: Place) -> LocalEvent {
    event.distance_km = event.place.map(|place| place.distance_km(&market)).or(event.distance_km);
    event
}

fn is_same(one: &LocalEvent, other: &LocalEvent) -> bool {
    if one.id == other.id {
        return true;
    }
    let apart = one.starts_at.duration_since(other.starts_at).abs();
    let near = match (one.place, other.place) {
        (Some(one), Some(other)) => one.distance_km(&other) <= SAME_PLACE_KM,
        _ => true,
    };
    apart <= SAME_TIME && near && same_name(&one.title, &other.title)
}

fn same_name(one: &str, other: &str) -> bool {
    let (one, other) = (words(one), words(other));
    let shorter = one.len().min(other.len());
    let shared = one.intersection(&other).count();
    shorter > 0 && shared as f64 >= SAME_WORDS * shorter as f64
}

fn words(title: &str) -> BTreeSet<String> {
    title
        .to_lowercase()
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty() && !EMPTY_WORDS.contains(word))
        .map(str::to_owned)
        .collect()
}

/// Fills what the better source did not know; a number that was told replaces one that was guessed.
fn absorb(known: &mut LocalEvent, other: LocalEvent) {
    for source in other.sources {
        if !known.sources.contains(&source) {
            known.sources.push(source);
        }
    }
    let told = other.attendance.filter(|attendance| !attendance.is_guess);
    if known.attendance.is_none_or(|attendance| attendance.is_guess) {
        known.attendance = told.or(known.attendance).or(other.attendance);
    }
    known.category = known.category.take().or(other.category);
    known.ends_at = known.ends_at.or(other.ends_at);
    known.venue = known.venue.take().or(other.venue);
    if known.place.is_none() {
        known.place = other.place;
        known.distance_km = other.distance_km.or(known.distance_km);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Attendance;
    use super::*;
    use proptest::prelude::*;

    fn market() -> Place {
        Place::new(47.6, -122.33).unwrap()
    }

    fn event(
        source: EventSource,
        id: &str,
        title: &str,
        hour: i64,
        people: Option<(f64, bool)>,
    ) -> LocalEvent {
        LocalEvent {
            id: format!("{}:{id}", source.name()),
            sources: vec![source],
            title: title.to_owned(),
            category: None,
            starts_at: jiff::Timestamp::from_second(hour * 3_600).unwrap(),
            ends_at: None,
            venue: None,
            place: None,
            distance_km: None,
            attendance: people.map(|(people, is_guess)| Attendance { people, is_guess }),
        }
    }

    #[test]
    fn one_event_in_three_sources_counts_once_with_the_best_number() {
        let mut ticketed =
            event(EventSource::Ticketmaster, "1", "Harbour Jazz Festival 2026", 10, Some((2_500.0, true)));
        ticketed.venue = Some("Pier 4".to_owned());
        let merged = merge(
            vec![
                event(EventSource::Calendar, "9", "The Harbour Jazz Festival", 11, None),
                ticketed,
                event(EventSource::PredictHq, "5", "Harbour jazz festival", 10, Some((4_200.0, false))),
                event(EventSource::Calendar, "8", "Harbour Jazz Festival", 40, None),
            ],
            market(),
        );
        assert_eq!(merged.len(), 2, "{merged:?}");
        assert_eq!(
            merged[0].sources,
            [EventSource::PredictHq, EventSource::Ticketmaster, EventSource::Calendar]
        );
        assert_eq!(merged[0].attendance, Some(Attendance { people: 4_200.0, is_guess: false }));
        assert_eq!(merged[0].venue.as_deref(), Some("Pier 4"));
    }

    #[test]
    fn the_vendors_own_number_stands() {
        let merged = merge(
            vec![
                event(EventSource::PredictHq, "5", "Street fair", 10, Some((4_200.0, false))),
                event(EventSource::Manual, "1", "Street fair", 10, Some((900.0, false))),
            ],
            market(),
        );
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].attendance.map(|attendance| attendance.people), Some(900.0));
    }

    #[test]
    fn the_same_name_far_away_is_another_event() {
        let mut near = event(EventSource::Ticketmaster, "1", "Christmas market", 10, None);
        near.place = Some(market());
        let mut far = event(EventSource::PredictHq, "2", "Christmas market", 10, None);
        far.place = Some(Place::new(47.6, -122.2).unwrap());
        let merged = merge(vec![near, far], market());
        assert_eq!(merged.len(), 2);
        let distances: Vec<i64> =
            merged.iter().filter_map(|event| event.distance_km).map(|km| km.round() as i64).collect();
        assert!(distances.contains(&0) && distances.contains(&10), "{distances:?}");
    }

    proptest! {
        /// What was merged stays as it is, and the order in which sources were heard does not matter to how many
        /// events of clearly different names there are.
        #[test]
        fn merging_again_changes_nothing(rows in prop::collection::vec((0_usize..4, 0_usize..5, 0_i64..48, prop::option::of(0.0_f64..9e3)), 0..20)) {
            let sources = [EventSource::Manual, EventSource::PredictHq, EventSource::Ticketmaster, EventSource::Calendar];
            let titles = ["alpha fair", "beta race", "gamma show", "delta parade", "epsilon game"];
            let events: Vec<LocalEvent> = rows
                .iter()
                .enumerate()
                .map(|(at, (source, title, hour, people))| {
                    event(sources[*source], &at.to_string(), titles[*title], *hour, people.map(|people| (people, false)))
                })
                .collect();
            let once = merge(events.clone(), market());
            let again = merge(once.clone(), market());
            prop_assert_eq!(&once, &again);
            let named: BTreeSet<&str> = events.iter().map(|event| event.title.as_str()).collect();
            let kept: BTreeSet<&str> = once.iter().map(|event| event.title.as_str()).collect();
            prop_assert_eq!(named, kept);
        }
    }
}
