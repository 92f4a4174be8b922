//! Calls about how much to bring.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use larder_demand::quantity::PlanDifference;
use larder_identity::TenantId;
use larder_proto::google::api::HttpBody;
use larder_proto::larder::market::v1::*;
use prost::Message;
use sqlx::PgConnection;

use crate::convert::{date, market_plan, money, query, shop, timestamp};
use crate::days::{date_of, day_of, local};
use crate::error::Error;
use crate::market::models::ServingModel;
use crate::market::outlook::{DayQuestion, KnownDay, Source, ToldOfDay};
use crate::market::planning::{self, PlanLimits, Planned, PlannedDay};
use crate::market::promotions::PromotedDays;
use crate::market::sheet;
use crate::metrics;
use crate::shop::standing::Standing;
use crate::state::State;
use crate::store::connections::{self, ConnectionRow};
use crate::store::market_days::MarketDayRow;
use crate::store::market_outlooks::OutlookRow;
use crate::store::market_plans::KeptPlan;
use crate::store::market_products::MarketProductRow;
use crate::store::markets::MarketRow;
use crate::store::promotions::PromotionRow;
use crate::store::{market_days, market_outlooks, market_plans, market_products, markets, promotions};
use crate::validate::Fields;

/// Nobody plans further ahead.
const FURTHEST_DAYS: i32 = 366;
/// The next market day is looked for so many days ahead.
const NEXT_WITHIN_DAYS: i32 = 28;
const MOST_PRODUCTS: usize = 1_000;
/// What is usual at the time of the year is read from so many days.
const NORMALS_DAYS: i32 = 3 * 366;
const ALL: i64 = 100_000;

/// Plans how much of each product to bring.
pub(super) async fn plan(
    state: &Arc<State>,
    tenant: &TenantId,
    request: PlanMarketDayRequest,
) -> Result<PlanMarketDayResponse, Error> {
    let now_us = (state.clock)();
    let mut fields = Fields::default();
    fields.id("market_id", &request.market_id);
    fields.ids("product_ids", &request.product_ids, MOST_PRODUCTS);
    let day = super::required_day(&mut fields, "held_on", request.held_on.as_ref());
    fields.optional_number("van_volume_l", request.van_volume_l, 0.0, 1e6);
    fields.optional_number("van_weight_kg", request.van_weight_kg, 0.0, 1e6);
    let told = market_plan::told_of_day(&mut fields, &request);
    let budget = request.budget.as_ref().and_then(|budget| fields.amount("budget", budget));
    fields.finish(())?;
    let day = day.unwrap_or_default();

    let kept = read(state, tenant, &request.market_id, day).await?;
    let today = local(now_us, &kept.zone).0;
    let mut fields = Fields::default();
    if !(today..=today + FURTHEST_DAYS).contains(&day) {
        fields.refuse("held_on", "must be today or later at the market, up to a year ahead");
    }
    if kept.is_cancelled() {
        fields.refuse("held_on", "must be a day that is not called off");
    }
    if budget.as_ref().is_some_and(|budget| budget.currency != kept.market.currency) {
        let accepted = format!("must be {}, the currency of the market", kept.market.currency);
        fields.refuse("budget.currency_code", accepted);
    }
    let instead = market_plan::instead(&mut fields, &request.products, &kept.market.currency);
    let terms = kept.terms_of(&request.product_ids);
    if terms.is_empty() {
        let accepted =
            "must name products with terms in the market's currency; see BatchUpsertMarketProducts";
        fields.refuse("product_ids", accepted);
    }
    fields.finish(())?;

    let serving = state.demand_models.of(state, tenant).await?;
    let known = kept.question(&told, now_us).ask(&state.connectors, &state.normals).await;
    let limits = PlanLimits {
        budget_micros: budget.map(|budget| budget.micros),
        van_volume_l: request.van_volume_l.or(kept.market.van_volume_l),
        van_weight_kg: request.van_weight_kg.or(kept.market.van_weight_kg),
        days_until_next: kept.days_until_next(),
    };
    let planned =
        planning::plan(&serving.learnt, kept.planned(terms.clone(), instead, limits, (&known, now_us)))?;
    let plan = kept.to_wire(&planned, &known, (&serving, now_us));
    metrics::market_answered("plan_market_day", plan.degraded);
    if !request.what_if {
        keep(state, tenant, &plan, (&known, day, now_us)).await?;
        return Ok(PlanMarketDayResponse { plan: Some(plan), kept: true, difference: None });
    }
    let usual = match told.is_nothing() {
        true => known,
        false => kept.question(&ToldOfDay::default(), now_us).ask(&state.connectors, &state.normals).await,
    };
    let limits = PlanLimits {
        budget_micros: None,
        van_volume_l: kept.market.van_volume_l,
        van_weight_kg: kept.market.van_weight_kg,
        ..limits
    };
    let without =
        planning::plan(&serving.learnt, kept.planned(terms, HashMap::new(), limits, (&usual, now_us)))?;
    let difference = PlanDifference::between(&without.plan, &planned.plan);
    let difference = market_plan::difference(&difference, &kept.market.currency);
    Ok(PlanMarketDayResponse { plan: Some(plan), kept: false, difference: Some(difference) })
}

/// What is kept of a market and of the day that is planned.
struct Kept {
    market: MarketRow,
    zone: TimeZone,
    day: i32,
    said: Option<MarketDayRow>,
    /// Of the days behind it.
    cancelled_later: Vec<i32>,
    outlooks: Vec<OutlookRow>,
    terms: Vec<MarketProductRow>,
    promoted: PromotedDays,
    names: HashMap<String, String>,
    categories: HashMap<String, String>,
    shop: Option<ConnectionRow>,
}

async fn read(state: &State, tenant: &TenantId, market_id: &str, day: i32) -> Result<Kept, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let kept = read_from(&mut transaction, tenant, market_id, day).await;
    transaction.commit().await?;
    kept
}

async fn read_from(
    db: &mut PgConnection,
    tenant: &TenantId,
    market_id: &str,
    day: i32,
) -> Result<Kept, Error> {
    let market = markets::get(db, tenant, market_id).await?;
    let days = (Some(day), Some(day + NEXT_WITHIN_DAYS + 1));
    let said = market_days::list(db, tenant, Some(market_id), days, ALL).await?;
    let outlooks =
        market_outlooks::list(db, tenant, Some(market_id), day.saturating_sub(NORMALS_DAYS)).await?;
    let terms = market_products::at_market(db, tenant, market_id).await?;
    let rows: Vec<PromotionRow> = promotions::list(db, tenant, "", None, ALL).await?;
    let names = market_products::names(db, tenant).await?;
    let categories: HashMap<_, _> =
        names.iter().map(|name| (name.product_id.clone(), name.category.clone())).collect();
    Ok(Kept {
        zone: TimeZone::get(&market.time_zone).unwrap_or(TimeZone::UTC),
        market,
        day,
        cancelled_later: said.iter().filter(|row| row.is_cancelled).map(|row| row.held_on_day).collect(),
        said: said.into_iter().find(|row| row.held_on_day == day),
        outlooks,
        terms,
        promoted: PromotedDays::new(rows, categories.clone()),
        names: names.into_iter().map(|name| (name.product_id, name.name)).collect(),
        categories,
        shop: connections::get(db, tenant).await?,
    })
}

impl Kept {
    fn is_cancelled(&self) -> bool {
        self.said.as_ref().is_some_and(|said| said.is_cancelled)
    }

    /// The terms of these products, or of all that are still sold, by shelf and name.
    fn terms_of(&self, product_ids: &[String]) -> Vec<MarketProductRow> {
        let wanted = |row: &&MarketProductRow| {
            row.currency == self.market.currency
                && if product_ids.is_empty() {
                    !row.is_retired
                } else {
                    product_ids.contains(&row.product_id)
                }
        };
        let mut terms: Vec<_> = self.terms.iter().filter(wanted).cloned().collect();
        let place = |row: &MarketProductRow| {
            let of = |map: &HashMap<String, String>| map.get(&row.product_id).cloned().unwrap_or_default();
            (of(&self.categories), of(&self.names), row.product_id.clone())
        };
        terms.sort_by_cached_key(place);
        terms
    }

    fn question<'a>(&'a self, told: &'a ToldOfDay, now_us: i64) -> DayQuestion<'a> {
        DayQuestion {
            market: &self.market,
            zone: &self.zone,
            day: self.day,
            now_us,
            told,
            said: self.said.as_ref(),
            kept: &self.outlooks,
        }
    }

    /// Days until the market is held again, by its usual weekdays and what is called off.
    fn days_until_next(&self) -> Option<u32> {
        let held = |ahead: &i32| {
            let date = date_of(self.day + ahead);
            let weekday = i16::from(date.weekday().to_monday_one_offset());
            self.market.weekdays.contains(&weekday) && !self.cancelled_later.contains(&day_of(date))
        };
        (1..=NEXT_WITHIN_DAYS).find(held).and_then(|ahead| u32::try_from(ahead).ok())
    }

    /// Market days that are over and later than what the shop's sales are known of.
    fn missed_days(&self, now_us: i64) -> u32 {
        let standing = Standing::of(self.shop.as_ref(), now_us);
        let known_until = standing.known_until_us.filter(|_| standing.missing.is_some());
        let Some(known_until) = known_until else { return 0 };
        let (from, today) = (local(known_until, &self.zone).0, local(now_us, &self.zone).0);
        let is_held = |day: &i32| {
            self.market.weekdays.contains(&i16::from(date_of(*day).weekday().to_monday_one_offset()))
        };
        u32::try_from((from..today).filter(is_held).count()).unwrap_or(u32::MAX)
    }

    /// When a day ended at the market, in microseconds since 1970.
    fn end_of(&self, day: Option<Date>) -> Option<i64> {
        let end = day?.tomorrow().ok()?.to_zoned(self.zone.clone()).ok()?;
        Some(end.timestamp().as_microsecond())
    }

    fn planned(
        &self,
        terms: Vec<MarketProductRow>,
        instead: HashMap<String, planning::Instead>,
        limits: PlanLimits,
        (known, now_us): (&KnownDay, i64),
    ) -> Planned<'_> {
        let promoted =
            |row: &MarketProductRow| self.promoted.is_promoted(&row.product_id, self.day, &self.zone);
        Planned {
            market_id: &self.market.market_id,
            day: self.day,
            currency: &self.market.currency,
            outlook: known.outlook(),
            event_name: known.events.names.first().cloned(),
            promoted: terms.iter().map(promoted).collect(),
            terms,
            instead,
            limits,
            missed_days: self.missed_days(now_us),
        }
    }

    fn to_wire(
        &self,
        planned: &PlannedDay,
        known: &KnownDay,
        (serving, now_us): (&ServingModel, i64),
    ) -> MarketPlan {
        let totals = &planned.plan.totals;
        let amount = |micros: i64| Some(money(micros, &self.market.currency));
        let short = planned.plan.limits.iter().filter(|limit| limit.worth_of_one_more_micros > 0);
        let failed = larder_demand::Method::Heuristic(larder_demand::HeuristicReason::ModelFailed);
        let failed = planned.lines.iter().any(|line| line.forecast.method == failed);
        let failed =
            failed.then_some("the model had no answer for some products: their last days were taken");
        let sales = Standing::of(self.shop.as_ref(), now_us);
        let failed = failed.map(str::to_owned).into_iter();
        let missing: Vec<_> = failed.chain(sales.missing.clone()).chain(known.missing()).collect();
        MarketPlan {
            market_id: self.market.market_id.clone(),
            market_name: self.market.name.clone(),
            held_on: Some(date(self.day)),
            lines: market_plan::lines(planned, &self.names),
            expected_revenue: amount(totals.expected_revenue_micros),
            expected_profit: amount(totals.expected_profit_micros),
            expected_waste_cost: amount(totals.expected_waste_cost_micros),
            cost: amount(totals.spend_micros),
            volume_l: totals.volume_litres,
            weight_kg: totals.weight_kg,
            binding_constraints: short.map(|limit| market_plan::limit_name(limit.limit).to_owned()).collect(),
            weather: Some(market_plan::weather_to_wire(known)),
            events: Some(market_plan::events_to_wire(known)),
            holiday: known.holiday.names.first().cloned().unwrap_or_default(),
            model_version: serving.learnt.version.clone(),
            planned_at: Some(timestamp(now_us)),
            degraded: !missing.is_empty(),
            degraded_reason: missing.join("; "),
            model_is_behind: serving.is_behind,
            sales: Some(shop::sales_outlook(&sales, self.end_of(serving.learnt.through), now_us)),
        }
    }
}

/// Keeps a plan, with what was known of the day when it was made.
async fn keep(
    state: &State,
    tenant: &TenantId,
    plan: &MarketPlan,
    (known, day, now_us): (&KnownDay, i32, i64),
) -> Result<(), Error> {
    let kept = KeptPlan {
        market_id: plan.market_id.clone(),
        held_on_day: day,
        plan: plan.encode_to_vec(),
        model_version: plan.model_version.clone(),
        planned_at_us: now_us,
    };
    // What is only usual, or was kept itself, is not what was known.
    let is_known = |source: Source| matches!(source, Source::Told | Source::Primary | Source::Secondary);
    let rung =
        |source: Source, rung: &str| if source == Source::Nobody { String::new() } else { rung.to_owned() };
    let (weather, events) = (&known.weather, &known.events);
    let outlook = OutlookRow {
        market_id: plan.market_id.clone(),
        held_on_day: day,
        high_celsius: weather.weather.high_celsius,
        rain_mm: weather.weather.rain_mm,
        wind_kmh: weather.weather.wind_kmh,
        weather_source: rung(weather.source, weather.rung),
        weather_known_at_us: weather.known_at_us,
        event_attendance: events.attendance,
        event_names: events.names.clone(),
        events_source: rung(events.source, events.rung),
        events_known_at_us: events.known_at_us,
    };
    let keeps_outlook = is_known(weather.source) || is_known(events.source);
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    market_plans::keep(&mut transaction, tenant, &kept).await?;
    if keeps_outlook {
        market_outlooks::keep(&mut transaction, tenant, &outlook).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// The kept plan of a market day as a page.
pub(super) async fn sheet(
    state: &State,
    tenant: &TenantId,
    request: GetPlanSheetRequest,
) -> Result<GetPlanSheetResponse, Error> {
    query::id("market_id", &request.market_id)?;
    let held_on: jiff::civil::Date = request
        .held_on
        .parse()
        .map_err(|_slip| Error::invalid("held_on", "must be a day as YYYY-MM-DD, such as 2026-05-30"))?;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let kept = market_plans::get(&mut transaction, tenant, &request.market_id, day_of(held_on)).await?;
    transaction.commit().await?;
    let kept = kept.ok_or(Error::NotFound { noun: "plan" })?;
    let plan = MarketPlan::decode(kept.as_slice())
        .map_err(|error| Error::Internal(format!("kept plan does not decode: {error}")))?;
    metrics::market_answered("plan_sheet", false);
    let sheet = HttpBody {
        content_type: "text/html; charset=utf-8".to_owned(),
        data: sheet::page(&plan).into_bytes(),
        ..HttpBody::default()
    };
    Ok(GetPlanSheetResponse { sheet: Some(sheet) })
}
