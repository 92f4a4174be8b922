//! One synchronisation: what is new and the 72 hours before it, then what is missing of three years, the newest
//! part first. Each part is written and noted by itself, so that one that fails costs no other; a line counts once
//! however often it is read.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use larder_connectors::square::{
    Period, SaleLine, Sales, SalesQuery, SquareRung, SquareTokens, window_to_ask,
};
use larder_connectors::{Answer, Asking, ConnectorError};
use larder_identity::TenantId;

use super::lines::Stalls;
use super::products::ShopProducts;
use super::standing::Standing;
use super::stock;
use super::tokens::Shops;
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::connections::{self, ConnectionRow, EndOfSync};
use crate::store::{markets, sales, stock_counts};
use crate::training::read::Progress;

/// Sales further back say nothing of the next day.
const FIRST_WANTED: SignedDuration = SignedDuration::from_hours(24 * 3 * 366);
/// One question covers so many days.
const DAYS_A_PART: u32 = 30;
/// One part, pages and tries included.
const PATIENCE: Duration = Duration::from_secs(60);
/// Who has the turn is believed to have died when a part takes longer than that.
const LEASE_US: i64 = 180_000_000;
/// Rows of one transaction; a market is locked while it runs.
const ROWS_AT_ONCE: usize = 2_000;
/// The pause after a failure that names none.
const USUAL_PAUSE: Duration = Duration::from_secs(60);
const ALL: i64 = 100_000;

/// What a synchronisation did.
#[derive(Clone, Debug, Default)]
pub(crate) struct SyncReport {
    pub(crate) sales: usize,
    /// Of these, what was given back.
    pub(crate) returned: usize,
    pub(crate) refused: usize,
    /// Why the first line was refused that was.
    pub(crate) refusal: String,
    /// Things in the shop that resemble no product here.
    pub(crate) new_products: usize,
    /// Where the sales of the tenant come from now.
    pub(crate) rung: &'static str,
    pub(crate) known_until_us: Option<i64>,
    /// Why it ended before it was done.
    pub(crate) cause: Option<ConnectorError>,
}

/// One turn of one shop.
struct Turn<'a> {
    state: &'a State,
    tenant: &'a TenantId,
    shops: Shops<'a>,
    now: Timestamp,
    report: SyncReport,
}

/// Fetches the sales of a shop; with `from` everything since, otherwise what is missing.
///
/// # Errors
/// [`Error::NotConnected`], [`Error::Busy`] while another one runs, or the database's. That Square does not answer
/// is none: the report tells.
pub(crate) async fn run(
    state: &State,
    tenant: &TenantId,
    from: Option<Timestamp>,
    progress: &Progress,
) -> Result<SyncReport, Error> {
    let shops = Shops::of(&state.connectors)?;
    let now_us = (state.clock)();
    let now = Timestamp::from_microsecond(now_us).unwrap_or_default();
    let interval_us = i64::try_from(state.sync_interval.as_micros()).unwrap_or(i64::MAX);
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let times = (now_us, now_us + LEASE_US, now_us.saturating_add(interval_us));
    let leased = connections::lease(&mut transaction, tenant, times).await?;
    let shop = match leased {
        Some(shop) => shop,
        None if connections::get(&mut transaction, tenant).await?.is_none() => {
            return Err(Error::NotConnected);
        }
        None => {
            return Err(Error::Busy(
                "the sales of the shop are being fetched already; look again in a moment",
            ));
        }
    };
    transaction.commit().await?;
    let mut turn = Turn { state, tenant, shops, now, report: SyncReport::default() };
    let fetched = turn.fetch(&shop, from, progress).await;
    if let Err(error) = &fetched {
        turn.give_back(&shop, &error.to_string(), None).await?;
    }
    fetched?;
    metrics::shop_synced(turn.report.rung, turn.report.cause.as_ref().map_or("none", ConnectorError::kind));
    metrics::sales_recorded(connections::SQUARE, turn.report.sales);
    Ok(turn.report)
}

/// The parts of a synchronisation, the newest first.
fn parts(shop: &ConnectionRow, from: Option<Timestamp>, now: Timestamp) -> Vec<Period> {
    let instant = |us: i64| Timestamp::from_microsecond(us).unwrap_or_default();
    if let Some(from) = from {
        return Period { from: from.min(now), to: now }.newest_first(DAYS_A_PART);
    }
    let first_wanted = now.checked_sub(FIRST_WANTED).unwrap_or(Timestamp::MIN);
    let fresh = window_to_ask(shop.answered_until_us.map(instant), first_wanted, now);
    let mut parts = fresh.newest_first(DAYS_A_PART);
    if let Some(known_from) = shop.answered_from_us.map(instant) {
        parts.extend(Period { from: first_wanted, to: known_from }.newest_first(DAYS_A_PART));
    }
    parts
}

impl Turn<'_> {
    async fn fetch(
        &mut self,
        shop: &ConnectionRow,
        from: Option<Timestamp>,
        progress: &Progress,
    ) -> Result<(), Error> {
        let mut tokens = self.shops.open(self.tenant, &shop.sealed_tokens)?;
        let obtained_at = tokens.obtained_at;
        let asked = self.fetch_with(&mut tokens, shop, from, progress).await;
        // Renewed tokens are kept however the rest went.
        if tokens.obtained_at != obtained_at {
            let sealed = self.shops.seal(self.tenant, &tokens)?;
            let mut transaction = larder_database::begin_tenant(&self.state.app, self.tenant).await?;
            connections::keep_tokens(&mut transaction, self.tenant, shop.connected_at_us, &sealed).await?;
            transaction.commit().await?;
        }
        asked?;
        let cause = self.report.cause.clone();
        self.give_back(shop, &cause.as_ref().map(ToString::to_string).unwrap_or_default(), cause.as_ref())
            .await
    }

    async fn fetch_with(
        &mut self,
        tokens: &mut SquareTokens,
        shop: &ConnectionRow,
        from: Option<Timestamp>,
        progress: &Progress,
    ) -> Result<(), Error> {
        progress.tell("catalogue", 0).await;
        let catalog = self.shops.square.catalog(tokens, &self.asking()).await;
        let (catalog, first_cause) = (catalog.value, catalog.cause);
        let mut transaction = larder_database::begin_tenant(&self.state.app, self.tenant).await?;
        let stalls = Stalls::new(markets::list(&mut transaction, self.tenant, "", ALL).await?);
        let now_us = self.now.as_microsecond();
        let mut products = ShopProducts::read(&mut transaction, self.tenant, catalog, now_us).await?;
        let mut shop = shop.clone();
        let locations = stalls.locations();
        let is_elsewhere = locations != shop.answered_locations && shop.answered_until_us.is_some();
        if products.look_again(&mut transaction, self.tenant).await? || is_elsewhere {
            // Other locations have other sales, and what was sold under an id of the shop's gets its own.
            connections::forget_answers(&mut transaction, self.tenant).await?;
            (shop.answered_from_us, shop.answered_until_us) = (None, None);
        }
        transaction.commit().await?;
        if locations.is_empty() {
            self.report.refusal = "no market has a square_location_id yet".to_owned();
            return Ok(());
        }
        for part in parts(&shop, from, self.now) {
            let query = SalesQuery { location_ids: locations.clone(), period: part };
            let answer = self.shops.square.sales(tokens, &query, async { Vec::new() }, &self.asking()).await;
            let Answer { value, source: SquareRung::Square, .. } = answer else {
                // Left in peace since the catalogue was asked for: that failure is the cause.
                self.report.cause = match answer.cause {
                    Some(ConnectorError::Resting { .. }) => first_cause.or(answer.cause),
                    cause => cause,
                };
                return Ok(());
            };
            self.take_in(value, &stalls, &mut products).await?;
            progress.tell("sales", i64::try_from(self.report.sales).unwrap_or(i64::MAX)).await;
        }
        progress.tell("stock", i64::try_from(self.report.sales).unwrap_or(i64::MAX)).await;
        self.count_stock(tokens, &stalls, &products).await
    }

    /// Asks what is left. Sales do without it: a shop that cannot tell has been fetched all the same.
    async fn count_stock(
        &mut self,
        tokens: &mut SquareTokens,
        stalls: &Stalls,
        products: &ShopProducts,
    ) -> Result<(), Error> {
        let ids = products.catalog_ids();
        if ids.is_empty() {
            return Ok(());
        }
        let asked = self.shops.square.count_stock(tokens, &ids, &stalls.locations(), &self.asking()).await;
        let counts = match asked {
            Ok(counts) => counts,
            Err(error) => {
                tracing::warn!(tenant.id = %self.tenant, error.kind = error.kind(), "the shop's stock is not known");
                return Ok(());
            }
        };
        let rows = stock::rows(&counts, stalls, products, self.now.as_microsecond());
        let mut transaction = larder_database::begin_tenant(&self.state.app, self.tenant).await?;
        stock_counts::keep(&mut transaction, self.tenant, &rows).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Writes a part and notes that it is known.
    async fn take_in(
        &mut self,
        sales: Sales,
        stalls: &Stalls,
        products: &mut ShopProducts,
    ) -> Result<(), Error> {
        for refused in &sales.refused {
            self.refuse(&refused.order_id, &refused.reason);
        }
        let now_us = self.now.as_microsecond();
        for lines in sales.lines.chunks(ROWS_AT_ONCE) {
            let mut transaction = larder_database::begin_tenant(&self.state.app, self.tenant).await?;
            self.report.new_products += products.take_in(&mut transaction, self.tenant, lines).await?;
            let rows = self.rows(lines, stalls, products);
            if !rows.is_empty() {
                sales::upsert(&mut transaction, self.tenant, &rows).await?;
            }
            transaction.commit().await?;
            self.report.sales += rows.len();
            self.report.returned += rows.iter().filter(|row| row.quantity < 0.0).count();
        }
        let period = (sales.period.from.as_microsecond(), sales.period.to.as_microsecond());
        let mut transaction = larder_database::begin_tenant(&self.state.app, self.tenant).await?;
        let leased_until_us = (self.state.clock)().max(now_us) + LEASE_US;
        let locations = stalls.locations();
        connections::note_answered(&mut transaction, self.tenant, period, &locations, leased_until_us)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    fn rows(&mut self, lines: &[SaleLine], stalls: &Stalls, products: &ShopProducts) -> Vec<sales::NewSale> {
        let mut rows = Vec::with_capacity(lines.len());
        for line in lines {
            let Some(product_id) = products.product_id(line) else { continue };
            match stalls.sale(line, product_id, self.now.as_microsecond()) {
                Ok(row) => rows.push(row),
                Err(reason) => self.refuse(&line.order_id, &reason),
            }
        }
        // A line that stands twice in an answer is one sale.
        rows.sort_by(|one, other| one.sale_id.cmp(&other.sale_id));
        rows.dedup_by(|one, other| one.sale_id == other.sale_id);
        rows
    }

    fn refuse(&mut self, order_id: &str, reason: &str) {
        self.report.refused += 1;
        if self.report.refusal.is_empty() {
            self.report.refusal = format!("order {order_id}: {reason}");
        }
    }

    /// Gives the turn back, keeps how it went, and tells where the sales come from now.
    async fn give_back(
        &mut self,
        shop: &ConnectionRow,
        error: &str,
        cause: Option<&ConnectorError>,
    ) -> Result<(), Error> {
        let now_us = (self.state.clock)().max(self.now.as_microsecond());
        let pause = cause.map(|cause| cause.retry_after().unwrap_or(USUAL_PAUSE));
        let not_before_us =
            pause.map(|pause| now_us + i64::try_from(pause.as_micros()).unwrap_or(i64::MAX / 4));
        let is_revoked = matches!(cause, Some(ConnectorError::Unauthorised { status: 401, .. }));
        let mut transaction = larder_database::begin_tenant(&self.state.app, self.tenant).await?;
        let mut end = EndOfSync { rung: "square", error, synced_at_us: now_us, not_before_us, is_revoked };
        if !error.is_empty() {
            end.rung = "cache";
        }
        connections::end_sync(&mut transaction, self.tenant, shop.connected_at_us, &end).await?;
        let row = connections::get(&mut transaction, self.tenant).await?;
        transaction.commit().await?;
        let standing = Standing::of(row.as_ref(), now_us);
        (self.report.rung, self.report.known_until_us) = (standing.rung, standing.known_until_us);
        Ok(())
    }

    fn asking(&self) -> Asking {
        Asking::at(self.now, PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_US: i64 = 86_400_000_000;

    fn shop(answered: Option<(i64, i64)>) -> ConnectionRow {
        ConnectionRow {
            account_id: "M1".to_owned(),
            sealed_tokens: String::new(),
            token_expires_at_us: 0,
            connected_at_us: 0,
            is_revoked: false,
            answered_from_us: answered.map(|answered| answered.0),
            answered_until_us: answered.map(|answered| answered.1),
            answered_locations: Vec::new(),
            synced_at_us: None,
            rung: String::new(),
            last_error: String::new(),
        }
    }

    fn now() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_first_time_three_years_are_read_from_the_newest_on() {
        let parts = parts(&shop(None), None, now());
        assert_eq!(parts.len(), (3 * 366_usize).div_ceil(30));
        assert_eq!(parts[0].to, now());
        assert_eq!(parts[36].from, now() - FIRST_WANTED);
    }

    #[test]
    fn later_the_last_three_days_are_read_again_and_what_was_missed_goes_on() {
        let now_us = now().as_microsecond();
        let known = parts(&shop(Some((now_us - 1_098 * DAY_US, now_us - DAY_US))), None, now());
        assert_eq!(known, [Period { from: now() - SignedDuration::from_hours(96), to: now() }]);
        let broken_off = parts(&shop(Some((now_us - 60 * DAY_US, now_us))), None, now());
        assert_eq!(broken_off[0].from, now() - SignedDuration::from_hours(72));
        assert_eq!(broken_off[1].to, now() - SignedDuration::from_hours(24 * 60));
        assert_eq!(broken_off.last().unwrap().from, now() - FIRST_WANTED);
    }

    #[test]
    fn somebody_may_ask_for_everything_since_a_day() {
        let from = now() - SignedDuration::from_hours(24 * 40);
        let parts = parts(&shop(Some((0, 0))), Some(from), now());
        assert_eq!((parts.len(), parts[1].from), (2, from));
    }
}
