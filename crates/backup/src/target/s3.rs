//! S3 as a target: conditional writes, multipart uploads whose parts carry SHA-256 in a header (so
//! that endpoints that know no checksum trailers work), storage classes and retention locks. The
//! bucket may be the ARN of an access point.

mod download;
mod upload;

use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{ChecksumMode, MetadataDirective, ObjectLockMode, StorageClass};
use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};

use self::download::S3Download;
use self::upload::S3Upload;
use super::{Download, ObjectKey, StoredObject, Target, TargetError, Upload};
use crate::clock::Clock;

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// A part of 8 MiB takes this long at 140 kB/s; slower than that is taken for hung.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(60);
const TRIES: u32 = 4;

/// What an S3 target needs to know.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// The target's name.
    pub name: String,
    /// The bucket, or the ARN of an access point.
    pub bucket: String,
    /// Before every object's name; empty, or ending with a slash.
    pub prefix: String,
    /// Another endpoint than Amazon's.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The key and its secret; `None` finds them as Amazon's own tools do.
    pub credentials: Option<(String, SecretString)>,
    /// The storage class of new objects; `None` leaves it to the bucket.
    pub storage_class: Option<String>,
    /// The retention lock of new objects.
    pub lock: Option<RetentionLock>,
    /// The longest that one try of one request may take.
    pub attempt_limit: Duration,
}

/// How long nobody may remove an object, not even its owner when the mode is compliance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionLock {
    /// Whether nobody at all can lift it.
    pub is_compliance: bool,
    /// How long.
    pub period: Duration,
}

impl S3Settings {
    /// A bucket with everything else as usual.
    #[must_use]
    pub fn new(name: &str, bucket: &str) -> Self {
        Self {
            name: name.to_owned(),
            bucket: bucket.to_owned(),
            prefix: String::new(),
            endpoint: None,
            region: "us-east-1".to_owned(),
            credentials: None,
            storage_class: None,
            lock: None,
            attempt_limit: ATTEMPT_LIMIT,
        }
    }
}

/// A bucket.
#[derive(Debug, Clone)]
pub struct S3Target {
    client: Client,
    settings: S3Settings,
    clock: Clock,
}

impl S3Target {
    /// Prepares the client; nothing is asked yet. The clock tells until when locks last.
    pub async fn connect(settings: S3Settings, clock: Clock) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_LIMIT)
            .operation_attempt_timeout(settings.attempt_limit)
            .read_timeout(settings.attempt_limit)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
            .timeout_config(timeouts);
        if let Some((key, secret)) = &settings.credentials {
            let secret = secret.expose_secret();
            loader =
                loader.credentials_provider(Credentials::new(key, secret, None, None, "larder settings"));
        }
        // Sums that the service asks for of its own are trailers, which many endpoints refuse; ours are
        // headers.
        let mut config = aws_sdk_s3::config::Builder::from(&loader.load().await)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if let Some(endpoint) = &settings.endpoint {
            config = config.endpoint_url(endpoint).force_path_style(!settings.bucket.starts_with("arn:"));
        }
        Self { client: Client::from_conf(config.build()), settings, clock }
    }

    fn name_at_bucket(&self, key: &str) -> String {
        format!("{}{key}", self.settings.prefix)
    }

    fn storage_class(&self) -> Option<StorageClass> {
        self.settings.storage_class.as_deref().map(StorageClass::from)
    }

    fn lock(&self) -> (Option<ObjectLockMode>, Option<DateTime>) {
        let Some(lock) = self.settings.lock else { return (None, None) };
        let mode = if lock.is_compliance { ObjectLockMode::Compliance } else { ObjectLockMode::Governance };
        (Some(mode), Some(DateTime::from(SystemTime::from((self.clock)()) + lock.period)))
    }

    /// An object that is there already may be our own, from a try whose answer was lost: it has the same
    /// checksum then.
    async fn is_ours(&self, key: &ObjectKey, checksum: &str) -> bool {
        let request = self.client.head_object().bucket(&self.settings.bucket);
        let request = request.key(self.name_at_bucket(key.as_str())).checksum_mode(ChecksumMode::Enabled);
        request.send().await.is_ok_and(|head| head.checksum_sha256() == Some(checksum))
    }

    fn error<E>(&self, action: &'static str, key: &str, error: &SdkError<E>) -> TargetError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let (target, key) = (self.settings.name.clone(), key.to_owned());
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        let told = error.as_service_error();
        let code = told.and_then(ProvideErrorMetadata::code).unwrap_or_default();
        let message = told.and_then(ProvideErrorMetadata::message).unwrap_or_default();
        match (code, status) {
            ("NoSuchKey" | "NoSuchUpload" | "NotFound", _) => TargetError::NotFound { target, key },
            ("", Some(404)) => TargetError::NotFound { target, key },
            ("PreconditionFailed", _) | (_, Some(412)) => TargetError::Exists { target, key },
            ("InvalidObjectState", _) => {
                let cause = "it lies in a storage class that must be asked for first (RestoreObject); \
                             ask the bucket for it, wait, and try again"
                    .to_owned();
                TargetError::Refused { target, action, key, cause }
            }
            ("NotImplemented", _) | (_, Some(400..=407 | 410..=428 | 430..=499)) => {
                let cause = format!("{code} {message}").trim().to_owned();
                let cause = if cause.is_empty() { format!("status {}", status.unwrap_or(0)) } else { cause };
                TargetError::Refused { target, action, key, cause }
            }
            _ => {
                let cause = match (code, status) {
                    ("", None) => innermost(error),
                    ("", Some(status)) => format!("status {status}"),
                    _ => format!("{code} {message}"),
                };
                TargetError::Unavailable { target, action, key, cause }
            }
        }
    }
}

/// An object of a bucket or of an access point as a copy names it. Our names are made of letters, digits and
/// signs that need no escape.
fn copy_source(bucket: &str, name: &str) -> String {
    if bucket.starts_with("arn:") { format!("{bucket}/object/{name}") } else { format!("{bucket}/{name}") }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[tonic::async_trait]
impl Target for S3Target {
    fn name(&self) -> &str {
        &self.settings.name
    }

    async fn put(&self, key: &ObjectKey, content: Bytes) -> Result<(), TargetError> {
        let (mode, until) = self.lock();
        let checksum = upload::sha256(&content);
        let sent = self
            .client
            .put_object()
            .bucket(&self.settings.bucket)
            .key(self.name_at_bucket(key.as_str()))
            .if_none_match("*")
            .set_storage_class(self.storage_class())
            .set_object_lock_mode(mode)
            .set_object_lock_retain_until_date(until)
            .checksum_sha256(&checksum)
            .body(ByteStream::from(content))
            .send()
            .await;
        match sent.map_err(|error| self.error("write", key.as_str(), &error)) {
            Err(error) if error.is_exists() && self.is_ours(key, &checksum).await => Ok(()),
            sent => sent.map(drop),
        }
    }

    async fn begin(&self, key: &ObjectKey) -> Result<Box<dyn Upload>, TargetError> {
        Ok(Box::new(S3Upload::new(self.clone(), key.clone())))
    }

    async fn open(&self, key: &ObjectKey) -> Result<Box<dyn Download>, TargetError> {
        Ok(Box::new(S3Download::open(self.clone(), key.clone()).await?))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<StoredObject>, TargetError> {
        let request = self.client.list_objects_v2().bucket(&self.settings.bucket);
        let mut pages = request.prefix(self.name_at_bucket(prefix)).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.error("list", prefix, &error))?;
            for object in page.contents() {
                let name = object.key().and_then(|name| name.strip_prefix(&self.settings.prefix));
                // What has a name that none of ours could have is somebody else's.
                if let Some(Ok(key)) = name.map(str::parse) {
                    let size_bytes = object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
                    let storage_class = object.storage_class().map(|class| class.as_str().to_owned());
                    found.push(StoredObject { key, size_bytes, storage_class });
                }
            }
        }
        found.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(found)
    }

    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, TargetError> {
        let at_bucket = self.name_at_bucket(prefix);
        let request = self.client.list_objects_v2().bucket(&self.settings.bucket).delimiter("/");
        let mut pages = request.prefix(&at_bucket).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.error("list", prefix, &error))?;
            let folders = page.common_prefixes().iter().filter_map(|folder| folder.prefix());
            names.extend(folders.filter_map(|folder| {
                folder.strip_prefix(&at_bucket).map(|name| name.trim_end_matches('/').to_owned())
            }));
        }
        names.sort();
        Ok(names)
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), TargetError> {
        let name = self.name_at_bucket(key.as_str());
        let removed = self.client.delete_object().bucket(&self.settings.bucket).key(name).send().await;
        match removed.map_err(|error| self.error("remove", key.as_str(), &error)) {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }

    async fn change_storage_class(&self, key: &ObjectKey, storage_class: &str) -> Result<(), TargetError> {
        let action = "move to another storage class";
        let (bucket, name) = (&self.settings.bucket, self.name_at_bucket(key.as_str()));
        let head = self.client.head_object().bucket(bucket).key(&name).send().await;
        let head = head.map_err(|error| self.error(action, key.as_str(), &error))?;
        // The copy takes the place of the object, and is locked for as long as that was.
        let mode = head.object_lock_mode().map(|mode| ObjectLockMode::from(mode.as_str()));
        let until = head.object_lock_retain_until_date().copied();
        let copied = self
            .client
            .copy_object()
            .bucket(bucket)
            .key(&name)
            .copy_source(copy_source(bucket, &name))
            .set_copy_source_if_match(head.e_tag().map(str::to_owned))
            .metadata_directive(MetadataDirective::Copy)
            .storage_class(StorageClass::from(storage_class))
            .set_object_lock_mode(mode)
            .set_object_lock_retain_until_date(until)
            .send()
            .await;
        copied.map(drop).map_err(|error| self.error(action, key.as_str(), &error))
    }

    async fn remove_unfinished(&self, prefix: &str, begun_before: SystemTime) -> Result<usize, TargetError> {
        let (mut count, mut key_marker, mut id_marker) = (0, None, None);
        loop {
            let request = self.client.list_multipart_uploads().bucket(&self.settings.bucket);
            let request = request.set_key_marker(key_marker).set_upload_id_marker(id_marker);
            let listed = request.prefix(self.name_at_bucket(prefix)).send().await;
            let listed = listed.map_err(|error| self.error("list uploads below", prefix, &error))?;
            for upload in listed.uploads() {
                let begun = upload.initiated().and_then(|begun| SystemTime::try_from(*begun).ok());
                if begun.is_some_and(|begun| begun < begun_before) {
                    let request = self.client.abort_multipart_upload().bucket(&self.settings.bucket);
                    let aborted = request
                        .set_key(upload.key().map(str::to_owned))
                        .set_upload_id(upload.upload_id().map(str::to_owned))
                        .send()
                        .await;
                    aborted.map_err(|error| self.error("abort an upload below", prefix, &error))?;
                    count += 1;
                }
            }
            if listed.is_truncated() != Some(true) {
                return Ok(count);
            }
            key_marker = listed.next_key_marker().map(str::to_owned);
            id_marker = listed.next_upload_id_marker().map(str::to_owned);
        }
    }
}
