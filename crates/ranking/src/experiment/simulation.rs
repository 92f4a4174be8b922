//! Worlds whose truth is known, and how often the intervals hold it.

use super::draws::Draws;
use super::*;

const PLACES: usize = 4;
const POOL: usize = 10;
const CONTEXTS: usize = 8;

/// Customers of a few kinds, each with products of different worth. What a product brings depends on
/// the kind, the product and the place.
struct World {
    logging: Exploration,
    target: Exploration,
    /// By kind of customer: how much each product of the pool is wanted.
    wanted: Vec<[f64; POOL]>,
    /// By kind of customer: the pool in the order of the policy in question.
    orders: Vec<[usize; POOL]>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut draws = Draws::new(seed);
        let exploration = |epsilon| Exploration { epsilon, places: PLACES, pool_size: POOL, fixed: vec![] };
        let wanted: Vec<[f64; POOL]> =
            (0..CONTEXTS).map(|_| std::array::from_fn(|_| 0.3 * draws.share().powi(2))).collect();
        let orders = wanted.iter().map(|of_kind| {
            // A policy that knows something of what is wanted, and not all.
            let mut order: [usize; POOL] = std::array::from_fn(|position| position);
            let scores = of_kind.map(|wanted| wanted + 0.2 * draws.share());
            order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
            order
        });
        Self {
            logging: exploration(0.5),
            target: exploration([0.0, 0.2][seed as usize % 2]),
            orders: orders.collect(),
            wanted: wanted.clone(),
        }
    }

    fn reward(&self, kind: usize, place: usize, product: usize) -> f64 {
        self.wanted[kind][product] / (1.0 + 0.3 * place as f64)
    }

    /// What the policy in question brings an answer.
    fn truth(&self) -> f64 {
        let chances = self.target.place_chances();
        let mut truth = 0.0;
        for kind in 0..CONTEXTS {
            for place in 0..PLACES {
                for (rank, chance) in chances.at(place) {
                    truth += chance * self.reward(kind, place, self.orders[kind][rank]) / CONTEXTS as f64;
                }
            }
        }
        truth
    }

    fn answers(&self, customers: u64, seed: u64) -> Vec<LoggedAnswer> {
        let (logged, target) = (self.logging.place_chances(), self.target.place_chances());
        let mut answers = Vec::new();
        let mut draws = Draws::new(seed);
        for customer in 0..customers {
            let kind = draws.below(CONTEXTS);
            for _ in 0..1 + draws.below(3) {
                let shown = self.logging.draw(draws.next());
                let places = shown.iter().enumerate().map(|(place, explored)| {
                    let product = explored.pool_position;
                    let reward = f64::from(u8::from(draws.share() < self.reward(kind, place, product)));
                    // The relevance that was known is half the truth.
                    let situation = |product: usize| {
                        Situation::new(
                            place,
                            0.5 * self.wanted[kind][product] + 0.02,
                            product.is_multiple_of(3),
                        )
                    };
                    LoggedPlace::new(
                        place,
                        (product, reward),
                        &logged,
                        (&self.orders[kind], &target),
                        situation,
                    )
                });
                answers.push(LoggedAnswer { customer, places: places.collect() });
            }
        }
        answers
    }
}

#[test]
fn intervals_of_off_policy_estimates_hold_the_truth_about_95_times_in_100() {
    const WORLDS: u64 = 600;
    let mut held = [0_u32; 3];
    let mut widths = [0.0; 3];
    let mut gain = 0.0;
    for seed in 0..WORLDS {
        let world = World::new(seed);
        let truth = world.truth();
        let found = estimate_policy(&world.answers(500, seed + 1_000_000), None).expect("there are answers");
        let estimates = [found.inverse_propensity, found.self_normalised, found.doubly_robust];
        for (at, estimate) in estimates.iter().enumerate() {
            held[at] += u32::from(estimate.holds(truth));
            widths[at] += (estimate.high - estimate.low) / WORLDS as f64;
        }
        gain += (truth - found.logged.value) / WORLDS as f64;
    }
    let shares = held.map(|held| f64::from(held) / WORLDS as f64);
    println!(
        "IPS, SNIPS, DR held the truth {shares:?}, mean widths {widths:?}, target above logged by {gain}"
    );
    assert!(shares.iter().all(|share| (0.92..=0.98).contains(share)), "{shares:?}");
    assert!(gain > 0.05, "the policies differ too little to prove anything: {gain}");
    assert!(widths[2] < widths[0], "the model takes no variance away: {widths:?}");
}

#[test]
fn the_logged_value_is_held_too() {
    let held = (0..500).filter(|seed| {
        let mut world = World::new(*seed);
        // The policy in question is the one that answered: weights are 1.
        world.target = world.logging.clone();
        world.orders.fill(std::array::from_fn(|position| position));
        let found = estimate_policy(&world.answers(200, *seed + 5_000_000), None).expect("there are answers");
        assert!((found.inverse_propensity.value - found.logged.value).abs() < 1e-12);
        assert!((found.effective_sample_size - found.answers as f64).abs() < 1e-6);
        assert_eq!((found.overlap, found.clipped_share), (1.0, 0.0));
        found.logged.holds(world.truth())
    });
    let share = held.count() as f64 / 500.0;
    assert!((0.92..=0.98).contains(&share), "{share}");
}

#[test]
fn weights_given_the_places_above_would_count_a_product_twice() {
    // Two products of which one is wanted, wherever it stands; the policy in question swaps them.
    let logging = Exploration { epsilon: 0.2, places: 2, pool_size: 2, fixed: vec![] };
    let target = Exploration { epsilon: 0.0, ..logging.clone() };
    let (logged, wanted) = (logging.place_chances(), target.place_chances());
    let order = [1, 0];
    let (mut answers, mut given_above, count) = (Vec::new(), 0.0, 20_000);
    for seed in 0..count {
        let list: Vec<_> = logging.draw(seed).iter().map(|place| place.pool_position).collect();
        let places = list.iter().enumerate().map(|(place, product)| {
            let reward = f64::from(u8::from(*product == 1));
            let ranks: Vec<_> = list[..=place].iter().map(|product| 1 - product).collect();
            let chance = target.chance_given_above(&ranks[..place], ranks[place]);
            given_above +=
                reward * chance / logging.chance_given_above(&list[..place], *product) / count as f64;
            LoggedPlace::new(place, (*product, reward), &logged, (&order, &wanted), |_| {
                Situation::new(place, 0.5, false)
            })
        });
        answers.push(LoggedAnswer { customer: seed, places: places.collect() });
    }
    let found = estimate_policy(&answers, None).expect("there are answers");
    assert!(found.inverse_propensity.holds(1.0), "{found:?}");
    assert!(given_above > 1.5, "{given_above}");
}

#[test]
fn clipping_is_reported_and_lowers_the_estimate() {
    let world = World::new(4);
    let answers = world.answers(2_000, 9);
    let plain = estimate_policy(&answers, None).expect("there are answers");
    let clipped = estimate_policy(&answers, Some(3.0)).expect("there are answers");
    assert!(plain.largest_weight > 3.0 && plain.clipped_share == 0.0);
    assert!(clipped.clipped_share > 0.0);
    assert!(clipped.inverse_propensity.value < plain.inverse_propensity.value);
    let width = |found: Measured| found.high - found.low;
    assert!(width(clipped.inverse_propensity) < width(plain.inverse_propensity));
    assert!(clipped.effective_sample_size > plain.effective_sample_size);
}

#[test]
fn nothing_is_claimed_of_what_was_never_shown_or_never_bought() {
    assert_eq!(estimate_policy(&[], None), None);
    let place = |reward, target_chance| LoggedPlace {
        reward,
        shown: Situation::new(0, 0.5, false),
        logged_chance: 0.5,
        target_chance,
        wanted: vec![(Situation::new(0, 0.5, false), 1.0)],
    };
    let of = |reward, target_chance| -> Vec<_> {
        let answer = |customer| LoggedAnswer { customer, places: vec![place(reward, target_chance)] };
        (0..100).map(answer).collect()
    };
    let never_shown = estimate_policy(&of(1.0, 0.0), None).expect("there are answers");
    assert_eq!((never_shown.overlap, never_shown.effective_sample_size), (0.0, 0.0));
    assert_eq!(never_shown.self_normalised.high, f64::INFINITY);
    let never_bought = estimate_policy(&of(0.0, 0.5), None).expect("there are answers");
    assert_eq!(never_bought.inverse_propensity, Measured { value: 0.0, low: 0.0, high: 0.03 });
}
