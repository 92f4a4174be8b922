//! An answer ordered by the learned ranker: candidates from every model, their features, their
//! scores. What may be shown at all is decided before anything is scored.

use super::{
    Serving, arrange,
    catalogue::Gate,
    recommend::{AVERSION_WEIGHT, Candidate, Evidence, allowed, favourite_categories, why_short},
    taste::{Affinity, Taste, aversions_of, keep_first, seeds_of, tastes_of},
};
use crate::{
    Ranked, RecommendQuery, RepeatPolicy, Target, discovery,
    features::{self, CustomerFindings, Feature, Scratch},
    history::NEVER_US,
    ranker::LearnedRanker,
};

/// A filter that leaves fewer candidates than so many for each product asked for brings in what is
/// popular and passes it.
const CANDIDATES_PER_ITEM: usize = 3;

/// Of these, so many are looked for by what they are, the rest by popularity.
const LIKE_PER_ITEM: usize = 2;

/// What a customer's products are is told by so many features when others like them are looked for.
const MOST_FEATURES: usize = 40;

/// So many products that came or changed since the training are weighed, those most like what the
/// customer has.
const MOST_CHANGED: usize = 10;

/// So many candidates for each product wanted, and so many more, are seen by the whole ranker; the
/// others by its first trees.
const PROMISING_PER_ITEM: usize = 2;
const MORE_PROMISING: usize = 76;

/// Below this two products are not said to be alike.
const LEAST_LIKENESS: f32 = 0.3;

/// The best products for the customer, of `only` these (sorted) or of all.
pub(super) fn rank(
    serving: &Serving,
    ranker: &LearnedRanker,
    query: &RecommendQuery<'_>,
    only: Option<&[u32]>,
    now_us: i64,
) -> Ranked {
    let gate = Gate::new(&serving.catalogue, query.filter);
    let tastes = tastes_of(serving, query.customer_id, now_us);
    let only_unseen = ranker.target == Target::Unseen && only.is_none();
    let accept = |product: u32| {
        let taste = taste_of(&tastes, product);
        allowed(taste, query.repeat_policy)
            && !(only_unseen && taste.is_some())
            && only.is_none_or(|only| only.binary_search(&product).is_ok())
            && gate.passes(product)
    };
    let favourites = favourite_categories(serving, &seeds_of(serving, &tastes));
    let pool = arrange::pool_size(query);
    let mut chosen = serving.with_scratch(|scratch| {
        weigh_customer(serving, ranker, query.customer_id, now_us, scratch);
        scratch.gather(serving.feature_models(), findings_of(serving, query.customer_id, query.traits));
        scratch.retain_candidates(|candidate| accept(candidate.product));
        let wanted = pool.max(query.limit.saturating_mul(CANDIDATES_PER_ITEM));
        if let Some(only) = only {
            only.iter().filter(|&&product| accept(product)).for_each(|&product| {
                scratch.add_candidate(product);
            });
        } else if query.repeat_policy != RepeatPolicy::Only {
            add_like(serving, scratch, wanted, query.limit, &accept);
            if scratch.candidates.len() < wanted {
                for product in serving.order.first(gate.categories(), wanted, &accept) {
                    scratch.add_candidate(product);
                }
            }
        }
        let aversions = aversions_of(serving, &tastes);
        match aversions.is_empty() && only.is_none() {
            true => score_at_least(serving, ranker, scratch, pool * PROMISING_PER_ITEM + MORE_PROMISING),
            false => score(serving, ranker, scratch),
        }
        push_down(scratch, &aversions);
        best(serving, ranker, scratch, pool, |candidate, foreseen| {
            evidence_of(serving, (candidate, foreseen), &tastes, &favourites)
        })
    });
    if query.repeat_policy != RepeatPolicy::Only && only.is_none() {
        arrange::fill_up_with_popular(serving, query, &gate, &accept, &mut chosen);
    }
    let why = |count| why_short(serving, &gate, query, &tastes, count);
    arrange::answer(serving, query, &accept, chosen, &why, now_us)
}

/// Adds products like the customer's by what they are: those the models cannot know yet, and where a
/// filter leaves few candidates any that pass it.
fn add_like(
    serving: &Serving,
    scratch: &mut Scratch,
    wanted: usize,
    limit: usize,
    accept: &dyn Fn(u32) -> bool,
) {
    let mut like: Vec<(u32, f32)> = serving
        .unsold_since_training()
        .filter(|&product| accept(product))
        .map(|product| (product, scratch.likeness.of(&serving.content, product)))
        .filter(|(_, likeness)| *likeness > 0.0)
        .collect();
    keep_first(&mut like, MOST_CHANGED, |one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    if scratch.candidates.len() < wanted {
        let vector = scratch.likeness.vector(MOST_FEATURES);
        like.extend(serving.content.nearest(&vector, limit.saturating_mul(LIKE_PER_ITEM), accept));
    }
    like.into_iter().for_each(|(product, _)| {
        scratch.add_candidate(product);
    });
}

pub(super) fn taste_of(tastes: &[Taste], product: u32) -> Option<&Taste> {
    tastes.binary_search_by_key(&product, |taste| taste.product).ok().map(|place| &tastes[place])
}

/// Puts the customer into the working memory, fresh events included, and clears the candidates.
pub(super) fn weigh_customer(
    serving: &Serving,
    ranker: &LearnedRanker,
    customer_id: &str,
    now_us: i64,
    scratch: &mut Scratch,
) {
    fill_history(serving, customer_id, scratch);
    let last_basket = scratch.history.baskets().last().copied();
    let day = LearnedRanker::day_seen(ranker.target, last_basket, serving.feature_day(now_us));
    scratch.weigh_history(serving.feature_models(), day);
    scratch.clear_candidates(serving.catalogue.len());
}

/// The days of the snapshot and of the overlay, product by product.
pub(crate) fn fill_history(serving: &Serving, customer_id: &str, scratch: &mut Scratch) {
    let rows = serving.rows_of(customer_id);
    let known =
        |row| serving.snapshot.as_ref().map_or(&[][..], |snapshot| snapshot.customers.occasions_of(row));
    scratch.history.clear();
    let mut rows = rows.iter().peekable();
    for (&product, pair) in serving.overlay.pairs_of(customer_id).into_iter().flatten() {
        while let Some(row) = rows.next_if(|row| row.product < product) {
            scratch.history.push(row.product, known(row), &[]);
        }
        let row = rows.next_if(|row| row.product == product);
        scratch.history.push(product, row.map_or(&[][..], known), pair.occasions.days());
    }
    for row in rows {
        scratch.history.push(row.product, known(row), &[]);
    }
    scratch.history.finish();
}

/// What was found out of the customer when the snapshot was trained. The vector is old when something
/// happened since.
pub(super) fn findings_of<'a>(
    serving: &'a Serving,
    customer_id: &str,
    traits: &'a [String],
) -> CustomerFindings<'a> {
    let known = serving.snapshot.as_ref().filter(|_| !serving.overlay.is_erased(customer_id));
    let found = known.and_then(|snapshot| {
        let customer = snapshot.customers.find(customer_id)?;
        Some(discovery::findings_of(customer, &snapshot.shortlists, snapshot.discovery.as_ref()))
    });
    let findings = found.unwrap_or_default();
    let is_vector_old = serving.overlay.pairs_of(customer_id).is_some();
    CustomerFindings { is_vector_old, traits, ..findings }
}

/// Scores every candidate.
pub(super) fn score(serving: &Serving, ranker: &LearnedRanker, scratch: &mut Scratch) {
    score_at_least(serving, ranker, scratch, scratch.candidates.len());
}

/// Scores so many candidates or more; one that stands no chance to be among as many is given minus
/// infinity.
fn score_at_least(serving: &Serving, ranker: &LearnedRanker, scratch: &mut Scratch, count: usize) {
    scratch.fill_block(serving.feature_models());
    let Scratch { block, scores, promising, .. } = scratch;
    scores.clear();
    scores.resize(block.rows(), 0.0);
    ranker.forest.score_promising(block, count, promising, scores);
}

/// What is bought with products the customer does not want loses as many nats as the linear blend
/// would divide its score by.
pub(super) fn push_down(scratch: &mut Scratch, aversions: &[(u32, f64)]) {
    if aversions.is_empty() {
        return;
    }
    for (candidate, score) in scratch.candidates.iter().zip(&mut scratch.scores) {
        if let Ok(place) = aversions.binary_search_by_key(&candidate.product, |&(product, _)| product) {
            *score -= (AVERSION_WEIGHT * aversions[place].1).ln_1p() as f32;
        }
    }
}

/// The `limit` best candidates in order.
fn best<'a>(
    serving: &Serving,
    ranker: &LearnedRanker,
    scratch: &mut Scratch,
    limit: usize,
    evidence_of: impl Fn(&features::Candidate, f32) -> Evidence<'a>,
) -> Vec<Candidate<'a>> {
    let mut places: Vec<u32> = (0..scratch.candidates.len() as u32).collect();
    let id = |place: u32| serving.catalogue.id(scratch.candidates[place as usize].product);
    keep_first(&mut places, limit, |&one, &other| {
        let score = |place: u32| scratch.scores[place as usize];
        let likeness = |place: u32| scratch.block.get(place as usize, Feature::Likeness as usize);
        // What the ranker cannot tell apart goes by what it is.
        let by_score = score(other).total_cmp(&score(one));
        by_score.then_with(|| likeness(other).total_cmp(&likeness(one))).then_with(|| id(one).cmp(id(other)))
    });
    let chosen = places.into_iter().map(|place| {
        let candidate = &scratch.candidates[place as usize];
        let score = scratch.scores[place as usize];
        Candidate {
            product: candidate.product,
            score: f64::from(score),
            relevance: Some(ranker.calibration.chance(score)),
            evidence: evidence_of(candidate, scratch.foreseen.of(candidate.product)),
        }
    });
    chosen.collect()
}

/// The strongest of the customer's products that a product is like, if it is much like one.
fn most_like<'a>(serving: &Serving, product: u32, tastes: &'a [Taste]) -> Option<&'a Taste> {
    let seeds = seeds_of(serving, tastes).into_iter();
    let likeness = seeds.map(|taste| (taste, serving.content.similarity(taste.product, product)));
    let most = likeness.max_by(|one, other| one.1.total_cmp(&other.1));
    most.filter(|(_, likeness)| *likeness >= LEAST_LIKENESS).map(|(taste, _)| taste)
}

/// The strongest thing that can be said for the product, without saying more than is known.
fn evidence_of<'a>(
    serving: &Serving,
    (candidate, foreseen): (&features::Candidate, f32),
    tastes: &'a [Taste],
    favourites: &[u32],
) -> Evidence<'a> {
    let near = (candidate.similarity > 0.0).then(|| Affinity {
        product: candidate.product,
        similarity: f64::from(candidate.similarity),
        nearest: candidate.nearest,
        common_buyers: candidate.common_buyers,
    });
    let own = taste_of(tastes, candidate.product).filter(|taste| taste.facts.last_seen_us != NEVER_US);
    if let Some(taste) = own {
        return Evidence::Own(taste, near);
    }
    if let Some(near) = near {
        return Evidence::Near(near);
    }
    if candidate.neighbours_long > 0.0 {
        return Evidence::Alike;
    }
    if foreseen > 0.0 {
        return Evidence::SaysTheSame;
    }
    if serving.order.log2(candidate.product) == f64::NEG_INFINITY
        && let Some(taste) = most_like(serving, candidate.product, tastes)
    {
        return Evidence::Like(taste);
    }
    let category = serving.catalogue.category(candidate.product);
    match category.filter(|category| favourites.contains(category)) {
        Some(category) => Evidence::PopularIn(category),
        None => Evidence::Popular,
    }
}
