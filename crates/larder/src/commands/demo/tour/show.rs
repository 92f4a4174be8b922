//! The tour as lines to read and as JSON.

use std::collections::HashMap;

use larder_proto::larder::catalog::v1::Transaction;
use larder_proto::larder::recommendation::v1::{Recommendation, RecommendationSource};
use serde_json::{Value, json};

use super::{Place, SHOWN, Tour};
use crate::console::{Align, Columns, fit, heading};

const NAME_WIDTH: usize = 38;
const REASON_WIDTH: usize = 78;

/// A product and how often and when last it was bought.
struct Bought<'a> {
    product_id: &'a str,
    times: usize,
    last_seconds: i64,
}

impl Tour {
    /// The tour for a person.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = self.history_lines();
        lines.extend(self.list_lines("Recommended to them now", &self.recommended));
        lines.extend(self.list_lines("Recommended when nothing they know may be in it", &self.new_to_them));
        let similar = format!("Bought by the same people as {}", self.names.of(&self.similar_to));
        lines.extend(self.list_lines(&similar, &self.similar));
        lines.extend(self.change_lines());
        lines.extend(self.week.lines());
        lines.extend(self.saturday.lines());
        lines
    }

    /// The tour for a program.
    pub(crate) fn json(&self) -> Value {
        let list = |items: &[Recommendation]| -> Vec<Value> {
            items.iter().take(SHOWN as usize).map(|item| self.item_json(item)).collect()
        };
        json!({
            "customerId": self.customer_id,
            "modelVersion": self.model_version,
            "purchaseCount": self.purchases.len(),
            "recommended": list(&self.recommended),
            "newToThem": list(&self.new_to_them),
            "similarTo": self.similar_to,
            "similar": list(&self.similar),
            "week": self.week.json(),
            "saturday": self.saturday.json(),
            "change": self.change.as_ref().map(|change| json!({
                "productId": change.product_id,
                "before": change.before.as_ref().map(|place| self.place_json(place)),
                "after": change.after.as_ref().map(|place| self.place_json(place)),
            })),
        })
    }

    fn item_json(&self, item: &Recommendation) -> Value {
        json!({
            "productId": item.product_id,
            "name": self.names.of(&item.product_id),
            "score": item.score,
            "source": item.source().as_str_name(),
            "reasons": item.reasons,
        })
    }

    fn place_json(&self, place: &Place) -> Value {
        let mut json = self.item_json(&place.item);
        json["place"] = place.place.into();
        json
    }

    fn history_lines(&self) -> Vec<String> {
        let most = most_bought(&self.purchases);
        let oldest = self.purchases.last().map(day_of).unwrap_or_default();
        let title = match self.purchases.len() {
            0 => format!("{} has bought nothing yet", self.customer_id),
            count => format!("{} bought {count} things since {oldest}; most often", self.customer_id),
        };
        let mut columns = Columns::new(&[
            ("product", Align::Left),
            ("category", Align::Left),
            ("times", Align::Right),
            ("last", Align::Left),
        ]);
        for bought in most.iter().take(SHOWN as usize) {
            columns.push(vec![
                fit(self.names.of(bought.product_id), NAME_WIDTH),
                fit(self.names.category_of(bought.product_id), NAME_WIDTH),
                bought.times.to_string(),
                day(bought.last_seconds),
            ]);
        }
        let mut lines = vec![String::new(), heading(&title)];
        if !most.is_empty() {
            lines.extend(columns.lines());
        }
        lines
    }

    fn list_lines(&self, title: &str, items: &[Recommendation]) -> Vec<String> {
        let mut columns = Columns::new(&[
            ("", Align::Right),
            ("product", Align::Left),
            ("score", Align::Right),
            ("why", Align::Left),
        ]);
        for (place, item) in items.iter().take(SHOWN as usize).enumerate() {
            columns.push(vec![
                (place + 1).to_string(),
                fit(self.names.of(&item.product_id), NAME_WIDTH),
                format!("{:.3}", item.score),
                fit(&why(item), REASON_WIDTH),
            ]);
        }
        let mut lines = vec![String::new(), heading(title)];
        match items {
            [] => lines.push("  nothing".into()),
            _ => lines.extend(columns.lines()),
        }
        lines
    }

    fn change_lines(&self) -> Vec<String> {
        let Some(change) = &self.change else { return Vec::new() };
        let title =
            format!("They buy {} just now, and the next answer knows it", self.names.of(&change.product_id));
        let mut columns = Columns::new(&[
            ("", Align::Left),
            ("place", Align::Right),
            ("score", Align::Right),
            ("why", Align::Left),
        ]);
        for (when, place) in [("before", &change.before), ("after", &change.after)] {
            columns.push(match place {
                Some(Place { place, item }) => {
                    vec![
                        when.into(),
                        place.to_string(),
                        format!("{:.3}", item.score),
                        fit(&why(item), REASON_WIDTH),
                    ]
                }
                None => vec![when.into(), "none".into()],
            });
        }
        let mut lines = vec![String::new(), heading(&title)];
        lines.extend(columns.lines());
        lines
    }
}

fn why(item: &Recommendation) -> String {
    item.reasons.first().map_or_else(|| source_words(item.source()).to_owned(), Clone::clone)
}

fn most_bought(purchases: &[Transaction]) -> Vec<Bought<'_>> {
    let mut products: HashMap<&str, Bought<'_>> = HashMap::new();
    for purchase in purchases {
        let product_id = purchase.product_id.as_str();
        let seconds = purchase.occurred_at.as_ref().map_or(0, |at| at.seconds);
        let bought =
            products.entry(product_id).or_insert(Bought { product_id, times: 0, last_seconds: seconds });
        bought.times += 1;
        bought.last_seconds = bought.last_seconds.max(seconds);
    }
    let mut most: Vec<Bought<'_>> = products.into_values().collect();
    most.sort_by(|a, b| b.times.cmp(&a.times).then_with(|| a.product_id.cmp(b.product_id)));
    most
}

fn day_of(purchase: &Transaction) -> String {
    day(purchase.occurred_at.as_ref().map_or(0, |at| at.seconds))
}

fn day(seconds: i64) -> String {
    let at = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

fn source_words(source: RecommendationSource) -> &'static str {
    match source {
        RecommendationSource::Unspecified => "",
        RecommendationSource::Personal => "they buy it themselves",
        RecommendationSource::Similar => "bought by people who buy what they buy",
        RecommendationSource::PopularInCategory => "popular in a category they buy from",
        RecommendationSource::Popular => "popular with everybody",
        RecommendationSource::LastGood => "kept from an earlier answer",
        RecommendationSource::Content => "like what they buy",
        RecommendationSource::Profile => "bought by people with the same profile",
        RecommendationSource::Pinned => "put there by the shop",
    }
}
