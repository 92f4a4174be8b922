//! From a pool of scored products to the list that is shown, with what was given up.

use super::{
    Likeness, Pooled, Relaxation, Wish,
    diversity::{Choice, Chosen, choose},
};

/// Diversity chooses for so many places; nobody looks at a list of more as a whole.
const MOST_VARIED_PLACES: usize = 100;

/// For each place that is chosen for, so many products are looked at, and some more.
const LOOKED_AT_FOR_A_PLACE: usize = 3;
const LOOKED_AT_BESIDES: usize = 20;

/// The soft wishes about a list, with products and categories by number.
pub(crate) struct Wishes<'a> {
    /// So many products at most.
    pub(crate) limit: usize,
    pub(crate) diversity: f64,
    pub(crate) min_relevance: f64,
    /// Caps by category, in the order of categories.
    pub(crate) caps: Vec<(u32, usize)>,
    /// The cap of every category that has none of its own.
    pub(crate) other_cap: Option<usize>,
    /// Products of the pool and their places, 1 being the first.
    pub(crate) pins: Vec<(u32, usize)>,
    pub(crate) likeness_of: &'a dyn Fn(u32) -> Likeness,
    pub(crate) category_name: &'a dyn Fn(u32) -> &'a str,
    pub(crate) product_id: &'a dyn Fn(u32) -> &'a str,
}

/// A list that has been arranged, followed by what is left of the pool.
pub(crate) struct Arranged {
    /// First the list, then everything else from the best to the worst.
    pub(crate) pool: Vec<Pooled>,
    /// The length of the list.
    pub(crate) length: usize,
    /// The places of the list, from 0, whose products are pinned there.
    pub(crate) pinned: Vec<usize>,
    /// What was given up, each wish with its reason.
    pub(crate) relaxations: Vec<Relaxation>,
    /// How many products were left out because they are not relevant enough.
    pub(crate) left_out: usize,
}

/// Arranges a pool in which no product may break a hard constraint, or come twice. Products with the
/// same score keep their order.
pub(crate) fn arrange(mut pool: Vec<Pooled>, wishes: &Wishes<'_>) -> Arranged {
    let is_pinned = |pooled: &Pooled| wishes.pins.iter().any(|&(product, _)| product == pooled.product);
    let before = pool.len();
    if wishes.min_relevance > 0.0 {
        pool.retain(|pooled| pooled.relevance >= wishes.min_relevance || is_pinned(pooled));
    }
    let left_out = before - pool.len();
    pool.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut maker = ListMaker::new(&pool, wishes);
    maker.vary();
    maker.fill();
    let (list, pinned, relaxations) = maker.finish();
    let mut in_list = vec![false; pool.len()];
    list.iter().for_each(|&one| in_list[one] = true);
    let rest = (0..pool.len()).filter(|&one| !in_list[one]);
    let ordered = list.iter().copied().chain(rest).map(|one| pool[one]).collect();
    Arranged { pool: ordered, length: list.len(), pinned, relaxations, left_out }
}

/// Products that share a cap.
#[derive(Default)]
struct Groups {
    /// By place in the pool.
    of: Vec<Option<usize>>,
    categories: Vec<u32>,
    caps: Vec<usize>,
    sizes: Vec<usize>,
}

impl Groups {
    fn new(pool: &[Pooled], wishes: &Wishes<'_>) -> Self {
        let mut groups = Self { of: vec![None; pool.len()], ..Self::default() };
        if wishes.caps.is_empty() && wishes.other_cap.is_none() {
            return groups;
        }
        let mut numbers = std::collections::HashMap::new();
        for (place, pooled) in pool.iter().enumerate() {
            let Some(category) = pooled.category else { continue };
            let own = wishes.caps.binary_search_by_key(&category, |&(category, _)| category);
            let Some(cap) = own.map(|found| wishes.caps[found].1).ok().or(wishes.other_cap) else { continue };
            let group = *numbers.entry(category).or_insert(groups.caps.len());
            if group == groups.caps.len() {
                groups.categories.push(category);
                groups.caps.push(cap);
                groups.sizes.push(0);
            }
            groups.of[place] = Some(group);
            groups.sizes[group] += 1;
        }
        groups
    }

    /// How many products a list can have without breaking a cap.
    fn capacity(&self) -> usize {
        let free = self.of.iter().filter(|group| group.is_none()).count();
        free + self.sizes.iter().zip(&self.caps).map(|(&size, &cap)| size.min(cap)).sum::<usize>()
    }
}

/// A list in the making, by places in the pool.
struct ListMaker<'a, 'w> {
    pool: &'a [Pooled],
    wishes: &'a Wishes<'w>,
    groups: Groups,
    /// What is pinned to each place of the list.
    slots: Vec<Option<usize>>,
    list: Vec<usize>,
    taken: Vec<bool>,
    counts: Vec<usize>,
    over_caps: Vec<usize>,
    relaxations: Vec<Relaxation>,
}

impl<'a, 'w> ListMaker<'a, 'w> {
    fn new(pool: &'a [Pooled], wishes: &'a Wishes<'w>) -> Self {
        let groups = Groups::new(pool, wishes);
        let mut maker = Self {
            pool,
            wishes,
            slots: vec![None; wishes.limit.min(pool.len())],
            list: Vec::with_capacity(wishes.limit.min(pool.len())),
            taken: vec![false; pool.len()],
            counts: vec![0; groups.caps.len()],
            over_caps: vec![0; groups.caps.len()],
            groups,
            relaxations: Vec::new(),
        };
        for &(product, position) in &wishes.pins {
            maker.pin(product, position);
        }
        maker
    }

    /// Keeps a place for a product.
    fn pin(&mut self, product: u32, position: usize) {
        let Some(one) = self.pool.iter().position(|pooled| pooled.product == product) else { return };
        let id = (self.wishes.product_id)(product);
        if position > self.wishes.limit {
            let limit = self.wishes.limit;
            let detail = format!("{id} is pinned to place {position}, but the list has {limit}");
            self.relaxations.push(Relaxation::of(Wish::Pin, detail));
            return;
        }
        if self.taken[one] || self.slots.is_empty() {
            return;
        }
        let wanted = position.saturating_sub(1).min(self.slots.len() - 1);
        let below = (wanted..self.slots.len()).find(|&slot| self.slots[slot].is_none());
        let slot = below.or_else(|| (0..wanted).rev().find(|&slot| self.slots[slot].is_none()));
        if slot.map(|slot| slot + 1) != Some(position) {
            let moved = slot.map_or_else(|| "left out".to_owned(), |slot| format!("at place {}", slot + 1));
            let detail = format!("{id} is {moved}: place {position} is taken, or beyond the end of the list");
            self.relaxations.push(Relaxation::of(Wish::Pin, detail));
        }
        if let Some(slot) = slot {
            self.slots[slot] = Some(one);
            self.take(one);
        }
    }

    fn take(&mut self, one: usize) {
        self.taken[one] = true;
        if let Some(group) = self.groups.of[one] {
            self.counts[group] += 1;
        }
    }

    /// Chooses the first places with an eye to variety.
    fn vary(&mut self) {
        let places = self.slots.len().min(MOST_VARIED_PLACES);
        if self.wishes.diversity <= 0.0 || places == 0 {
            return;
        }
        let looked_at = self.look_at(places);
        let place_in_choice = |one: usize| looked_at.binary_search(&one).ok();
        let pinned = self.slots[..places].iter().map(|slot| slot.and_then(place_in_choice)).collect();
        let mut counted_later = vec![0; self.counts.len()];
        for &slot in self.slots[places..].iter().flatten() {
            if let Some(group) = self.groups.of[slot] {
                counted_later[group] += 1;
            }
        }
        let choice = Choice {
            relevances: self.shares_of_range(&looked_at),
            groups: looked_at.iter().map(|&one| self.groups.of[one]).collect(),
            caps: self
                .groups
                .caps
                .iter()
                .zip(counted_later)
                .map(|(&cap, later)| cap.saturating_sub(later))
                .collect(),
            pinned,
        };
        let likenesses = || -> Vec<Likeness> {
            looked_at.iter().map(|&one| (self.wishes.likeness_of)(self.pool[one].product)).collect()
        };
        let Chosen { places: chosen, over_caps } = choose(&choice, &likenesses, self.wishes.diversity);
        for one in chosen.into_iter().map(|place| looked_at[place]) {
            if !self.taken[one] {
                self.take(one);
            }
            self.list.push(one);
        }
        self.over_caps = over_caps;
    }

    /// The products diversity chooses from, in the order of the pool: the best ones, but no more of
    /// a category with a cap than could matter, and all that the first places are pinned to.
    fn look_at(&self, places: usize) -> Vec<usize> {
        let most = places * LOOKED_AT_FOR_A_PLACE + LOOKED_AT_BESIDES;
        let mut counts = vec![0; self.groups.caps.len()];
        let (mut looked_at, mut passed_over): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
        for one in (0..self.pool.len()).filter(|&one| !self.taken[one]) {
            if looked_at.len() == most {
                break;
            }
            if let Some(group) = self.groups.of[one] {
                if counts[group] >= self.groups.caps[group].saturating_mul(LOOKED_AT_FOR_A_PLACE) {
                    passed_over.push(one);
                    continue;
                }
                counts[group] += 1;
            }
            looked_at.push(one);
        }
        if self.groups.capacity() < self.slots.len() {
            looked_at.extend(passed_over.into_iter().take(places));
        }
        looked_at.extend(self.slots[..places].iter().flatten());
        looked_at.sort_unstable();
        looked_at
    }

    /// Scores as shares of the way from the worst to the best of them.
    fn shares_of_range(&self, places: &[usize]) -> Vec<f32> {
        let score = |place: Option<&usize>| place.map_or(0.0, |&one| self.pool[one].score);
        let (best, worst) = (score(places.first()), score(places.last()));
        let range = if best > worst { best - worst } else { 1.0 };
        places.iter().map(|&one| ((self.pool[one].score - worst) / range) as f32).collect()
    }

    /// Fills the places that are left with the best that fits, and then with the best that does not.
    fn fill(&mut self) {
        let mut fitting = 0;
        let mut any = 0;
        for slot in self.list.len()..self.slots.len() {
            if let Some(pinned) = self.slots[slot] {
                self.list.push(pinned);
                continue;
            }
            while fitting < self.pool.len() && (self.taken[fitting] || self.is_full(fitting)) {
                fitting += 1;
            }
            let next = if fitting < self.pool.len() {
                fitting
            } else {
                while self.taken[any] {
                    any += 1;
                }
                if let Some(group) = self.groups.of[any] {
                    self.over_caps[group] += 1;
                }
                any
            };
            self.take(next);
            self.list.push(next);
        }
    }

    fn is_full(&self, one: usize) -> bool {
        self.groups.of[one].is_some_and(|group| self.counts[group] >= self.groups.caps[group])
    }

    fn finish(mut self) -> (Vec<usize>, Vec<usize>, Vec<Relaxation>) {
        for (group, &over) in self.over_caps.iter().enumerate().filter(|&(_, &over)| over > 0) {
            let category = (self.wishes.category_name)(self.groups.categories[group]);
            let cap = self.groups.caps[group];
            let detail = format!("{over} more of {category} than the {cap} wished for, to fill the list");
            self.relaxations.push(Relaxation::of(Wish::CategoryCap, detail));
        }
        if self.list.len() == self.pool.len() && !self.list.is_empty() {
            self.tell_that_all_is_shown();
        }
        let pinned = (0..self.slots.len()).filter(|&slot| self.slots[slot].is_some()).collect();
        (self.list, pinned, self.relaxations)
    }

    fn tell_that_all_is_shown(&mut self) {
        let count = self.list.len();
        if self.wishes.diversity > 0.0 && count > 1 {
            let detail = format!("all {count} products that fit are shown, there is nothing to choose from");
            self.relaxations.push(Relaxation::of(Wish::Diversity, detail));
        }
        let faded = self.pool.iter().filter(|pooled| pooled.deltas.rotation < 0.0).count();
        if faded > 0 {
            let detail =
                format!("{faded} products that were shown before are shown again, for want of others");
            self.relaxations.push(Relaxation::of(Wish::Rotation, detail));
        }
    }
}
