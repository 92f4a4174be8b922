//! A score taken apart: by the paths through the forest, or by the terms of the linear blend.

use super::{
    Serving,
    learned::{findings_of, push_down, score, taste_of, weigh_customer},
    reasons::{Narrator, SAYS_THE_SAME},
    recommend::{AVERSION_WEIGHT, POPULARITY_WEIGHT, SIMILARITY_WEIGHT, shares_by_profile},
    taste::{Affinity, affinities_of, aversions_of, seeds_of, tastes_of},
};
use crate::{
    Contribution, Explanation, FeatureGroup,
    features::{Candidate, Feature},
    ranker::LearnedRanker,
};

pub(super) fn learned(
    serving: &Serving,
    ranker: &LearnedRanker,
    (customer_id, traits): (&str, &[String]),
    product: u32,
    now_us: i64,
) -> Explanation {
    let tastes = tastes_of(serving, customer_id, now_us);
    let mut sums: Vec<(FeatureGroup, f64)> = Vec::new();
    let (candidate, forest_score, total) = serving.with_scratch(|scratch| {
        weigh_customer(serving, ranker, customer_id, now_us, scratch);
        scratch.gather(serving.feature_models(), findings_of(serving, customer_id, traits));
        scratch.retain_candidates(|candidate| candidate.product == product);
        scratch.add_candidate(product);
        score(serving, ranker, scratch);
        let mut parts = vec![0.0; Feature::ALL.len()];
        ranker.forest.contributions(&scratch.block, 0, &mut parts);
        for (feature, part) in Feature::ALL.iter().zip(parts) {
            add(&mut sums, feature.group(), f64::from(part));
        }
        let forest_score = scratch.scores[0];
        push_down(scratch, &aversions_of(serving, &tastes));
        (scratch.candidates[0], forest_score, scratch.scores[0])
    });
    add(&mut sums, FeatureGroup::Disliked, f64::from(total) - f64::from(forest_score));
    let near = near_of(&candidate);
    let teller = Teller { narrator: Narrator::new(serving, now_us), serving, product, near };
    let taste = taste_of(&tastes, product);
    let sentence = |group| match group {
        FeatureGroup::OwnPurchases | FeatureGroup::Rhythm => teller.own(group, taste),
        FeatureGroup::SimilarCustomers => teller.alike(candidate.neighbours_long > 0.0),
        _ => teller.other(group),
    };
    let base = f64::from(ranker.forest.average_score());
    assemble(serving, product, (f64::from(total), base), sums, sentence)
}

pub(super) fn linear(
    serving: &Serving,
    (customer_id, traits): (&str, &[String]),
    product: u32,
    now_us: i64,
) -> Explanation {
    let tastes = tastes_of(serving, customer_id, now_us);
    let share = shares_by_profile(serving, traits).get(&product).copied();
    if let Some(share) = share.filter(|_| tastes.is_empty()) {
        let sums = vec![(FeatureGroup::SimilarCustomers, share)];
        return assemble(serving, product, (share, 0.0), sums, |_| SAYS_THE_SAME.to_owned());
    }
    let seeds = seeds_of(serving, &tastes);
    let affinities = affinities_of(serving, &seeds, |other| other == product);
    let near = affinities.iter().find(|near| near.product == product).copied();
    let taste = taste_of(&tastes, product);
    let again = serving.buy_again(product);
    let mut sums = vec![
        (FeatureGroup::OwnPurchases, taste.map_or(0.0, |taste| taste.weight.max(0.0)) * again),
        (FeatureGroup::SimilarProducts, SIMILARITY_WEIGHT * near.map_or(0.0, |near| near.similarity) * again),
        (FeatureGroup::Popularity, POPULARITY_WEIGHT * serving.order.shares()(product) * again),
    ];
    let before: f64 = sums.iter().map(|(_, amount)| amount).sum();
    let aversions = aversions_of(serving, &tastes);
    let aversion = aversions.iter().find(|(other, _)| *other == product).map_or(0.0, |&(_, amount)| amount);
    let total = before / (1.0 + AVERSION_WEIGHT * aversion);
    add(&mut sums, FeatureGroup::Disliked, total - before);
    let teller = Teller { narrator: Narrator::new(serving, now_us), serving, product, near };
    let sentence = |group| match group {
        FeatureGroup::OwnPurchases => teller.own(group, taste),
        _ => teller.other(group),
    };
    assemble(serving, product, (total, 0.0), sums, sentence)
}

fn add(sums: &mut Vec<(FeatureGroup, f64)>, group: FeatureGroup, amount: f64) {
    match sums.iter_mut().find(|(known, _)| *known == group) {
        Some((_, sum)) => *sum += amount,
        None => sums.push((group, amount)),
    }
}

fn assemble(
    serving: &Serving,
    product: u32,
    (score, base): (f64, f64),
    mut sums: Vec<(FeatureGroup, f64)>,
    sentence: impl Fn(FeatureGroup) -> String,
) -> Explanation {
    sums.retain(|(_, amount)| *amount != 0.0);
    sums.sort_by(|one, other| other.1.abs().total_cmp(&one.1.abs()).then(one.0.cmp(&other.0)));
    let tell = |(group, amount)| Contribution { group, amount, sentence: sentence(group) };
    let contributions = sums.into_iter().map(tell).collect();
    Explanation { product_id: serving.catalogue.id(product).to_string(), score, base, contributions }
}

fn near_of(candidate: &Candidate) -> Option<Affinity> {
    (candidate.similarity > 0.0).then(|| Affinity {
        product: candidate.product,
        similarity: f64::from(candidate.similarity),
        nearest: candidate.nearest,
        common_buyers: candidate.common_buyers,
    })
}

/// What is said of each kind of evidence.
struct Teller<'a> {
    narrator: Narrator<'a>,
    serving: &'a Serving,
    product: u32,
    near: Option<Affinity>,
}

impl Teller<'_> {
    fn own(&self, group: FeatureGroup, taste: Option<&super::taste::Taste>) -> String {
        let bought = taste.filter(|taste| taste.facts.purchases > 0);
        match (group, bought) {
            (FeatureGroup::Rhythm, Some(taste)) => super::reasons::rhythm(taste)
                .unwrap_or_else(|| "you have bought it too seldom to show a rhythm".to_owned()),
            (_, Some(taste)) => self.narrator.own(taste, None).swap_remove(0),
            (_, None) => "you have not bought it yet".to_owned(),
        }
    }

    fn alike(&self, is_bought: bool) -> String {
        let verb = if is_bought { "buy" } else { "hardly buy" };
        format!("customers who buy much of what you buy {verb} it")
    }

    fn other(&self, group: FeatureGroup) -> String {
        let catalogue = &self.serving.catalogue;
        let said = |name: &str, otherwise: &str| {
            if name.is_empty() { otherwise.to_owned() } else { format!("what you buy of {name}") }
        };
        let record = catalogue.record(self.product);
        match group {
            FeatureGroup::Popularity => self.narrator.popular(self.product).swap_remove(0),
            FeatureGroup::Loyalty => self
                .narrator
                .bought_again(self.product)
                .unwrap_or_else(|| "how often its buyers buy it again".to_owned()),
            FeatureGroup::SimilarProducts => match &self.near {
                Some(near) => self.narrator.near(near).swap_remove(0),
                None => "hardly bought by the people who buy what you buy".to_owned(),
            },
            FeatureGroup::Category => {
                said(record.map_or("", |record| &record.category), "it has no category you buy from")
            }
            FeatureGroup::Brand => said(record.map_or("", |record| &record.brand), "it has no brand you buy"),
            FeatureGroup::Disliked => "it is often bought with what you do not want".to_owned(),
            FeatureGroup::Household
            | FeatureGroup::OwnPurchases
            | FeatureGroup::Rhythm
            | FeatureGroup::SimilarCustomers => "how often and how much you buy".to_owned(),
        }
    }
}
