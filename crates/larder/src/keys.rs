//! The keys a process needs: one signs service tokens, one authenticates page tokens, one signs links and
//! tokens of alerts' sources.
//! Settings name them in production; without settings they are made once and kept in
//! `data_dir/keys`, readable by their owner alone.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::{digest, rand};
use larder_alerting::SigningKeys;
use larder_identity::{TokenSigner, TokenVerifier};
use larder_settings::{Environment, Settings};
use secrecy::{ExposeSecret, SecretString};

use crate::error::CommandError;

/// Whom service tokens are meant for: the services of one Larder.
pub(crate) const AUDIENCE: &str = "larder";

const SIGNING_KEY_FILE: &str = "signing-key.pem";
const PAGE_TOKEN_KEY_FILE: &str = "page-token-key";
const ALERTING_KEY_FILE: &str = "alerting-signing-key";

/// The key that signs service tokens: as set, or the kept one of this data folder.
pub(crate) fn signer(settings: &Settings) -> Result<TokenSigner, CommandError> {
    let refused = |error| CommandError::Refused(format!("identity.signing_key: {error}"));
    if let Some(pem) = &settings.identity.signing_key {
        return TokenSigner::from_pem(pem).map_err(refused);
    }
    let fresh = || TokenSigner::generate_pem().map_err(refused);
    TokenSigner::from_pem(&kept(settings, SIGNING_KEY_FILE, fresh)?).map_err(refused)
}

/// What verifies service tokens: the keys of the settings, or that of this data folder.
pub(crate) fn verifier(settings: &Settings) -> Result<TokenVerifier, CommandError> {
    let mut keys_pem = settings.identity.verifying_keys.clone();
    if settings.identity.signing_key.is_some() || keys_pem.is_empty() {
        keys_pem.push(signer(settings)?.verifying_key_pem().to_owned());
    }
    TokenVerifier::new(&keys_pem, AUDIENCE)
        .map_err(|error| CommandError::Refused(format!("identity.verifying_keys: {error}")))
}

/// The key of page tokens: derived from the secret that is set, or the kept one.
pub(crate) fn page_token_key(settings: &Settings) -> Result<[u8; 32], CommandError> {
    let secret = match &settings.identity.page_token_key {
        Some(secret) => secret.clone(),
        None => kept(settings, PAGE_TOKEN_KEY_FILE, random_text)?,
    };
    let derived = digest::digest(&digest::SHA256, secret.expose_secret().as_bytes());
    Ok(derived.as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

/// The keys that sign links in messages and tokens of sources: as set, or the kept one.
pub(crate) fn alerting_keys(settings: &Settings) -> Result<SigningKeys, CommandError> {
    let secret = match &settings.alerting.signing_keys {
        Some(secret) => secret.clone(),
        None if settings.environment == Environment::Production => {
            return Err(CommandError::Refused(
                "`alerting.signing_keys` is not set; accepted are random secrets of at least 32 characters, \
                 separated by commas"
                    .into(),
            ));
        }
        None => kept(settings, ALERTING_KEY_FILE, random_text)?,
    };
    SigningKeys::parse(secret.expose_secret()).map_err(|error| CommandError::Refused(error.to_string()))
}

fn random_text() -> Result<SecretString, CommandError> {
    let mut bytes = [0u8; 32];
    rand::fill(&mut bytes)
        .map_err(|_| CommandError::Refused("the system has no randomness to give".into()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
}

/// Reads a key of the data folder, or makes it. When two processes start at once, both
/// end up with the key of the one that was first.
fn kept(
    settings: &Settings,
    name: &str,
    make: impl FnOnce() -> Result<SecretString, CommandError>,
) -> Result<SecretString, CommandError> {
    let folder = settings.data_dir.join("keys");
    let path = folder.join(name);
    if let Some(secret) = read(&path)? {
        return Ok(secret);
    }
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    made.map_err(CommandError::file(&folder))?;
    // A temporary file is readable by its owner alone, and appears under its name complete.
    let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(CommandError::file(&folder))?;
    let written = file.write_all(make()?.expose_secret().as_bytes()).and_then(|()| file.as_file().sync_all());
    written.map_err(CommandError::file(&path))?;
    match file.persist_noclobber(&path) {
        Ok(_) => {}
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(CommandError::File { path, source: error.error }),
    }
    read(&path)?
        .ok_or_else(|| CommandError::Refused(format!("{} went away while it was made", path.display())))
}

fn read(path: &Path) -> Result<Option<SecretString>, CommandError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(CommandError::File { path: path.to_owned(), source: error }),
    };
    let mode = file.metadata().map_err(CommandError::file(path))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(readable_by_others(path));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(CommandError::file(path))?;
    Ok(Some(text.into()))
}

fn readable_by_others(path: &Path) -> CommandError {
    let path: PathBuf = path.to_owned();
    CommandError::Refused(format!(
        "{0} can be read by others, so the key in it is no secret any more; \
         remove it to have a new one made (or `chmod 600 {0}`)",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use larder_identity::{Caller, TenantId};

    use super::*;

    fn settings_in(folder: &Path) -> Settings {
        Settings { data_dir: folder.to_owned(), ..Settings::default() }
    }

    #[test]
    fn keys_are_made_once_and_kept_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings_in(folder.path());
        let (signer, page_key) = (signer(&settings).unwrap(), page_token_key(&settings).unwrap());
        assert_eq!(super::signer(&settings).unwrap().key_id(), signer.key_id());
        assert_eq!(super::page_token_key(&settings).unwrap(), page_key);
        for name in [SIGNING_KEY_FILE, PAGE_TOKEN_KEY_FILE] {
            let mode = std::fs::metadata(folder.path().join("keys").join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_token_of_the_kept_key_is_verified_by_another_process_on_the_same_folder() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings_in(folder.path());
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let caller = Caller::anonymous(TenantId::demo());
        let token = signer(&settings).unwrap().sign(&caller, AUDIENCE, Duration::from_secs(60), now).unwrap();
        assert_eq!(verifier(&settings).unwrap().verify(&token, now).unwrap(), caller);
        let other = tempfile::tempdir().unwrap();
        assert!(verifier(&settings_in(other.path())).unwrap().verify(&token, now).is_err());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings_in(folder.path());
        signer(&settings).unwrap();
        let path = folder.path().join("keys").join(SIGNING_KEY_FILE);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(signer(&settings).unwrap_err().to_string().contains("can be read by others"));
    }

    #[test]
    fn the_page_token_key_of_the_settings_is_the_same_on_every_replica() {
        let with_secret = |folder: &str| {
            let mut settings = settings_in(Path::new(folder));
            settings.identity.page_token_key = Some("a secret of at least 32 characters".into());
            page_token_key(&settings).unwrap()
        };
        assert_eq!(with_secret("one"), with_secret("two"));
    }
}
