//! `cargo xtask tidy`: the rules of the house that no compiler knows. Each rule looks at
//! the files git knows of and says where it was broken and what would be right.

mod edges;
mod files;
mod layers;
mod links;
mod migrations;
mod protos;
mod sources;
mod words;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::arguments::Arguments;
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;

/// A file of the repository. `text` is `None` for what is not text.
struct SourceFile {
    /// Seen from the workspace's folder.
    path: PathBuf,
    text: Option<String>,
}

impl SourceFile {
    fn has_extension(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|own| own == extension)
    }

    /// Whether a program wrote it.
    fn is_generated(&self) -> bool {
        self.path.starts_with("crates/proto/src/gen") || self.path.iter().any(|part| part == ".sqlx")
    }
}

/// One broken rule.
#[derive(Debug)]
struct Complaint(String);

impl Complaint {
    fn about(path: &Path, text: impl Display) -> Self {
        Self(format!("{}: {text}", path.display()))
    }

    /// `line` counts from 1.
    fn at(path: &Path, line: usize, text: impl Display) -> Self {
        Self(format!("{}:{line}: {text}", path.display()))
    }
}

/// Checks every rule and prints all that is wrong.
pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, arguments: Arguments) -> Result<ExitCode> {
    arguments.end()?;
    let files = read_files(&workspace.root)?;
    let mut complaints = Vec::new();
    complaints.extend(sources::check(&files));
    complaints.extend(files::check(&files));
    complaints.extend(edges::check(&workspace.members));
    complaints.extend(layers::check(&files));
    complaints.extend(words::check(&files));
    complaints.extend(migrations::check(&files));
    complaints.extend(links::check(&files));
    complaints.extend(protos::check(workspace, interrupt)?);
    for Complaint(text) in &complaints {
        println!("{text}");
    }
    if !complaints.is_empty() {
        bail!("{} rules of the house are broken (docs/ARCHITECTURE.md has the reasons)", complaints.len());
    }
    println!("tidy: {} files are in order", files.len());
    Ok(ExitCode::SUCCESS)
}

/// Every file that is committed or could be.
fn read_files(root: &Path) -> Result<Vec<SourceFile>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("git did not start")?;
    if !output.status.success() {
        bail!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let names = String::from_utf8(output.stdout).context("a file's name is not text")?;
    let files = names.split_terminator('\0').map(PathBuf::from).filter(|path| root.join(path).is_file());
    files
        .map(|path| {
            let bytes = std::fs::read(root.join(&path))?;
            Ok(SourceFile { path, text: String::from_utf8(bytes).ok() })
        })
        .collect()
}

#[cfg(test)]
fn source(path: &str, text: &str) -> SourceFile {
    SourceFile { path: PathBuf::from(path), text: Some(text.to_owned()) }
}
