//! The history cut: what was known then, and what came after it.

use super::{FEWEST_CUSTOMERS, Schooling, mixed};
use crate::{
    Target,
    decay::HalfLife,
    history::{Facts, NEVER_US},
    occasion::DAY_US,
    snapshot::{Customers, HistoryRow},
};

/// Of hidden products, one in so many is hidden, in so many worlds.
const ONE_HIDDEN_IN: u32 = 5;
const HIDDEN_WORLDS: u32 = 3;

/// Before the cut of a world of days there have to be so many days of history.
const FEWEST_DAYS_BEFORE: i32 = 45;

/// A customer is cut a basket before the end when so many baskets are left before it.
const FEWEST_BASKETS_BEFORE: usize = 2;

/// The history before a cut, and what came after it.
pub(crate) struct World {
    pub customers: Customers,
    /// By customer: the day they are seen on.
    pub seen_on: Vec<i32>,
    /// By customer: what they bought after the cut, in the order of product numbers.
    pub bought: Vec<Vec<u32>>,
    /// The day the models are fitted on.
    pub now_day: i32,
}

impl World {
    /// Cut at the start of `cut_day`, looking `days` ahead.
    pub(crate) fn of_days(customers: &Customers, cut_day: i32, days: u16, half_life: HalfLife) -> Self {
        let until = cut_day.saturating_add(i32::from(days));
        let bought = (0..customers.ids.len())
            .map(|customer| bought_on(customers, customer, |day| day >= cut_day && day < until))
            .collect();
        let before = before(customers, |_, _| cut_day, half_life, cut_day);
        Self { customers: before, seen_on: vec![cut_day; customers.ids.len()], bought, now_day: cut_day }
    }

    /// Each customer cut before their `back`th basket from the end, which is to be foreseen.
    pub(crate) fn of_baskets(customers: &Customers, back: usize, now_day: i32, half_life: HalfLife) -> Self {
        let (mut cuts, mut seen_on, mut bought) = (Vec::new(), Vec::new(), Vec::new());
        for customer in 0..customers.ids.len() {
            let baskets = baskets_of(customers, customer);
            let at = baskets.len().checked_sub(back).filter(|&at| at >= FEWEST_BASKETS_BEFORE);
            match at {
                Some(at) => {
                    cuts.push(baskets[at]);
                    seen_on.push(baskets[at - 1].saturating_add(1));
                    bought.push(bought_on(customers, customer, |day| day == baskets[at]));
                }
                None => {
                    cuts.push(now_day);
                    seen_on.push(now_day);
                    bought.push(Vec::new());
                }
            }
        }
        let before = before(customers, |customer, _| cuts[customer], half_life, now_day);
        Self { customers: before, seen_on, bought, now_day }
    }

    /// Of each customer's products a share is hidden, to be foreseen; `salt` decides which.
    pub(crate) fn of_hidden(customers: &Customers, salt: u32, now_day: i32, half_life: HalfLife) -> Self {
        let is_hidden = |customer: usize, product: u32| {
            mixed(mixed(customer as u32, salt), product).is_multiple_of(ONE_HIDDEN_IN)
        };
        let hidden = |customer: usize| {
            let rows = customers.rows_of(customer).iter().map(|row| row.product);
            rows.filter(|&product| is_hidden(customer, product)).collect()
        };
        let bought = (0..customers.ids.len()).map(hidden).collect();
        let cut_of = |customer: usize, product: u32| {
            if is_hidden(customer, product) { i32::MIN } else { i32::MAX }
        };
        let before = before(customers, cut_of, half_life, now_day);
        Self { customers: before, seen_on: vec![now_day; customers.ids.len()], bought, now_day }
    }

    /// The worlds to learn from, the newest first.
    pub(super) fn all(
        customers: &Customers,
        now_day: i32,
        schooling: &Schooling,
        half_life: HalfLife,
    ) -> Vec<Self> {
        let days = || customers.occasions.iter().map(|occasion| occasion.day);
        let Some(first_day) = days().min() else { return Vec::new() };
        let worlds: Vec<Self> = match schooling.target {
            Target::NextBasket => (1..=schooling.worlds)
                .map(|back| Self::of_baskets(customers, back, now_day, half_life))
                .collect(),
            Target::Unseen => {
                (0..HIDDEN_WORLDS).map(|salt| Self::of_hidden(customers, salt, now_day, half_life)).collect()
            }
            Target::NextDays(ahead) => (0..schooling.worlds as i32)
                .map(|place| now_day - i32::from(ahead) - place * i32::from(schooling.step_days))
                .take_while(|&cut_day| cut_day - first_day >= FEWEST_DAYS_BEFORE)
                .map(|cut_day| Self::of_days(customers, cut_day, ahead, half_life))
                .collect(),
        };
        let teaches = |world: &Self| {
            world.bought.iter().filter(|bought| !bought.is_empty()).count() >= FEWEST_CUSTOMERS
        };
        worlds.into_iter().filter(teaches).collect()
    }
}

/// The customers as they were before a day of their own; `reference_day` is what weights are seen at.
fn before(
    customers: &Customers,
    cut_of: impl Fn(usize, u32) -> i32,
    half_life: HalfLife,
    reference_day: i32,
) -> Customers {
    let reference_us = i64::from(reference_day) * DAY_US;
    let mut occasions = Vec::with_capacity(customers.occasions.len());
    let mut rows = Vec::with_capacity(customers.rows.len());
    for customer in 0..customers.ids.len() {
        for row in customers.rows_of(customer) {
            let cut_day = cut_of(customer, row.product);
            let known = customers.occasions_of(row);
            let known = &known[..known.partition_point(|occasion| occasion.day < cut_day)];
            if known.is_empty() {
                continue;
            }
            let begin = occasions.len() as u32;
            let mut facts = Facts::default();
            let mut weight = 0.0;
            for &occasion in known {
                let time_us = i64::from(occasion.day) * DAY_US;
                weight += f64::from(occasion.weight()) * half_life.factor(time_us, reference_us);
                facts.events += 1;
                facts.last_seen_us = time_us;
                if occasion.is_purchase() {
                    facts.purchases += 1;
                    facts.last_purchase_us = time_us;
                    if facts.first_purchase_us == NEVER_US {
                        facts.first_purchase_us = time_us;
                    }
                }
            }
            occasions.extend_from_slice(known);
            rows.push((
                customer as u32,
                HistoryRow {
                    product: row.product,
                    weight: weight as f32,
                    facts,
                    occasions_begin: begin,
                    occasions_count: known.len() as u32,
                },
            ));
        }
    }
    Customers::from_sorted_rows(customers.ids.clone(), rows, occasions)
}

fn bought_on(customers: &Customers, customer: usize, is_wanted: impl Fn(i32) -> bool) -> Vec<u32> {
    let rows = customers.rows_of(customer).iter();
    let bought = rows.filter(|row| {
        let mut days = customers.occasions_of(row).iter();
        days.any(|occasion| occasion.is_purchase() && is_wanted(occasion.day))
    });
    bought.map(|row| row.product).collect()
}

fn baskets_of(customers: &Customers, customer: usize) -> Vec<i32> {
    let occasions = customers.rows_of(customer).iter().flat_map(|row| customers.occasions_of(row));
    let mut days: Vec<i32> =
        occasions.filter(|occasion| occasion.is_purchase()).map(|occasion| occasion.day).collect();
    days.sort_unstable();
    days.dedup();
    days
}
