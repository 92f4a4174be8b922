//! What market days need of the database, made ready for the pure functions of `larder-demand`, and
//! what comes of those. Nothing here knows the calls.

pub(crate) mod history;
pub(crate) mod hours;
pub(crate) mod models;
pub(crate) mod normals;
pub(crate) mod outlook;
pub(crate) mod planning;
pub(crate) mod promotions;
pub(crate) mod records;
pub(crate) mod sheet;

use jiff::civil::Date;

/// The day that is so many after 1 January 1970.
pub(crate) fn date_of(day: i32) -> Date {
    Date::constant(1970, 1, 1).saturating_add(jiff::Span::new().days(day))
}

/// How many days a day is after 1 January 1970.
pub(crate) fn day_of(date: Date) -> i32 {
    Date::constant(1970, 1, 1).until(date).map_or(0, |span| span.get_days())
}
