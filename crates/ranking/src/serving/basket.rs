//! The next basket of a customer: what the ranking expects, with how many, and when by the
//! customer's own rhythm.

use super::{Serving, arrange::Room};
use crate::{
    Arrangement, NextBasket, RecommendQuery, Target,
    basket::BasketItem,
    occasion::{DAY_US, Occasion, append_merged, day_of},
};

/// Of products without a rhythm, the purchases and days that are believed before any is seen: a
/// Gamma prior of the Poisson rate.
const PRIOR_PURCHASES: f64 = 0.5;
const PRIOR_DAYS: f64 = 30.0;

/// How one customer bought one product.
#[derive(Default)]
struct Rhythm {
    purchases: f64,
    pieces: f64,
    first_day: i32,
    last_day: i32,
}

impl Rhythm {
    fn of(days: &[Occasion]) -> Self {
        let bought: Vec<_> = days.iter().filter(|day| day.is_purchase()).collect();
        let (Some(first), Some(last)) = (bought.first(), bought.last()) else { return Self::default() };
        Self {
            purchases: bought.len() as f64,
            pieces: bought.iter().map(|day| f64::from(day.pieces())).sum(),
            first_day: first.day,
            last_day: last.day,
        }
    }

    /// The usual days between two purchases, once there were two.
    fn interval_days(&self) -> Option<f64> {
        let days = f64::from(self.last_day - self.first_day);
        (self.purchases >= 2.0).then(|| days / (self.purchases - 1.0))
    }

    /// The chance of a purchase within the horizon: of an exponential wait, less the longer the
    /// product is overdue beyond another interval, for the customer may have left it.
    fn chance(&self, today: i32, known_days: f64, horizon_days: f64) -> f64 {
        let Some(interval) = self.interval_days() else {
            let rate = (self.purchases + PRIOR_PURCHASES) / (known_days + PRIOR_DAYS);
            return 1.0 - (-horizon_days * rate).exp();
        };
        let interval = interval.max(1.0);
        let overdue = (f64::from(today - self.last_day) - 2.0 * interval).max(0.0);
        (1.0 - (-horizon_days / interval).exp()) * (-overdue / (2.0 * interval)).exp()
    }
}

pub(super) fn next_basket(
    serving: &Serving,
    query: &RecommendQuery<'_>,
    horizon_days: u16,
    now_us: i64,
) -> NextBasket {
    let baskets = basket_days(serving, query.customer_id);
    let today = day_of(now_us);
    let known_days = baskets.first().map_or(0.0, |first| f64::from((today - first).max(0)));
    // A forecast has no pins and is not varied; caps are kept below, once it is known what is due.
    let arrangement = Arrangement {
        pins: Vec::new(),
        category_caps: Vec::new(),
        diversity: 0.0,
        rotation: 0.0,
        spare: 0,
        ..query.arrangement.clone()
    };
    // What is due later is left out, so more are ranked than are wanted.
    let limit = query.limit.saturating_mul(3);
    let ranked = serving.recommend(&RecommendQuery { limit, arrangement: &arrangement, ..*query }, now_us);
    let room = Room::of(serving, query.arrangement);
    let latest_us = now_us.saturating_add(i64::from(horizon_days) * DAY_US);
    let foreseen = serving.learned(query.ranker).map(|ranker| ranker.target);
    let items = ranked.items.into_iter().filter_map(|item| {
        let rhythm = Rhythm::of(&days_of(serving, query.customer_id, &item.product_id));
        let interval_days = rhythm.interval_days().filter(|days| *days > 0.0);
        let due_at_us =
            interval_days.map(|days| i64::from(rhythm.last_day) * DAY_US + (days * DAY_US as f64) as i64);
        if due_at_us.is_some_and(|due_us| due_us > latest_us) {
            return None;
        }
        let probability = match (item.relevance, foreseen) {
            (Some(relevance), Some(Target::NextDays(days))) => {
                let share = f64::from(horizon_days) / f64::from(days.max(1));
                1.0 - (1.0 - f64::from(relevance)).powf(share)
            }
            (Some(relevance), _) => f64::from(relevance),
            (None, _) => rhythm.chance(today, known_days, f64::from(horizon_days)),
        };
        Some(BasketItem {
            probability: probability.clamp(0.0, 1.0),
            expected_quantity: if rhythm.purchases > 0.0 { rhythm.pieces / rhythm.purchases } else { 1.0 },
            due_at_us,
            interval_days: interval_days.unwrap_or(0.0),
            last_purchased_at_us: (rhythm.purchases > 0.0).then(|| i64::from(rhythm.last_day) * DAY_US),
            item,
        })
    });
    let fits = |item: &BasketItem| {
        serving.catalogue.find(&item.item.product_id).is_none_or(|product| room.takes(product))
    };
    let items: Vec<_> = items.filter(fits).take(query.limit).collect();
    let is_full = items.len() == query.limit;
    let shortfall = if is_full { None } else { ranked.shortfall.or(Some(crate::Shortfall::FewerThanAsked)) };
    NextBasket { items, next_basket_at_us: next_basket_at(&baskets), shortfall }
}

/// The days of one product, those of the snapshot and those since.
fn days_of(serving: &Serving, customer_id: &str, product_id: &str) -> Vec<Occasion> {
    let mut days = Vec::new();
    let Some(product) = serving.catalogue.find(product_id) else { return days };
    let rows = serving.rows_of(customer_id);
    let known = rows.binary_search_by_key(&product, |row| row.product).ok().map(|place| &rows[place]);
    let known = serving.snapshot.as_ref().zip(known);
    let known = known.map_or(&[][..], |(snapshot, row)| snapshot.customers.occasions_of(row));
    let pair = serving.overlay.pairs_of(customer_id).and_then(|pairs| pairs.get(&product));
    append_merged(known, pair.map_or(&[][..], |pair| pair.occasions.days()), &mut days);
    days
}

/// The days the customer bought anything on, in order.
fn basket_days(serving: &Serving, customer_id: &str) -> Vec<i32> {
    let known = serving.snapshot.iter().flat_map(|snapshot| {
        serving.rows_of(customer_id).iter().flat_map(|row| snapshot.customers.occasions_of(row))
    });
    let fresh = serving.overlay.pairs_of(customer_id).into_iter().flatten();
    let fresh = fresh.flat_map(|(_, pair)| pair.occasions.days());
    let mut days: Vec<_> =
        known.chain(fresh).filter(|occasion| occasion.is_purchase()).map(|occasion| occasion.day).collect();
    days.sort_unstable();
    days.dedup();
    days
}

/// The last basket and the middle one of the waits between baskets.
fn next_basket_at(baskets: &[i32]) -> Option<i64> {
    let last = *baskets.last()?;
    let mut waits: Vec<_> = baskets.windows(2).map(|pair| pair[1] - pair[0]).collect();
    waits.sort_unstable();
    let wait = *waits.get(waits.len() / 2)?;
    Some(i64::from(last.saturating_add(wait)) * DAY_US)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Event, Filter, RepeatPolicy,
        fixtures::{NOW_US, TODAY, bought, product, serving},
    };

    fn query(filter: &Filter) -> RecommendQuery<'_> {
        RecommendQuery {
            customer_id: "ann",
            limit: 10,
            filter,
            repeat_policy: RepeatPolicy::Allow,
            ranker: crate::Ranker::Linear,
            arrangement: crate::Arrangement::plain(),
            traits: &[],
            impressions: &[],
        }
    }

    #[test]
    fn the_own_rhythm_tells_when_and_how_many() {
        let products = ["bread", "flour"].map(|id| product(id, "A"));
        let mut events: Vec<Event> =
            [2, 9, 16, 23].map(|ago| Event { quantity: 2.0, ..bought("ann", "bread", ago) }).into();
        events.extend([5, 95, 185].map(|ago| bought("ann", "flour", ago)));
        let serving = serving(&products, &events);
        let filter = Filter::default();
        let basket = serving.next_basket(&query(&filter), 14, NOW_US);
        let names: Vec<_> = basket.items.iter().map(|item| item.item.product_id.as_str()).collect();
        assert_eq!(names, ["bread"], "flour is due in 85 days");
        let bread = &basket.items[0];
        assert_eq!((bread.interval_days, bread.expected_quantity), (7.0, 2.0));
        assert_eq!(bread.due_at_us, Some((TODAY + 5) * DAY_US));
        assert!((bread.probability - (1.0 - (-2.0_f64).exp())).abs() < 1e-9, "{}", bread.probability);
        let longer = serving.next_basket(&query(&filter), 90, NOW_US);
        assert_eq!(longer.items.len(), 2);
        assert!(basket.next_basket_at_us.is_some_and(|at| at > NOW_US));
    }

    #[test]
    fn a_forecast_is_boosted_and_capped_and_no_constraint_is_broken() {
        let products =
            ["bread", "rolls", "milk"].map(|id| product(id, if id == "milk" { "Dairy" } else { "Bakery" }));
        let events: Vec<Event> = ["bread", "rolls", "milk"]
            .iter()
            .zip([3, 2, 1])
            .flat_map(|(id, times)| (1..=times).map(|week| bought("ann", id, week * 7)))
            .collect();
        let serving = serving(&products, &events);
        let basket = |arrangement: &crate::Arrangement, filter: &Filter| {
            let query = RecommendQuery { arrangement, ..query(filter) };
            let basket = serving.next_basket(&query, 60, NOW_US);
            basket.items.into_iter().map(|item| item.item.product_id).collect::<Vec<_>>()
        };
        let boost = crate::Boost {
            expression: std::sync::Arc::new(crate::Expression::compile("product.id == 'milk'").unwrap()),
            strength: 10.0,
        };
        let cap = crate::CategoryCap { category: "Bakery".into(), max_count: 1 };
        let arrangement = crate::Arrangement {
            boosts: vec![boost],
            category_caps: vec![cap],
            pins: vec![crate::Pin { product_id: "rolls".into(), position: 1 }],
            ..crate::Arrangement::default()
        };
        assert_eq!(basket(crate::Arrangement::plain(), &Filter::default()), ["bread", "rolls", "milk"]);
        assert_eq!(basket(&arrangement, &Filter::default()), ["milk", "bread"]);
        let no_milk = Filter { exclude_product_ids: ["milk".to_owned()].into(), ..Filter::default() };
        assert_eq!(basket(&arrangement, &no_milk), ["bread"]);
    }

    #[test]
    fn who_is_unknown_has_no_rhythm() {
        let serving = serving(&[product("bread", "A")], &[bought("ben", "bread", 3)]);
        let filter = Filter::default();
        let basket = serving.next_basket(&query(&filter), 14, NOW_US);
        assert_eq!(basket.next_basket_at_us, None);
        assert_eq!((basket.items[0].due_at_us, basket.items[0].interval_days), (None, 0.0));
        assert!((0.0..0.5).contains(&basket.items[0].probability));
    }
}
