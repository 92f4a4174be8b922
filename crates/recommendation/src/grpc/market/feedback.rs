//! Calls about how market days went.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::FutureExt;
use jiff::tz::TimeZone;
use larder_demand::feedback::{LastDaysRule, TrainingStand, judge};
use larder_identity::TenantId;
use larder_identity::page::{self, PageOf};
use larder_proto::larder::market::v1::*;
use prost::Message;

use crate::convert::feedback as wire;
use crate::days::local;
use crate::error::Error;
use crate::market::recipe::Recipe;
use crate::market::records;
use crate::metrics;
use crate::state::State;
use crate::store::market_feedback::{self, FeedbackFilter, FeedbackPlace, FeedbackRow, NewFeedback};
use crate::store::market_products::MarketProductRow;
use crate::store::{demand_models, market_plans, market_products, markets, tenants};
use crate::validate::Fields;
use crate::write::Write;

const MOST_LINES: usize = 1_000;
const MOST_UNITS: f64 = 10_000_000.0;
const MINUTES_OF_DAY: i64 = 24 * 60;
/// Between the parts of a place in the list; no id has it.
const BETWEEN: char = '/';

/// Keeps how a day went, with what was foretold of it.
pub(super) async fn submit(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: SubmitFeedbackRequest,
) -> Result<SubmitFeedbackResponse, Error> {
    let now_us = (state.clock)();
    let day = check(&request)?;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let market = markets::get(&mut transaction, tenant, &request.market_id).await?;
    let terms = market_products::at_market(&mut transaction, tenant, &request.market_id).await?;
    let kept = market_plans::get(&mut transaction, tenant, &request.market_id, day).await?;
    transaction.commit().await?;
    let zone = TimeZone::get(&market.time_zone).unwrap_or(TimeZone::UTC);
    if day > local(now_us, &zone).0 {
        return Err(Error::invalid("held_on", "must be today at the market, or before"));
    }
    let plan = kept.and_then(|kept| MarketPlan::decode(kept.as_slice()).ok()).unwrap_or_default();
    let known = KnownOfDay { market_id: &request.market_id, day, plan: &plan, terms: &terms, now_us };
    let rows: Vec<NewFeedback> = request.lines.iter().map(|line| known.row(line, &market.currency)).collect();
    let write = Write { pool: &state.app, tenant, method: "SubmitFeedback", key };
    let filter = FeedbackFilter {
        market_id: Some(request.market_id.clone()),
        from_day: Some(day),
        until_day: Some(day),
        ..FeedbackFilter::default()
    };
    let named: Vec<String> = request.lines.iter().map(|line| line.product_id.clone()).collect();
    let written = write
        .run(&request, |db| {
            let tenant = tenant.clone();
            async move {
                tenants::remember(db, &tenant).await?;
                market_feedback::upsert(db, &tenant, &rows).await?;
                markets::count_change(db, &tenant).await?;
                demand_models::want_look(db, &tenant, now_us).await?;
                let kept = market_feedback::list(db, &tenant, &filter, None, MOST_LINES as i64 * 10).await?;
                Ok((SubmitFeedbackResponse { feedback: in_order(kept, &named) }, ()))
            }
            .boxed()
        })
        .await?;
    state.demand_nudge.notify_one();
    metrics::market_answered("submit_feedback", false);
    Ok(written.response)
}

/// The day of the feedback, in days since 1970, when every field could be true.
fn check(request: &SubmitFeedbackRequest) -> Result<i32, Error> {
    let mut fields = Fields::default();
    fields.id("market_id", &request.market_id);
    let day = super::required_day(&mut fields, "held_on", request.held_on.as_ref());
    if request.lines.is_empty() || request.lines.len() > MOST_LINES {
        fields.refuse("lines", format!("must have 1 to {MOST_LINES} entries"));
    }
    let mut seen = HashSet::new();
    for (index, line) in request.lines.iter().enumerate().take(MOST_LINES) {
        let at = |name: &str| format!("lines[{index}].{name}");
        fields.id(&at("product_id"), &line.product_id);
        if !seen.insert(line.product_id.as_str()) {
            fields.refuse(&at("product_id"), "must be a product that no other line is of");
        }
        fields.number(&at("brought"), line.brought, 0.0, MOST_UNITS);
        fields.optional_number(&at("own_plan"), line.own_plan, 0.0, MOST_UNITS);
        fields.optional_number(&at("sold"), line.sold, 0.0, MOST_UNITS);
        fields.optional_number(&at("left_over"), line.left_over, 0.0, MOST_UNITS);
        if let Some(minute) = line.sold_out_at_minute {
            fields.whole(&at("sold_out_at_minute"), minute.into(), 0, MINUTES_OF_DAY);
        }
    }
    fields.finish(day.unwrap_or_default())
}

/// What is known of the day that feedback is given on.
struct KnownOfDay<'a> {
    market_id: &'a str,
    day: i32,
    plan: &'a MarketPlan,
    terms: &'a [MarketProductRow],
    now_us: i64,
}

impl KnownOfDay<'_> {
    fn row(&self, line: &FeedbackLine, currency: &str) -> NewFeedback {
        let planned = self.plan.lines.iter().find(|planned| planned.product_id == line.product_id);
        let terms = self.terms.iter().find(|terms| terms.product_id == line.product_id);
        NewFeedback {
            market_id: self.market_id.to_owned(),
            held_on_day: self.day,
            product_id: line.product_id.clone(),
            recommended: planned.map(|planned| planned.quantity),
            own_plan: line.own_plan,
            brought: line.brought,
            sold: line.sold,
            left_over: line.left_over,
            sold_out_at_minute: line.sold_out_at_minute.and_then(|minute| i16::try_from(minute).ok()),
            quantiles: planned.map(|planned| planned.demand_quantiles.clone()).unwrap_or_default(),
            currency: currency.to_owned(),
            price_micros: terms.map(|terms| terms.price_micros),
            unit_cost_micros: terms.map(|terms| terms.unit_cost_micros),
            salvage_micros: terms.map(|terms| terms.salvage_micros),
            goodwill_micros: terms.map(|terms| terms.goodwill_micros),
            disposal_micros: terms.map(|terms| terms.disposal_micros),
            is_fractional: terms.is_some_and(|terms| terms.is_fractional),
            model_version: planned
                .map_or_else(String::new, |_| Recipe::version_of_plan(&self.plan.model_version).to_owned()),
            submitted_at_us: self.now_us,
        }
    }
}

/// The rows of these products, in their order.
fn in_order(rows: Vec<FeedbackRow>, product_ids: &[String]) -> Vec<Feedback> {
    let mut of: HashMap<String, FeedbackRow> =
        rows.into_iter().map(|row| (row.product_id.clone(), row)).collect();
    product_ids.iter().filter_map(|id| of.remove(id)).map(|row| wire::to_wire(&row)).collect()
}

/// Lists feedback, the latest day first.
pub(super) async fn list(
    state: &State,
    tenant: &TenantId,
    request: ListFeedbackRequest,
) -> Result<ListFeedbackResponse, Error> {
    let size = page::size(request.page_size)?;
    let asked = (&request.market_id, &request.product_id, &request.from_on, &request.until_on);
    let filter = filter(asked)?;
    let of = PageOf { tenant, list: "market_feedback", filters: format!("{filter:?}") };
    let after = state.pages.read(&of, &request.page_token)?.and_then(|place| place_of(&place));
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let mut rows = market_feedback::list(&mut transaction, tenant, &filter, after.as_ref(), size + 1).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| {
        format!("{}{BETWEEN}{}{BETWEEN}{}", row.held_on_day, row.market_id, row.product_id)
    });
    Ok(ListFeedbackResponse {
        feedback: rows.iter().map(wire::to_wire).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

fn place_of(place: &str) -> Option<FeedbackPlace> {
    let mut parts = place.split(BETWEEN);
    Some(FeedbackPlace {
        held_on_day: parts.next()?.parse().ok()?,
        market_id: parts.next()?.to_owned(),
        product_id: parts.next()?.to_owned(),
    })
}

/// What a list, statistics or an export is asked for.
type Asked<'a> = (
    &'a String,
    &'a String,
    &'a Option<larder_proto::google::r#type::Date>,
    &'a Option<larder_proto::google::r#type::Date>,
);

/// The filter of a list, of statistics or of an export.
pub(super) fn filter((market_id, product_id, from_on, until_on): Asked<'_>) -> Result<FeedbackFilter, Error> {
    let mut fields = Fields::default();
    fields.optional_id("market_id", market_id);
    fields.optional_id("product_id", product_id);
    let from_day = from_on.as_ref().and_then(|day| fields.day("from_on", day));
    let until_day = until_on.as_ref().and_then(|day| fields.day("until_on", day));
    if from_day.zip(until_day).is_some_and(|(from_day, until_day)| from_day > until_day) {
        fields.refuse("until_on", "must not be before from_on");
    }
    let only = |id: &String| (!id.is_empty()).then(|| id.clone());
    fields.finish(FeedbackFilter {
        market_id: only(market_id),
        product_id: only(product_id),
        from_day,
        until_day,
    })
}

/// Sums up feedback, with signs that the model should learn anew.
pub(super) async fn stats(
    state: &Arc<State>,
    tenant: &TenantId,
    request: GetFeedbackStatsRequest,
) -> Result<GetFeedbackStatsResponse, Error> {
    let group_by = FeedbackGroup::try_from(request.group_by).map_err(|_slip| {
        Error::invalid("group_by", "must be FEEDBACK_GROUP_PRODUCT, _MARKET, _WEEK or _MONTH")
    })?;
    let filter = filter((&request.market_id, &request.product_id, &request.from_on, &request.until_on))?;
    let learnt = state.demand_models.of(state, tenant).await?.learnt;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let read = records::read(&mut transaction, tenant, &filter, &learnt.curve).await?;
    transaction.commit().await?;
    let stand = TrainingStand {
        model_version: learnt.recipe.version.clone(),
        trained_through: learnt.through,
        known_products: learnt.last_sold.keys().map(|(product, _)| product.clone()).collect(),
    };
    let work = tokio::task::spawn_blocking(move || {
        let judged = judge(&read.records, &LastDaysRule::default());
        let key = |one: &larder_demand::feedback::JudgedRecord<'_>| {
            (one.record.product_id.clone(), one.record.market_id.clone(), one.record.date)
        };
        let given: Vec<_> = judged.into_iter().filter(|one| read.given.contains(&key(one))).collect();
        wire::stats(&given, group_by, stand)
    });
    let answer = work.await.map_err(|error| Error::Internal(format!("feedback statistics: {error}")))?;
    metrics::market_answered("feedback_stats", false);
    Ok(answer)
}
