//! Where wire types are hung up: messages become checked rows on the way in, rows become
//! messages on the way out. Only this room and `grpc/` see the generated types.

pub(crate) mod arrangement;
pub(crate) mod body_log;
pub(crate) mod budget;
pub(crate) mod connector;
pub(crate) mod customer;
pub(crate) mod experiment;
pub(crate) mod feedback;
pub(crate) mod food;
pub(crate) mod imports;
pub(crate) mod interaction;
pub(crate) mod market;
pub(crate) mod market_plan;
pub(crate) mod model;
pub(crate) mod plan;
pub(crate) mod privacy;
pub(crate) mod product;
pub(crate) mod promotion;
pub(crate) mod query;
pub(crate) mod sale;
pub(crate) mod score;
pub(crate) mod session;
pub(crate) mod shop;
pub(crate) mod table;
pub(crate) mod target;

use larder_proto::google::r#type::{Date, Money};

use crate::days::date_of;

/// Microseconds since 1970 as a wire instant.
pub(crate) fn timestamp(micros: i64) -> prost_types::Timestamp {
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    prost_types::Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

/// Millionths of a currency as wire money.
pub(crate) fn money(micros: i64, currency: &str) -> Money {
    let nanos = i32::try_from(micros % 1_000_000 * 1_000).unwrap_or(0);
    Money { currency_code: currency.to_owned(), units: micros / 1_000_000, nanos }
}

/// Both or neither: an amount that may be absent.
pub(crate) fn optional_money(micros: Option<i64>, currency: Option<&str>) -> Option<Money> {
    Some(money(micros?, currency?))
}

/// Days since 1970 as a wire date.
pub(crate) fn date(days: i32) -> Date {
    let day = date_of(days);
    Date { year: day.year().into(), month: day.month().into(), day: day.day().into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::validate::Fields;

    proptest! {
        #[test]
        fn instants_come_back(micros in 0_i64..253_402_300_799_000_000) {
            let mut fields = Fields::default();
            prop_assert_eq!(fields.instant("at", &timestamp(micros), None), Some(micros));
        }

        #[test]
        fn amounts_come_back(micros in 0_i64..1_000_000_000_000_000) {
            let mut fields = Fields::default();
            let amount = fields.amount("price", &money(micros, "EUR")).unwrap();
            prop_assert_eq!(amount.micros, micros);
        }

        #[test]
        fn days_come_back(days in -62_000_i32..2_932_896) {
            let mut fields = Fields::default();
            prop_assert_eq!(fields.day("on", &date(days)), Some(days));
        }
    }
}
