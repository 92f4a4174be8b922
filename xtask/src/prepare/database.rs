//! A database with every schema in it, made with psql alone: the crates that know how to
//! make one need the query data this is made for. Roles and schemas are those that the
//! database crate's bootstrap makes; no service ever runs on this database.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::interrupt::Interrupt;
use crate::servers::Servers;
use crate::workspace::Workspace;

const NAME: &str = "larder";
const SCHEMAS: [&str; 4] = ["identity", "recommendation", "backup", "alerting"];

/// Creates it and returns its URL.
pub(super) fn create(interrupt: &Interrupt, servers: &Servers, workspace: &Workspace) -> Result<String> {
    let server_url = servers.database_url();
    psql(interrupt, &server_url, &[format!("create database {NAME}")], None)?;
    let url = server_url.strip_suffix("/postgres").context("the server's URL has another form")?;
    let url = format!("{url}/{NAME}");
    for schema in SCHEMAS {
        psql(interrupt, &url, &schema_statements(schema), None)?;
    }
    for member in &workspace.members {
        let migrations = member.folder.join("migrations");
        if !migrations.is_dir() {
            continue;
        }
        let schema = schema_of(&member.name)?;
        let as_owner = [format!("set role {schema}_owner"), format!("set search_path = {schema}")];
        for file in sql_files(&migrations)? {
            psql(interrupt, &url, &as_owner, Some(&file))?;
        }
    }
    Ok(url)
}

fn schema_statements(schema: &str) -> Vec<String> {
    vec![
        format!("create role {schema}_owner login"),
        format!("create role {schema}_app login"),
        format!("create role {schema}_worker login"),
        format!("create schema {schema} authorization {schema}_owner"),
        format!("grant usage on schema {schema} to {schema}_app, {schema}_worker"),
    ]
}

/// The schema a crate's migrations make.
fn schema_of(crate_name: &str) -> Result<&'static str> {
    let name = crate_name.strip_prefix("larder-").unwrap_or(crate_name);
    let wanted = if name == "gateway" { "identity" } else { name };
    let known = SCHEMAS.into_iter().find(|schema| *schema == wanted);
    known.with_context(|| format!("{crate_name} has migrations, but no schema belongs to it"))
}

/// The files of a folder of migrations in the order of their times.
fn sql_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    Ok(files)
}

fn psql(interrupt: &Interrupt, url: &str, statements: &[String], file: Option<&Path>) -> Result<()> {
    let mut command = Command::new("psql");
    command.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", url]);
    for statement in statements {
        command.args(["--command", statement]);
    }
    if let Some(file) = file {
        command.arg("--file").arg(file);
    }
    let status = interrupt.run(command.stdout(Stdio::null()))?;
    if !status.success() {
        let what = file.map_or("preparing the database".to_owned(), |file| file.display().to_string());
        bail!("{what} failed, see above");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_owns_identity_and_the_others_their_own_name() {
        assert_eq!(schema_of("larder-gateway").unwrap(), "identity");
        assert_eq!(schema_of("larder-recommendation").unwrap(), "recommendation");
        assert!(schema_of("larder-ranking").is_err());
    }

    #[test]
    fn migrations_run_in_the_order_of_their_times() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["20261122090000_create_b.sql", "20261122085900_create_a.sql", "README.md"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let files = sql_files(folder.path()).unwrap();
        assert_eq!(files.len(), 2);
        assert!(files[0].ends_with("20261122085900_create_a.sql"));
    }
}
