//! The shelf of food matches: which generic food stands for a product of the catalogue, and
//! whether somebody said so.

use larder_identity::TenantId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Error;
use crate::nutrition::food_match::{FoodMatch, MatchState};
use crate::store::LogPosition;

/// A match on its way in.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewFoodMatch {
    pub(crate) product_id: String,
    /// The name that was matched.
    pub(crate) product_name: String,
    /// Empty when no generic food stands for the product.
    pub(crate) food_id: String,
    /// 0 to 1.
    pub(crate) confidence: f64,
    pub(crate) matched_words: Vec<String>,
}

/// A match as it lies in the table.
#[derive(Debug)]
pub(crate) struct FoodMatchRow {
    pub(crate) product_id: String,
    pub(crate) product_name: String,
    pub(crate) state: String,
    pub(crate) food_id: String,
    pub(crate) confidence: f64,
    pub(crate) matched_words: Vec<String>,
    pub(crate) updated_at_us: i64,
}

/// Which page of the matches is asked for, the most doubtful first.
pub(crate) struct MatchPage<'a> {
    pub(crate) state: Option<&'a str>,
    pub(crate) most_confidence: f64,
    /// Confidence and product of the last row of the page before.
    pub(crate) after: Option<(f64, &'a str)>,
    pub(crate) size: i64,
}

/// A match in the log of changes, as the follower reads it.
pub(crate) struct ChangedFoodMatch {
    pub(crate) tenant_id: String,
    pub(crate) product_id: String,
    pub(crate) position: LogPosition,
    pub(crate) food_match: FoodMatch,
}

/// Writes estimates, but for products that somebody decided about or that were estimated the
/// same before. Returns the places of those that were written in the order of changes.
pub(crate) async fn estimate(
    db: &mut PgConnection,
    tenant: &TenantId,
    matches: &[NewFoodMatch],
) -> sqlx::Result<Vec<(String, LogPosition)>> {
    let rows = sqlx::query!(
        "insert into recommendation.food_matches as known
             (tenant_id, product_id, product_name, state, food_id, confidence, matched_words)
         select $1, product_id, product_name, 'estimated', food_id, confidence,
                array(select jsonb_array_elements_text(matched_words))
         from jsonb_to_recordset($2::jsonb) as incoming (
             product_id text, product_name text, food_id text, confidence double precision,
             matched_words jsonb
         )
         order by product_id
         on conflict (tenant_id, product_id) do update set
             product_name = excluded.product_name,
             food_id = excluded.food_id,
             confidence = excluded.confidence,
             matched_words = excluded.matched_words,
             updated_at = now(),
             changed_xid = pg_current_xact_id()::text::bigint,
             changed_sequence = nextval('recommendation.change_sequence')
         where known.state = 'estimated'
               and (known.food_id, known.product_name) <> (excluded.food_id, excluded.product_name)
         returning product_id, changed_xid, changed_sequence",
        tenant.as_str(),
        Json(matches) as _
    )
    .fetch_all(db)
    .await?;
    let placed = rows
        .into_iter()
        .map(|row| (row.product_id, LogPosition { xid: row.changed_xid, sequence: row.changed_sequence }));
    Ok(placed.collect())
}

/// Writes what somebody decided about a product, and returns its place in the order of changes.
pub(crate) async fn decide(
    db: &mut PgConnection,
    tenant: &TenantId,
    decided: &NewFoodMatch,
    state: MatchState,
) -> sqlx::Result<LogPosition> {
    sqlx::query_as!(
        LogPosition,
        "insert into recommendation.food_matches
             (tenant_id, product_id, product_name, state, food_id, confidence, matched_words)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant_id, product_id) do update set
             product_name = excluded.product_name,
             state = excluded.state,
             food_id = excluded.food_id,
             confidence = excluded.confidence,
             matched_words = excluded.matched_words,
             updated_at = now(),
             changed_xid = pg_current_xact_id()::text::bigint,
             changed_sequence = nextval('recommendation.change_sequence')
         returning changed_xid as xid, changed_sequence as sequence",
        tenant.as_str(),
        decided.product_id,
        decided.product_name,
        state.name(),
        decided.food_id,
        decided.confidence,
        &decided.matched_words
    )
    .fetch_one(db)
    .await
}

/// The match of a product.
pub(crate) async fn get(
    db: &mut PgConnection,
    tenant: &TenantId,
    product_id: &str,
) -> Result<FoodMatchRow, Error> {
    let row = sqlx::query_as!(
        FoodMatchRow,
        r#"select product_id, product_name, state, food_id, confidence, matched_words,
                  recommendation.to_micros(updated_at) as "updated_at_us!"
           from recommendation.food_matches
           where tenant_id = $1 and product_id = $2"#,
        tenant.as_str(),
        product_id
    )
    .fetch_optional(db)
    .await?;
    row.ok_or(Error::NotFound { noun: "food match" })
}

/// A page of matches, the most doubtful first.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    page: MatchPage<'_>,
) -> sqlx::Result<Vec<FoodMatchRow>> {
    let (after_confidence, after_product) = page.after.unzip();
    sqlx::query_as!(
        FoodMatchRow,
        r#"select product_id, product_name, state, food_id, confidence, matched_words,
                  recommendation.to_micros(updated_at) as "updated_at_us!"
           from recommendation.food_matches
           where tenant_id = $1 and ($2::text is null or state = $2) and confidence <= $3
                 and ($4::double precision is null or (confidence, product_id) > ($4, $5))
           order by confidence, product_id
           limit $6"#,
        tenant.as_str(),
        page.state,
        page.most_confidence,
        after_confidence,
        after_product,
        page.size
    )
    .fetch_all(db)
    .await
}

/// The next changes of matches of all tenants after `after`; for the worker role alone.
pub(crate) async fn changes(
    db: &mut PgConnection,
    after: LogPosition,
    most: i64,
) -> sqlx::Result<Vec<ChangedFoodMatch>> {
    let rows = sqlx::query!(
        "select tenant_id, product_id, state, food_id, confidence, changed_xid, changed_sequence
         from recommendation.food_matches
         where (changed_xid, changed_sequence) > ($1, $2)
         order by changed_xid, changed_sequence
         limit $3",
        after.xid,
        after.sequence,
        most
    )
    .fetch_all(db)
    .await?;
    let changed = rows.into_iter().map(|row| ChangedFoodMatch {
        tenant_id: row.tenant_id,
        product_id: row.product_id,
        position: LogPosition { xid: row.changed_xid, sequence: row.changed_sequence },
        food_match: FoodMatch {
            state: MatchState::named(&row.state),
            food_id: row.food_id,
            confidence: row.confidence,
        },
    });
    Ok(changed.collect())
}
