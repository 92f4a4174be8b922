//! A made-up shop of any size, written as the CSV files that `larder import` reads. The same
//! files every time; they prove speed, not quality.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use larder_ranking::{
    Event, InteractionKind, ProductRecord, Snapshot, SnapshotHeader, Trainer, TrainingSettings,
};

/// How much the shop sells, and to how many.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    products: u64,
    customers: u64,
}

/// The shop that speed is measured in.
pub(crate) const BIG: Size = Size { products: 100_000, customers: 20_000 };
/// The shop that is trained again and again while its memory is watched.
pub(crate) const WATCHED: Size = Size { products: 10_000, customers: 20_000 };

const CATEGORIES: u64 = 200;
const BRANDS: u64 = 900;
/// Products a customer keeps coming back to, and baskets of a customer, on the average.
const FAVOURITES: u64 = 24;
const BASKETS: u64 = 9;
const BASKET_LINES: u64 = 6;
/// The purchases lie within so many days before this instant.
const DAYS: u64 = 120;
const LAST_SECOND: u64 = 1_790_000_000;

/// The files of a shop.
pub(crate) struct Files {
    pub(crate) products: PathBuf,
    pub(crate) customers: PathBuf,
    pub(crate) interactions: PathBuf,
    /// The customers' ids, one a line.
    pub(crate) customer_ids: PathBuf,
    pub(crate) interaction_count: u64,
}

impl Size {
    /// Writes the shop into `folder`.
    pub(crate) fn write(self, folder: &Path) -> Result<Files, Box<dyn Error>> {
        fs::create_dir_all(folder)?;
        let file = |name: &str| folder.join(name);
        let (interactions, interaction_count) = self.interactions()?;
        fs::write(file("products.csv"), self.products()?)?;
        fs::write(file("customers.csv"), self.customers()?)?;
        fs::write(file("interactions.csv"), interactions)?;
        let ids: Vec<String> = (0..self.customers).map(customer_id).collect();
        fs::write(file("customer_ids.txt"), ids.join("\n"))?;
        Ok(Files {
            products: file("products.csv"),
            customers: file("customers.csv"),
            interactions: file("interactions.csv"),
            customer_ids: file("customer_ids.txt"),
            interaction_count,
        })
    }

    /// Events that come while the shop is open, with ids that were not there before.
    pub(crate) fn more_interactions(self, file: &Path, round: u64, count: u64) -> Result<(), Box<dyn Error>> {
        let mut text = String::from(HEADER);
        for number in 0..count {
            let chance = mix(round << 40 | number);
            let customer = chance % self.customers;
            let product = self.favourite(customer, chance >> 20);
            let at = instant(LAST_SECOND + number % 3_600);
            writeln!(
                text,
                "more-{round}-{number},{},{},purchase,{at}",
                customer_id(customer),
                product_id(product)
            )?;
        }
        Ok(fs::write(file, text)?)
    }

    /// The model of the shop, trained here and now.
    pub(crate) fn snapshot(self) -> Snapshot {
        let mut trainer = Trainer::new(TrainingSettings::default(), LAST_SECOND as i64 * 1_000_000);
        (0..self.products).for_each(|number| trainer.add_product(record(number)));
        self.each_purchase(|count, customer, product, second| {
            trainer.add_event(&Event {
                event_id: count.to_string(),
                customer_id: customer_id(customer),
                product_id: product_id(product),
                kind: InteractionKind::Purchase,
                quantity: 1.0,
                value: None,
                occurred_at_us: second as i64 * 1_000_000,
            });
        });
        trainer.finish(SnapshotHeader { tenant: "big-shop".to_owned(), ..SnapshotHeader::default() })
    }

    fn products(self) -> Result<String, Box<dyn Error>> {
        let mut text = String::from(
            "product_id,name,category,brand,price,currency,in_stock,allergens,allergens_complete,diets\n",
        );
        for number in 0..self.products {
            let product = record(number);
            let cents = product.price_micros.unwrap_or(0) / 10_000;
            writeln!(
                text,
                "{},{},{},{},{}.{:02},USD,{},{},true,{}",
                product.product_id,
                product.name,
                product.category,
                product.brand,
                cents / 100,
                cents % 100,
                product.in_stock,
                product.allergens.join(","),
                product.diets.join(",")
            )?;
        }
        Ok(text)
    }

    fn customers(self) -> Result<String, Box<dyn Error>> {
        let mut text = String::from("customer_id,name,diets,allergens\n");
        for number in 0..self.customers {
            let diets = if number % 20 == 0 { "vegan" } else { "" };
            let allergens = if number % 20 == 1 { "nuts" } else { "" };
            writeln!(text, "{},Customer {number},{diets},{allergens}", customer_id(number))?;
        }
        Ok(text)
    }

    fn interactions(self) -> Result<(String, u64), Box<dyn Error>> {
        let (mut text, mut purchases, mut written) = (String::from(HEADER), 0, Ok(()));
        self.each_purchase(|count, customer, product, second| {
            let (customer_id, product_id, at) = (customer_id(customer), product_id(product), instant(second));
            let line = writeln!(text, "e-{count},{customer_id},{product_id},purchase,{at}");
            written = written.and(line);
            purchases = count + 1;
        });
        written?;
        Ok((text, purchases))
    }

    /// Calls `purchase` with a number, the customer, the product and the second of each purchase.
    fn each_purchase(self, mut purchase: impl FnMut(u64, u64, u64, u64)) {
        let mut count = 0;
        for customer in 0..self.customers {
            let baskets = 2 + mix(customer) % (2 * BASKETS - 2);
            for basket in 0..baskets {
                let chance = mix(customer << 20 | basket << 8);
                let second = LAST_SECOND - chance % (DAYS * 86_400);
                for line in 0..1 + chance / 31 % (2 * BASKET_LINES) {
                    purchase(count, customer, self.favourite(customer, mix(chance ^ line)), second);
                    count += 1;
                }
            }
        }
    }

    /// One of the customer's favourites, the first ones more often; now and then anything.
    fn favourite(self, customer: u64, chance: u64) -> u64 {
        if chance.is_multiple_of(10) {
            return self.popular(mix(chance));
        }
        let uniform = (chance >> 8) % 1_000;
        let place = uniform * uniform * FAVOURITES / 1_000_000;
        let shelf = mix(customer ^ (place % 5)) % CATEGORIES;
        let within = self.popular(mix(customer << 8 | place)) / CATEGORIES;
        shelf + within * CATEGORIES
    }

    /// A product by popularity that falls with its number.
    fn popular(self, chance: u64) -> u64 {
        let uniform = (chance % 1_000_000) as f64 / 1e6;
        (uniform * uniform * uniform * self.products as f64) as u64
    }
}

const HEADER: &str = "event_id,customer_id,product_id,kind,occurred_at\n";

fn record(number: u64) -> ProductRecord {
    let chance = mix(number);
    let known = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
    ProductRecord {
        product_id: product_id(number),
        name: format!("Product {number}"),
        category: format!("category-{:03}", category_of(number)),
        brand: format!("brand-{:03}", chance % BRANDS),
        price_micros: Some((50 + chance / 7 % 2_950) as i64 * 10_000),
        currency: "USD".to_owned(),
        in_stock: !chance.is_multiple_of(33),
        allergens: known(["", "milk", "gluten", "nuts", "", ""][(chance >> 8) as usize % 6]),
        allergens_complete: true,
        diets: known(if (chance >> 16).is_multiple_of(3) { "vegan" } else { "" }),
        ..ProductRecord::default()
    }
}

fn category_of(product: u64) -> u64 {
    product % CATEGORIES
}

fn product_id(number: u64) -> String {
    format!("p{number:06}")
}

fn customer_id(number: u64) -> String {
    format!("customer-{number:05}")
}

fn instant(second: u64) -> String {
    jiff::Timestamp::from_second(second as i64).unwrap_or_default().to_string()
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers on every machine.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}
