//! What a shop's sales are worth now: Square's own word, its last word of the last day, or what was recorded.

use jiff::Timestamp;
use larder_connectors::square::{ActualState, CACHE_MAX_AGE, SquareRung, actual_state};

use crate::store::connections::ConnectionRow;

/// Where the sales of a tenant come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) rung: &'static str,
    /// Why it is less than what was asked for; nothing when it is not.
    pub(crate) missing: Option<String>,
    pub(crate) known_until_us: Option<i64>,
}

impl Standing {
    /// Without a shop sales are what was recorded; with one, what it told, and when.
    pub(crate) fn of(shop: Option<&ConnectionRow>, now_us: i64) -> Self {
        let Some(shop) = shop else {
            return Self { rung: SquareRung::RecordedSales.name(), missing: None, known_until_us: None };
        };
        let is_young = shop.answered_until_us.is_some_and(|until_us| {
            u128::try_from(now_us - until_us).unwrap_or(0) <= CACHE_MAX_AGE.as_micros()
        });
        let answered = shop.rung == SquareRung::Square.name();
        let rung = match (is_young, answered && !shop.is_revoked) {
            (true, true) => SquareRung::Square,
            (true, false) => SquareRung::Cache,
            (false, _) => SquareRung::RecordedSales,
        };
        let why = match shop.last_error.as_str() {
            "" if shop.answered_until_us.is_none() => "its sales were not fetched yet",
            "" => "it was not asked for a day",
            error => error,
        };
        let missing = match rung {
            SquareRung::Square => None,
            SquareRung::Cache => Some(format!("sales are the shop's last word, of the last day: {why}")),
            _ => Some(format!("newer sales of the shop are not known: {why}")),
        };
        Self { rung: rung.name(), missing, known_until_us: shop.answered_until_us }
    }

    /// Until when sales made offline may still arrive for a day that ended then.
    pub(crate) fn final_at_us(&self, day_end_us: i64, now_us: i64) -> Option<i64> {
        let instant = |us: i64| Timestamp::from_microsecond(us).unwrap_or_default();
        let known_until = self.known_until_us?;
        match actual_state(instant(day_end_us), Some(instant(known_until)), instant(now_us)) {
            ActualState::Provisional { final_at } => Some(final_at.as_microsecond()),
            ActualState::Open | ActualState::Final => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: i64 = 3_600_000_000;

    fn shop(rung: &str, answered_until_us: Option<i64>, last_error: &str) -> ConnectionRow {
        ConnectionRow {
            account_id: "M1".to_owned(),
            sealed_tokens: String::new(),
            token_expires_at_us: 0,
            connected_at_us: 0,
            is_revoked: false,
            answered_from_us: Some(0),
            answered_until_us,
            answered_locations: Vec::new(),
            synced_at_us: None,
            rung: rung.to_owned(),
            last_error: last_error.to_owned(),
        }
    }

    #[test]
    fn the_ladder_is_square_its_last_day_and_what_was_recorded() {
        let now_us = 1_000 * HOUR_US;
        let rung = |shop: ConnectionRow| {
            let standing = Standing::of(Some(&shop), now_us);
            (standing.rung, standing.missing.is_some())
        };
        assert_eq!(rung(shop("square", Some(now_us - HOUR_US), "")), ("square", false));
        assert_eq!(rung(shop("cache", Some(now_us - 24 * HOUR_US), "away")), ("cache", true));
        assert_eq!(rung(shop("cache", Some(now_us - 25 * HOUR_US), "away")), ("recorded_sales", true));
        assert_eq!(rung(shop("square", Some(now_us - 25 * HOUR_US), "")), ("recorded_sales", true));
        assert_eq!(rung(shop("", None, "")), ("recorded_sales", true));
        let gone = ConnectionRow { is_revoked: true, ..shop("square", Some(now_us), "taken back") };
        assert_eq!(rung(gone), ("cache", true));
        assert_eq!(Standing::of(None, now_us).missing, None, "nobody wants a shop where there is none");
    }

    #[test]
    fn a_day_is_final_three_days_after_it_ended_and_was_asked_about() {
        let end_us = 1_000 * HOUR_US;
        let of = |known_until_us: i64| Standing::of(Some(&shop("square", Some(known_until_us), "")), end_us);
        let final_at = end_us + 72 * HOUR_US;
        assert_eq!(of(end_us + HOUR_US).final_at_us(end_us, end_us + 2 * HOUR_US), Some(final_at));
        assert_eq!(of(final_at).final_at_us(end_us, final_at), None);
        assert_eq!(of(end_us).final_at_us(end_us, final_at + HOUR_US), Some(final_at), "nobody asked since");
    }
}
