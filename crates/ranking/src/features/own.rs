//! One product of the customer's history, as seen on a day: sums, rhythm and recency.

use std::sync::LazyLock;

use super::customer::CustomerHistory;
use crate::occasion::Occasion;

/// Half-lives of the sums, in days.
pub(super) const HALF_LIVES_DAYS: [f32; 5] = [7.0, 21.0, 60.0, 120.0, 300.0];

pub(super) const HALVING_7: usize = 0;
pub(super) const HALVING_21: usize = 1;
pub(super) const HALVING_60: usize = 2;
pub(crate) const HALVING_120: usize = 3;
pub(super) const HALVING_300: usize = 4;

/// Ages beyond this are seen as this: nothing is told from two years and from three.
const OLDEST_DAYS: usize = 1_023;

/// What a part of each age is worth, by half-life.
static WORTH: LazyLock<Vec<[f32; 5]>> = LazyLock::new(|| {
    let worth = |age: usize| HALF_LIVES_DAYS.map(|half_life| (-(age as f32) / half_life).exp2());
    (0..=OLDEST_DAYS).map(worth).collect()
});

/// What a day so many days ago is worth, by half-life.
pub(crate) fn worth(age_days: i32) -> [f32; 5] {
    WORTH[age_days.clamp(0, OLDEST_DAYS as i32) as usize]
}

/// A product of the history. What is not known is NaN, which the ranker sees as missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct OwnProduct {
    pub product: u32,
    /// Days it was bought on.
    pub days: f32,
    /// Those days, decayed by each half-life.
    pub decayed: [f32; 5],
    /// Views, carts and likes, decayed.
    pub interest: f32,
    /// What every day counts for, halving every ten months: what discovery goes by.
    pub taste: f32,
    /// Days since the last purchase.
    pub since: f32,
    pub first: f32,
    pub gap: f32,
    pub gap_deviation: f32,
    pub last_gap: f32,
    /// Mean pieces at a time.
    pub quantity: f32,
    pub last_5: f32,
    pub last_10: f32,
    pub last_20: f32,
    pub baskets_since: f32,
    pub baskets_since_first: f32,
    pub rank: f32,
}

impl OwnProduct {
    /// How much it draws the customer, for choosing what to look near to.
    pub(crate) fn pull(&self) -> f32 {
        self.decayed[HALVING_120] + self.interest
    }
}

/// What the days of a product count for, halving every ten months.
pub(crate) fn taste(occasions: &[Occasion], now_day: i32) -> f32 {
    let age = |occasion: &Occasion| now_day.saturating_sub(occasion.day).max(0);
    occasions.iter().map(|occasion| occasion.weight() * worth(age(occasion))[HALVING_300]).sum()
}

pub(super) fn weigh(
    history: &CustomerHistory,
    now_day: i32,
    own: &mut Vec<OwnProduct>,
    order: &mut Vec<u32>,
) {
    own.clear();
    own.extend(
        history.products().map(|(product, occasions)| weigh_one(history, product, occasions, now_day)),
    );
    order.clear();
    order.extend(0..own.len() as u32);
    order.sort_unstable_by(|&one, &other| {
        let pull = |place: u32| own[place as usize].pull();
        pull(other).total_cmp(&pull(one)).then(one.cmp(&other))
    });
    for (rank, &place) in order.iter().enumerate() {
        own[place as usize].rank = rank as f32;
    }
}

fn weigh_one(history: &CustomerHistory, product: u32, occasions: &[Occasion], now_day: i32) -> OwnProduct {
    let age_of = |day: i32| now_day.saturating_sub(day).max(0);
    let mut own = OwnProduct {
        product,
        days: 0.0,
        decayed: [0.0; 5],
        interest: 0.0,
        taste: taste(occasions, now_day),
        since: f32::NAN,
        first: f32::NAN,
        gap: f32::NAN,
        gap_deviation: f32::NAN,
        last_gap: f32::NAN,
        quantity: f32::NAN,
        last_5: 0.0,
        last_10: 0.0,
        last_20: 0.0,
        baskets_since: f32::NAN,
        baskets_since_first: f32::NAN,
        rank: 0.0,
    };
    let (mut pieces, mut squares) = (0.0, 0.0);
    let mut before: Option<i32> = None;
    for occasion in occasions {
        let age = age_of(occasion.day);
        let worth = worth(age);
        if !occasion.is_purchase() {
            own.interest += occasion.weight() * worth[HALVING_21];
            continue;
        }
        own.days += 1.0;
        for (sum, part) in own.decayed.iter_mut().zip(worth) {
            *sum += part;
        }
        pieces += occasion.pieces();
        let baskets_since = history.baskets_after(occasion.day);
        own.last_5 += f32::from(u8::from(baskets_since < 5));
        own.last_10 += f32::from(u8::from(baskets_since < 10));
        own.last_20 += f32::from(u8::from(baskets_since < 20));
        own.baskets_since = baskets_since as f32;
        own.since = age as f32;
        match before {
            None => {
                own.first = age as f32;
                own.baskets_since_first = baskets_since as f32 + 1.0;
            }
            Some(day) => {
                own.last_gap = (occasion.day - day) as f32;
                squares += own.last_gap * own.last_gap;
            }
        }
        before = Some(occasion.day);
    }
    if own.days > 0.0 {
        own.quantity = pieces / own.days;
    }
    let gaps = own.days - 1.0;
    if gaps >= 1.0 {
        own.gap = (own.first - own.since) / gaps;
        if gaps >= 2.0 {
            own.gap_deviation = (squares / gaps - own.gap * own.gap).max(0.0).sqrt();
        }
    }
    own
}
