//! Public holidays, from a table that ships with the crate: nobody has to be reached to know them. Ladder: the
//! country's part, the whole country, nothing. Schools' holidays are not among them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::time::Duration;

use flate2::read::GzDecoder;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::meters;
use crate::{Answer, ConnectorError};

const SHIPPED: &[u8] = include_bytes!("../data/holidays.csv.gz");
/// A table of the whole world for a century is less.
const TABLE_LIMIT_BYTES: u64 = 64 << 20;
/// How many days ahead a holiday makes a day the one before it.
const BEFORE_DAYS: i32 = 2;

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum HolidayRung {
    /// The table of that part of the country.
    Subdivision,
    /// The table of the country; of a country of which only parts are known, the days that all of them keep.
    Country,
    /// Nobody: the country or the year is not in the table.
    None,
}

impl HolidayRung {
    /// The name in answers and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subdivision => "subdivision",
            Self::Country => "country",
            Self::None => "none",
        }
    }
}

/// What the table says of a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolidayDay {
    /// The holidays of the day; empty when it is none.
    pub names: Vec<String>,
    /// The holiday on one of the next two days, if there is one and the day itself is none.
    pub before: Option<String>,
}

impl HolidayDay {
    /// Whether the day is a public holiday.
    pub fn is_holiday(&self) -> bool {
        !self.names.is_empty()
    }
}

/// Why a table was refused.
#[derive(Debug, thiserror::Error)]
pub enum HolidayTableError {
    /// It cannot be unpacked.
    #[error("the table of holidays is no gzipped text: {0}")]
    Packed(#[from] std::io::Error),
    /// It cannot be read as CSV.
    #[error("the table of holidays cannot be read: {0}")]
    Unreadable(#[from] csv::Error),
    /// It is empty.
    #[error("the table of holidays is empty")]
    Empty,
}

#[derive(Deserialize)]
struct Row {
    date: Date,
    country: String,
    subdivision: String,
    name: String,
}

type Days = BTreeMap<Date, Vec<String>>;

/// The holidays of countries and their parts.
#[derive(Clone, Debug)]
pub struct HolidayTable {
    /// By country, then by part; the whole country is the part without a name.
    countries: BTreeMap<String, BTreeMap<String, Days>>,
}

impl HolidayTable {
    /// The table that ships: 11 countries, 2010 to 2030.
    ///
    /// # Errors
    /// Never, unless the crate was built from a broken checkout.
    pub fn shipped() -> Result<Self, HolidayTableError> {
        Self::from_gzipped_csv(SHIPPED)
    }

    /// A table of one's own: gzipped CSV with the columns date, country, subdivision, name.
    ///
    /// # Errors
    /// [`HolidayTableError`].
    pub fn from_gzipped_csv(bytes: &[u8]) -> Result<Self, HolidayTableError> {
        let mut text = String::new();
        GzDecoder::new(bytes).take(TABLE_LIMIT_BYTES).read_to_string(&mut text)?;
        let mut countries: BTreeMap<String, BTreeMap<String, Days>> = BTreeMap::new();
        for row in csv::Reader::from_reader(text.as_bytes()).into_deserialize() {
            let row: Row = row?;
            let days = countries.entry(row.country).or_default().entry(row.subdivision).or_default();
            days.entry(row.date).or_default().push(row.name);
        }
        if countries.is_empty() {
            return Err(HolidayTableError::Empty);
        }
        for parts in countries.values_mut().filter(|parts| !parts.contains_key("")) {
            let whole = kept_by_all(parts);
            parts.insert(String::new(), whole);
        }
        Ok(Self { countries })
    }

    /// What the table says of a day in a country (ISO 3166-1, two letters) and its part (the second half of ISO
    /// 3166-2, such as `CA` or `NSW`), if one is given.
    pub fn on(
        &self,
        country: &str,
        subdivision: Option<&str>,
        date: Date,
    ) -> Answer<HolidayDay, HolidayRung> {
        let (days, rung) = self.find(country, subdivision);
        let covered = days.filter(|days| covers(days, date));
        let source = if covered.is_some() { rung } else { HolidayRung::None };
        // A country asked for as a whole is answered in full by its own table.
        let degraded =
            source == HolidayRung::None || (subdivision.is_some() && source == HolidayRung::Country);
        let answer = Answer {
            value: covered.map(|days| read_day(days, date)).unwrap_or_default(),
            source,
            age: Duration::ZERO,
            degraded,
            confidence: match source {
                HolidayRung::Subdivision => 1.0,
                HolidayRung::Country if !degraded => 1.0,
                HolidayRung::Country => 0.8,
                HolidayRung::None => 0.0,
            },
            cause: degraded.then(|| ConnectorError::NotCovered {
                reason: "the table has no holidays of that country, part or year".to_owned(),
            }),
        };
        meters::answered("holidays", source.name(), degraded, Duration::ZERO);
        answer
    }

    fn find(&self, country: &str, subdivision: Option<&str>) -> (Option<&Days>, HolidayRung) {
        let Some(parts) = self.countries.get(&country.to_ascii_uppercase()) else {
            return (None, HolidayRung::None);
        };
        let part = subdivision.and_then(|part| parts.get(&part.to_ascii_uppercase()));
        match part {
            Some(days) => (Some(days), HolidayRung::Subdivision),
            None => (parts.get(""), HolidayRung::Country),
        }
    }
}

/// The days that every known part of a country keeps.
fn kept_by_all(parts: &BTreeMap<String, Days>) -> Days {
    let mut tables = parts.values();
    let Some(first) = tables.next() else { return Days::new() };
    let mut dates: BTreeSet<Date> = first.keys().copied().collect();
    for table in tables {
        dates.retain(|date| table.contains_key(date));
    }
    first
        .iter()
        .filter(|(date, _)| dates.contains(date))
        .map(|(date, names)| (*date, names.clone()))
        .collect()
}

/// Whether the table speaks of the year: a year without a single holiday is one nobody wrote down.
fn covers(days: &Days, date: Date) -> bool {
    days.range(date.first_of_year()..=date.last_of_year()).next().is_some()
}

fn read_day(days: &Days, date: Date) -> HolidayDay {
    let names = days.get(&date).cloned().unwrap_or_default();
    let before = (1..=BEFORE_DAYS)
        .filter_map(|ahead| days.get(&date.checked_add(ahead.days()).ok()?)?.first())
        .next()
        .filter(|_| names.is_empty())
        .cloned();
    HolidayDay { names, before }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use jiff::civil::date;
    use std::io::Write;

    fn table(csv: &str) -> Result<HolidayTable, HolidayTableError> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(csv.as_bytes()).unwrap();
        HolidayTable::from_gzipped_csv(&gzip.finish().unwrap())
    }

    #[test]
    fn the_shipped_table_knows_days_that_everybody_can_look_up() {
        let table = HolidayTable::shipped().unwrap();
        for (country, part, day, name) in [
            ("US", None, date(2026, 11, 26), "Thanksgiving Day"),
            ("us", Some("wa"), date(2026, 11, 27), "Native American Heritage Day"),
            ("FR", None, date(2026, 7, 14), "National Day"),
            ("DE", None, date(2026, 10, 3), "German Unity Day"),
            ("IT", None, date(2026, 10, 4), "Saint Francis of Assisi, Patron Saint of Italy"),
        ] {
            let answer = table.on(country, part, day);
            assert!(!answer.degraded, "{country} {day}");
            assert!(
                answer.value.names.iter().any(|known| known == name),
                "{country} {day}: {:?}",
                answer.value
            );
        }
        let day = table.on("US", None, date(2026, 11, 27));
        assert_eq!((day.value, day.source), (HolidayDay::default(), HolidayRung::Country));
    }

    #[test]
    fn the_days_before_a_holiday_know_it() {
        let table = HolidayTable::shipped().unwrap();
        let before = |day| table.on("US", None, date(2026, 11, day)).value.before;
        assert_eq!(before(24).as_deref(), Some("Thanksgiving Day"));
        assert_eq!(before(25).as_deref(), Some("Thanksgiving Day"));
        assert_eq!(before(23), None);
        assert_eq!(before(26), None, "the day itself is the holiday");
        let year_end = table.on("US", None, date(2025, 12, 31)).value.before;
        assert_eq!(year_end.as_deref(), Some("New Year's Day"));
    }

    #[test]
    fn every_rung_says_what_it_is() {
        let table = HolidayTable::shipped().unwrap();
        let rung = |country, part, day| {
            let answer = table.on(country, part, day);
            (answer.source, answer.degraded, answer.cause.is_some())
        };
        let day = date(2026, 11, 26);
        assert_eq!(rung("US", Some("NY"), day), (HolidayRung::Subdivision, false, false));
        assert_eq!(rung("US", Some("TX"), day), (HolidayRung::Country, true, true));
        assert_eq!(rung("US", None, day), (HolidayRung::Country, false, false));
        assert_eq!(rung("ZZ", None, day), (HolidayRung::None, true, true));
        assert_eq!(rung("US", Some("NY"), date(2031, 1, 1)), (HolidayRung::None, true, true));
        assert_eq!(rung("US", None, date(2009, 12, 31)), (HolidayRung::None, true, true));
    }

    #[test]
    fn a_country_known_by_its_parts_keeps_what_all_of_them_keep() {
        let table = HolidayTable::shipped().unwrap();
        // Corpus Christi is kept in Bavaria and not in Schleswig-Holstein.
        let corpus_christi = date(2026, 6, 4);
        assert!(table.on("DE", Some("BY"), corpus_christi).value.is_holiday());
        assert!(!table.on("DE", Some("SH"), corpus_christi).value.is_holiday());
        assert!(!table.on("DE", None, corpus_christi).value.is_holiday());
    }

    #[test]
    fn a_table_that_is_none_is_refused() {
        assert!(matches!(HolidayTable::from_gzipped_csv(b"no gzip"), Err(HolidayTableError::Packed(_))));
        assert!(matches!(table("date,country,subdivision,name\n"), Err(HolidayTableError::Empty)));
        let strange = table("date,country,subdivision,name\n2026-02-30,US,,x\n");
        assert!(matches!(strange, Err(HolidayTableError::Unreadable(_))));
    }
}
