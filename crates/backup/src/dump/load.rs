//! Gives a dump back to a running server: into a new database, whole or some of its tables, and compared
//! with what was counted when it was taken before anybody sees it under its name.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use bytes::{Bytes, BytesMut};
use larder_database::Binaries;
use larder_replication::ConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdout;

use super::facts::{open_session, plain_login};
use super::manifest::{DumpManifest, DumpedTable, Locale};
use super::new_database::{NewDatabase, refuse_existing, refuse_unless_usable};
use super::read::{DumpContent, DumpPart};
use super::selection::{TableName, cut_down};
use crate::contents::{SESSION_SETTINGS, quoted, record_table};
use crate::error::BackupError;
use crate::pipeline::Identities;
use crate::programs::{Login, RunningProgram, dump_programs};
use crate::progress::Progress;
use crate::target::SharedTarget;
use crate::vault::Vault;

const PIECE_BYTES: usize = 64 * 1024;
const TABLES_SHOWN: usize = 10;

/// Where something is loaded to.
#[derive(Clone)]
pub struct LoadPlace {
    /// The server, with a login that may create databases.
    pub server: ConnectOptions,
    /// The new database.
    pub database: String,
    /// Where PostgreSQL's programs are; `None` looks where they usually are.
    pub bin_dir: Option<PathBuf>,
    /// Leaves owners and rights out, for a server without the roles.
    pub skip_owners: bool,
}

/// What to load.
#[derive(Clone)]
pub struct LoadRequest {
    /// Where to read the dump.
    pub target: SharedTarget,
    /// The dump.
    pub manifest: DumpManifest,
    /// Keys, for a dump that is sealed.
    pub identities: Identities,
    /// The tables; empty for all of the database.
    pub tables: Vec<TableName>,
    /// Where to.
    pub place: LoadPlace,
}

/// A database that was loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Its name.
    pub database: String,
    /// Tables that hold what they held when they were dumped.
    pub compared: u64,
    /// Their rows.
    pub rows: u64,
    /// Whether it sorts as the dumped one did.
    pub keeps_locale: bool,
}

/// Loads a dump into a new database.
///
/// # Errors
/// A database that exists, a server older than the dumped one, a table that is not in the dump, a key
/// that is missing, [`BackupError::Damaged`], and what `pg_restore` says. Nothing is left of the new
/// database then.
pub async fn load_dump(
    vault: &Vault,
    request: &LoadRequest,
    progress: &Progress,
) -> Result<Loaded, BackupError> {
    let manifest = &request.manifest;
    let tables = chosen(manifest, &request.tables)?;
    let content =
        || DumpContent::open(vault, &request.target, manifest, &request.identities, DumpPart::Archive);
    content()?;
    progress.begin("connecting", 0);
    let loader =
        Loader::prepare(&request.place, manifest.server.major_version, manifest.program_major).await?;
    let list = if request.tables.is_empty() {
        None
    } else {
        Some(cut_down(&loader.list(content()?).await?, &tables))
    };
    let new = loader.new_database(Some(&manifest.locale)).await?;
    progress.begin("loading", manifest.archive.iter().map(|object| object.raw_bytes).sum());
    let filled = async {
        loader.fill(&new, ArchiveSource::Dump(Box::new(content()?)), list.as_deref(), progress).await?;
        progress.begin("comparing", 0);
        loader.compare(&new, manifest, &tables).await
    };
    let loaded = match filled.await {
        Ok((compared, rows)) => {
            let (database, keeps_locale) = (request.place.database.clone(), new.keeps_locale);
            Loaded { database, compared, rows, keeps_locale }
        }
        Err(error) => {
            new.discard().await;
            return Err(error);
        }
    };
    new.publish().await?;
    Ok(loaded)
}

/// Refuses a place that nothing of this version can be loaded into.
pub(crate) async fn refuse_place(place: &LoadPlace, source_major: u32) -> Result<(), BackupError> {
    Loader::prepare(place, source_major, source_major).await.map(drop)
}

/// Loads what a `pg_dump` at work writes into a new database whose schemas are there already.
pub(crate) async fn load_stream(
    place: &LoadPlace,
    source_major: u32,
    schemas: &[&str],
    source: impl AsyncFnOnce() -> Result<RunningProgram, BackupError>,
    progress: &Progress,
) -> Result<Loaded, BackupError> {
    let loader = Loader::prepare(place, source_major, source_major).await?;
    let new = loader.new_database(None).await?;
    progress.begin("loading", 0);
    let filled = async {
        loader.make_schemas(&new, schemas).await?;
        let mut program = source().await?;
        let output = program.stdout()?;
        let source = ArchiveSource::Program(Box::new((program, output, BytesMut::new())));
        loader.fill(&new, source, None, progress).await
    };
    if let Err(error) = filled.await {
        new.discard().await;
        return Err(error);
    }
    new.publish().await?;
    Ok(Loaded { database: place.database.clone(), ..Loaded::default() })
}

/// The tables that were named, or all of them.
fn chosen<'a>(manifest: &'a DumpManifest, names: &[TableName]) -> Result<Vec<&'a DumpedTable>, BackupError> {
    if names.is_empty() {
        return Ok(manifest.tables.iter().collect());
    }
    names.iter().map(|name| find(manifest, name)).collect()
}

fn find<'a>(manifest: &'a DumpManifest, name: &TableName) -> Result<&'a DumpedTable, BackupError> {
    let is_it = |table: &&DumpedTable| table.schema == name.schema && table.table == name.table;
    manifest.tables.iter().find(is_it).ok_or_else(|| {
        let known = manifest.tables.iter().take(TABLES_SHOWN);
        let known: Vec<_> = known.map(|table| format!("{}.{}", table.schema, table.table)).collect();
        let more = manifest.tables.len().saturating_sub(TABLES_SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let description = format!("the dump holds no table {name}; it holds {}{more}", known.join(", "));
        BackupError::Invalid { field: "tables", description }
    })
}

/// Where the bytes of an archive come from.
enum ArchiveSource {
    Dump(Box<DumpContent>),
    Program(Box<(RunningProgram, ChildStdout, BytesMut)>),
}

impl ArchiveSource {
    async fn next(&mut self) -> Result<Option<Bytes>, BackupError> {
        match self {
            Self::Dump(content) => content.next().await,
            Self::Program(program) => {
                let (_, output, buffer) = program.as_mut();
                buffer.reserve(PIECE_BYTES);
                let read = output.read_buf(buffer).await;
                let count = read.map_err(|error| BackupError::Internal(format!("pg_dump: {error}")))?;
                Ok((count > 0).then(|| buffer.split().freeze()))
            }
        }
    }

    async fn finish(self) -> Result<(), BackupError> {
        match self {
            Self::Dump(_) => Ok(()),
            Self::Program(program) => {
                let (program, output, _) = *program;
                drop(output);
                program.finish().await
            }
        }
    }
}

/// The programs and the way into the server.
struct Loader<'a> {
    place: &'a LoadPlace,
    server_major: u32,
    binaries: Binaries,
    login: Login,
}

impl<'a> Loader<'a> {
    async fn prepare(
        place: &'a LoadPlace,
        source_major: u32,
        program_major: u32,
    ) -> Result<Self, BackupError> {
        refuse_unless_usable(&place.database)?;
        let mut session = open_session(&place.server, "postgres").await?;
        let server_major = session.version().major;
        let refused = refuse_existing(&mut session, &place.database).await;
        session.close().await;
        refused?;
        if server_major < source_major {
            return Err(BackupError::Refused(format!(
                "it is of PostgreSQL {source_major} and cannot be loaded into {server_major}: accepted is a server \
                 of version {source_major} or newer"
            )));
        }
        let binaries = dump_programs(place.bin_dir.as_deref(), server_major.max(program_major))?;
        let login = Login::new(&plain_login(&place.server, "postgres"))?;
        Ok(Self { place, server_major, binaries, login })
    }

    async fn new_database(&self, locale: Option<&Locale>) -> Result<NewDatabase, BackupError> {
        let server = &self.place.server;
        let mut session = open_session(server, "postgres").await?;
        let new = NewDatabase::create(server, &mut session, &self.place.database, locale).await;
        session.close().await;
        new
    }

    async fn make_schemas(&self, new: &NewDatabase, schemas: &[&str]) -> Result<(), BackupError> {
        let mut session = open_session(&self.place.server, &new.temporary).await?;
        for schema in schemas {
            session.query(&format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(schema))).await?;
        }
        session.close().await;
        Ok(())
    }

    /// What `pg_restore` finds in the archive. The list stands at its beginning.
    async fn list(&self, mut content: DumpContent) -> Result<String, BackupError> {
        let mut command = self.login.command(&self.binaries, "pg_restore", "postgres");
        command.arg("--list").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = RunningProgram::start("pg_restore", &mut command)?;
        let (mut input, mut output) = (program.stdin()?, program.stdout()?);
        let mut list = Vec::new();
        let feed = async move {
            while let Some(piece) = content.next().await? {
                if input.write_all(&piece).await.is_err() {
                    break;
                }
            }
            Ok::<_, BackupError>(())
        };
        let (fed, read) = tokio::join!(feed, output.read_to_end(&mut list));
        fed?;
        read.map_err(|error| BackupError::Internal(format!("pg_restore: {error}")))?;
        program.finish().await?;
        Ok(String::from_utf8_lossy(&list).into_owned())
    }

    async fn fill(
        &self,
        new: &NewDatabase,
        mut source: ArchiveSource,
        list: Option<&str>,
        progress: &Progress,
    ) -> Result<(), BackupError> {
        let mut command = self.login.command(&self.binaries, "pg_restore", &new.temporary);
        // A copy beside the original must not begin to replicate.
        command.args(["--exit-on-error", "--no-password", "--no-subscriptions"]);
        command.arg(format!("--dbname={}", new.temporary)).stdin(Stdio::piped());
        if self.place.skip_owners {
            command.args(["--no-owner", "--no-privileges"]);
        }
        let list = list.map(write_list).transpose()?;
        if let Some(list) = &list {
            command.arg("--use-list").arg(list.path());
        }
        let mut program = RunningProgram::start("pg_restore", &mut command)?;
        let mut input = program.stdin()?;
        let mut is_taken = true;
        while let Some(piece) = source.next().await? {
            progress.add(piece.len() as u64);
            if input.write_all(&piece).await.is_err() {
                // It has ended, and tells why below.
                is_taken = false;
                break;
            }
        }
        drop(input);
        if is_taken {
            // Whatever is made of the output of a program that failed is half.
            source.finish().await?;
        }
        program.finish().await
    }

    /// Every table that was counted when it was dumped must hold the same rows. Another major version may
    /// write values in another way; then their number alone is compared.
    async fn compare(
        &self,
        new: &NewDatabase,
        manifest: &DumpManifest,
        tables: &[&DumpedTable],
    ) -> Result<(u64, u64), BackupError> {
        let is_same_version = self.server_major == manifest.server.major_version;
        let mut session = open_session(&self.place.server, &new.temporary).await?;
        session.query(SESSION_SETTINGS).await?;
        session.query("BEGIN READ ONLY").await?;
        let (mut compared, mut rows) = (0, 0);
        for table in tables {
            let Some(expected) = table.rows else { continue };
            let found = record_table(&mut session, table.schema.clone(), table.table.clone()).await?;
            // Who may create databases may not always read what policies hide.
            let Some(found) = found else { continue };
            let is_same_content = !is_same_version || table.checksum.as_ref() == Some(&found.checksum);
            if found.rows != expected || !is_same_content {
                return Err(BackupError::Refused(format!(
                    "{} was loaded and is not as it was: {}.{} has {} rows of {expected}, or others; the new \
                     database was removed again",
                    manifest.dump_id, table.schema, table.table, found.rows
                )));
            }
            compared += 1;
            rows += found.rows;
        }
        session.query("COMMIT").await?;
        session.close().await;
        Ok((compared, rows))
    }
}

fn write_list(list: &str) -> Result<tempfile::NamedTempFile, BackupError> {
    let parent = std::env::temp_dir();
    let made = tempfile::Builder::new().prefix("larder-list-").tempfile_in(&parent);
    let mut file = made.map_err(BackupError::file("create a file in", &parent))?;
    let written = file.write_all(list.as_bytes());
    written.map_err(BackupError::file("write", file.path()))?;
    Ok(file)
}
