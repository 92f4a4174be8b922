//! Dumps of live databases: taken one after the other, listed, loaded into new databases, and let go of
//! when they are old.

use jiff::Timestamp;

use crate::drill::{RescueIntoRequest, rescue_into};
use crate::dump::{
    DumpListing, DumpRequest, LoadPlace, LoadRequest, Loaded, StoredDump, TableName, create_dump, databases,
    load_dump,
};
use crate::error::BackupError;
use crate::manifest::BackupId;
use crate::metrics;
use crate::operations::Results;
use crate::progress::Progress;
use crate::retention::{self, Candidate, Policy, RetentionVerdict};
use crate::state::State;
use crate::target::SharedTarget;
use crate::under_way::Kind;

use super::drill::{DrillWishes, identities_for, request as drill_request};
use super::{guard, random};

/// What to load, and where to.
#[derive(Debug, Clone)]
pub(crate) struct LoadWishes {
    pub(crate) dump_id: BackupId,
    /// `None` for the first target that holds it.
    pub(crate) target: Option<String>,
    /// The new database.
    pub(crate) database: String,
    /// Empty for all of the database.
    pub(crate) tables: Vec<TableName>,
    pub(crate) skip_owners: bool,
}

/// What to rescue, and where to.
#[derive(Debug, Clone)]
pub(crate) struct RescueWishes {
    /// The backup and the moment.
    pub(crate) recovery: DrillWishes,
    /// The database as it was named.
    pub(crate) source_database: String,
    /// Empty for all of the database.
    pub(crate) tables: Vec<TableName>,
    /// The new database.
    pub(crate) database: String,
    pub(crate) skip_owners: bool,
}

/// What became of several dumps.
#[derive(Default)]
struct Taken {
    ids: Vec<String>,
    databases: Vec<String>,
    stored_bytes: u64,
    /// Targets that lack one, and databases of which there is none.
    failures: Vec<String>,
}

/// Dumps one database, or all that the settings name. One that fails does not spare the others.
pub(crate) async fn create_dumps(
    state: &State,
    database: Option<&str>,
    progress: &Progress,
) -> Result<Results, BackupError> {
    let turn = state.dump_turn.try_acquire();
    let _turn =
        turn.map_err(|_| BackupError::Refused("a dump is being taken already: wait for its end".to_owned()))?;
    let names = match database {
        Some(name) => vec![name.to_owned()],
        None => wanted_databases(state).await?,
    };
    let (mut taken, mut refusal) = (Taken::default(), None);
    for name in &names {
        if let Err(error) = dump_one(state, name, &mut taken, progress).await {
            tracing::error!(db.namespace = name, error.cause = %error, "a database was not dumped");
            taken.failures.push(format!("{name}: {error}"));
            refusal = Some(error);
        }
    }
    match refusal {
        Some(error) if names.len() == 1 => Err(error),
        Some(_) => Err(BackupError::Refused(format!(
            "{} of {} databases were dumped; {}",
            taken.databases.len(),
            names.len(),
            taken.failures.join("; ")
        ))),
        None => Ok(Results::from([
            ("dump_ids".to_owned(), taken.ids.join(", ")),
            ("databases".to_owned(), taken.databases.join(", ")),
            ("stored_bytes".to_owned(), taken.stored_bytes.to_string()),
            ("failed_targets".to_owned(), taken.failures.join("; ")),
        ])),
    }
}

async fn wanted_databases(state: &State) -> Result<Vec<String>, BackupError> {
    let named = state.settings.dump_databases.as_deref().unwrap_or_default().split(',').map(str::trim);
    let named: Vec<String> = named.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if named.is_empty() { Ok(databases(&state.dump_source).await?) } else { Ok(named) }
}

async fn dump_one(
    state: &State,
    database: &str,
    taken: &mut Taken,
    progress: &Progress,
) -> Result<(), BackupError> {
    let rate = state.settings.throttle_bytes_per_second;
    let request = DumpRequest {
        server: state.dump_source.clone(),
        database: database.to_owned(),
        dump_id: BackupId::new((state.clock)(), random()?),
        bin_dir: state.bin_dir.clone(),
        bytes_per_second: (rate > 0).then_some(rate),
        record_most_bytes: state.settings.record_most_bytes,
        now: state.clock,
    };
    let note = state.under_way.begin(Kind::Dump, &request.dump_id);
    let created = create_dump(&state.vault, &request, progress).await;
    if let Some(note) = note.filter(|_| created.as_ref().is_ok_and(|created| created.failures.is_empty())) {
        note.done();
    }
    let created = created?;
    let manifest = &created.manifest;
    for failure in &created.failures {
        metrics::target_failed(failure.target());
        taken.failures.push(format!("{database}: {failure}"));
    }
    metrics::dumped(database, manifest.snapshot_at);
    tracing::info!(
        dump.id = %manifest.dump_id,
        db.namespace = database,
        dump.raw_bytes = manifest.raw_bytes(),
        dump.stored_bytes = manifest.stored_bytes(),
        "database dumped"
    );
    taken.ids.push(manifest.dump_id.to_string());
    taken.databases.push(database.to_owned());
    taken.stored_bytes += manifest.stored_bytes();
    Ok(())
}

/// Every dump at all targets that can be listed, the newest first.
pub(crate) async fn list_dumps(state: &State, target: Option<&str>) -> Result<Vec<StoredDump>, BackupError> {
    let (mut dumps, mut refusal, mut answered) = (Vec::new(), None, false);
    for target in state.vault.targets_named(target)? {
        match state.vault.list_dumps(&target).await {
            Ok(listing) => {
                dumps.extend(listing.dumps);
                answered = true;
            }
            Err(error) => {
                tracing::warn!(target.name = target.name(), error.cause = %error, "a target cannot be listed");
                refusal = Some(error);
            }
        }
    }
    if let Some(error) = refusal.filter(|_| !answered) {
        return Err(error);
    }
    dumps.sort_by(|one, other| {
        (&other.manifest.dump_id, &one.target).cmp(&(&one.manifest.dump_id, &other.target))
    });
    Ok(dumps)
}

/// Loads a dump into a new database.
pub(crate) async fn load(
    state: &State,
    wishes: LoadWishes,
    progress: &Progress,
) -> Result<Results, BackupError> {
    let (target, manifest) = state.vault.find_dump(&wishes.dump_id, wishes.target.as_deref()).await?;
    let _guard = state.reading.begin(vec![wishes.dump_id.clone()]);
    let request = LoadRequest {
        identities: identities_for(state, &wishes.dump_id, manifest.is_sealed())?,
        target,
        manifest,
        tables: wishes.tables,
        place: place(state, wishes.database, wishes.skip_owners),
    };
    let loaded = load_dump(&state.vault, &request, progress).await?;
    tracing::info!(dump.id = %wishes.dump_id, db.namespace = loaded.database, "dump loaded");
    let mut results = results(&loaded);
    results.insert("dump_id".to_owned(), wishes.dump_id.to_string());
    Ok(results)
}

/// Recovers a backup beside the service and loads a database of it into a new one.
pub(crate) async fn rescue(
    state: &State,
    wishes: RescueWishes,
    progress: &Progress,
) -> Result<Results, BackupError> {
    let turn = state.drill_turn.try_acquire();
    let _turn = turn.map_err(|_| {
        BackupError::Refused("a drill or rescue is being run already: wait for its end".to_owned())
    })?;
    let recovery = drill_request(state, &wishes.recovery).await?;
    let _guard = guard(state, &recovery.target, &recovery.manifest).await;
    let request = RescueIntoRequest {
        recovery,
        database: wishes.source_database,
        tables: wishes.tables,
        place: place(state, wishes.database, wishes.skip_owners),
    };
    let (loaded, report) = rescue_into(&state.vault, &request, progress, state.clock).await?;
    tracing::info!(backup.id = report.backup_id, db.namespace = loaded.database, "database rescued");
    let mut results = results(&loaded);
    results.insert("backup_id".to_owned(), report.backup_id);
    results.insert("recovered_to".to_owned(), report.recover_to.to_string());
    Ok(results)
}

fn place(state: &State, database: String, skip_owners: bool) -> LoadPlace {
    LoadPlace { server: state.load_server.clone(), database, bin_dir: state.bin_dir.clone(), skip_owners }
}

fn results(loaded: &Loaded) -> Results {
    Results::from([
        ("database".to_owned(), loaded.database.clone()),
        ("compared_tables".to_owned(), loaded.compared.to_string()),
        ("compared_rows".to_owned(), loaded.rows.to_string()),
        ("keeps_locale".to_owned(), loaded.keeps_locale.to_string()),
    ])
}

/// What retention decides about the dumps of a target now.
pub(crate) async fn preview_dumps(
    state: &State,
    target: &SharedTarget,
) -> Result<(DumpListing, Vec<RetentionVerdict>), BackupError> {
    let listing = state.vault.list_dumps(target).await?;
    let candidates: Vec<_> = listing.dumps.iter().map(|dump| candidate(state, dump)).collect();
    let policy = Policy {
        keep_count: state.settings.dump_keep_count,
        keep_days: state.settings.dump_keep_days,
        daily: 0,
        weekly: 0,
        monthly: 0,
        yearly: 0,
    };
    let verdicts = retention::decide(&policy, &candidates, (state.clock)());
    Ok((listing, verdicts))
}

fn candidate(state: &State, dump: &StoredDump) -> Candidate {
    Candidate {
        backup_id: dump.manifest.dump_id.clone(),
        parent: None,
        is_proven: false,
        is_held: dump.hold.is_some(),
        is_in_use: state.reading.contains(&dump.manifest.dump_id),
        // The dumps of one database do not push out those of another.
        series: dump.manifest.database.clone(),
    }
}

/// Removes what the preview says, and what killed processes left.
pub(crate) async fn expire_dumps(state: &State, target: &SharedTarget) -> Result<(), BackupError> {
    let (listing, verdicts) = preview_dumps(state, target).await?;
    for verdict in verdicts.iter().filter(|verdict| !verdict.stays()) {
        let hold = state.vault.read_dump_hold(target, &verdict.backup_id).await?;
        if hold.is_some() || state.reading.contains(&verdict.backup_id) {
            continue;
        }
        state.vault.remove_dump(target, &verdict.backup_id).await?;
        metrics::removed(target.name());
        tracing::info!(dump.id = %verdict.backup_id, target.name = target.name(), "old dump removed");
    }
    let now = (state.clock)();
    for id in listing.uncommitted.iter().filter(|id| is_left_over(id, now)) {
        state.vault.remove_dump(target, id).await?;
        tracing::info!(dump.id = %id, target.name = target.name(), "left-over of a failed dump removed");
    }
    super::retention::remove_unfinished(state, target, &state.vault.dump_prefix()).await
}

/// What another process is writing is young; what is left of a failed dump is not.
pub(crate) fn is_left_over(id: &BackupId, now: Timestamp) -> bool {
    let age = now.duration_since(id.begun_at());
    age.is_positive() && age.unsigned_abs() > super::retention::UNFINISHED_AGE
}
