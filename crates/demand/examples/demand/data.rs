//! Reads daily demand from CSV, plain or packed, by the names of its columns.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use jiff::civil::Date;
use larder_demand::{DayOutlook, PastDay, Weather};

use crate::Outcome;

const FILES: [&str; 6] =
    ["sales.csv", "sales.csv.gz", "bakery.csv.gz", "bakery.csv", "store_item.csv.gz", "store_item.csv"];
const DATE: &[&str] = &["date", "day", "ds"];
const STORE: &[&str] = &["store", "store_id", "market", "location"];
const PRODUCT: &[&str] = &["product", "product_id", "item", "item_id", "sku"];
const DEMAND: &[&str] = &["demand", "sales", "quantity", "sold", "y"];
const HOLIDAY: &[&str] = &["is_holiday", "holiday", "public_holiday"];
const BEFORE_HOLIDAY: &[&str] = &["is_holiday_next2days", "before_holiday", "is_before_holiday"];
const SCHOOL: &[&str] = &["is_schoolholiday", "school_holiday", "schoolholiday", "is_school_holiday"];
const PROMOTION: &[&str] =
    &["promotion_currentweek", "promotion", "promo", "onpromotion", "promoted", "is_promotion"];
const PRICE: &[&str] = &["price", "unit_price", "sell_price"];
const RAIN: &[&str] = &["rain", "rain_mm", "precipitation", "precipitation_mm"];
const HIGH: &[&str] = &["temperature", "temp_max", "temp", "high_celsius", "temperature_max"];
const WIND: &[&str] = &["wind", "wind_kmh", "wind_speed"];
const EVENT: &[&str] = &["event_attendance", "attendance", "event", "is_event"];

/// One product in one store.
#[derive(Clone, Debug)]
pub(crate) struct StoreProduct {
    pub(crate) store: String,
    pub(crate) product: String,
    /// By date; `sold` is the demand, because nothing of it is known to have run out.
    pub(crate) days: Vec<PastDay>,
}

/// Reads the one data file of a folder, or the file itself.
pub(crate) fn read(path: &Path) -> Outcome<Vec<StoreProduct>> {
    let file = find(path)?;
    let mut text = String::new();
    let opened = File::open(&file)?;
    if file.extension().is_some_and(|ending| ending == "gz") {
        GzDecoder::new(opened).read_to_string(&mut text)?;
    } else {
        (&opened).read_to_string(&mut text)?;
    }
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let heads: Vec<String> = rows.headers()?.iter().map(|head| head.trim().to_lowercase()).collect();
    let columns = Columns::find(&heads)?;
    let mut series: BTreeMap<(String, String), BTreeMap<Date, PastDay>> = BTreeMap::new();
    for row in rows.records() {
        let row = row?;
        let (key, day) = columns.read(&row)?;
        let Some(day) = day else { continue };
        series.entry(key).or_default().insert(day.date, day);
    }
    let built = |((store, product), days): ((String, String), BTreeMap<Date, PastDay>)| StoreProduct {
        store,
        product,
        days: days.into_values().collect(),
    };
    Ok(series.into_iter().map(built).collect())
}

fn find(path: &Path) -> Outcome<PathBuf> {
    if path.is_file() {
        return Ok(path.to_owned());
    }
    let found = FILES.iter().map(|name| path.join(name)).find(|file| file.is_file());
    Ok(found.ok_or_else(|| format!("{} holds none of {}", path.display(), FILES.join(", ")))?)
}

struct Columns {
    date: usize,
    store: Option<usize>,
    product: Option<usize>,
    demand: usize,
    flags: [Option<usize>; 4],
    numbers: [Option<usize>; 5],
}

impl Columns {
    fn find(heads: &[String]) -> Outcome<Self> {
        let place = |names: &[&str]| heads.iter().position(|head| names.contains(&head.as_str()));
        let needed = |names: &[&str]| {
            place(names)
                .ok_or_else(|| format!("no column is called {} (there are {})", names[0], heads.join(", ")))
        };
        let columns = Self {
            date: needed(DATE)?,
            store: place(STORE),
            product: place(PRODUCT),
            demand: needed(DEMAND)?,
            flags: [place(HOLIDAY), place(BEFORE_HOLIDAY), place(SCHOOL), place(PROMOTION)],
            numbers: [place(PRICE), place(RAIN), place(HIGH), place(WIND), place(EVENT)],
        };
        let used = columns.used();
        let unused: Vec<&str> = heads
            .iter()
            .enumerate()
            .filter(|(at, _)| !used.contains(at))
            .map(|(_, head)| head.as_str())
            .collect();
        if !unused.is_empty() {
            println!("columns nobody knows, left out: {}", unused.join(", "));
        }
        Ok(columns)
    }

    fn used(&self) -> Vec<usize> {
        let optional = self.flags.iter().chain(&self.numbers).chain([&self.store, &self.product]);
        optional.flatten().copied().chain([self.date, self.demand]).collect()
    }

    /// `None` for a day of which no demand is written.
    fn read(&self, row: &csv::StringRecord) -> Outcome<((String, String), Option<PastDay>)> {
        let text = |column: usize| row.get(column).unwrap_or_default().trim();
        let name = |column: Option<usize>| column.map_or("all", text).to_owned();
        let number = |column: Option<usize>| column.and_then(|column| text(column).parse::<f64>().ok());
        let flag = |column: Option<usize>| match column.map(text) {
            Some(word) => {
                word.parse::<f64>().map_or(word.eq_ignore_ascii_case("true"), |number| number > 0.0)
            }
            None => false,
        };
        let key = (name(self.store), name(self.product));
        let written = text(self.date);
        let date: Date = written.get(..10).unwrap_or(written).parse()?;
        let Some(sold) = number(Some(self.demand)) else { return Ok((key, None)) };
        let [holiday, before_holiday, school_holiday, promoted] = self.flags.map(flag);
        let [price, rain_mm, high_celsius, wind_kmh, event_attendance] = self.numbers.map(number);
        let weather = Weather { high_celsius, rain_mm, wind_kmh };
        let outlook = DayOutlook {
            weather,
            event_attendance,
            holiday,
            before_holiday,
            school_holiday,
            promoted,
            price,
        };
        Ok((key, Some(PastDay { date, sold: sold.max(0.0), brought: None, sold_out_at: None, outlook })))
    }
}

/// The same days, as told to somebody who does not know their weather.
pub(crate) fn without_weather(series: &mut [StoreProduct]) {
    for day in series.iter_mut().flat_map(|one| &mut one.days) {
        day.outlook.weather = Weather::default();
    }
}
