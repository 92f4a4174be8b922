//! What is known of one customer and one product, gathered from any number of events.

use crate::{
    Event, InteractionKind,
    decay::{DecayedSum, HalfLife, clamp_time},
    occasion::{Occasion, OccasionLog},
};

/// No purchase, opinion or sighting yet.
pub(crate) const NEVER_US: i64 = i64::MIN;

/// What each kind of event says about wanting the product again, a purchase being 1.
const CART_WEIGHT: f64 = 0.3;
const LIKE_WEIGHT: f64 = 0.5;
const VIEW_WEIGHT: f64 = 0.05;
/// Of a rating with all stars; one without any weighs as much against it.
const RATING_WEIGHT: f64 = 0.5;

/// The middle of 0 to 5 stars: neither for nor against.
const MIDDLE_STARS: f64 = 2.5;

/// The customer's word at or below this (a dislike, or at most one star) pushes the product out.
const UNWANTED_OPINION: f32 = -0.6;

/// Interest without a purchase, as a share of a buyer when counting what is popular.
const INTEREST_SHARE: f64 = 0.2;

/// The facts of one customer and one product. Merging is associative and commutative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Facts {
    /// Purchases, however many pieces each.
    pub purchases: u32,
    /// Events of every kind.
    pub events: u32,
    /// Which kinds were seen, a bit each.
    pub kinds: u8,
    /// The customer's latest word on it, -1 to 1; 0 when there is none.
    pub opinion: f32,
    pub opinion_at_us: i64,
    pub first_purchase_us: i64,
    pub last_purchase_us: i64,
    /// The last event that was not against it.
    pub last_seen_us: i64,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            purchases: 0,
            events: 0,
            kinds: 0,
            opinion: 0.0,
            opinion_at_us: NEVER_US,
            first_purchase_us: NEVER_US,
            last_purchase_us: NEVER_US,
            last_seen_us: NEVER_US,
        }
    }
}

impl Facts {
    fn of(event: &Event, time_us: i64) -> Self {
        let mut facts = Self { events: 1, kinds: kind_bit(event.kind), ..Self::default() };
        if let Some(opinion) = opinion_of(event) {
            facts.opinion = opinion;
            facts.opinion_at_us = time_us;
        }
        if event.kind == InteractionKind::Purchase {
            facts.purchases = 1;
            facts.first_purchase_us = time_us;
            facts.last_purchase_us = time_us;
        }
        if facts.opinion >= 0.0 {
            facts.last_seen_us = time_us;
        }
        facts
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.purchases = self.purchases.saturating_add(other.purchases);
        self.events = self.events.saturating_add(other.events);
        self.kinds |= other.kinds;
        let newer = other.opinion_at_us > self.opinion_at_us;
        let worse_at_once = other.opinion_at_us == self.opinion_at_us && other.opinion < self.opinion;
        if newer || worse_at_once {
            self.opinion = other.opinion;
            self.opinion_at_us = other.opinion_at_us;
        }
        self.first_purchase_us = match (self.first_purchase_us, other.first_purchase_us) {
            (NEVER_US, time_us) | (time_us, NEVER_US) => time_us,
            (one, another) => one.min(another),
        };
        self.last_purchase_us = self.last_purchase_us.max(other.last_purchase_us);
        self.last_seen_us = self.last_seen_us.max(other.last_seen_us);
    }

    pub(crate) fn merged(mut self, other: &Self) -> Self {
        self.merge(other);
        self
    }

    pub(crate) fn saw(&self, kind: InteractionKind) -> bool {
        self.kinds & kind_bit(kind) != 0
    }

    /// Whether the customer said that they do not want it.
    pub(crate) fn is_unwanted(&self) -> bool {
        self.opinion <= UNWANTED_OPINION
    }

    /// When and how much this customer counts for the popularity of the product: once, at the last
    /// purchase, so that nobody can make a product popular alone.
    pub(crate) fn popularity_part(&self) -> Option<(i64, f64)> {
        if self.purchases > 0 {
            Some((self.last_purchase_us, 1.0))
        } else if self.last_seen_us != NEVER_US {
            Some((self.last_seen_us, INTEREST_SHARE))
        } else {
            None
        }
    }
}

/// Facts together with how much the customer is drawn to the product.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pair {
    pub facts: Facts,
    pub weight: DecayedSum,
    pub occasions: OccasionLog,
}

impl Pair {
    /// Counts an event at `time_us`, which is its own time or an earlier bound for it.
    pub(crate) fn add(&mut self, event: &Event, time_us: i64, personal_half_life: HalfLife) {
        let time_us = clamp_time(time_us);
        self.facts.merge(&Facts::of(event, time_us));
        let weight = weight_of(event);
        if weight != 0.0 {
            self.weight.add(personal_half_life, time_us, weight);
        }
        if let Some(occasion) = Occasion::of(event, time_us, weight) {
            self.occasions.add(occasion);
        }
    }
}

fn kind_bit(kind: InteractionKind) -> u8 {
    1 << kind as u8
}

fn stars_around_middle(event: &Event) -> f64 {
    let stars = event.value.filter(|stars| stars.is_finite()).unwrap_or(MIDDLE_STARS);
    (stars.clamp(0.0, 2.0 * MIDDLE_STARS) - MIDDLE_STARS) / MIDDLE_STARS
}

fn weight_of(event: &Event) -> f64 {
    match event.kind {
        InteractionKind::View => VIEW_WEIGHT,
        InteractionKind::Cart => CART_WEIGHT,
        InteractionKind::Purchase => 1.0,
        InteractionKind::Like => LIKE_WEIGHT,
        InteractionKind::Dislike => 0.0,
        InteractionKind::Rating => RATING_WEIGHT * stars_around_middle(event),
    }
}

fn opinion_of(event: &Event) -> Option<f32> {
    match event.kind {
        InteractionKind::Like => Some(1.0),
        InteractionKind::Dislike => Some(-1.0),
        InteractionKind::Rating => Some(stars_around_middle(event) as f32),
        InteractionKind::View | InteractionKind::Cart | InteractionKind::Purchase => None,
    }
}
