//! An object on its way back from S3. A connection that ends in the middle or falls silent is opened
//! again where it ended, a few times.

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use super::{S3Target, innermost};
use crate::target::{Download, ObjectKey, TargetError};

/// How often in a row a connection may break off before it has brought anything to speak of.
const TRIES: u32 = 4;
const WORTH_ANOTHER_TRY_BYTES: u64 = 1 << 20;

pub(super) struct S3Download {
    target: S3Target,
    key: ObjectKey,
    body: ByteStream,
    /// Which content it was, so that no other is read on.
    etag: Option<String>,
    offset: u64,
    opened_at: u64,
    size: Option<u64>,
    tries_left: u32,
}

impl S3Download {
    pub(super) async fn open(target: S3Target, key: ObjectKey) -> Result<Self, TargetError> {
        let answer = get(&target, &key, 0, None).await?;
        let size = answer.content_length().and_then(|length| u64::try_from(length).ok());
        let etag = answer.e_tag().map(str::to_owned);
        Ok(Self { target, key, body: answer.body, etag, offset: 0, opened_at: 0, size, tries_left: TRIES })
    }

    fn broken(&self, cause: String) -> TargetError {
        TargetError::Unavailable {
            target: self.target.settings.name.clone(),
            action: "read",
            key: self.key.to_string(),
            cause: format!("{cause}, behind {} bytes", self.offset),
        }
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, String> {
        match tokio::time::timeout(self.target.settings.attempt_limit, self.body.next()).await {
            Err(_) => Err("nothing came for too long".to_owned()),
            Ok(Some(Err(error))) => Err(innermost(&error)),
            Ok(None) if self.size.is_some_and(|size| self.offset < size) => {
                Err("the connection ended in the middle".to_owned())
            }
            Ok(None) => Ok(None),
            Ok(Some(Ok(bytes))) => Ok(Some(bytes)),
        }
    }
}

#[tonic::async_trait]
impl Download for S3Download {
    async fn next(&mut self) -> Result<Option<Bytes>, TargetError> {
        loop {
            let cause = match self.piece().await {
                Ok(piece) => {
                    self.offset += piece.as_ref().map_or(0, |bytes| bytes.len() as u64);
                    return Ok(piece);
                }
                Err(cause) => cause,
            };
            if self.offset - self.opened_at >= WORTH_ANOTHER_TRY_BYTES {
                self.tries_left = TRIES;
            }
            if self.tries_left == 0 {
                return Err(self.broken(cause));
            }
            self.tries_left -= 1;
            self.opened_at = self.offset;
            let name = &self.target.settings.name;
            tracing::warn!(target.name = name, object = %self.key, error.cause = cause, "an object is read on from where it broke off");
            self.body = get(&self.target, &self.key, self.offset, self.etag.clone()).await?.body;
        }
    }
}

async fn get(
    target: &S3Target,
    key: &ObjectKey,
    from: u64,
    etag: Option<String>,
) -> Result<GetObjectOutput, TargetError> {
    let request = target.client.get_object().bucket(&target.settings.bucket);
    let range = (from > 0).then(|| format!("bytes={from}-"));
    let request = request.key(target.name_at_bucket(key.as_str())).set_range(range).set_if_match(etag);
    request.send().await.map_err(|error| target.error("read", key.as_str(), &error))
}
