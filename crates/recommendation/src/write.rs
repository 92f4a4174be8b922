//! One write, done once: the transaction of the caller's tenant, and the idempotency key
//! whose answer is kept in that same transaction.

use aws_lc_rs::digest::{SHA256, digest};
use futures::future::BoxFuture;
use larder_identity::TenantId;
use prost::Message;
use sqlx::{PgConnection, PgPool};
use tonic::metadata::MetadataMap;

use crate::error::Error;
use crate::store::idempotency::{self, KeptAnswer};
use crate::validate::Fields;

/// What a write returned, and what is to be done in memory now that it is committed:
/// nothing when the answer is one that was kept.
pub(crate) struct Written<Response, After> {
    pub(crate) response: Response,
    pub(crate) after: Option<After>,
}

/// Which write of which tenant, and the key that makes it happen once.
pub(crate) struct Write<'a> {
    pub(crate) pool: &'a PgPool,
    pub(crate) tenant: &'a TenantId,
    pub(crate) method: &'static str,
    pub(crate) key: Option<String>,
}

/// The `idempotency-key` of a request, if it has one.
pub(crate) fn idempotency_key(metadata: &MetadataMap) -> Result<Option<String>, Error> {
    let Some(value) = metadata.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    let mut fields = Fields::default();
    fields.id("idempotency-key", key);
    fields.finish(Some(key.to_owned()))
}

impl Write<'_> {
    /// Runs `work` in a transaction and commits it, unless its key was answered before.
    pub(crate) async fn run<Request, Response, After>(
        &self,
        request: &Request,
        work: impl for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<(Response, After), Error>>,
    ) -> Result<Written<Response, After>, Error>
    where
        Request: Message,
        Response: Message + Default,
    {
        let mut transaction = larder_database::begin_tenant(self.pool, self.tenant).await?;
        let Some(key) = &self.key else {
            let (response, after) = work(&mut transaction).await?;
            transaction.commit().await?;
            return Ok(Written { response, after: Some(after) });
        };
        let request_sha256 = digest(&SHA256, &request.encode_to_vec()).as_ref().to_vec();
        if let Some(kept) = idempotency::find(&mut transaction, self.tenant, self.method, key).await? {
            return replay(&kept, &request_sha256);
        }
        let (response, after) = work(&mut transaction).await?;
        let answer = KeptAnswer { request_sha256, response: response.encode_to_vec() };
        idempotency::keep(&mut transaction, self.tenant, self.method, key, &answer).await?;
        transaction.commit().await?;
        Ok(Written { response, after: Some(after) })
    }
}

fn replay<Response: Message + Default, After>(
    kept: &KeptAnswer,
    request_sha256: &[u8],
) -> Result<Written<Response, After>, Error> {
    if kept.request_sha256 != request_sha256 {
        return Err(Error::KeyReused);
    }
    let response = Response::decode(kept.response.as_slice())
        .map_err(|error| Error::Internal(format!("kept answer does not decode: {error}")))?;
    Ok(Written { response, after: None })
}
