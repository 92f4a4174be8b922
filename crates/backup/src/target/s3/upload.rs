//! An object on its way to S3. One that fits into a part is put at once; a larger one is a multipart
//! upload of at most a few parts at a time, so that memory stays bounded.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tokio::task::JoinSet;

use super::S3Target;
use crate::target::{ObjectKey, Target, TargetError, Upload};

const PARTS_AT_ONCE: usize = 2;

/// SHA-256 in base64, as S3 wants it.
pub(super) fn sha256(content: &[u8]) -> String {
    STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content))
}

/// What S3 calls the checksum of an object that came in parts.
fn sum_of_sums(parts: &[CompletedPart]) -> String {
    let sums = parts.iter().filter_map(|part| STANDARD.decode(part.checksum_sha256()?).ok());
    format!("{}-{}", sha256(&sums.flatten().collect::<Vec<u8>>()), parts.len())
}

pub(super) struct S3Upload {
    target: S3Target,
    key: ObjectKey,
    /// The first part, held back until a second one shows that a multipart upload is needed.
    first: Option<Bytes>,
    upload_id: Option<String>,
    part_count: i32,
    sending: JoinSet<Result<CompletedPart, TargetError>>,
    sent: Vec<CompletedPart>,
}

impl S3Upload {
    pub(super) fn new(target: S3Target, key: ObjectKey) -> Self {
        Self {
            target,
            key,
            first: None,
            upload_id: None,
            part_count: 0,
            sending: JoinSet::new(),
            sent: Vec::new(),
        }
    }

    async fn upload_id(&mut self) -> Result<String, TargetError> {
        if let Some(id) = &self.upload_id {
            return Ok(id.clone());
        }
        let (mode, until) = self.target.lock();
        let begun = self
            .target
            .client
            .create_multipart_upload()
            .bucket(&self.target.settings.bucket)
            .key(self.target.name_at_bucket(self.key.as_str()))
            .set_storage_class(self.target.storage_class())
            .set_object_lock_mode(mode)
            .set_object_lock_retain_until_date(until)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .send()
            .await;
        let begun =
            begun.map_err(|error| self.target.error("begin an upload of", self.key.as_str(), &error))?;
        let id = begun.upload_id().unwrap_or_default().to_owned();
        self.upload_id = Some(id.clone());
        Ok(id)
    }

    async fn send(&mut self, part: Bytes) -> Result<(), TargetError> {
        while self.sending.len() >= PARTS_AT_ONCE {
            self.wait_for_one().await?;
        }
        let upload_id = self.upload_id().await?;
        self.part_count += 1;
        let (target, key, number) = (self.target.clone(), self.key.clone(), self.part_count);
        self.sending.spawn(async move {
            let checksum = sha256(&part);
            let sent = target
                .client
                .upload_part()
                .bucket(&target.settings.bucket)
                .key(target.name_at_bucket(key.as_str()))
                .upload_id(upload_id)
                .part_number(number)
                .checksum_sha256(&checksum)
                .body(ByteStream::from(part))
                .send()
                .await;
            let sent = sent.map_err(|error| target.error("write a part of", key.as_str(), &error))?;
            let part = CompletedPart::builder().part_number(number).checksum_sha256(checksum);
            Ok(part.set_e_tag(sent.e_tag().map(str::to_owned)).build())
        });
        Ok(())
    }

    async fn wait_for_one(&mut self) -> Result<(), TargetError> {
        match self.sending.join_next().await {
            None => Ok(()),
            Some(Ok(part)) => {
                self.sent.push(part?);
                Ok(())
            }
            Some(Err(ended)) => Err(TargetError::Unavailable {
                target: self.target.settings.name.clone(),
                action: "write a part of",
                key: self.key.to_string(),
                cause: ended.to_string(),
            }),
        }
    }

    async fn complete(&mut self, upload_id: String) -> Result<(), TargetError> {
        while !self.sending.is_empty() {
            self.wait_for_one().await?;
        }
        self.sent.sort_by_key(CompletedPart::part_number);
        let checksum = sum_of_sums(&self.sent);
        let parts = CompletedMultipartUpload::builder().set_parts(Some(std::mem::take(&mut self.sent)));
        let completed = self
            .target
            .client
            .complete_multipart_upload()
            .bucket(&self.target.settings.bucket)
            .key(self.target.name_at_bucket(self.key.as_str()))
            .upload_id(upload_id)
            .if_none_match("*")
            .multipart_upload(parts.build())
            .send()
            .await;
        match completed.map_err(|error| self.target.error("finish", self.key.as_str(), &error)) {
            // The first try went well and its answer was lost.
            Err(error)
                if (error.is_exists() || error.is_not_found())
                    && self.target.is_ours(&self.key, &checksum).await =>
            {
                Ok(())
            }
            completed => completed.map(drop),
        }
    }

    async fn give_up(&mut self) {
        self.sending.shutdown().await;
        let Some(upload_id) = self.upload_id.take() else { return };
        let aborted = self
            .target
            .client
            .abort_multipart_upload()
            .bucket(&self.target.settings.bucket)
            .key(self.target.name_at_bucket(self.key.as_str()))
            .upload_id(upload_id)
            .send()
            .await;
        if let Err(error) = aborted {
            // The sweep of unfinished uploads takes it away later.
            let error = self.target.error("abort an upload of", self.key.as_str(), &error);
            tracing::warn!(error.cause = %error, "an upload is left unfinished");
        }
    }
}

#[tonic::async_trait]
impl Upload for S3Upload {
    async fn write(&mut self, part: Bytes) -> Result<(), TargetError> {
        if self.upload_id.is_none() && self.first.is_none() {
            self.first = Some(part);
            return Ok(());
        }
        if let Some(first) = self.first.take() {
            self.send(first).await?;
        }
        self.send(part).await
    }

    async fn finish(mut self: Box<Self>) -> Result<(), TargetError> {
        let Some(upload_id) = self.upload_id.clone() else {
            let content = self.first.take().unwrap_or_default();
            return self.target.put(&self.key, content).await;
        };
        let completed = self.complete(upload_id).await;
        if completed.is_err() {
            self.give_up().await;
        }
        completed
    }

    async fn abort(mut self: Box<Self>) {
        self.give_up().await;
    }
}
