//! What a policy that was never shown would have brought, estimated from answers of another policy
//! whose chances are known. Three estimates stand beside each other: they should agree, and where
//! they do not, the overlap says why.

use super::draws::avalanche;
use super::mean::{around, mean_of_clusters};
use super::reward_model::{RewardModel, Situation};
use super::{Measured, PlaceChances};

/// The parts that answers are divided into, by customer, so that no reward is foretold by a model
/// that has seen it.
const FOLDS: u64 = 5;

/// One answer that was shown, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedAnswer {
    /// The customer, as any number of their own: answers of one customer may resemble each other.
    pub customer: u64,
    /// From the first place to the last.
    pub places: Vec<LoggedPlace>,
}

/// One place of such an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedPlace {
    /// What the product that stood here brought, 0 or more.
    pub reward: f64,
    /// What was known of that product.
    pub shown: Situation,
    /// The chance that it stood here, above 0; without one the place has no weight.
    pub logged_chance: f64,
    /// The chance that the policy in question would have put it here.
    pub target_chance: f64,
    /// What that policy would have put here, each situation with its chance.
    pub wanted: Vec<(Situation, f64)>,
}

impl LoggedPlace {
    /// A place that showed the product `shown` of a pool. `order` has the pool's products, the best
    /// first in the eyes of the policy in question, whose chances are by their place in that order;
    /// `situation` tells what is known of a product at this place.
    pub fn new(
        place: usize,
        (shown, reward): (usize, f64),
        logged: &PlaceChances,
        (order, target): (&[usize], &PlaceChances),
        situation: impl Fn(usize) -> Situation,
    ) -> Self {
        let rank = order.iter().position(|product| *product == shown);
        let wanted =
            target.at(place).filter_map(|(rank, chance)| Some((situation(*order.get(rank)?), chance)));
        Self {
            reward,
            shown: situation(shown),
            logged_chance: logged.of(place, shown),
            target_chance: rank.map_or(0.0, |rank| target.of(place, rank)),
            wanted: wanted.collect(),
        }
    }

    fn weight(&self) -> f64 {
        if self.logged_chance > 0.0 { self.target_chance / self.logged_chance } else { 0.0 }
    }
}

/// Rewards an answer, summed over its places, with 95 % intervals that are robust to answers of one
/// customer being alike.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyEstimates {
    /// What the policy that answered brought.
    pub logged: Measured,
    /// Inverse propensity scoring (Horvitz and Thompson, JASA 1952): without bias, unless weights
    /// were clipped.
    pub inverse_propensity: Measured,
    /// The same, divided by the sum of the weights over what it should be (Swaminathan and Joachims,
    /// NIPS 2015): a little bias, vanishing with more answers, for less variance.
    pub self_normalised: Measured,
    /// Doubly robust (Dudík, Langford and Li, ICML 2011) with a model fitted by cross-fitting
    /// (Chernozhukov et al., Econometrics Journal 2018).
    pub doubly_robust: Measured,
    /// How many answers there were.
    pub answers: usize,
    /// How many equally weighted answers the weighted ones are worth (Kish, 1965).
    pub effective_sample_size: f64,
    /// The share of shown products that the policy could show in the same place, 0 to 1.
    pub overlap: f64,
    /// The largest weight of a place.
    pub largest_weight: f64,
    /// The share of places whose weight was cut, 0 to 1.
    pub clipped_share: f64,
}

/// Estimates what a policy would have brought, or `None` without a place to learn from. Weights above
/// `clip`, if there is one, are cut down to it (Ionides, 2008): less variance, and a bias downwards.
pub fn estimate_policy(answers: &[LoggedAnswer], clip: Option<f64>) -> Option<PolicyEstimates> {
    let places = answers.iter().flat_map(|answer| &answer.places);
    let count = places.clone().count();
    if count == 0 {
        return None;
    }
    let most = clip.unwrap_or(f64::INFINITY);
    let share = |of: usize| of as f64 / count as f64;
    let sums: Vec<_> = answers.iter().map(|answer| AnswerSums::of(answer, most)).collect();
    let logged: Vec<_> = sums.iter().map(|sums| (sums.customer, sums.reward)).collect();
    let weighted: Vec<_> = sums.iter().map(|sums| (sums.customer, sums.weighted_reward)).collect();
    let effective_sample_size = effective_sample_size(&sums);
    let floor =
        RewardFloor { any_reward: places.clone().any(|place| place.reward != 0.0), effective_sample_size };
    Some(PolicyEstimates {
        logged: RewardFloor { effective_sample_size: answers.len() as f64, ..floor }
            .keep(mean_of_clusters(&logged)),
        inverse_propensity: floor.keep(mean_of_clusters(&weighted)),
        self_normalised: floor.keep(self_normalised(&sums)),
        doubly_robust: floor.keep(doubly_robust(answers, most)),
        answers: answers.len(),
        effective_sample_size,
        overlap: share(places.clone().filter(|place| place.weight() > 0.0).count()),
        largest_weight: places.clone().map(LoggedPlace::weight).fold(0.0, f64::max),
        clipped_share: share(places.filter(|place| place.weight() > most).count()),
    })
}

/// What an answer adds to each sum.
struct AnswerSums {
    customer: u64,
    places: f64,
    reward: f64,
    weight: f64,
    weighted_reward: f64,
}

impl AnswerSums {
    fn of(answer: &LoggedAnswer, most: f64) -> Self {
        let weights = answer.places.iter().map(|place| place.weight().min(most));
        Self {
            customer: answer.customer,
            places: answer.places.len() as f64,
            reward: answer.places.iter().map(|place| place.reward).sum(),
            weight: weights.clone().sum(),
            weighted_reward: weights.zip(&answer.places).map(|(weight, place)| weight * place.reward).sum(),
        }
    }
}

/// Rewards are never negative, so an estimate's interval need not be; and no reward at all says no
/// more than that it is rarer than 3 in the answers seen (Hanley and Lippman-Hand, JAMA 1983).
struct RewardFloor {
    any_reward: bool,
    effective_sample_size: f64,
}

impl RewardFloor {
    fn keep(&self, found: Measured) -> Measured {
        if !self.any_reward {
            return Measured { high: 3.0 / self.effective_sample_size, low: 0.0, ..found };
        }
        Measured { low: found.low.max(0.0).min(found.value), ..found }
    }
}

fn effective_sample_size(sums: &[AnswerSums]) -> f64 {
    let weights = sums.iter().map(|sums| sums.weight / sums.places.max(1.0));
    let squares: f64 = weights.clone().map(|weight| weight * weight).sum();
    if squares > 0.0 { weights.sum::<f64>().powi(2) / squares } else { 0.0 }
}

/// The ratio of the weighted rewards to the weights, times the places of an answer: what the weights
/// should sum to. Its interval is that of the linearised ratio (delta method).
fn self_normalised(sums: &[AnswerSums]) -> Measured {
    let mean = |of: fn(&AnswerSums) -> f64| sums.iter().map(of).sum::<f64>() / sums.len() as f64;
    let (reward, weight, places) =
        (mean(|sums| sums.weighted_reward), mean(|sums| sums.weight), mean(|sums| sums.places));
    if weight == 0.0 {
        return Measured { value: 0.0, low: f64::NEG_INFINITY, high: f64::INFINITY };
    }
    let value = reward * places / weight;
    let deviations = sums.iter().map(|sums| {
        let of_reward = sums.weighted_reward * places / weight;
        let of_weight = value * (sums.places / places - sums.weight / weight);
        (sums.customer, of_reward + of_weight - value)
    });
    around(value, deviations, sums.len())
}

/// For each place what the model expects of the policy's own choices, corrected by the weighted error
/// of the model on what was shown.
fn doubly_robust(answers: &[LoggedAnswer], most: f64) -> Measured {
    let fold = |answer: &LoggedAnswer| avalanche(answer.customer) % FOLDS;
    let models: Vec<_> = (0..FOLDS)
        .map(|held_out| {
            let others = answers.iter().filter(|answer| fold(answer) != held_out);
            let places = others.flat_map(|answer| &answer.places);
            RewardModel::fit(places.map(|place| (place.shown, place.reward)))
        })
        .collect();
    let values: Vec<_> = answers
        .iter()
        .map(|answer| {
            let model = &models[fold(answer) as usize];
            let of_place = |place: &LoggedPlace| {
                let expected: f64 =
                    place.wanted.iter().map(|(wanted, chance)| chance * model.expect(*wanted)).sum();
                expected + place.weight().min(most) * (place.reward - model.expect(place.shown))
            };
            (answer.customer, answer.places.iter().map(of_place).sum())
        })
        .collect();
    mean_of_clusters(&values)
}
