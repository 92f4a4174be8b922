//! The canary: one row that is written again and again, by the database's own clock.

use jiff::Timestamp;
use sqlx::PgConnection;

/// Tells the newest instant of the canary as text, from a restored database too.
pub(crate) const TELL_SQL: &str =
    "SELECT to_char(written_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM backup.canary";

/// Writes it, and tells when that was.
pub(crate) async fn write(db: &mut PgConnection) -> sqlx::Result<Timestamp> {
    let micros = sqlx::query_scalar!(
        r#"insert into backup.canary (is_alive, written_at) values (true, now())
           on conflict on constraint canary_pkey do update set written_at = excluded.written_at
           returning (extract(epoch from written_at) * 1000000)::bigint as "micros!""#
    )
    .fetch_one(db)
    .await?;
    Ok(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH))
}
