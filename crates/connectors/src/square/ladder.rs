//! Square's ladders: ask, else what it said within 24 hours, else what the house has itself.

use std::time::Duration;

use super::{CACHE_MAX_AGE, CatalogVariation, SaleLine, Sales, SalesQuery, Square, SquareTokens, StockCount};
use crate::answer::age;
use crate::{Answer, Asking, ConnectorError, LastGood};

/// Lines of an answer that is worth its place in memory.
const LINES_KEPT: usize = 50_000;

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SquareRung {
    /// Square itself.
    Square,
    /// Square, within the last 24 hours.
    Cache,
    /// The sales that the house recorded.
    RecordedSales,
    /// Nobody.
    None,
}

impl SquareRung {
    /// The name in answers, health and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Square => "square",
            Self::Cache => "cache",
            Self::RecordedSales => "recorded_sales",
            Self::None => "none",
        }
    }

    fn confidence(self) -> f64 {
        match self {
            Self::Square => 1.0,
            Self::Cache => 0.8,
            Self::RecordedSales => 0.6,
            Self::None => 0.0,
        }
    }
}

impl Square {
    /// What was sold in a period. While Square is away: the lines of that period among its last answer, if that is
    /// younger than 24 hours and from the same locations, else what `recorded` finds, which is not asked before.
    /// The value's own period says what the answer covers; the last answer's may end before the one asked for.
    pub async fn sales(
        &self,
        tokens: &mut SquareTokens,
        query: &SalesQuery,
        recorded: impl Future<Output = Vec<SaleLine>>,
        asking: &Asking,
    ) -> Answer<Sales, SquareRung> {
        let key = sales_key(tokens, query);
        let cause = match self.search_sales(tokens, query, asking).await {
            Ok(sales) => {
                if sales.lines.len() <= LINES_KEPT {
                    self.sales_kept.keep(&key, sales.clone(), asking.now);
                }
                return self.told(fresh(sales), asking);
            }
            Err(cause) => cause,
        };
        if let Some(kept) = self.sales_kept.get(&key, asking.now, CACHE_MAX_AGE) {
            let mut sales = kept.value;
            sales.lines.retain(|line| query.period.contains(line.sold_at));
            return self.told(lower(sales, SquareRung::Cache, age(kept.at, asking.now), cause), asking);
        }
        let sales = Sales { period: query.period, lines: recorded.await, refused: Vec::new() };
        self.told(lower(sales, SquareRung::RecordedSales, Duration::ZERO, cause), asking)
    }

    /// The vendor's catalogue; empty on the last rung.
    pub async fn catalog(
        &self,
        tokens: &mut SquareTokens,
        asking: &Asking,
    ) -> Answer<Vec<CatalogVariation>, SquareRung> {
        let asked = self.list_catalog(tokens, asking).await;
        self.or_kept(&self.catalog_kept, &tokens.merchant_id, asked, asking)
    }

    /// What is in stock; empty on the last rung.
    pub async fn stock(
        &self,
        tokens: &mut SquareTokens,
        catalog_object_ids: &[String],
        location_ids: &[String],
        asking: &Asking,
    ) -> Answer<Vec<StockCount>, SquareRung> {
        let asked = self.count_stock(tokens, catalog_object_ids, location_ids, asking).await;
        let key = stock_key(tokens, catalog_object_ids, location_ids);
        self.or_kept(&self.stock_kept, &key, asked, asking)
    }

    fn or_kept<T: Clone + Default>(
        &self,
        kept: &LastGood<T>,
        key: &str,
        asked: Result<T, ConnectorError>,
        asking: &Asking,
    ) -> Answer<T, SquareRung> {
        let answer = match asked {
            Ok(value) => {
                kept.keep(key, value.clone(), asking.now);
                fresh(value)
            }
            Err(cause) => match kept.get(key, asking.now, CACHE_MAX_AGE) {
                Some(kept) => lower(kept.value, SquareRung::Cache, age(kept.at, asking.now), cause),
                None => lower(T::default(), SquareRung::None, Duration::ZERO, cause),
            },
        };
        self.told(answer, asking)
    }

    fn told<T>(&self, answer: Answer<T, SquareRung>, asking: &Asking) -> Answer<T, SquareRung> {
        self.ladder.note(&answer, answer.source.name(), asking.now);
        answer
    }
}

fn fresh<T>(value: T) -> Answer<T, SquareRung> {
    let source = SquareRung::Square;
    Answer {
        value,
        source,
        age: Duration::ZERO,
        degraded: false,
        confidence: source.confidence(),
        cause: None,
    }
}

fn lower<T>(value: T, source: SquareRung, age: Duration, cause: ConnectorError) -> Answer<T, SquareRung> {
    Answer { value, source, age, degraded: true, confidence: source.confidence(), cause: Some(cause) }
}

fn sales_key(tokens: &SquareTokens, query: &SalesQuery) -> String {
    format!("{}:{}", tokens.merchant_id, sorted(&query.location_ids))
}

fn stock_key(tokens: &SquareTokens, catalog_object_ids: &[String], location_ids: &[String]) -> String {
    format!("{}:{}:{}", tokens.merchant_id, sorted(location_ids), sorted(catalog_object_ids))
}

fn sorted(ids: &[String]) -> String {
    let mut ids = ids.to_vec();
    ids.sort();
    ids.join(",")
}
