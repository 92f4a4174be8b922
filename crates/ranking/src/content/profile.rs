//! What a new customer may want by what they say of themselves: how much more or less than
//! everybody the customers who share a trait have each product, and so the share of customers
//! like this one who would have it.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::{
    SnapshotError, SparseMatrix,
    snapshot::bytes::{Reader, Writer},
};

/// What is known of a person; every field may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerProfile {
    /// Age in whole years.
    pub age_years: Option<u32>,
    /// Empty when it is not known.
    pub sex: String,
    /// What they want of their food; empty when it is not known.
    pub goal: String,
    /// How much they move; empty when it is not known.
    pub activity: String,
    /// Such as "vegan".
    pub diets: Vec<String>,
    /// What they stay away from, such as "peanuts".
    pub allergens: Vec<String>,
    /// Anything else.
    pub attributes: BTreeMap<String, String>,
}

/// People within so many years share a trait; bands overlap, so that nobody is at an edge.
const AGE_BAND_YEARS: u32 = 10;

impl CustomerProfile {
    /// What it says, one text each, in order and once.
    pub fn traits(&self) -> Vec<String> {
        let mut traits = Vec::new();
        let mut add = |key: &str, value: &str| {
            if !value.trim().is_empty() {
                traits.push(format!("{key}={}", value.trim().to_lowercase()));
            }
        };
        if let Some(age) = self.age_years {
            add("age", &format!("{}", age / AGE_BAND_YEARS * AGE_BAND_YEARS));
            let shifted = (age + AGE_BAND_YEARS / 2) / AGE_BAND_YEARS * AGE_BAND_YEARS;
            add("age about", &format!("{shifted}"));
        }
        add("sex", &self.sex);
        add("goal", &self.goal);
        add("activity", &self.activity);
        self.diets.iter().for_each(|diet| add("diet", diet));
        self.allergens.iter().for_each(|allergen| add("avoids", allergen));
        self.attributes.iter().for_each(|(key, value)| add(&format!("attribute {key}"), value));
        traits.sort_unstable();
        traits.dedup();
        traits
    }
}

/// How traits are learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileSettings {
    /// Traits of fewer customers say nothing: they would tell what these bought.
    pub fewest_customers: usize,
    /// Each trait's customers are joined by so many who are like everybody.
    pub caution: f32,
    /// Of several traits each counts by this power of how many there are: 0 fully, -1 as their mean.
    pub crowding: f32,
}

impl Default for ProfileSettings {
    fn default() -> Self {
        Self { fewest_customers: 5, caution: 20.0, crowding: -0.5 }
    }
}

/// What customers of each trait have relative to everybody.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileModel {
    /// By product, the natural logarithm of the share of customers who have it.
    shares: Vec<f32>,
    crowding: f32,
    /// By trait, the products and the natural logarithm of how much more often they have it.
    lifts: BTreeMap<String, Vec<(u32, f32)>>,
}

/// Of each trait so many lifts are kept, those that change most customers.
const MOST_LIFTS: usize = 1_000;

/// Lifts nearer to 1 than this (by their logarithm) are not kept.
const SMALLEST_LIFT: f32 = 0.02;

impl ProfileModel {
    /// Learns from the traits of each customer and the matrix of customers by products.
    pub fn fit(traits: &[Vec<String>], customers: &SparseMatrix, settings: &ProfileSettings) -> Self {
        let count = customers.row_count() as f32;
        let mut holders = vec![0.0f32; customers.column_count()];
        customers.rows().flat_map(|row| row.columns).for_each(|product| holders[*product as usize] += 1.0);
        // As if one more customer had half of every product, so that no share is 0 or 1.
        let share_of = |have: &f32| (have + 0.5) / (count + 1.0);
        let shares: Vec<f32> = holders.iter().map(share_of).collect();
        let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (customer, traits) in traits.iter().enumerate().take(customers.row_count()) {
            traits.iter().for_each(|name| members.entry(name).or_default().push(customer));
        }
        let enough: Vec<(&str, Vec<usize>)> =
            members.into_iter().filter(|(_, own)| own.len() >= settings.fewest_customers.max(1)).collect();
        let lifts = enough.par_iter().map(|(name, own)| {
            ((*name).to_owned(), lifts_of(customers, own, &shares, settings.caution.max(f32::MIN_POSITIVE)))
        });
        Self {
            lifts: lifts.collect(),
            crowding: settings.crowding,
            shares: shares.iter().map(|share| share.ln()).collect(),
        }
    }

    /// Whether any of these traits says something.
    pub fn knows(&self, traits: &[String]) -> bool {
        traits.iter().any(|name| self.lifts.contains_key(name))
    }

    /// Tells of products how much more often customers with these traits have them, by its natural
    /// logarithm; a product may come several times, which then add up.
    pub(crate) fn tell_lifts(&self, traits: &[String], mut tell: impl FnMut(u32, f32)) {
        let known: Vec<&Vec<(u32, f32)>> = traits.iter().filter_map(|name| self.lifts.get(name)).collect();
        let weight = (known.len().max(1) as f32).powf(self.crowding);
        known.into_iter().flatten().for_each(|&(product, lift)| tell(product, weight * lift));
    }

    /// The natural logarithm of the share of customers who have the product.
    pub(crate) fn log_share(&self, product: u32) -> f32 {
        self.shares.get(product as usize).copied().unwrap_or(f32::NEG_INFINITY)
    }

    /// By product, the share of customers with these traits who would have it, 0 to 1; without
    /// any that says something, the share of all customers.
    pub fn shares(&self, traits: &[String]) -> Vec<f32> {
        let mut shares = self.shares.clone();
        self.tell_lifts(traits, |product, lift| shares[product as usize] += lift);
        shares.iter_mut().for_each(|share| *share = share.exp().min(1.0));
        shares
    }

    /// What the traits say as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.f32(self.crowding);
        writer.whole(self.shares.len() as u64);
        self.shares.iter().for_each(|&share| writer.f32(share));
        writer.whole(self.lifts.len() as u64);
        for (name, lifts) in &self.lifts {
            writer.text(name);
            writer.whole(lifts.len() as u64);
            for &(product, lift) in lifts {
                writer.whole(u64::from(product));
                writer.f32(lift);
            }
        }
        writer.into_bytes()
    }

    /// Reads what [`ProfileModel::encode`] wrote of a shop of so many products.
    ///
    /// # Errors
    /// Bytes that are cut short, contradict themselves or go on after the end.
    pub fn decode(bytes: &[u8], product_count: usize) -> Result<Self, SnapshotError> {
        let mut reader = Reader::new("profiles", bytes);
        let crowding = reader.finite()?;
        if reader.count()? != product_count {
            return Err(reader.inconsistent("shares of another number of products"));
        }
        let shares = (0..product_count).map(|_| reader.finite()).collect::<Result<Vec<_>, _>>()?;
        let mut lifts = BTreeMap::new();
        for _ in 0..reader.count()? {
            let name = reader.text()?;
            let mut own = Vec::new();
            for _ in 0..reader.count()? {
                let product = reader.whole_u32()?;
                if product as usize >= product_count {
                    return Err(reader.inconsistent("a lift of a product that is not there"));
                }
                own.push((product, reader.finite()?));
            }
            if lifts.insert(name, own).is_some() {
                return Err(reader.inconsistent("a trait is told twice"));
            }
        }
        reader.finish()?;
        Ok(Self { shares, crowding, lifts })
    }
}

/// How much more often customers of a trait have each product, by its logarithm.
fn lifts_of(customers: &SparseMatrix, own: &[usize], shares: &[f32], caution: f32) -> Vec<(u32, f32)> {
    let mut have = vec![0.0f32; shares.len()];
    for &customer in own {
        customers.row(customer).columns.iter().for_each(|product| have[*product as usize] += 1.0);
    }
    let joined = own.len() as f32 + caution;
    let lift = |(have, share): (&f32, &f32)| ((have + caution * share) / joined / share).ln();
    let all = (0u32..).zip(have.iter().zip(shares).map(lift));
    let mut lifts: Vec<(u32, f32)> = all.filter(|(_, lift)| lift.abs() >= SMALLEST_LIFT).collect();
    if lifts.len() > MOST_LIFTS {
        let matter = |entry: &(u32, f32)| entry.1.abs() * shares[entry.0 as usize];
        lifts.select_nth_unstable_by(MOST_LIFTS - 1, |one, other| {
            matter(other).total_cmp(&matter(one)).then(one.0.cmp(&other.0))
        });
        lifts.truncate(MOST_LIFTS);
        lifts.sort_unstable_by_key(|(product, _)| *product);
    }
    lifts
}
