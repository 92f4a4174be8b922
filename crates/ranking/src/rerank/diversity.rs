//! The order of a list that trades relevance for variety.
//!
//! One list is chosen greedily by maximal marginal relevance: the next product is the one with the
//! largest `(1 - λ) · relevance - λ · similarity to what is chosen` (Carbonell and Goldstein, "The
//! use of MMR", SIGIR 1998). A larger λ does not always make a more varied list, so the lists of a
//! fixed grid of λ are made up to the λ that is asked for, and the most varied of them is taken. What
//! is asked for with more diversity chooses among the same lists and more: the mean distance within
//! the list (intra-list distance) can therefore never fall.

use super::Likeness;

/// The steps of the grid between 0 and 1.
const STEPS: u32 = 16;

/// What may be chosen from, the best first, and what a list must keep to.
pub(super) struct Choice {
    /// 0 to 1, the best product's being 1.
    pub(super) relevances: Vec<f32>,
    /// The number of the group with a cap that each belongs to.
    pub(super) groups: Vec<Option<usize>>,
    /// How many of each group there may be.
    pub(super) caps: Vec<usize>,
    /// The product that must stand at each place of the list.
    pub(super) pinned: Vec<Option<usize>>,
}

/// A list, and how many of its products are there although their groups are full.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chosen {
    pub(super) places: Vec<usize>,
    pub(super) over_caps: Vec<usize>,
}

/// How alike each product of a choice is to each other one.
struct Similarities {
    count: usize,
    cells: Vec<f32>,
}

impl Similarities {
    fn of(likenesses: &[Likeness]) -> Self {
        let count = likenesses.len();
        let mut cells = vec![0.0; count * count];
        for one in 0..count {
            for other in 0..one {
                let similarity = likenesses[one].similarity(likenesses[other]);
                cells[one * count + other] = similarity;
                cells[other * count + one] = similarity;
            }
        }
        Self { count, cells }
    }

    fn row(&self, one: usize) -> &[f32] {
        &self.cells[one * self.count..(one + 1) * self.count]
    }

    /// The sum of the distances within a list; its length is the same for all that are compared.
    fn distance_within(&self, places: &[usize]) -> f64 {
        let mut sum = 0.0;
        for (place, &one) in places.iter().enumerate() {
            let row = self.row(one);
            sum += places[..place].iter().map(|&other| 1.0 - f64::from(row[other])).sum::<f64>();
        }
        sum
    }
}

/// The list of so much diversity, 0 to 1; 0 is the plain order as far as caps and pins let it be.
pub(super) fn choose(choice: &Choice, likenesses: &dyn Fn() -> Vec<Likeness>, diversity: f64) -> Chosen {
    let steps = (diversity.clamp(0.0, 1.0) * f64::from(STEPS)).ceil() as u32;
    let plain = greedy(choice, None, 0.0);
    if steps == 0 || choice.relevances.len() < 3 {
        return plain;
    }
    let similarities = Similarities::of(&likenesses());
    let mut farthest = similarities.distance_within(&plain.places);
    let mut best = plain;
    for step in 1..=steps {
        let trade = step as f32 / STEPS as f32;
        let list = greedy(choice, Some(&similarities), trade);
        let distance = similarities.distance_within(&list.places);
        if distance > farthest {
            farthest = distance;
            best = list;
        }
    }
    best
}

/// One list, place by place from the top.
fn greedy(choice: &Choice, similarities: Option<&Similarities>, trade: f32) -> Chosen {
    let mut maker = Maker::new(choice, similarities, trade);
    for place in 0..choice.pinned.len() {
        let next = choice.pinned[place].or_else(|| maker.next());
        maker.places.extend(next);
    }
    Chosen { places: maker.places, over_caps: maker.over_caps }
}

/// A list in the making.
struct Maker<'a> {
    choice: &'a Choice,
    similarities: Option<&'a Similarities>,
    trade: f32,
    taken: Vec<bool>,
    /// Nothing for what may be chosen next, negative infinity for what may not.
    open: Vec<f32>,
    /// How alike each is to the one of the chosen that is most like it.
    nearest: Vec<f32>,
    counts: Vec<usize>,
    caps_given_up: bool,
    places: Vec<usize>,
    over_caps: Vec<usize>,
}

impl<'a> Maker<'a> {
    fn new(choice: &'a Choice, similarities: Option<&'a Similarities>, trade: f32) -> Self {
        let count = choice.relevances.len();
        let mut maker = Self {
            choice,
            similarities,
            trade,
            taken: vec![false; count],
            open: vec![0.0; count],
            nearest: vec![0.0; count],
            counts: vec![0; choice.caps.len()],
            caps_given_up: false,
            places: Vec::with_capacity(choice.pinned.len()),
            over_caps: vec![0; choice.caps.len()],
        };
        (0..choice.caps.len()).for_each(|group| maker.close_if_full(group));
        for &pinned in choice.pinned.iter().flatten() {
            maker.take(pinned);
        }
        maker
    }

    /// The best that is left and fits; when nothing fits, the best that is left.
    fn next(&mut self) -> Option<usize> {
        let next = self.best().or_else(|| {
            self.caps_given_up = true;
            for (open, &taken) in self.open.iter_mut().zip(&self.taken) {
                *open = if taken { f32::NEG_INFINITY } else { 0.0 };
            }
            self.best()
        })?;
        if let Some(group) = self.choice.groups[next].filter(|_| self.caps_given_up) {
            self.over_caps[group] += 1;
        }
        self.take(next);
        Some(next)
    }

    /// The first of those worth most.
    fn best(&self) -> Option<usize> {
        let kept = 1.0 - self.trade;
        let terms = self.choice.relevances.iter().zip(&self.nearest).zip(&self.open);
        let mut best = (None, f32::NEG_INFINITY);
        for (one, ((relevance, nearest), open)) in terms.enumerate() {
            let worth = open + kept * relevance - self.trade * nearest;
            if worth > best.1 {
                best = (Some(one), worth);
            }
        }
        best.0
    }

    fn take(&mut self, one: usize) {
        self.taken[one] = true;
        self.open[one] = f32::NEG_INFINITY;
        if let Some(group) = self.choice.groups[one] {
            self.counts[group] += 1;
            self.close_if_full(group);
        }
        if let Some(similarities) = self.similarities {
            for (nearest, &similarity) in self.nearest.iter_mut().zip(similarities.row(one)) {
                *nearest = if similarity > *nearest { similarity } else { *nearest };
            }
        }
    }

    /// No more of a group that has as many as its cap.
    fn close_if_full(&mut self, group: usize) {
        if self.counts[group] < self.choice.caps[group] || self.caps_given_up {
            return;
        }
        for (open, of) in self.open.iter_mut().zip(&self.choice.groups) {
            if *of == Some(group) {
                *open = f32::NEG_INFINITY;
            }
        }
    }
}
