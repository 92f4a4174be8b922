//! Products and customers without a history: a share of them is taken out of what is known, so that
//! attributes, or a first basket, are all there is to go by.

use std::collections::{HashMap, HashSet};

use larder_ranking::{Filter, Ranker};

use crate::{
    Outcome,
    arguments::Arguments,
    cut::{Cut, Task, mixed, targets_of},
    data::{Line, Purchases},
    judge::{Question, judge},
    larder::{self, Lists},
};

/// One in so many products, and one in so many customers, is cold.
const ONE_IN: u64 = 10;

/// Measures both.
pub(crate) fn measure(arguments: &Arguments, purchases: &Purchases, test: &Cut) -> Outcome<()> {
    let wanted: Vec<Line> = wanted_lines(purchases, test);
    let is_cold = |number: u32, salt: u64| {
        mixed(u64::from(number) ^ mixed(arguments.seed ^ salt)).is_multiple_of(ONE_IN)
    };
    cold_products(arguments, purchases, test, &wanted, &|line| is_cold(line.product, 1))?;
    cold_customers(arguments, purchases, test, &wanted, &|line| is_cold(line.customer, 2))
}

fn wanted_lines(purchases: &Purchases, test: &Cut) -> Vec<Line> {
    let wanted: HashSet<(u32, u32)> = test
        .targets
        .iter()
        .flat_map(|target| target.wanted.iter().map(|product| (target.customer, *product)))
        .collect();
    let later = purchases.lines.iter().filter(|line| line.at_us >= test.trained_at_us);
    later.filter(|line| wanted.contains(&(line.customer, line.product))).copied().collect()
}

/// The cold products are ranked among themselves: which of what is new is for whom? Popularity has
/// nothing of the products, so it ranks them by the popularity of their categories.
fn cold_products(
    arguments: &Arguments,
    purchases: &Purchases,
    test: &Cut,
    wanted: &[Line],
    is_cold: &dyn Fn(&Line) -> bool,
) -> Outcome<()> {
    let known: Vec<Line> = test.known.iter().filter(|line| !is_cold(line)).copied().collect();
    let shoppers: HashSet<u32> = known.iter().map(|line| line.customer).collect();
    let chosen = wanted.iter().filter(|line| is_cold(line) && shoppers.contains(&line.customer));
    let targets = targets_of(&known, chosen, |_| test.trained_at_us);
    let cut = Cut { known, trained_at_us: test.trained_at_us, targets };
    // A shop knows what it has begun to sell; a product nobody ever bought was perhaps never there.
    let cold: HashSet<u32> =
        purchases.lines.iter().filter(|line| is_cold(line)).map(|line| line.product).collect();
    let others = (0..).zip(&purchases.products).filter(|(number, _)| !cold.contains(number));
    let filter = Filter {
        exclude_product_ids: others.map(|(_, product)| product.product_id.clone()).collect(),
        ..Filter::default()
    };
    let length = arguments.protocol.length();
    let larder = larder::train(purchases, &cut.known, cut.trained_at_us, arguments.protocol)?;
    let (own, _) =
        larder::ask(&larder.serving, purchases, &cut, (Task::New, length), (Ranker::Learned, &filter));
    let mut by_category: Vec<u32> = cold.into_iter().collect();
    let popular = category_buyers(purchases, &cut.known);
    let liked = |product: &u32| popular.get(category(purchases, *product)).copied().unwrap_or(0);
    by_category.sort_unstable_by_key(|product| (std::cmp::Reverse(liked(product)), *product));
    let question = Question {
        id: format!("{}.cold-products", arguments.label),
        title: format!("{}: products without any history, ranked among themselves", arguments.label),
        cut: &cut,
        task: Task::New,
        length,
        seed: arguments.seed,
        product_count: by_category.len(),
        targets: &[("category-popularity", "> 1")],
        judges_recall: false,
    };
    by_category.truncate(length);
    let popularity: Lists = vec![by_category; cut.targets.len()];
    judge(&question, &vec![("larder".to_owned(), own), ("category-popularity".to_owned(), popularity)]);
    Ok(())
}

fn category(purchases: &Purchases, product: u32) -> &str {
    &purchases.products[product as usize].category
}

fn category_buyers<'a>(purchases: &'a Purchases, known: &[Line]) -> HashMap<&'a str, usize> {
    let pairs: HashSet<(u32, &str)> =
        known.iter().map(|line| (line.customer, category(purchases, line.product))).collect();
    let mut buyers = HashMap::new();
    for (_, category) in pairs {
        *buyers.entry(category).or_insert(0) += 1;
    }
    buyers
}

/// The cold customers come to the shop after the cut: their first basket is told as it happens, the
/// rest of what they buy is wanted.
fn cold_customers(
    arguments: &Arguments,
    purchases: &Purchases,
    test: &Cut,
    wanted: &[Line],
    is_cold: &dyn Fn(&Line) -> bool,
) -> Outcome<()> {
    let known: Vec<Line> = test.known.iter().filter(|line| !is_cold(line)).copied().collect();
    let mut first_basket: HashMap<u32, u32> = HashMap::new();
    for line in wanted.iter().filter(|line| is_cold(line)) {
        first_basket.entry(line.customer).or_insert(line.basket);
    }
    let (session, rest): (Vec<Line>, Vec<Line>) = wanted
        .iter()
        .filter(|line| is_cold(line))
        .partition(|line| first_basket.get(&line.customer) == Some(&line.basket));
    let asked_at: HashMap<u32, i64> = session.iter().map(|line| (line.customer, line.at_us + 1)).collect();
    let targets = targets_of(&session, rest.iter(), |customer| asked_at[&customer]);
    let length = arguments.protocol.length();
    let mut larder = larder::train(purchases, &known, test.trained_at_us, arguments.protocol)?;
    for (number, line) in session.iter().enumerate() {
        larder.serving.record(&larder::event(purchases, line, known.len() + number));
    }
    let cut = Cut { known, trained_at_us: test.trained_at_us, targets };
    for (task, name) in [(Task::Allow, "anything"), (Task::New, "products not in it")] {
        let asked = (Ranker::Learned, &Filter::default());
        let (own, _) = larder::ask(&larder.serving, purchases, &cut, (task, length), asked);
        let question = Question {
            id: format!("{}.cold-customers-{}", arguments.label, task.name()),
            title: format!("{}: customers known by their first basket, {name}", arguments.label),
            cut: &cut,
            task,
            length,
            seed: arguments.seed,
            product_count: purchases.products.len(),
            targets: &[("popularity", "> 1")],
            judges_recall: false,
        };
        let popular = popular_lists(&cut, task, length);
        judge(&question, &vec![("larder".to_owned(), own), ("popularity".to_owned(), popular)]);
    }
    Ok(())
}

/// What most customers bought in the last 30 days of what is known, without what is in the basket
/// when only other products are asked for.
fn popular_lists(cut: &Cut, task: Task, length: usize) -> Lists {
    let since_us = cut.trained_at_us - 30 * crate::times::DAY_US;
    let pairs: HashSet<(u32, u32)> = cut
        .known
        .iter()
        .filter(|line| line.at_us >= since_us)
        .map(|line| (line.customer, line.product))
        .collect();
    let mut buyers: HashMap<u32, usize> = HashMap::new();
    pairs.iter().for_each(|(_, product)| *buyers.entry(*product).or_default() += 1);
    let mut popular: Vec<(u32, usize)> = buyers.into_iter().collect();
    popular.sort_unstable_by_key(|(product, buyers)| (std::cmp::Reverse(*buyers), *product));
    let list_of = |target: &crate::cut::Target| {
        let products = popular.iter().map(|(product, _)| *product);
        let fresh = products.filter(|product| task == Task::Allow || !target.bought_before.contains(product));
        fresh.take(length).collect()
    };
    cut.targets.iter().map(list_of).collect()
}
