//! The calls of dumps: what they have in common with those of backups is in `fields.rs`.

use larder_proto::larder::backup::v1::rescue_database_request as rescue;
use larder_proto::larder::backup::v1::run_drill_request::RecoverTo;
use larder_proto::larder::backup::v1::*;

use super::backup::BackupCalls;
use super::fields;
use crate::convert;
use crate::drill::RecoveryTarget;
use crate::dump::StoredDump;
use crate::error::BackupError;
use crate::manifest::BackupId;
use crate::operate::{self, DrillWishes, LoadWishes, RescueWishes};
use crate::operations::{self, Responses};

impl BackupCalls {
    pub(super) fn create_dumps(&self, request: CreateDumpRequest) -> Responses<CreateDumpResponse> {
        let state = self.state.clone();
        let followed = self.state.operations.start("create_dump", |progress| async move {
            operate::create_dumps(&state, fields::optional(&request.database), &progress).await
        });
        operations::stream(followed, |operation| CreateDumpResponse { operation: Some(operation) })
    }

    pub(super) async fn dumps(&self, request: ListDumpsRequest) -> Result<ListDumpsResponse, BackupError> {
        let size = fields::page_size(request.page_size)?;
        let (pages, filter) = (&self.state.pages, format!("dumps of {}", request.target));
        let begin = fields::page_begin(pages.read(&filter, &request.page_token)?)?;
        let mut dumps = operate::list_dumps(&self.state, fields::optional(&request.target)).await?;
        if let Some((id, target)) = begin {
            // The newest come first, and at one dump the targets by name.
            let place = |dump: &StoredDump| (dump.manifest.dump_id.clone(), dump.target.clone());
            dumps.retain(|dump| {
                let (other, at) = place(dump);
                other < id || (other == id && at > target)
            });
        }
        let next = (dumps.len() > size).then(|| {
            let last = &dumps[size - 1];
            pages.issue(&filter, &format!("{}@{}", last.manifest.dump_id, last.target))
        });
        dumps.truncate(size);
        let dumps = dumps.iter().map(convert::dump).collect();
        Ok(ListDumpsResponse { dumps, next_page_token: next.unwrap_or_default() })
    }

    /// A dump as each target holds it; empty when there is none of this name.
    pub(super) async fn dumps_at_targets(&self, id: &BackupId) -> Result<Vec<Dump>, BackupError> {
        let all = operate::list_dumps(&self.state, None).await?;
        Ok(all.iter().filter(|dump| dump.manifest.dump_id == *id).map(convert::dump).collect())
    }

    pub(super) fn load(&self, request: LoadDumpRequest) -> Result<Responses<LoadDumpResponse>, BackupError> {
        let wishes = LoadWishes {
            dump_id: fields::id("dump_id", &request.dump_id)?,
            target: fields::optional(&request.target).map(str::to_owned),
            database: request.database,
            tables: fields::tables(&request.tables)?,
            skip_owners: request.skip_owners,
        };
        let state = self.state.clone();
        let followed = self
            .state
            .operations
            .start("load_dump", |progress| async move { operate::load(&state, wishes, &progress).await });
        Ok(operations::stream(followed, |operation| LoadDumpResponse { operation: Some(operation) }))
    }

    pub(super) fn rescue(
        &self,
        request: RescueDatabaseRequest,
    ) -> Result<Responses<RescueDatabaseResponse>, BackupError> {
        let recover_to = fields::recovery_target(request.recover_to.map(as_of_drill))?;
        let archived = self.state.settings.archive_wal.then_some(RecoveryTarget::Latest);
        if request.source_database.is_empty() {
            let description = "must be the name of a database in the backup".to_owned();
            return Err(BackupError::Invalid { field: "source_database", description });
        }
        let wishes = RescueWishes {
            recovery: DrillWishes {
                backup_id: fields::optional_id("backup_id", &request.backup_id)?,
                target: fields::optional(&request.target).map(str::to_owned),
                recover_to: recover_to.or(archived),
            },
            source_database: request.source_database,
            tables: fields::tables(&request.tables)?,
            database: request.database,
            skip_owners: request.skip_owners,
        };
        let state = self.state.clone();
        let followed = self.state.operations.start("rescue_database", |progress| async move {
            operate::rescue(&state, wishes, &progress).await
        });
        Ok(operations::stream(followed, |operation| RescueDatabaseResponse { operation: Some(operation) }))
    }
}

/// Both calls ask for the same moments in the same words.
fn as_of_drill(asked: rescue::RecoverTo) -> RecoverTo {
    match asked {
        rescue::RecoverTo::Latest(latest) => RecoverTo::Latest(latest),
        rescue::RecoverTo::At(at) => RecoverTo::At(at),
        rescue::RecoverTo::Lsn(lsn) => RecoverTo::Lsn(lsn),
        rescue::RecoverTo::Point(point) => RecoverTo::Point(point),
    }
}
