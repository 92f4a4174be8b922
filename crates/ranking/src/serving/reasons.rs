//! Sentences that say why a product is recommended. Each is true as it stands: counts come from the
//! history, and a span of time is only named when everything counted lies in it.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    Serving,
    taste::{Affinity, Taste},
};
use crate::{InteractionKind, history::NEVER_US};

const DAY_US: i64 = 24 * 3_600_000_000;

/// Up to here time is told in days or weeks before now; further back by the date.
const LONGEST_AGO_US: i64 = 70 * DAY_US;

/// A product is said to be bought again when this many bought it, and half of them again.
const FEWEST_BUYERS_TO_GENERALISE: u32 = 10;

/// Why somebody without a history is offered what customers of the same traits have.
pub(super) const SAYS_THE_SAME: &str = "bought more often by customers with a profile like yours";

pub(super) struct Narrator<'a> {
    serving: &'a Serving,
    now_us: i64,
}

impl<'a> Narrator<'a> {
    pub(super) fn new(serving: &'a Serving, now_us: i64) -> Self {
        Self { serving, now_us }
    }

    /// For a product of the customer's own history.
    pub(super) fn own(&self, taste: &Taste, near: Option<&Affinity>) -> Vec<String> {
        let facts = &taste.facts;
        let mut reasons = Vec::new();
        match facts.purchases {
            0 => {}
            1 => reasons.push(format!("you bought it once, {}", self.when(facts.last_purchase_us))),
            2 => reasons.push(format!("you bought it twice, last {}", self.when(facts.last_purchase_us))),
            times => reasons
                .push(format!("you bought it {times} times, last {}", self.when(facts.last_purchase_us))),
        }
        reasons.extend(rhythm(taste));
        if facts.opinion > 0.0 {
            let liked = facts.opinion >= 1.0 && facts.saw(InteractionKind::Like);
            reasons.push(if liked { "you said that you like it" } else { "you rated it well" }.to_owned());
        }
        if facts.purchases == 0 && facts.saw(InteractionKind::Cart) {
            reasons.push("you put it into your cart".to_owned());
        }
        if reasons.is_empty() {
            let looked = facts.saw(InteractionKind::View);
            let seen = self.when(facts.last_seen_us);
            reasons.push(if looked {
                format!("you looked at it, last {seen}")
            } else {
                "you rated it".to_owned()
            });
        }
        if facts.purchases < 2 {
            reasons.extend(near.map(|near| self.common(near)));
        }
        reasons.extend(self.bought_again(taste.product));
        reasons
    }

    /// For a product bought by the people who buy what the customer buys.
    pub(super) fn near(&self, near: &Affinity) -> Vec<String> {
        let mut reasons = vec![self.common(near)];
        reasons.extend(self.bought_again(near.product));
        reasons
    }

    /// For a product that customers with the same products buy.
    pub(super) fn alike(&self, product: u32) -> Vec<String> {
        let mut reasons = vec!["bought by customers who buy much of what you buy".to_owned()];
        reasons.extend(self.bought_again(product));
        reasons
    }

    /// For a product that customers of the same traits have more often than others.
    pub(super) fn says_the_same(&self, product: u32) -> Vec<String> {
        let mut reasons = vec![SAYS_THE_SAME.to_owned()];
        reasons.extend(self.bought_again(product));
        reasons
    }

    /// For a product nobody had yet that is like one of the customer's.
    pub(super) fn like(&self, taste: &Taste) -> Vec<String> {
        let name = self.serving.catalogue.name(taste.product);
        let did = if taste.facts.purchases > 0 { "bought" } else { "looked at" };
        vec![format!("new, and like {name}, which you {did}")]
    }

    /// For a product that is like another by what both are.
    pub(super) fn like_product(&self, other: u32) -> Vec<String> {
        vec![format!("like {} by what it is", self.serving.catalogue.name(other))]
    }

    pub(super) fn popular_in(&self, product: u32, category: u32) -> Vec<String> {
        let category = self.serving.catalogue.category_name(category);
        vec![match self.bought_lately(product) {
            Some(sentence) => format!("popular in {category}: {sentence}"),
            None => format!("in {category}: {}", self.bought_ever(product)),
        }]
    }

    pub(super) fn popular(&self, product: u32) -> Vec<String> {
        vec![match self.bought_lately(product) {
            Some(sentence) => format!("popular: {sentence}"),
            None => self.bought_ever(product),
        }]
    }

    fn common(&self, near: &Affinity) -> String {
        let name = self.serving.catalogue.name(near.nearest);
        format!("{} who bought {name} bought it too", customers(i64::from(near.common_buyers)))
    }

    fn bought_lately(&self, product: u32) -> Option<String> {
        let in_snapshot = self.serving.models().and_then(|models| models.recent_buyers.get(product as usize));
        let count = in_snapshot.copied().map_or(0, i64::from) + self.serving.overlay.recent_buyers(product);
        let since_us = self.serving.ground.recent_since_us;
        let span = if since_us == NEVER_US { String::new() } else { format!(" {}", self.since(since_us)) };
        (count > 0).then(|| format!("{} bought it{span}", customers(count)))
    }

    fn bought_ever(&self, product: u32) -> String {
        let buyers = self.serving.models().and_then(|models| models.buyers.get(product as usize).copied());
        match buyers.unwrap_or(0) {
            0 if self.serving.order.log2(product) == f64::NEG_INFINITY => {
                "not bought by anybody yet".to_owned()
            }
            0 => "other customers showed interest in it".to_owned(),
            count => format!("{} bought it", customers(i64::from(count))),
        }
    }

    pub(super) fn bought_again(&self, product: u32) -> Option<String> {
        let models = self.serving.models()?;
        let buyers = *models.buyers.get(product as usize)?;
        let again = *models.repeat_buyers.get(product as usize)?;
        let generalises = buyers >= FEWEST_BUYERS_TO_GENERALISE && u64::from(again) * 2 >= u64::from(buyers);
        generalises.then(|| format!("{again} of the {buyers} customers who bought it bought it again"))
    }

    fn when(&self, time_us: i64) -> String {
        let ago_us = self.now_us.saturating_sub(time_us);
        match ago_us / DAY_US {
            _ if ago_us > LONGEST_AGO_US => format!("in {}", date(time_us, "%B %Y")),
            days if days >= 2 => format!("{days} days ago"),
            1 => "one day ago".to_owned(),
            _ => "less than a day ago".to_owned(),
        }
    }

    fn since(&self, time_us: i64) -> String {
        let ago_us = self.now_us.saturating_sub(time_us);
        if ago_us <= 0 || ago_us > LONGEST_AGO_US {
            return format!("since {}", date(time_us, "%-d %B %Y"));
        }
        match ago_us.saturating_add(7 * DAY_US - 1) / (7 * DAY_US) {
            1 => "in the last week".to_owned(),
            weeks => format!("in the last {weeks} weeks"),
        }
    }
}

/// How often the customer buys it, when three purchases or more show it.
pub(super) fn rhythm(taste: &Taste) -> Option<String> {
    let facts = &taste.facts;
    let between = facts.purchases.checked_sub(1).filter(|&between| between >= 2)?;
    let span_us = facts.last_purchase_us.saturating_sub(facts.first_purchase_us);
    let days = span_us as f64 / DAY_US as f64 / f64::from(between);
    match days.round() {
        days if days < 1.0 => None,
        1.0 => Some("you buy it about every day".to_owned()),
        days => Some(format!("you buy it about every {days} days")),
    }
}

fn customers(count: i64) -> String {
    if count == 1 { "one customer".to_owned() } else { format!("{count} customers") }
}

fn date(time_us: i64, format: &str) -> String {
    match Timestamp::from_microsecond(time_us) {
        Ok(timestamp) => timestamp.to_zoned(TimeZone::UTC).strftime(format).to_string(),
        Err(_) => "a time long gone".to_owned(),
    }
}
