//! The ladder: what the customer buys, what is bought by the same people, what is popular in their
//! categories, what is popular. Each answer is put together here.

use std::collections::BTreeMap;

use super::{
    Serving, arrange,
    catalogue::Gate,
    reasons::Narrator,
    taste::{Affinity, Taste, affinities_of, aversions_of, keep_first, seeds_of, tastes_of},
};
use crate::{Filter, Ranked, RankedItem, RecommendQuery, RepeatPolicy, Shortfall, Source, history::NEVER_US};

/// What the mean similarity to the seeds adds to a product's own weight. Found on held-out months
/// of grocery purchases, like the constants in `serving.rs` and `models.rs`.
pub(super) const SIMILARITY_WEIGHT: f64 = 2.0;

/// What being as popular as the most popular product adds.
pub(super) const POPULARITY_WEIGHT: f64 = 0.2;

/// How much a product is pushed down that is bought with one the customer does not want.
pub(super) const AVERSION_WEIGHT: f64 = 5.0;

/// The popular rungs begin at this share of the score above them.
const NEXT_RUNG: f64 = 0.5;

/// So many of the customer's categories are looked at for what is popular there.
const MOST_CATEGORIES: usize = 5;

/// A product on its way into the answer.
pub(super) struct Candidate<'a> {
    pub product: u32,
    pub score: f64,
    pub relevance: Option<f32>,
    pub evidence: Evidence<'a>,
}

/// Why a product is in the answer.
pub(super) enum Evidence<'a> {
    Own(&'a Taste, Option<Affinity>),
    Near(Affinity),
    /// Customers alike buy it.
    Alike,
    /// Customers who say the same of themselves have it more often than others.
    SaysTheSame,
    /// Nobody had it yet, and it is like this one of the customer's products.
    Like(&'a Taste),
    /// It is like the product that was asked for.
    LikeProduct(u32),
    PopularIn(u32),
    Popular,
}

/// Where to look for what is popular.
#[derive(Clone, Copy)]
pub(super) enum Rung<'a> {
    /// In these categories, because they mean something to the customer or the product.
    In(&'a [u32]),
    /// Anywhere, or where the filter lets anything through.
    Everywhere(Option<&'a [u32]>),
}

/// The best products for the customer, of `only` these (sorted) or of all.
pub(super) fn rank(
    serving: &Serving,
    query: &RecommendQuery<'_>,
    only: Option<&[u32]>,
    now_us: i64,
) -> Ranked {
    let gate = Gate::new(&serving.catalogue, query.filter);
    let tastes = tastes_of(serving, query.customer_id, now_us);
    let taste_of = |product: u32| {
        tastes.binary_search_by_key(&product, |taste| taste.product).ok().map(|place| &tastes[place])
    };
    let accept = |product: u32| {
        allowed(taste_of(product), query.repeat_policy)
            && only.is_none_or(|only| only.binary_search(&product).is_ok())
            && gate.passes(product)
    };
    let seeds = seeds_of(serving, &tastes);
    let affinities = affinities_of(serving, &seeds, |product| gate.passes(product));
    let mut chosen = candidates(serving, &tastes, affinities, accept);
    push_down(&mut chosen, &aversions_of(serving, &tastes));
    let wanted = arrange::pool_size(query);
    if tastes.is_empty() && query.repeat_policy != RepeatPolicy::Only {
        chosen = by_profile(serving, query.traits, &accept);
    }
    keep_first(&mut chosen, wanted, |one, other| {
        let ids = || serving.catalogue.id(one.product).cmp(serving.catalogue.id(other.product));
        other.score.total_cmp(&one.score).then_with(ids)
    });
    if query.repeat_policy != RepeatPolicy::Only {
        if chosen.len() < wanted {
            let categories = favourite_categories(serving, &seeds);
            fill_up(serving, &mut chosen, wanted, Rung::In(&categories), &accept);
        }
        arrange::fill_up_with_popular(serving, query, &gate, &accept, &mut chosen);
    }
    let why = |count| why_short(serving, &gate, query, &tastes, count);
    arrange::answer(serving, query, &accept, chosen, &why, now_us)
}

/// What those have more often than others who say the same of themselves, by how many have it.
pub(super) fn by_profile(
    serving: &Serving,
    traits: &[String],
    accept: &dyn Fn(u32) -> bool,
) -> Vec<Candidate<'static>> {
    let wanted = shares_by_profile(serving, traits).into_iter().filter(|(product, _)| accept(*product));
    let candidate =
        |(product, score)| Candidate { product, score, relevance: None, evidence: Evidence::SaysTheSame };
    wanted.map(candidate).collect()
}

/// The share of customers with these traits who would have each product that they have more often than
/// others.
pub(super) fn shares_by_profile(serving: &Serving, traits: &[String]) -> BTreeMap<u32, f64> {
    let mut lifts: BTreeMap<u32, f32> = BTreeMap::new();
    let Some(profiles) = serving.profiles() else { return BTreeMap::new() };
    profiles.tell_lifts(traits, |product, lift| *lifts.entry(product).or_default() += lift);
    let share = |(product, lift): (u32, f32)| {
        (product, f64::from((profiles.log_share(product) + lift).exp().min(1.0)))
    };
    lifts.into_iter().filter(|(_, lift)| *lift > 0.0).map(share).collect()
}

/// Why the customer's answer is shorter than was asked for.
pub(super) fn why_short(
    serving: &Serving,
    gate: &Gate<'_>,
    query: &RecommendQuery<'_>,
    tastes: &[Taste],
    count: usize,
) -> Option<Shortfall> {
    let bought = tastes.iter().any(|taste| taste.facts.purchases > 0);
    let nothing_to_repeat = why_nothing_to_repeat(query.repeat_policy, !tastes.is_empty(), bought, count);
    shortfall(serving, gate, count, query.limit).map(|reason| nothing_to_repeat.unwrap_or(reason))
}

pub(super) fn similar(serving: &Serving, product: u32, limit: usize, filter: &Filter, now_us: i64) -> Ranked {
    let gate = Gate::new(&serving.catalogue, filter);
    let accept = |other: u32| other != product && gate.passes(other);
    let neighbours = serving.models().map_or(&[][..], |models| models.neighbours_of(product));
    let mut chosen: Vec<Candidate<'_>> = neighbours
        .iter()
        .filter(|near| accept(near.product))
        .take(limit)
        .map(|near| {
            let similarity = f64::from(near.similarity);
            let evidence = Evidence::Near(Affinity {
                product: near.product,
                similarity,
                nearest: product,
                common_buyers: near.common_buyers,
            });
            Candidate { product: near.product, score: similarity, relevance: None, evidence }
        })
        .collect();
    if chosen.is_empty() {
        chosen = like(serving, product, limit, &accept);
    }
    if let Some(category) = serving.catalogue.category(product) {
        fill_up(serving, &mut chosen, limit, Rung::In(&[category]), &accept);
    }
    fill_up(serving, &mut chosen, limit, Rung::Everywhere(gate.categories()), &accept);
    let shortfall = shortfall(serving, &gate, chosen.len(), limit);
    ranked(serving, chosen, shortfall, now_us)
}

/// What is like a product that too few had for anything to be bought with it.
fn like(
    serving: &Serving,
    product: u32,
    limit: usize,
    accept: &dyn Fn(u32) -> bool,
) -> Vec<Candidate<'static>> {
    let nearest = serving.content.nearest(&serving.content.vector(product), limit, accept);
    let candidate = |(other, likeness): (u32, f32)| Candidate {
        product: other,
        score: f64::from(likeness),
        relevance: None,
        evidence: Evidence::LikeProduct(product),
    };
    nearest.into_iter().map(candidate).collect()
}

pub(super) fn popular(serving: &Serving, limit: usize, filter: &Filter, now_us: i64) -> Ranked {
    let gate = Gate::new(&serving.catalogue, filter);
    let mut chosen = Vec::new();
    fill_up(serving, &mut chosen, limit, Rung::Everywhere(gate.categories()), &|product| {
        gate.passes(product)
    });
    let shortfall = shortfall(serving, &gate, chosen.len(), limit);
    ranked(serving, chosen, shortfall, now_us)
}

/// Whether the customer's history allows the product.
pub(super) fn allowed(taste: Option<&Taste>, repeat_policy: RepeatPolicy) -> bool {
    let bought = taste.is_some_and(|taste| taste.facts.purchases > 0);
    let unwanted = taste.is_some_and(Taste::is_unwanted);
    !unwanted
        && match repeat_policy {
            RepeatPolicy::Allow => true,
            RepeatPolicy::Exclude => !bought,
            RepeatPolicy::Only => bought,
        }
}

/// The personal and the similar rung: both lists in the order of products become one, of which what
/// is accepted is scored.
fn candidates<'a>(
    serving: &Serving,
    tastes: &'a [Taste],
    affinities: Vec<Affinity>,
    accept: impl Fn(u32) -> bool,
) -> Vec<Candidate<'a>> {
    let mut candidates = Vec::with_capacity(tastes.len() + affinities.len());
    let share_of = serving.order.shares();
    let mut add = |product: u32, weight: f64, similarity: f64, evidence: Evidence<'a>| {
        if !accept(product) {
            return;
        }
        let popularity = POPULARITY_WEIGHT * share_of(product);
        let score = (weight + SIMILARITY_WEIGHT * similarity + popularity) * serving.buy_again(product);
        candidates.push(Candidate { product, score, relevance: None, evidence });
    };
    let mut affinities = affinities.into_iter().peekable();
    for taste in tastes.iter().filter(|taste| taste.weight >= 0.0 && taste.facts.last_seen_us != NEVER_US) {
        while let Some(near) = affinities.next_if(|near| near.product < taste.product) {
            add(near.product, 0.0, near.similarity, Evidence::Near(near));
        }
        let near = affinities.next_if(|near| near.product == taste.product);
        let similarity = near.map_or(0.0, |near| near.similarity);
        add(taste.product, taste.weight, similarity, Evidence::Own(taste, near));
    }
    for near in affinities {
        add(near.product, 0.0, near.similarity, Evidence::Near(near));
    }
    candidates
}

fn push_down(candidates: &mut [Candidate<'_>], aversions: &[(u32, f64)]) {
    if aversions.is_empty() {
        return;
    }
    for candidate in candidates {
        if let Ok(place) = aversions.binary_search_by_key(&candidate.product, |&(product, _)| product) {
            candidate.score /= 1.0 + AVERSION_WEIGHT * aversions[place].1;
        }
    }
}

/// The categories the customer is drawn to most.
pub(super) fn favourite_categories(serving: &Serving, seeds: &[&Taste]) -> Vec<u32> {
    let mut categories: Vec<(u32, f64)> = Vec::new();
    for seed in seeds {
        let Some(category) = serving.catalogue.category(seed.product) else { continue };
        match categories.iter_mut().find(|(known, _)| *known == category) {
            Some((_, weight)) => *weight += seed.weight,
            None => categories.push((category, seed.weight)),
        }
    }
    keep_first(&mut categories, MOST_CATEGORIES, |one, other| {
        let names = || serving.catalogue.category_name(one.0).cmp(serving.catalogue.category_name(other.0));
        other.1.total_cmp(&one.1).then_with(names)
    });
    categories.into_iter().map(|(category, _)| category).collect()
}

/// Adds what is popular below what has been chosen.
pub(super) fn fill_up(
    serving: &Serving,
    chosen: &mut Vec<Candidate<'_>>,
    limit: usize,
    rung: Rung<'_>,
    accept: &dyn Fn(u32) -> bool,
) {
    let missing = limit.saturating_sub(chosen.len());
    if missing == 0 {
        return;
    }
    let mut taken: Vec<u32> = chosen.iter().map(|candidate| candidate.product).collect();
    taken.sort_unstable();
    let is_new = |product: u32| taken.binary_search(&product).is_err() && accept(product);
    let (categories, personal) = match rung {
        Rung::In(categories) => (Some(categories), true),
        Rung::Everywhere(categories) => (categories, false),
    };
    let first = serving.order.first(categories, missing, &is_new);
    let (ceiling, floor) = match chosen.last() {
        None => (1.0, 0.0),
        Some(last) if last.relevance.is_none() => (last.score * NEXT_RUNG, 0.0),
        Some(last) => (last.score - NEXT_RUNG, last.score - 1.0),
    };
    let top = first.first().map_or(0.0, |&product| serving.order.log2(product));
    chosen.extend(first.into_iter().map(|product| {
        let below_top = serving.order.log2(product) - top;
        let share = if below_top.is_nan() { 0.0 } else { below_top.exp2() };
        let category = serving.catalogue.category(product).filter(|_| personal);
        let evidence = category.map_or(Evidence::Popular, Evidence::PopularIn);
        Candidate { product, score: floor + (ceiling - floor) * share, relevance: None, evidence }
    }));
}

pub(super) fn shortfall(serving: &Serving, gate: &Gate<'_>, count: usize, limit: usize) -> Option<Shortfall> {
    if count >= limit {
        None
    } else if serving.catalogue.visible_count() == 0 {
        Some(Shortfall::EmptyCatalogue)
    } else if count == 0 && !gate.lets_anything_through() {
        Some(Shortfall::FilterExcludesAll)
    } else {
        Some(Shortfall::FewerThanAsked)
    }
}

/// The better reason for an empty answer when only products bought before were asked for.
fn why_nothing_to_repeat(policy: RepeatPolicy, known: bool, bought: bool, count: usize) -> Option<Shortfall> {
    match (policy, known, bought) {
        (RepeatPolicy::Only, false, _) => Some(Shortfall::UnknownCustomer),
        (RepeatPolicy::Only, true, false) => Some(Shortfall::NoHistoryForRepeat),
        _ => None,
    }
    .filter(|_| count == 0)
}

pub(super) fn ranked(
    serving: &Serving,
    chosen: Vec<Candidate<'_>>,
    shortfall: Option<Shortfall>,
    now_us: i64,
) -> Ranked {
    let narrator = Narrator::new(serving, now_us);
    let items = chosen.into_iter().map(|candidate| {
        let product = candidate.product;
        let (source, reasons) = match &candidate.evidence {
            Evidence::Own(taste, near) => (Source::Personal, narrator.own(taste, near.as_ref())),
            Evidence::Near(near) => (Source::Similar, narrator.near(near)),
            Evidence::Alike => (Source::Similar, narrator.alike(product)),
            Evidence::SaysTheSame => (Source::Similar, narrator.says_the_same(product)),
            Evidence::Like(taste) => (Source::Similar, narrator.like(taste)),
            Evidence::LikeProduct(other) => (Source::Similar, narrator.like_product(*other)),
            Evidence::PopularIn(category) => {
                (Source::PopularInCategory, narrator.popular_in(product, *category))
            }
            Evidence::Popular => (Source::Popular, narrator.popular(product)),
        };
        let product_id = serving.catalogue.id(product).to_string();
        RankedItem {
            product_id,
            score: candidate.score,
            relevance: candidate.relevance,
            deltas: Vec::new(),
            pinned: false,
            source,
            reasons,
        }
    });
    Ranked { items: items.collect(), shortfall, ..Ranked::default() }
}
