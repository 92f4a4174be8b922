//! The simple ways of recommending that a model has to justify itself against. They know what the
//! model knows: what happened before the split.

use std::cmp::Ordering;

use super::measure::Lists;
use super::read::HeldOutCustomer;

/// What the customer bought most, older purchases counting less, filled up with what is popular.
pub(super) fn personal_frequency(
    customer: &HeldOutCustomer,
    popular: &[String],
    length: usize,
    is_visible: impl Fn(&str) -> bool,
) -> Lists {
    let mut own: Vec<(&String, f64)> =
        customer.frequencies.iter().map(|(product, weight)| (product, *weight)).collect();
    own.sort_by(|(one, its), (other, others)| match others.total_cmp(its) {
        Ordering::Equal => one.cmp(other),
        unequal => unequal,
    });
    let own = own.into_iter().map(|(product, _)| product).filter(|product| is_visible(product));
    let new = new_to(customer, popular);
    Lists {
        plain: own.chain(new).take(length).cloned().collect(),
        explore: new_to(customer, popular).take(length).cloned().collect(),
    }
}

/// What everybody buys.
pub(super) fn popularity(customer: &HeldOutCustomer, popular: &[String], length: usize) -> Lists {
    Lists {
        plain: popular.iter().take(length).cloned().collect(),
        explore: new_to(customer, popular).take(length).cloned().collect(),
    }
}

fn new_to<'a>(customer: &'a HeldOutCustomer, popular: &'a [String]) -> impl Iterator<Item = &'a String> {
    popular.iter().filter(|product| !customer.bought_before.contains(*product))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_bought_most_comes_first_and_what_is_popular_fills_up() {
        let customer = HeldOutCustomer {
            traits: Vec::new(),
            customer_id: "ann".into(),
            wanted: ["milk".to_owned()].into(),
            bought_before: ["bread", "milk", "gone"].map(str::to_owned).into(),
            frequencies: [("bread", 1.5), ("milk", 2.5), ("gone", 9.0)]
                .map(|(product, weight)| (product.to_owned(), weight))
                .into(),
        };
        let popular = ["milk", "eggs", "rye", "oat"].map(str::to_owned);
        let lists = personal_frequency(&customer, &popular, 3, |product| product != "gone");
        assert_eq!(lists.plain, ["milk", "bread", "eggs"]);
        assert_eq!(lists.explore, ["eggs", "rye", "oat"]);
        let lists = super::popularity(&customer, &popular, 2);
        assert_eq!(
            (lists.plain, lists.explore),
            (vec!["milk".into(), "eggs".into()], vec!["eggs".into(), "rye".into()])
        );
    }
}
