//! What users call, how often, and what each call cannot be answered without. The ids are those that the tenant has:
//! they are asked for before the first call, and what this caller may not call is left out and told.

use std::path::Path;

use jiff::civil::Weekday;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use serde_json::{Value, json};

use super::caller::{Ask, Caller, Outcome};
use crate::clock;
use crate::commands::load::target::customer_ids_of;
use crate::error::CommandError;

/// A part of Larder that can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    Gateway,
    Recommendation,
    Backup,
    Alerting,
    Database,
    Redis,
}

/// A call of the mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Recommend,
    RecommendPopular,
    RecommendSimilar,
    ListProducts,
    GetProduct,
    RecordPurchase,
    PlanMarketDay,
    ListIncidents,
    ListBackups,
    Health,
}

impl Kind {
    pub(crate) const ALL: [Self; 10] = [
        Self::Recommend,
        Self::RecommendPopular,
        Self::RecommendSimilar,
        Self::ListProducts,
        Self::GetProduct,
        Self::RecordPurchase,
        Self::PlanMarketDay,
        Self::ListIncidents,
        Self::ListBackups,
        Self::Health,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Recommend => "recommend",
            Self::RecommendPopular => "recommend_popular",
            Self::RecommendSimilar => "recommend_similar",
            Self::ListProducts => "list_products",
            Self::GetProduct => "get_product",
            Self::RecordPurchase => "record_purchase",
            Self::PlanMarketDay => "plan_market_day",
            Self::ListIncidents => "list_incidents",
            Self::ListBackups => "list_backups",
            Self::Health => "health",
        }
    }

    /// Of 100 calls so many are of this kind: an app that shows recommendations, with a few
    /// people behind the counter.
    pub(crate) fn weight(self) -> u32 {
        match self {
            Self::Recommend => 35,
            Self::RecommendPopular | Self::RecommendSimilar | Self::ListProducts => 10,
            Self::RecordPurchase => 10,
            Self::GetProduct | Self::PlanMarketDay | Self::ListIncidents | Self::ListBackups => 5,
            Self::Health => 5,
        }
    }

    /// Whether a full answer needs this part.
    pub(crate) fn needs(self, part: Part) -> bool {
        match self {
            _ if part == Part::Gateway => true,
            Self::Recommend | Self::RecommendPopular | Self::RecommendSimilar => part == Part::Recommendation,
            Self::ListProducts | Self::GetProduct | Self::RecordPurchase | Self::PlanMarketDay => {
                matches!(part, Part::Recommendation | Part::Database)
            }
            Self::ListIncidents => matches!(part, Part::Alerting | Part::Database),
            Self::ListBackups => matches!(part, Part::Backup | Part::Database),
            Self::Health => false,
        }
    }
}

/// A call that is not made, and why.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LeftOut {
    pub(crate) call: Kind,
    pub(crate) cause: String,
}

/// The calls of a run and what they are about.
#[derive(Debug)]
pub(crate) struct Mix {
    kinds: Vec<Kind>,
    pub(crate) left_out: Vec<LeftOut>,
    customers: Vec<String>,
    products: Vec<String>,
    market: Option<(String, Value)>,
    run_id: String,
}

impl Mix {
    /// Asks for what calls are about, and tries every call once.
    pub(crate) async fn learn(
        caller: &Caller,
        customers: Option<&Path>,
        with_writes: bool,
    ) -> Result<Self, CommandError> {
        let customers = match customers {
            Some(file) => customer_ids_of(file)?,
            None => ids(caller, "/v1/customers?pageSize=1000", "customers", "customerId").await?,
        };
        let mut mix = Self {
            kinds: Vec::new(),
            left_out: Vec::new(),
            customers,
            products: ids(caller, "/v1/products?pageSize=200", "products", "productId").await?,
            market: market(caller).await?,
            run_id: uuid::Uuid::new_v4().simple().to_string(),
        };
        for kind in Kind::ALL {
            match mix.missing(kind, with_writes, caller).await {
                None => mix.kinds.push(kind),
                Some(cause) => mix.left_out.push(LeftOut { call: kind, cause }),
            }
        }
        if mix.kinds.iter().all(|kind| *kind == Kind::Health) {
            let causes: Vec<String> =
                mix.left_out.iter().map(|left| format!("{}: {}", left.call.name(), left.cause)).collect();
            return Err(CommandError::Refused(format!("there is nothing to call: {}", causes.join("; "))));
        }
        Ok(mix)
    }

    async fn missing(&self, kind: Kind, with_writes: bool, caller: &Caller) -> Option<String> {
        let cause = match kind {
            Kind::RecordPurchase if !with_writes => "nothing is written without --with-writes",
            Kind::Recommend if self.customers.is_empty() => "there is no customer",
            Kind::RecommendSimilar | Kind::GetProduct | Kind::RecordPurchase if self.products.is_empty() => {
                "there is no product"
            }
            Kind::PlanMarketDay if self.market.is_none() => "there is no market",
            // A purchase is not recorded to see whether it can be.
            Kind::RecordPurchase => return None,
            _ => match caller.outcome(&self.ask(kind, 0, 0)).await {
                Outcome::Failed(cause) => return Some(format!("tried once: {cause}")),
                Outcome::Good | Outcome::Degraded => return None,
            },
        };
        Some(cause.to_owned())
    }

    /// The calls with their shares.
    pub(crate) fn shares(&self) -> Vec<(Kind, f64)> {
        let all = f64::from(self.total_weight());
        self.kinds.iter().map(|kind| (*kind, f64::from(kind.weight()) / all)).collect()
    }

    fn total_weight(&self) -> u32 {
        self.kinds.iter().map(|kind| kind.weight()).sum()
    }

    /// The kind of call that a random number stands for.
    pub(crate) fn pick(&self, draw: u64) -> Kind {
        let mut left = u32::try_from(draw % u64::from(self.total_weight())).unwrap_or(0);
        for kind in &self.kinds {
            if left < kind.weight() {
                return *kind;
            }
            left -= kind.weight();
        }
        Kind::Health
    }

    /// The request of a call.
    pub(crate) fn ask(&self, kind: Kind, number: u64, draw: u64) -> Ask {
        // The upper half picks whom and what; the lower one picked the kind.
        let of = |ids: &[String]| match ids {
            [] => String::new(),
            ids => encoded(&ids[(draw >> 32) as usize % ids.len()]),
        };
        match kind {
            Kind::Recommend => {
                Ask::get(format!("/v1/customers/{}/recommendations?limit=10", of(&self.customers)))
            }
            Kind::RecommendPopular => Ask::get("/v1/recommendations/popular?limit=10"),
            Kind::RecommendSimilar => {
                Ask::get(format!("/v1/products/{}/similar?limit=10", of(&self.products)))
            }
            Kind::ListProducts => Ask::get("/v1/products?pageSize=50"),
            Kind::GetProduct => Ask::get(format!("/v1/products/{}", of(&self.products))),
            Kind::RecordPurchase => self.purchase(number, draw),
            Kind::PlanMarketDay => self.plan(),
            Kind::ListIncidents => Ask::get("/v1/incidents?pageSize=20"),
            Kind::ListBackups => Ask::get("/v1/backups?pageSize=20"),
            Kind::Health => Ask { may_be_unwell: true, ..Ask::get("/health") },
        }
    }

    fn purchase(&self, number: u64, draw: u64) -> Ask {
        let product = &self.products[(draw >> 32) as usize % self.products.len().max(1)];
        let customer = format!("load-{}", (draw >> 40) % 200);
        let event_id = format!("load-{}-{number}", self.run_id);
        let purchase = json!({
            "eventId": event_id, "customerId": customer, "productId": product,
            "kind": "INTERACTION_KIND_PURCHASE", "quantity": 1,
        });
        Ask::post("/v1/interactions:batchRecord", &json!({ "interactions": [purchase] }))
    }

    /// A plan that is made and not kept.
    fn plan(&self) -> Ask {
        let (id, day) = self.market.clone().unwrap_or_default();
        Ask::post(format!("/v1/markets/{}/days:plan", encoded(&id)), &json!({"heldOn": day, "whatIf": true}))
    }
}

/// The ids on the first page of a list; none where this caller may not read it.
async fn ids(caller: &Caller, path: &str, list: &str, id: &str) -> Result<Vec<String>, CommandError> {
    let page = page(caller, path).await?;
    let rows = page[list].as_array().cloned().unwrap_or_default();
    Ok(rows.iter().filter_map(|row| row[id].as_str()).map(str::to_owned).collect())
}

async fn page(caller: &Caller, path: &str) -> Result<Value, CommandError> {
    let answer = caller.ask(&Ask::get(path)).await;
    let answer =
        answer.map_err(|cause| CommandError::Unreachable { address: caller.base().to_owned(), cause })?;
    match answer.status {
        401 => Err(CommandError::Refused(
            "the gateway asks who is calling; give --token or --api-key (see `larder token --help`)".into(),
        )),
        _ => Ok(answer.json()),
    }
}

/// The first market and the next day on which it is held.
async fn market(caller: &Caller) -> Result<Option<(String, Value)>, CommandError> {
    let markets = page(caller, "/v1/markets?pageSize=1").await?;
    let market = &markets["markets"][0];
    let Some(id) = market["marketId"].as_str() else { return Ok(None) };
    let weekday = weekday_of(market["weekdays"][0].as_str().unwrap_or_default());
    let now = Timestamp::try_from(clock::now()).map_err(|error| CommandError::Refused(error.to_string()))?;
    let tomorrow = now.to_zoned(jiff::tz::TimeZone::UTC).date().saturating_add(1.days());
    let ahead = (weekday.to_monday_zero_offset() - tomorrow.weekday().to_monday_zero_offset()).rem_euclid(7);
    let day = tomorrow.saturating_add(i32::from(ahead).days());
    Ok(Some((id.to_owned(), json!({"year": day.year(), "month": day.month(), "day": day.day()}))))
}

fn weekday_of(name: &str) -> Weekday {
    const NAMES: [&str; 7] = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];
    let found = NAMES.iter().position(|known| name.ends_with(&format!("_{known}")));
    let offset = i8::try_from(found.unwrap_or(5)).unwrap_or(5);
    Weekday::from_monday_zero_offset(offset).unwrap_or(Weekday::Saturday)
}

/// An id as a part of a path.
fn encoded(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    id.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(kinds: &[Kind]) -> Mix {
        Mix {
            kinds: kinds.to_vec(),
            left_out: Vec::new(),
            customers: vec!["a/b c".into()],
            products: vec!["p1".into(), "p2".into()],
            market: Some(("old-town".into(), json!({"year": 2027, "month": 1, "day": 16}))),
            run_id: "r".into(),
        }
    }

    #[test]
    fn weights_are_of_100_and_every_kind_is_picked_by_its_weight() {
        assert_eq!(Kind::ALL.iter().map(|kind| kind.weight()).sum::<u32>(), 100);
        let all = mix(&Kind::ALL);
        for kind in Kind::ALL {
            let picked = (0..1_000).filter(|draw| all.pick(*draw) == kind).count();
            assert_eq!(picked as u32, kind.weight() * 10, "{kind:?}");
        }
        let two = mix(&[Kind::Recommend, Kind::Health]);
        assert_eq!(two.shares(), [(Kind::Recommend, 0.875), (Kind::Health, 0.125)]);
    }

    #[test]
    fn requests_are_about_what_there_is_and_no_purchase_comes_twice() {
        let mix = mix(&Kind::ALL);
        let path = mix.ask(Kind::Recommend, 0, 0).path;
        assert_eq!(path, "/v1/customers/a%2Fb%20c/recommendations?limit=10");
        assert_ne!(mix.ask(Kind::RecordPurchase, 1, 9).body, mix.ask(Kind::RecordPurchase, 2, 9).body);
        let plan = mix.ask(Kind::PlanMarketDay, 0, 0);
        assert!(plan.path.ends_with("/old-town/days:plan") && plan.body.contains("\"whatIf\":true"));
    }

    #[test]
    fn without_the_gateway_nothing_works_and_without_the_database_recommendations_do() {
        assert!(Kind::ALL.iter().all(|kind| kind.needs(Part::Gateway)));
        assert!(Kind::ALL.iter().all(|kind| !kind.needs(Part::Redis)));
        assert!(!Kind::Recommend.needs(Part::Database) && Kind::ListProducts.needs(Part::Database));
        assert!(!Kind::ListIncidents.needs(Part::Recommendation));
    }

    #[test]
    fn markets_name_their_weekdays() {
        assert_eq!(weekday_of("WEEKDAY_WEDNESDAY"), Weekday::Wednesday);
        assert_eq!(weekday_of(""), Weekday::Saturday);
    }
}
