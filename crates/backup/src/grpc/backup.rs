//! `BackupService`. Wire types come off here; what is done is told in `operate.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use larder_proto::larder::backup::v1 as wire;
use larder_proto::larder::backup::v1::backup_service_server::BackupService;
use larder_proto::larder::backup::v1::*;
use tonic::{Request, Response, Status};

use super::fields;
use crate::convert;
use crate::dump::StoredDump;
use crate::error::BackupError;
use crate::manifest::BackupKind;
use crate::operate::{self, CreateWishes, DrillWishes};
use crate::operations::{self, Responses};
use crate::pipeline::Identities;
use crate::restore::{RestoreRequest, refuse_unless_empty};
use crate::state::State;
use crate::vault::{Hold, StoredBackup};

/// Objects that a restore reads at once.
const READ_AT_ONCE: usize = 2;

/// The calls.
pub(crate) struct BackupCalls {
    pub(crate) state: Arc<State>,
}

#[tonic::async_trait]
impl BackupService for BackupCalls {
    type CreateBackupStream = Responses<CreateBackupResponse>;
    type VerifyBackupStream = Responses<VerifyBackupResponse>;
    type RestoreBackupStream = Responses<RestoreBackupResponse>;
    type RunDrillStream = Responses<RunDrillResponse>;
    type CreateDumpStream = Responses<CreateDumpResponse>;
    type LoadDumpStream = Responses<LoadDumpResponse>;
    type RescueDatabaseStream = Responses<RescueDatabaseResponse>;
    type WatchOperationStream = Responses<WatchOperationResponse>;

    async fn create_backup(
        &self,
        request: Request<CreateBackupRequest>,
    ) -> Result<Response<Self::CreateBackupStream>, Status> {
        let wishes = wishes(&request.into_inner())?;
        let state = self.state.clone();
        let followed = self.state.operations.start("create_backup", |progress| async move {
            operate::create_backup(&state, wishes, &progress).await
        });
        let respond = |operation| CreateBackupResponse { operation: Some(operation) };
        Ok(Response::new(operations::stream(followed, respond)))
    }

    async fn list_backups(
        &self,
        request: Request<ListBackupsRequest>,
    ) -> Result<Response<ListBackupsResponse>, Status> {
        let request = request.into_inner();
        let size = fields::page_size(request.page_size)?;
        let pages = &self.state.pages;
        let begin = fields::page_begin(pages.read(&request.target, &request.page_token)?)?;
        let mut backups = operate::list_all(&self.state, fields::optional(&request.target)).await?;
        if let Some((id, target)) = begin {
            let place = |backup: &StoredBackup| (backup.manifest.backup_id.clone(), backup.target.clone());
            // The newest come first, and at one backup the targets by name.
            backups.retain(|backup| {
                let (other, at) = place(backup);
                other < id || (other == id && at > target)
            });
        }
        let next = (backups.len() > size).then(|| {
            let last = &backups[size - 1];
            pages.issue(&request.target, &format!("{}@{}", last.manifest.backup_id, last.target))
        });
        backups.truncate(size);
        Ok(Response::new(ListBackupsResponse {
            backups: backups.iter().map(convert::backup).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn get_backup(
        &self,
        request: Request<GetBackupRequest>,
    ) -> Result<Response<GetBackupResponse>, Status> {
        let id = fields::backup_id(&request.into_inner().backup_id)?;
        let stored = self.at_targets(&id).await?;
        if stored.is_empty() {
            return Err(BackupError::NoSuchBackup(id.to_string()).into());
        }
        Ok(Response::new(GetBackupResponse {
            backups: stored.iter().map(convert::backup).collect(),
            drills: stored.iter().filter_map(convert::drill).collect(),
        }))
    }

    async fn verify_backup(
        &self,
        request: Request<VerifyBackupRequest>,
    ) -> Result<Response<Self::VerifyBackupStream>, Status> {
        let request = request.into_inner();
        let id = fields::backup_id(&request.backup_id)?;
        let state = self.state.clone();
        let followed = self.state.operations.start("verify_backup", |progress| async move {
            operate::verify_backup(&state, &id, fields::optional(&request.target), &progress).await
        });
        let respond = |operation| VerifyBackupResponse { operation: Some(operation) };
        Ok(Response::new(operations::stream(followed, respond)))
    }

    async fn restore_backup(
        &self,
        request: Request<RestoreBackupRequest>,
    ) -> Result<Response<Self::RestoreBackupStream>, Status> {
        let request = request.into_inner();
        let id = fields::optional_id("backup_id", &request.backup_id)?;
        let folder = fields::folder(&request.folder)?;
        refuse_unless_empty(&folder)?;
        let state = self.state.clone();
        let followed = self.state.operations.start("restore_backup", |progress| async move {
            let (target, manifest) =
                operate::choose(&state, id.as_ref(), fields::optional(&request.target)).await?;
            let request = RestoreRequest {
                target,
                manifest,
                folder,
                tablespaces: BTreeMap::new(),
                owner: None,
                identities: Identities::default(),
                at_once: READ_AT_ONCE,
            };
            operate::restore_backup(&state, request, &progress).await
        });
        let respond = |operation| RestoreBackupResponse { operation: Some(operation) };
        Ok(Response::new(operations::stream(followed, respond)))
    }

    async fn run_drill(
        &self,
        request: Request<RunDrillRequest>,
    ) -> Result<Response<Self::RunDrillStream>, Status> {
        let request = request.into_inner();
        let wishes = DrillWishes {
            backup_id: fields::optional_id("backup_id", &request.backup_id)?,
            target: fields::optional(&request.target).map(str::to_owned),
            recover_to: fields::recovery_target(request.recover_to)?,
        };
        let state = self.state.clone();
        let followed = self.state.operations.start("run_drill", |progress| async move {
            operate::drill_backup(&state, wishes, &progress).await
        });
        let respond = |operation| RunDrillResponse { operation: Some(operation) };
        Ok(Response::new(operations::stream(followed, respond)))
    }

    async fn hold_backup(
        &self,
        request: Request<HoldBackupRequest>,
    ) -> Result<Response<HoldBackupResponse>, Status> {
        let HoldBackupRequest { backup_id, release, reason } = request.into_inner();
        let id = fields::backup_id(&backup_id)?;
        let hold = (!release).then(|| Hold { at: (self.state.clock)(), reason });
        operate::change_hold(&self.state, &id, hold.as_ref()).await?;
        let backups = self.at_targets(&id).await?.iter().map(convert::backup).collect();
        let dumps = self.dumps_at_targets(&id).await?;
        Ok(Response::new(HoldBackupResponse { backups, dumps }))
    }

    async fn preview_retention(
        &self,
        request: Request<PreviewRetentionRequest>,
    ) -> Result<Response<PreviewRetentionResponse>, Status> {
        let request = request.into_inner();
        let (mut verdicts, mut logs, mut dumps) = (Vec::new(), Vec::new(), Vec::new());
        for target in self.state.vault.targets_named(fields::optional(&request.target))? {
            let (listing, decided) = operate::preview_retention(&self.state, &target).await?;
            let tiers = operate::tiers_of(&self.state, &target, &listing, &decided);
            for verdict in &decided {
                let of = |backup: &&StoredBackup| backup.manifest.backup_id == verdict.backup_id;
                if let Some(backup) = listing.backups.iter().find(of) {
                    let mut told = convert::verdict(backup, verdict);
                    if let Some(class) = tiers.get(&verdict.backup_id) {
                        told.reason.push_str(&format!("; by its age it lies in {class}"));
                    }
                    verdicts.push(told);
                }
            }
            let previews = operate::preview_log(&self.state, &target).await?;
            logs.extend(previews.iter().map(|preview| convert::log_verdict(target.name(), preview)));
            let (listing, decided) = operate::preview_dumps(&self.state, &target).await?;
            for verdict in &decided {
                let of = |dump: &&StoredDump| dump.manifest.dump_id == verdict.backup_id;
                dumps.extend(listing.dumps.iter().find(of).map(|dump| convert::dump_verdict(dump, verdict)));
            }
        }
        Ok(Response::new(PreviewRetentionResponse { verdicts, logs, dumps }))
    }

    async fn get_recovery_status(
        &self,
        _: Request<GetRecoveryStatusRequest>,
    ) -> Result<Response<GetRecoveryStatusResponse>, Status> {
        let status = operate::recovery_status(&self.state).await?;
        Ok(Response::new(convert::recovery(&status)))
    }

    async fn create_dump(
        &self,
        request: Request<CreateDumpRequest>,
    ) -> Result<Response<Self::CreateDumpStream>, Status> {
        Ok(Response::new(self.create_dumps(request.into_inner())))
    }

    async fn list_dumps(
        &self,
        request: Request<ListDumpsRequest>,
    ) -> Result<Response<ListDumpsResponse>, Status> {
        Ok(Response::new(self.dumps(request.into_inner()).await?))
    }

    async fn load_dump(
        &self,
        request: Request<LoadDumpRequest>,
    ) -> Result<Response<Self::LoadDumpStream>, Status> {
        Ok(Response::new(self.load(request.into_inner())?))
    }

    async fn rescue_database(
        &self,
        request: Request<RescueDatabaseRequest>,
    ) -> Result<Response<Self::RescueDatabaseStream>, Status> {
        Ok(Response::new(self.rescue(request.into_inner())?))
    }

    async fn watch_operation(
        &self,
        request: Request<WatchOperationRequest>,
    ) -> Result<Response<Self::WatchOperationStream>, Status> {
        let id = request.into_inner().operation_id;
        let Some(followed) = self.state.operations.find(&id) else {
            let description = format!("{id:?} is no operation of this process, or ended long ago");
            return Err(BackupError::Invalid { field: "operation_id", description }.into());
        };
        let respond = |operation| WatchOperationResponse { operation: Some(operation) };
        Ok(Response::new(operations::stream(followed, respond)))
    }
}

impl BackupCalls {
    async fn at_targets(&self, id: &crate::manifest::BackupId) -> Result<Vec<StoredBackup>, BackupError> {
        let mut found = operate::list_all(&self.state, None).await?;
        found.retain(|backup| backup.manifest.backup_id == *id);
        Ok(found)
    }
}

fn wishes(request: &CreateBackupRequest) -> Result<CreateWishes, BackupError> {
    let kind = match request.kind() {
        wire::BackupKind::Unspecified | wire::BackupKind::Full => BackupKind::Full,
        wire::BackupKind::Incremental => BackupKind::Incremental,
    };
    let parent = fields::optional_id("parent_backup_id", &request.parent_backup_id)?;
    if parent.is_some() && kind != BackupKind::Incremental {
        let description = "must be empty for a backup that is not incremental".to_owned();
        return Err(BackupError::Invalid { field: "parent_backup_id", description });
    }
    Ok(CreateWishes { kind: Some(kind), parent })
}
