//! A restore writes into an empty folder and nowhere else: what is there already is somebody's.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use crate::error::BackupError;

/// Refuses a folder with anything in it, and says so more plainly when it is a cluster, or one that
/// is running.
///
/// # Errors
/// [`BackupError::Refused`] with what to do instead.
pub fn refuse_unless_empty(folder: &Path) -> Result<(), BackupError> {
    if !folder.is_absolute() {
        return Err(BackupError::Refused(format!("{} is no absolute path", folder.display())));
    }
    let mut entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(BackupError::file("open", folder)(error)),
    };
    if entries.next().is_none() {
        return Ok(());
    }
    let what = if folder.join("postmaster.pid").exists() {
        "holds a cluster whose server may be running"
    } else if folder.join("PG_VERSION").exists() {
        "holds a cluster"
    } else {
        "is not empty"
    };
    Err(BackupError::Refused(format!(
        "{} {what}, and a restore never writes over anything: name an empty folder, or move this one away",
        folder.display()
    )))
}

/// Makes the folder, for its owner alone, when it is not there.
pub(super) fn make_private(folder: &Path) -> Result<(), BackupError> {
    refuse_unless_empty(folder)?;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(BackupError::file("make", folder))?;
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(folder, private).map_err(BackupError::file("make private", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_folder_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        refuse_unless_empty(&data).unwrap();
        make_private(&data).unwrap();
        refuse_unless_empty(&data).unwrap();
        for (file, told) in
            [("notes.txt", "is not empty"), ("PG_VERSION", "holds a cluster"), ("postmaster.pid", "running")]
        {
            fs::write(data.join(file), "").unwrap();
            let refusal = refuse_unless_empty(&data).unwrap_err().to_string();
            assert!(refusal.contains(told), "{refusal}");
        }
        assert!(refuse_unless_empty(Path::new("data")).is_err());
    }
}
