//! Seals tenants' tokens anew under the active key, while everything runs: row by row, a batch a transaction.
//! Rows that are done are found no more, so that a run that was broken off is simply begun again; a row whose
//! tokens were renewed meanwhile keeps the renewed ones.

use larder_connectors::secrets::KeyRing;
use larder_identity::TenantId;
use sqlx::PgPool;

use super::tokens::owner;
use crate::store::connections::{self, SealedByAnother};

/// What a rotation did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Tokens that were sealed anew.
    pub resealed: u64,
    /// Tokens that were renewed by the service meanwhile; they are looked at again.
    pub renewed_meanwhile: u64,
    /// Tenants whose tokens no key of the ring opens, and why: they must connect again, or a key is missing.
    pub unopened: Vec<(String, String)>,
}

/// Why a rotation ended before it was done. What was sealed anew stays so.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The database did not answer.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
}

/// Seals everything anew that the ring's active key did not seal. `pool` is of the worker's role, which sees every
/// tenant; `told` hears after each batch how many rows are done.
///
/// # Errors
/// [`RotationError`]; begin again.
pub async fn rotate_secrets(
    pool: &PgPool,
    ring: &KeyRing,
    batch: u16,
    told: impl Fn(&Rotation),
) -> Result<Rotation, RotationError> {
    let mut rotation = Rotation::default();
    let mut place = (String::new(), String::new());
    let mut passed_over = 0;
    loop {
        let mut transaction = pool.begin().await?;
        let after = (place.0.as_str(), place.1.as_str());
        let rows =
            connections::sealed_by_others(&mut transaction, ring.active_id(), after, batch.max(1).into())
                .await?;
        let Some(last) = rows.last() else {
            // A service that still seals with an older key may have renewed behind our back.
            if rotation.renewed_meanwhile == passed_over {
                return Ok(rotation);
            }
            (passed_over, place) = (rotation.renewed_meanwhile, Default::default());
            rotation.unopened.clear();
            continue;
        };
        place = (last.tenant_id.clone(), last.connector.clone());
        for row in &rows {
            match reseal(ring, row) {
                Ok(sealed) => {
                    let replaced =
                        connections::replace_sealed(&mut transaction, row, &sealed, ring.active_id()).await?;
                    *(if replaced { &mut rotation.resealed } else { &mut rotation.renewed_meanwhile }) += 1;
                }
                Err(reason) => rotation.unopened.push((row.tenant_id.clone(), reason)),
            }
        }
        transaction.commit().await?;
        told(&rotation);
    }
}

fn reseal(ring: &KeyRing, row: &SealedByAnother) -> Result<String, String> {
    let tenant = TenantId::parse(&row.tenant_id).map_err(|error| error.to_string())?;
    let sealed = ring.re_encrypt(&row.sealed_tokens, owner(&tenant)).map_err(|error| error.to_string())?;
    // The row says that another key sealed it, and the text says that this one did: it is as it should be.
    Ok(sealed.unwrap_or_else(|| row.sealed_tokens.clone()))
}
