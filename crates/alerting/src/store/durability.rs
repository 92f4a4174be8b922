//! How long a commit waits.

use sqlx::PgConnection;

/// Lets this transaction's commit return before it is on the disk. Only for work that is derived from what is there,
/// and tells nobody: what follows from it is sent under a lease, whose commit waits and takes this one along.
pub(crate) async fn do_not_wait(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("set local synchronous_commit = off").execute(db).await?;
    Ok(())
}
