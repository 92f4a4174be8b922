//! Cuts a data set into what is known and what is wanted, by one of the protocols. The same rules
//! cut the known part again: that gives the peers their validation part, inside the training data.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{
    Outcome,
    arguments::{Arguments, Protocol},
    data::{Line, Purchases},
    times,
};

/// A customer to be asked for.
pub(crate) struct Target {
    pub(crate) customer: u32,
    /// When the list is asked for.
    pub(crate) at_us: i64,
    /// Every distinct product counts once.
    pub(crate) wanted: HashSet<u32>,
    pub(crate) bought_before: HashSet<u32>,
}

/// What is known, and for whom lists are wanted.
pub(crate) struct Cut {
    /// By time.
    pub(crate) known: Vec<Line>,
    pub(crate) trained_at_us: i64,
    /// By customer.
    pub(crate) targets: Vec<Target>,
}

/// What a method is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Anything.
    Allow,
    /// Only what the customer has not bought before.
    New,
}

impl Task {
    /// The peers know it by this name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::New => "new",
        }
    }

    pub(crate) fn all_of(protocol: Protocol) -> &'static [Self] {
        match protocol {
            Protocol::NextMonth | Protocol::LastBasket => &[Self::Allow, Self::New],
            Protocol::RandomHoldout | Protocol::Cold => &[Self::New],
        }
    }
}

impl Target {
    /// What counts for a task.
    pub(crate) fn wanted_by(&self, task: Task) -> HashSet<u32> {
        match task {
            Task::Allow => self.wanted.clone(),
            Task::New => self.wanted.difference(&self.bought_before).copied().collect(),
        }
    }
}

/// The cut the table is made of, and the cuts inside its known part, the newest first.
pub(crate) fn all(purchases: &Purchases, arguments: &Arguments) -> Outcome<(Cut, Vec<Cut>)> {
    match arguments.protocol {
        Protocol::NextMonth | Protocol::Cold => next_months(purchases, arguments),
        Protocol::LastBasket => {
            let test = last_basket(&purchases.lines, 3);
            let world = last_basket(&test.known, 2);
            Ok((test, vec![world]))
        }
        Protocol::RandomHoldout => {
            let test = random_holdout(&purchases.lines, arguments.seed);
            let world = random_holdout(&test.known, arguments.seed.wrapping_add(1));
            Ok((test, vec![world]))
        }
    }
}

fn next_months(purchases: &Purchases, arguments: &Arguments) -> Outcome<(Cut, Vec<Cut>)> {
    let last_us = purchases.lines.last().ok_or("there are no purchases")?.at_us;
    let split_us = match arguments.split_us {
        Some(split_us) => split_us,
        None => times::months_after(times::next_midnight(last_us + 1), -1)?,
    };
    let until_us = match arguments.until_us {
        Some(until_us) => until_us,
        None => times::months_after(split_us, 1)?,
    };
    println!("  known before {}, wanted until {}", times::shown(split_us), times::shown(until_us));
    let later = purchases.lines.iter().filter(|line| line.at_us >= until_us).count();
    if later > 0 {
        println!("  {later} purchases are later and left out; --until says where to end");
    }
    let test = by_time(&purchases.lines, split_us, until_us);
    let worlds = (1..=2)
        .map(|months| {
            let end_us = times::months_after(split_us, 1 - months)?;
            Ok(by_time(&test.known, times::months_after(split_us, -months)?, end_us))
        })
        .collect::<Outcome<Vec<Cut>>>()?;
    Ok((test, worlds.into_iter().filter(|world| !world.known.is_empty()).collect()))
}

fn by_time(lines: &[Line], split_us: i64, until_us: i64) -> Cut {
    let known: Vec<Line> = lines.iter().filter(|line| line.at_us < split_us).copied().collect();
    let wanted = lines.iter().filter(|line| (split_us..until_us).contains(&line.at_us));
    let targets = targets_of(&known, wanted, |_| split_us);
    Cut { known, trained_at_us: split_us, targets }
}

/// Customers with at least so many baskets are asked for; everything else is known.
fn last_basket(lines: &[Line], least_baskets: usize) -> Cut {
    let mut baskets: HashMap<u32, BTreeMap<u32, i64>> = HashMap::new();
    for line in lines {
        let begun_us = baskets.entry(line.customer).or_default().entry(line.basket).or_insert(line.at_us);
        *begun_us = line.at_us.min(*begun_us);
    }
    let last: HashMap<u32, (i64, u32)> = baskets
        .into_iter()
        .filter(|(_, baskets)| baskets.len() >= least_baskets)
        .filter_map(|(customer, baskets)| {
            let last = baskets.into_iter().map(|(basket, at_us)| (at_us, basket)).max()?;
            Some((customer, last))
        })
        .collect();
    let is_last = |line: &Line| last.get(&line.customer).is_some_and(|(_, basket)| *basket == line.basket);
    let known: Vec<Line> = lines.iter().filter(|line| !is_last(line)).copied().collect();
    let targets = targets_of(&known, lines.iter().filter(|line| is_last(line)), |customer| last[&customer].0);
    Cut { trained_at_us: after(&known), known, targets }
}

/// Pairs are drawn by a hash of the pair and the seed, so the order of the file does not matter.
fn random_holdout(lines: &[Line], seed: u64) -> Cut {
    let is_drawn = |line: &Line| {
        let pair = (u64::from(line.customer) << 32) | u64::from(line.product);
        mixed(mixed(pair) ^ seed).is_multiple_of(5)
    };
    let known: Vec<Line> = lines.iter().filter(|line| !is_drawn(line)).copied().collect();
    let customers: HashSet<u32> = known.iter().map(|line| line.customer).collect();
    let trained_at_us = after(&known);
    let wanted = lines.iter().filter(|line| is_drawn(line) && customers.contains(&line.customer));
    let targets = targets_of(&known, wanted, |_| trained_at_us);
    Cut { known, trained_at_us, targets }
}

/// SplitMix64's mixing step.
pub(crate) fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn after(known: &[Line]) -> i64 {
    known.last().map_or(0, |line| line.at_us + 1)
}

pub(crate) fn targets_of<'a>(
    known: &[Line],
    wanted: impl Iterator<Item = &'a Line>,
    asked_at_us: impl Fn(u32) -> i64,
) -> Vec<Target> {
    let mut by_customer: BTreeMap<u32, HashSet<u32>> = BTreeMap::new();
    for line in wanted {
        by_customer.entry(line.customer).or_default().insert(line.product);
    }
    let mut before: HashMap<u32, HashSet<u32>> = HashMap::new();
    for line in known {
        before.entry(line.customer).or_default().insert(line.product);
    }
    by_customer
        .into_iter()
        .map(|(customer, wanted)| Target {
            customer,
            at_us: asked_at_us(customer),
            wanted,
            bought_before: before.remove(&customer).unwrap_or_default(),
        })
        .collect()
}
