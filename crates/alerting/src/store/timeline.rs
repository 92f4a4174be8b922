//! The shelf of timelines. Entries are added and never changed; each carries the hash of the one
//! before, and no role of this service may update or delete one.

use std::collections::HashMap;

use larder_identity::TenantId;
use larder_oncall::history_chain::ChainHash;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::timeline::{Entry, kept_hash, start};

/// One entry as it lies in the table.
#[derive(Clone, Debug)]
pub(crate) struct EntryRow {
    pub(crate) sequence: i32,
    pub(crate) at_us: i64,
    pub(crate) kind: String,
    pub(crate) actor: String,
    pub(crate) text: String,
    pub(crate) hash: Vec<u8>,
}

#[derive(Serialize)]
struct NewEntry<'a> {
    incident_id: Uuid,
    sequence: i32,
    at_us: i64,
    kind: &'a str,
    actor: &'a str,
    text: &'a str,
    hash_hex: String,
}

/// Adds entries in their order. The incidents' rows must be locked, or new.
pub(crate) async fn add(
    db: &mut PgConnection,
    tenant: &TenantId,
    entries: &[(Uuid, Entry)],
) -> sqlx::Result<()> {
    let incident_ids: Vec<Uuid> = entries.iter().map(|(incident_id, _)| *incident_id).collect();
    let ends = sqlx::query!(
        "select distinct on (incident_id) incident_id, sequence, hash from alerting.timeline
         where tenant_id = $1 and incident_id = any($2) order by incident_id, sequence desc",
        tenant.as_str(),
        &incident_ids
    )
    .fetch_all(&mut *db)
    .await?;
    let mut ends: HashMap<Uuid, (i32, ChainHash)> =
        ends.into_iter().map(|end| (end.incident_id, (end.sequence, kept_hash(&end.hash)))).collect();
    let mut new = Vec::with_capacity(entries.len());
    for (incident_id, entry) in entries {
        let (sequence, hash) = ends.entry(*incident_id).or_insert_with(|| (0, start(*incident_id)));
        *sequence += 1;
        *hash = entry.hash(*hash, *sequence);
        new.push(NewEntry {
            incident_id: *incident_id,
            sequence: *sequence,
            at_us: entry.at_us,
            kind: entry.kind,
            actor: &entry.actor,
            text: &entry.text,
            hash_hex: hash.to_string(),
        });
    }
    sqlx::query_file!("src/store/sql/insert_timeline.sql", tenant.as_str(), Json(&new) as _)
        .execute(db)
        .await?;
    Ok(())
}

/// The timeline of an incident from its beginning.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    incident_id: Uuid,
) -> sqlx::Result<Vec<EntryRow>> {
    sqlx::query_as!(
        EntryRow,
        r#"select sequence, alerting.to_micros(at) as "at_us!", kind, actor, text, hash
           from alerting.timeline where tenant_id = $1 and incident_id = $2 order by sequence"#,
        tenant.as_str(),
        incident_id
    )
    .fetch_all(db)
    .await
}
