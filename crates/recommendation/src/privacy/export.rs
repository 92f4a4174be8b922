//! Everything about one customer as one JSON document: read within one moment of the database and sent while it is read, so that
//! an erasure meanwhile neither waits nor tears it.

use futures::StreamExt;
use futures::stream::BoxStream;
use larder_identity::TenantId;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{self, Sender};
use tokio_stream::wrappers::ReceiverStream;

use super::inventory::{OTHER_PLACES, PersonalTable, TABLES};
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::personal_data;

/// Pieces that wait for whoever takes them.
const PIECES_AHEAD: usize = 64;

/// What the file is called in itself, for programs that read it.
const FORMAT: &str = "larder.customer-export.v1";

/// What the file is made of, in this order.
enum Piece {
    Head(Value),
    Table(&'static PersonalTable),
    Row(Value),
    Tail,
    Failed(Error),
}

/// Begins an export; refusals come before the first part.
pub(crate) async fn begin(
    state: &State,
    tenant: &TenantId,
    customer_id: &str,
) -> Result<BoxStream<'static, Result<Vec<u8>, Error>>, Error> {
    let permit = state.exports.clone().try_acquire_owned().map_err(|_| {
        Error::Busy("as many exports as may run at once are under way; try again when one has ended")
    })?;
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let mut counts = Vec::new();
    for table in &TABLES {
        counts.push((table, personal_data::count(&mut transaction, tenant, table, customer_id).await?));
    }
    if counts.iter().all(|(_, rows)| *rows == 0) {
        return Err(Error::NotFound { noun: "customer" });
    }
    let head = head(tenant, customer_id, (state.clock)(), &counts);
    let (pieces, taken) = mpsc::channel(PIECES_AHEAD);
    let (tenant, customer_id) = (tenant.clone(), customer_id.to_owned());
    tokio::spawn(async move {
        let read = read(&mut transaction, &tenant, &customer_id, head, &pieces).await;
        if let Err(error) = read {
            // Whoever takes pieces and is gone needs no reason.
            drop(pieces.send(Piece::Failed(error)).await);
        }
    });
    let mut writer = Writer { _permit: permit, is_first_table: true, is_first_row: true };
    let parts = ReceiverStream::new(taken).ready_chunks(PIECES_AHEAD);
    Ok(parts.map(move |pieces| writer.part(pieces)).boxed())
}

async fn read(
    db: &mut sqlx::PgConnection,
    tenant: &TenantId,
    customer_id: &str,
    head: Value,
    pieces: &Sender<Piece>,
) -> Result<(), Error> {
    if pieces.send(Piece::Head(head)).await.is_err() {
        return Ok(());
    }
    for table in &TABLES {
        let is_wanted = pieces.send(Piece::Table(table)).await.is_ok();
        let taker = (pieces, Piece::Row as fn(Value) -> Piece);
        if !is_wanted || !personal_data::read(db, tenant, table, customer_id, taker).await? {
            return Ok(());
        }
    }
    if pieces.send(Piece::Tail).await.is_ok() {
        metrics::customer_exported();
    }
    Ok(())
}

fn head(
    tenant: &TenantId,
    customer_id: &str,
    now_us: i64,
    counts: &[(&'static PersonalTable, i64)],
) -> Value {
    let rows: serde_json::Map<_, _> =
        counts.iter().map(|(table, rows)| (table.name.to_owned(), json!(rows))).collect();
    let places: Vec<_> = OTHER_PLACES
        .iter()
        .map(|place| json!({"where": place.name, "about": place.about, "onErasure": place.on_erasure}))
        .collect();
    json!({
        "format": FORMAT,
        "tenantId": tenant.as_str(),
        "customerId": customer_id,
        "exportedAt": jiff::Timestamp::from_microsecond(now_us).map(|at| at.to_string()).unwrap_or_default(),
        "rowCounts": rows,
        "alsoKept": places,
    })
}

/// Makes text of pieces; the document is whole only with its last one.
struct Writer {
    _permit: OwnedSemaphorePermit,
    is_first_table: bool,
    is_first_row: bool,
}

impl Writer {
    /// What is there goes together.
    fn part(&mut self, pieces: Vec<Piece>) -> Result<Vec<u8>, Error> {
        let texts = pieces.into_iter().map(|piece| self.written(piece));
        Ok(texts.collect::<Result<String, Error>>()?.into_bytes())
    }

    fn written(&mut self, piece: Piece) -> Result<String, Error> {
        Ok(match piece {
            Piece::Head(head) => {
                let text = head.to_string();
                // The tables follow within the same object.
                format!("{},\n\"tables\":{{", text.strip_suffix('}').unwrap_or(&text))
            }
            Piece::Table(table) => {
                let before = if self.is_first_table { "\n" } else { "\n]},\n" };
                (self.is_first_table, self.is_first_row) = (false, true);
                let columns: serde_json::Map<_, _> =
                    table.columns.iter().map(|(name, about)| ((*name).to_owned(), json!(about))).collect();
                let (about, purpose) = (json!(table.about), json!(table.purpose));
                format!(
                    "{before}\"{}\":{{\"about\":{about},\"purpose\":{purpose},\"columns\":{},\"rows\":[",
                    table.name,
                    Value::Object(columns)
                )
            }
            Piece::Row(row) => {
                let before = if self.is_first_row { "\n" } else { ",\n" };
                self.is_first_row = false;
                format!("{before}{row}")
            }
            Piece::Tail => "\n]}\n}}\n".to_owned(),
            Piece::Failed(error) => return Err(error),
        })
    }
}
