//! Reads purchases and products from CSV files, plain or packed, by the names of their columns.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use larder_ranking::ProductRecord;

use crate::{Outcome, times};

/// One line of a receipt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) customer: u32,
    pub(crate) product: u32,
    pub(crate) basket: u32,
    pub(crate) at_us: i64,
    pub(crate) quantity: f32,
}

/// A data set; customers and products are numbered by their places here.
pub(crate) struct Purchases {
    pub(crate) customers: Vec<String>,
    pub(crate) products: Vec<ProductRecord>,
    /// By time.
    pub(crate) lines: Vec<Line>,
}

const CUSTOMER: &[&str] = &["customer", "customer_id", "household_id", "user_id", "user"];
const PRODUCT: &[&str] = &["product", "product_id", "item_id", "item"];
const TIME: &[&str] = &["time", "ts", "occurred_at", "timestamp", "date", "day"];
const QUANTITY: &[&str] = &["quantity", "count"];
const BASKET: &[&str] = &["basket", "basket_id", "order_id"];
const KIND: &[&str] = &["kind"];

/// Reads the purchases and, where there is a file of them, the products of a folder.
pub(crate) fn read(folder: &Path) -> Outcome<Purchases> {
    let path = find(folder, "transactions").or_else(|| find(folder, "interactions")).ok_or_else(|| {
        format!("{} holds neither transactions.csv nor interactions.csv, packed or not", folder.display())
    })?;
    let products = find(folder, "products").map(|path| read_products(&path)).transpose()?.unwrap_or_default();
    let mut numbers: HashMap<String, u32> =
        (0..).zip(&products).map(|(number, product)| (product.product_id.clone(), number)).collect();
    let mut purchases = Purchases { customers: Vec::new(), products, lines: Vec::new() };
    let mut customers = HashMap::new();
    let mut baskets: HashMap<(u32, String), u32> = HashMap::new();
    let mut table = Table::open(&path)?;
    let [customer, product, time] =
        [CUSTOMER, PRODUCT, TIME].map(|names| table.column(names).ok_or_else(|| table.missing(names)));
    let (customer, product, time) = (customer?, product?, time?);
    let [quantity, basket, kind] = [QUANTITY, BASKET, KIND].map(|names| table.column(names));
    while table.next()? {
        if kind.is_some_and(|kind| !table.field(kind).to_lowercase().contains("purchase")) {
            continue;
        }
        let owner = number_of(&mut customers, table.field(customer));
        let bought = number_of(&mut numbers, table.field(product));
        if bought as usize == purchases.products.len() {
            purchases.products.push(nameless(table.field(product)));
        }
        // Without a number of its own a basket is what a customer bought at one time.
        let receipt = (owner, table.field(basket.unwrap_or(time)).to_owned());
        let next_basket = baskets.len() as u32;
        purchases.lines.push(Line {
            customer: owner,
            product: bought,
            basket: *baskets.entry(receipt).or_insert(next_basket),
            at_us: times::microseconds(table.field(time)).map_err(|error| table.at(&error))?,
            quantity: quantity.and_then(|place| table.field(place).parse().ok()).unwrap_or(1.0),
        });
    }
    purchases.customers = in_order(customers);
    purchases.lines.sort_by_key(|line| (line.at_us, line.customer, line.product, line.basket));
    Ok(purchases)
}

fn read_products(path: &Path) -> Outcome<Vec<ProductRecord>> {
    let mut table = Table::open(path)?;
    let id = table.column(PRODUCT).ok_or_else(|| table.missing(PRODUCT))?;
    let mut products = Vec::new();
    while table.next()? {
        let first = |names: &[&str]| {
            let mut places = names.iter().filter_map(|name| table.column(&[*name]));
            places.find(|place| !table.field(*place).is_empty()).map(|place| table.field(place).to_owned())
        };
        let tags: Vec<String> = ["department", "brand", "tags"]
            .iter()
            .filter_map(|name| table.column(&[*name]))
            .flat_map(|place| table.field(place).split('|').map(|tag| tag.trim().to_lowercase()))
            .filter(|tag| !tag.is_empty())
            .collect();
        let attributes: BTreeMap<String, String> = ["product_type", "package_size"]
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), first(&[*name])?)))
            .collect();
        products.push(ProductRecord {
            product_id: table.field(id).to_owned(),
            name: first(&["name", "product_type"]).unwrap_or_default(),
            category: first(&["category", "product_category"]).unwrap_or_default(),
            brand: first(&["manufacturer_id", "brand"]).unwrap_or_default(),
            price_micros: first(&["price"])
                .and_then(|price| price.parse::<f64>().ok())
                .map(|price| (price * 1e6) as i64),
            currency: first(&["currency"]).unwrap_or_default(),
            tags,
            attributes,
            ..ProductRecord::default()
        });
    }
    Ok(products)
}

fn nameless(product_id: &str) -> ProductRecord {
    ProductRecord { product_id: product_id.to_owned(), ..ProductRecord::default() }
}

fn number_of(numbers: &mut HashMap<String, u32>, id: &str) -> u32 {
    if let Some(&number) = numbers.get(id) {
        return number;
    }
    let number = numbers.len() as u32;
    numbers.insert(id.to_owned(), number);
    number
}

fn in_order(numbers: HashMap<String, u32>) -> Vec<String> {
    let mut ids = vec![String::new(); numbers.len()];
    for (id, number) in numbers {
        ids[number as usize] = id;
    }
    ids
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    ["csv.gz", "csv"].iter().map(|ending| folder.join(format!("{name}.{ending}"))).find(|path| path.is_file())
}

/// A CSV file being read.
struct Table {
    path: PathBuf,
    reader: csv::Reader<Box<dyn Read>>,
    headers: csv::StringRecord,
    record: csv::StringRecord,
}

impl Table {
    fn open(path: &Path) -> Outcome<Self> {
        let file = File::open(path)?;
        let packed = path.extension().is_some_and(|ending| ending == "gz");
        let bytes: Box<dyn Read> = if packed { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
        let mut reader = csv::Reader::from_reader(bytes);
        let headers = reader.headers()?.iter().map(|name| name.trim().to_lowercase()).collect();
        Ok(Self { path: path.to_owned(), reader, headers, record: csv::StringRecord::new() })
    }

    fn next(&mut self) -> Outcome<bool> {
        Ok(self.reader.read_record(&mut self.record)?)
    }

    fn column(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.headers.iter().position(|header| header == *name))
    }

    fn field(&self, place: usize) -> &str {
        self.record.get(place).unwrap_or_default().trim()
    }

    fn missing(&self, names: &[&str]) -> String {
        format!("{} has no column {}", self.path.display(), names.join(" or "))
    }

    fn at(&self, error: &dyn std::fmt::Display) -> String {
        let line = self.record.position().map_or(0, csv::Position::line);
        format!("{} line {line}: {error}", self.path.display())
    }
}
