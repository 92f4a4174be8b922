//! How many people an event brings to a market: what is known, else a guess by kind and venue, and less of it the
//! farther away it is. The guesses are conventions of ours, orders of magnitude and no more; the demand model learns
//! what an attendance is worth to a vendor.

use super::{Attendance, LocalEvent};

/// Distance at which an event counts for a third (e to the -1), km.
const REACH_KM: f64 = 2.0;

/// People by words in a venue's name, the first that fits.
const VENUES: [(&str, f64); 8] = [
    ("stadium", 25_000.0),
    ("ballpark", 25_000.0),
    ("arena", 10_000.0),
    ("amphitheat", 8_000.0),
    ("fairground", 8_000.0),
    ("convention", 5_000.0),
    ("park", 2_000.0),
    ("theat", 1_200.0),
];

/// People by words in a category, the first that fits.
const CATEGORIES: [(&str, f64); 7] = [
    ("festival", 5_000.0),
    ("sport", 8_000.0),
    ("concert", 2_500.0),
    ("music", 2_500.0),
    ("expo", 3_000.0),
    ("arts", 1_000.0),
    ("community", 500.0),
];

/// A guess from the category and the venue; none where neither says anything.
pub(super) fn guess(category: Option<&str>, venue: Option<&str>) -> Option<Attendance> {
    let by = |text: Option<&str>, table: &[(&str, f64)]| {
        let text = text?.to_lowercase();
        table.iter().find(|(word, _)| text.contains(word)).map(|(_, people)| *people)
    };
    let people = by(venue, &VENUES).or_else(|| by(category, &CATEGORIES))?;
    Some(Attendance { people, is_guess: true })
}

/// A guess from PredictHQ's rank, 0 to 100: ten times as many for every twenty, 1,000 at 60.
pub(super) fn guess_by_rank(rank: f64) -> Option<Attendance> {
    (0.0..=100.0).contains(&rank).then(|| Attendance { people: 10_f64.powf(rank / 20.0), is_guess: true })
}

/// People expected at these events, each counted less the farther away it is (a third at two kilometres). An event
/// of which nobody knows where it is counts in full: it came from the market's own calendar or from the vendor.
pub fn expected_attendance(events: &[LocalEvent]) -> f64 {
    events
        .iter()
        .filter_map(|event| {
            let people = event.attendance?.people;
            let weight = event.distance_km.map_or(1.0, |km| (-km / REACH_KM).exp());
            Some(people * weight)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn event(people: Option<f64>, distance_km: Option<f64>) -> LocalEvent {
        LocalEvent {
            id: "e".to_owned(),
            sources: vec![],
            title: "Fair".to_owned(),
            category: None,
            starts_at: Timestamp::UNIX_EPOCH,
            ends_at: None,
            venue: None,
            place: None,
            distance_km,
            attendance: people.map(|people| Attendance { people, is_guess: false }),
        }
    }

    #[test]
    fn near_events_count_more() {
        let told = expected_attendance(&[
            event(Some(1_000.0), Some(0.0)),
            event(Some(1_000.0), Some(2.0)),
            event(Some(100.0), None),
            event(None, Some(0.1)),
        ]);
        assert!((told - (1_000.0 + 1_000.0 / std::f64::consts::E + 100.0)).abs() < 1e-9);
        assert_eq!(expected_attendance(&[]), 0.0);
    }

    #[test]
    fn venues_say_more_than_categories() {
        let people = |category, venue| guess(category, venue).map(|guess| guess.people);
        assert_eq!(people(Some("Sports"), Some("Harbour Stadium")), Some(25_000.0));
        assert_eq!(people(Some("Music"), Some("The Cellar")), Some(2_500.0));
        assert_eq!(people(Some("Undefined"), None), None);
    }

    #[test]
    fn ranks_are_logarithmic() {
        assert_eq!(guess_by_rank(60.0).map(|guess| guess.people.round()), Some(1_000.0));
        assert_eq!(guess_by_rank(100.0).map(|guess| guess.people.round()), Some(100_000.0));
        assert_eq!(guess_by_rank(-1.0), None);
        assert_eq!(guess_by_rank(f64::NAN), None);
    }
}
