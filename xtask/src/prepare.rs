//! `cargo xtask prepare`: asks a real, freshly migrated database about every query and keeps
//! what it said in each crate's `.sqlx/`, so that building needs no database. With `--check`
//! it compares and changes nothing.

mod database;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::arguments::Arguments;
use crate::clock;
use crate::interrupt::Interrupt;
use crate::rustc_wrapper::{Extra, QUERY_DATA_VARIABLE};
use crate::servers::Servers;
use crate::workspace::{Member, Workspace};

/// Files of query data by name.
type QueryData = BTreeMap<String, Vec<u8>>;

/// Prepares every crate that has migrations, or those that are named.
pub(crate) fn run(
    workspace: &Workspace,
    interrupt: &Interrupt,
    mut arguments: Arguments,
) -> Result<ExitCode> {
    let check = arguments.flag("--check");
    let names = arguments.names()?;
    let members = members_with_queries(workspace, &names)?;
    let servers = Servers::start(interrupt)?;
    let database_url = database::create(interrupt, &servers, workspace)?;
    let fresh_folder = servers.folder().join("queries");
    fs::create_dir(&fresh_folder)?;
    for member in &members {
        fs::create_dir(fresh_folder.join(&member.name))?;
        let root = File::options().append(true).open(member.folder.join("src/lib.rs"))?;
        // Cargo compiles only what changed, and the database is nothing it looks at.
        root.set_modified(clock::wall_time())?;
    }
    let mut command = workspace.cargo();
    command.args(["check", "--all-targets"]);
    command.args(selection(&members, check));
    command
        .env("RUSTC_WORKSPACE_WRAPPER", Extra::QueryData.install(&workspace.target)?)
        .env(QUERY_DATA_VARIABLE, &fresh_folder)
        .env("DATABASE_URL", database_url)
        .env("SQLX_OFFLINE", "false");
    interrupt.run_well(&mut command)?;
    for member in &members {
        let fresh = read(&fresh_folder.join(&member.name))?;
        let folder = member.folder.join(".sqlx");
        if check {
            compare(member, &fresh, &read(&folder)?)?
        } else {
            write(&folder, &fresh)?
        }
        println!("{}: {} queries", member.name, fresh.len());
    }
    Ok(ExitCode::SUCCESS)
}

fn members_with_queries<'workspace>(
    workspace: &'workspace Workspace,
    names: &[String],
) -> Result<Vec<&'workspace Member>> {
    if let Some(unknown) =
        names.iter().find(|name| workspace.members.iter().all(|member| member.name != **name))
    {
        bail!("there is no crate `{unknown}`");
    }
    let wanted = |member: &&Member| names.is_empty() || names.contains(&member.name);
    let members: Vec<_> = workspace
        .members
        .iter()
        .filter(|member| member.folder.join("migrations").is_dir())
        .filter(wanted)
        .collect();
    if members.is_empty() {
        bail!("no crate with migrations is there to prepare");
    }
    Ok(members)
}

/// A check compares with what the lints have built, which is everything; a person waits for
/// as little as possible.
fn selection(members: &[&Member], check: bool) -> Vec<String> {
    if check {
        return vec!["--workspace".to_owned()];
    }
    let names = members.iter().map(|member| member.name.clone()).chain(["larder".to_owned()]);
    names.flat_map(|name| ["--package".to_owned(), name]).collect()
}

fn read(folder: &Path) -> Result<QueryData> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(QueryData::new()) };
    entries
        .map(|entry| {
            let entry = entry?;
            Ok((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?))
        })
        .collect()
}

fn write(folder: &Path, fresh: &QueryData) -> Result<()> {
    if folder.is_dir() {
        fs::remove_dir_all(folder)?;
    }
    if fresh.is_empty() {
        return Ok(());
    }
    fs::create_dir(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, bytes) in fresh {
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

fn compare(member: &Member, fresh: &QueryData, committed: &QueryData) -> Result<()> {
    let stale = fresh.iter().filter(|(name, bytes)| committed.get(*name) != Some(bytes)).count();
    let left_over = committed.keys().filter(|name| !fresh.contains_key(*name)).count();
    if stale + left_over > 0 {
        bail!(
            "{}: {stale} queries are missing from .sqlx/ or stale, {left_over} are used no more; \
             run `cargo xtask prepare` and commit .sqlx/",
            member.name
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(files: &[(&str, &str)]) -> QueryData {
        files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
    }

    fn member() -> Member {
        Member {
            name: "larder-gateway".to_owned(),
            folder: "crates/gateway".into(),
            dependencies: Vec::new(),
        }
    }

    #[test]
    fn stale_missing_and_left_over_data_are_told_apart() {
        let fresh = data(&[("a.json", "1"), ("b.json", "2")]);
        assert!(compare(&member(), &fresh, &fresh).is_ok());
        let committed = data(&[("a.json", "old"), ("c.json", "3")]);
        let refusal = compare(&member(), &fresh, &committed).unwrap_err().to_string();
        assert!(refusal.contains("2 queries are missing"), "{refusal}");
        assert!(refusal.contains("1 are used no more"), "{refusal}");
    }

    #[test]
    fn writing_leaves_nothing_old_behind() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join(".sqlx");
        write(&folder, &data(&[("old.json", "1")])).unwrap();
        write(&folder, &data(&[("new.json", "2")])).unwrap();
        assert_eq!(read(&folder).unwrap(), data(&[("new.json", "2")]));
    }
}
