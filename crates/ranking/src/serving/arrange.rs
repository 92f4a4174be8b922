//! From the candidates of an answer to the list that is shown: products get their numbers and names
//! here, the wishes are granted in `rerank`.

use std::{cell::RefCell, collections::HashMap};

use super::{
    Serving,
    catalogue::{Catalogue, Gate},
    recommend::{Candidate, Evidence, Rung, fill_up, ranked},
};
use crate::{
    Arrangement, Impression, Ranked, RecommendQuery, Relaxation, Shortfall, Wish,
    rerank::{Adjustments, Arranged, Deltas, Likeness, Pooled, Wishes, arrange as arrange_pool, spread_of},
};

/// So many candidates are gathered when scores are moved: what is lifted to the top must be among
/// them.
const POOL: usize = 200;

/// How many candidates an answer needs, of which the arrangement makes the list.
pub(super) fn pool_size(query: &RecommendQuery<'_>) -> usize {
    let Arrangement { diversity, spare, .. } = query.arrangement;
    if query.arrangement.is_plain() || query.limit == 0 {
        return query.limit;
    }
    let moves_scores = query.arrangement.moves_scores();
    let is_varied = moves_scores || *diversity > 0.0;
    let looked_at = if is_varied { query.limit * 3 + 20 } else { query.limit };
    looked_at.max(if moves_scores { POOL } else { 0 }).max(query.limit + spare)
}

/// Adds what is popular, as far as the list needs it: of categories with room under their caps, and
/// only then of any.
pub(super) fn fill_up_with_popular(
    serving: &Serving,
    query: &RecommendQuery<'_>,
    gate: &Gate<'_>,
    accept: &dyn Fn(u32) -> bool,
    candidates: &mut Vec<Candidate<'_>>,
) {
    let everywhere = Rung::Everywhere(gate.categories());
    let (room, beyond) = Room::beside(serving, query, candidates);
    let fits = |product: u32| accept(product) && room.takes(product);
    fill_up(serving, candidates, pool_size(query) + beyond, everywhere, &fits);
    if room.is_bounded() {
        fill_up(serving, candidates, query.limit, everywhere, accept);
    }
}

/// The answer made of candidates that are all accepted, the best first. `why_short` tells why there
/// are so few of them.
pub(super) fn answer(
    serving: &Serving,
    query: &RecommendQuery<'_>,
    accept: &dyn Fn(u32) -> bool,
    candidates: Vec<Candidate<'_>>,
    why_short: &dyn Fn(usize) -> Option<Shortfall>,
    now_us: i64,
) -> Ranked {
    if query.arrangement.is_plain() {
        let shortfall = why_short(candidates.len());
        return ranked(serving, candidates, shortfall, now_us);
    }
    let list = arrange(serving, query, accept, candidates, now_us);
    let relevant_enough = |reason| if list.left_out > 0 { Shortfall::TooLittleRelevance } else { reason };
    let shortfall = why_short(list.length).map(relevant_enough);
    let mut answer = ranked(serving, list.candidates, shortfall, now_us);
    for (item, deltas) in answer.items.iter_mut().zip(&list.deltas) {
        item.deltas = deltas.named().collect();
    }
    for place in list.pinned {
        answer.items[place].pinned = true;
    }
    answer.spare = answer.items.split_off(list.length);
    answer.relaxations = list.relaxations;
    answer
}

/// The room that category caps leave, so that what fills the list up is of other categories.
pub(super) struct Room<'a> {
    catalogue: &'a Catalogue,
    caps: Vec<(u32, usize)>,
    other_cap: Option<usize>,
    counts: RefCell<HashMap<u32, usize>>,
}

impl<'a> Room<'a> {
    /// All of it.
    pub(super) fn of(serving: &'a Serving, arrangement: &Arrangement) -> Self {
        let (caps, other_cap) = caps_of(&serving.catalogue, arrangement);
        Self { catalogue: &serving.catalogue, caps, other_cap, counts: RefCell::default() }
    }

    /// What the candidates leave, and how many of them are beyond the caps.
    fn beside(
        serving: &'a Serving,
        query: &RecommendQuery<'_>,
        candidates: &[Candidate<'_>],
    ) -> (Self, usize) {
        let room = Self::of(serving, query.arrangement);
        let beyond = candidates.iter().filter(|candidate| !room.takes(candidate.product)).count();
        (room, beyond)
    }

    fn is_bounded(&self) -> bool {
        !self.caps.is_empty() || self.other_cap.is_some()
    }

    /// Whether there is room for the product, which takes it.
    pub(super) fn takes(&self, product: u32) -> bool {
        let Some(category) = self.catalogue.category(product).filter(|_| self.is_bounded()) else {
            return true;
        };
        let own = self.caps.binary_search_by_key(&category, |&(category, _)| category);
        let Some(cap) = own.map(|found| self.caps[found].1).ok().or(self.other_cap) else { return true };
        let mut counts = self.counts.borrow_mut();
        let count = counts.entry(category).or_default();
        *count += 1;
        *count <= cap
    }
}

/// The caps of categories by number, in their order, and the cap of all others.
fn caps_of(catalogue: &Catalogue, arrangement: &Arrangement) -> (Vec<(u32, usize)>, Option<usize>) {
    let named = arrangement.category_caps.iter().filter(|cap| !cap.category.is_empty());
    let mut caps: Vec<(u32, usize)> =
        named.filter_map(|cap| Some((catalogue.category_number(&cap.category)?, cap.max_count))).collect();
    caps.sort_unstable();
    caps.dedup_by_key(|cap| cap.0);
    let others = arrangement.category_caps.iter().filter(|cap| cap.category.is_empty());
    (caps, others.map(|cap| cap.max_count).min())
}

/// Candidates in the order of the list, then those that are spare.
struct List<'a> {
    candidates: Vec<Candidate<'a>>,
    /// The length of the list.
    length: usize,
    /// How many candidates are not relevant enough.
    left_out: usize,
    deltas: Vec<Deltas>,
    pinned: Vec<usize>,
    relaxations: Vec<Relaxation>,
}

/// Arranges candidates that are all accepted, the best first. A pin may bring a product that is not
/// among them, if it is accepted: if the constraints and the customer's history let it.
fn arrange<'a>(
    serving: &Serving,
    query: &RecommendQuery<'_>,
    accept: &dyn Fn(u32) -> bool,
    mut candidates: Vec<Candidate<'a>>,
    now_us: i64,
) -> List<'a> {
    let arrangement = query.arrangement;
    let catalogue = &serving.catalogue;
    let mut relaxations = Vec::new();
    let pins = pins_that_may_be(serving, query, accept, &mut relaxations);
    let lowest = candidates.last().map_or(0.0, |last| last.score);
    for &(product, _) in &pins {
        if candidates.iter().all(|candidate| candidate.product != product) {
            candidates.push(Candidate {
                product,
                score: lowest,
                relevance: None,
                evidence: Evidence::Popular,
            });
        }
    }
    let mut pool = pool_of(catalogue, &candidates);
    if arrangement.moves_scores() {
        adjust(catalogue, query, &mut pool, now_us);
    }
    let likeness_of = |product: u32| catalogue.record(product).map_or_else(Likeness::default, Likeness::of);
    let (caps, other_cap) = caps_of(catalogue, arrangement);
    let wishes = Wishes {
        limit: query.limit,
        diversity: arrangement.diversity,
        min_relevance: arrangement.min_relevance,
        caps,
        other_cap,
        pins,
        likeness_of: &likeness_of,
        category_name: &|category| catalogue.category_name(category),
        product_id: &|product| catalogue.id(product),
    };
    let arranged = arrange_pool(pool, &wishes);
    relaxations.extend_from_slice(&arranged.relaxations);
    in_order(candidates, arranged, arrangement.spare, relaxations)
}

/// The pins that break no constraint; the others are given up.
fn pins_that_may_be(
    serving: &Serving,
    query: &RecommendQuery<'_>,
    accept: &dyn Fn(u32) -> bool,
    relaxations: &mut Vec<Relaxation>,
) -> Vec<(u32, usize)> {
    let mut pins = Vec::new();
    for pin in &query.arrangement.pins {
        let found = serving.catalogue.find(&pin.product_id);
        match found {
            Some(product) if accept(product) => pins.push((product, pin.position)),
            _ => {
                let record = found.and_then(|product| serving.catalogue.record(product));
                let because = match query.filter.why_refused(record) {
                    Some(refusal) => refusal.to_string(),
                    None => "what the customer bought, or does not want, rules it out".to_owned(),
                };
                let detail = format!("{} is not shown: {because}", pin.product_id);
                relaxations.push(Relaxation::of(Wish::Pin, detail));
            }
        }
    }
    pins
}

/// Candidates with numbers. What no learned ranker has scored is relevant as far as its score is a
/// share of the best one; beside what one has scored, it is not relevant.
fn pool_of(catalogue: &Catalogue, candidates: &[Candidate<'_>]) -> Vec<Pooled> {
    let is_learned = candidates.iter().any(|candidate| candidate.relevance.is_some());
    let best = candidates.first().filter(|_| !is_learned).map_or(0.0, |best| best.score);
    let share = |score: f64| if best > 0.0 { (score / best).clamp(0.0, 1.0) } else { 0.0 };
    let pooled = |candidate: &Candidate<'_>| Pooled {
        product: candidate.product,
        score: candidate.score,
        relevance: candidate.relevance.map_or_else(|| share(candidate.score), f64::from),
        category: catalogue.category(candidate.product),
        deltas: Deltas::default(),
    };
    candidates.iter().map(pooled).collect()
}

fn adjust(catalogue: &Catalogue, query: &RecommendQuery<'_>, pool: &mut [Pooled], now_us: i64) {
    let spread = spread_of(pool.iter().map(|pooled| pooled.score));
    let adjustments = Adjustments::new(query.arrangement, spread, now_us);
    let mut shown: Vec<(u32, &Impression)> = Vec::new();
    if query.arrangement.rotation > 0.0 {
        for impression in query.impressions {
            shown.extend(catalogue.find(&impression.product_id).map(|product| (product, impression)));
        }
        shown.sort_unstable_by_key(|&(product, _)| product);
    }
    for pooled in pool {
        let Some(record) = catalogue.record(pooled.product) else { continue };
        let found = shown.binary_search_by_key(&pooled.product, |&(product, _)| product);
        adjustments.apply(pooled, record, found.ok().map(|place| shown[place].1));
    }
}

fn in_order<'a>(
    candidates: Vec<Candidate<'a>>,
    arranged: Arranged,
    spare: usize,
    relaxations: Vec<Relaxation>,
) -> List<'a> {
    let mut by_product: Vec<Candidate<'a>> = candidates;
    by_product.sort_unstable_by_key(|candidate| candidate.product);
    let mut places: Vec<Option<Candidate<'a>>> = Vec::new();
    places.resize_with(arranged.pool.len().min(arranged.length + spare), || None);
    let mut wanted: Vec<(u32, usize)> = arranged
        .pool
        .iter()
        .take(places.len())
        .enumerate()
        .map(|(place, pooled)| (pooled.product, place))
        .collect();
    wanted.sort_unstable();
    let mut by_product = by_product.into_iter();
    for (product, place) in wanted {
        places[place] = by_product
            .find(|candidate| candidate.product == product)
            .map(|candidate| Candidate { score: arranged.pool[place].score, ..candidate });
    }
    List {
        candidates: places.into_iter().flatten().collect(),
        length: arranged.length,
        left_out: arranged.left_out,
        deltas: arranged.pool.iter().map(|pooled| pooled.deltas).collect(),
        pinned: arranged.pinned,
        relaxations,
    }
}
