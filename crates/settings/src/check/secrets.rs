//! Which secrets production refuses: missing ones, short ones, and those that everybody guesses.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::Process;
use crate::Settings;

const LEAST_PASSWORD_CHARACTERS: usize = 16;
const LEAST_KEY_CHARACTERS: usize = 32;
const LEAST_DIFFERENT_CHARACTERS: usize = 8;

/// Words that stand in examples and in hurried deployments, long enough that a random secret
/// will not hold one by chance.
const GUESSABLE_WORDS: [&str; 12] = [
    "changeme",
    "change-me",
    "change_me",
    "password",
    "passw0rd",
    "postgres",
    "example",
    "development",
    "placeholder",
    "insecure",
    "replace-me",
    "larder-larder",
];

/// Everything about the secrets that production refuses.
pub(super) fn refusals(settings: &Settings, process: Process) -> Vec<String> {
    let identity = &settings.identity;
    let mut refusals = Vec::new();
    let signs = process != Process::Service;
    if signs && identity.signing_key.is_none() {
        refusals
            .push("`identity.signing_key` is not set; accepted is an Ed25519 private key in PEM".to_owned());
    }
    if !signs && identity.signing_key.is_none() && identity.verifying_keys.is_empty() {
        refusals.push(
            "`identity.verifying_keys` is not set; accepted is the public key that belongs to the gateway's \
             `identity.signing_key`"
                .to_owned(),
        );
    }
    refusals.extend(weakness(
        "identity.page_token_key",
        identity.page_token_key.as_ref(),
        LEAST_KEY_CHARACTERS,
    ));
    let role_password = settings.database.role_password.as_ref();
    refusals.extend(weakness("database.role_password", role_password, LEAST_PASSWORD_CHARACTERS));
    refusals.extend(url_weakness("database.url", settings.database.url.as_ref()));
    refusals.extend(url_weakness("backup.source_url", settings.backup.source_url.as_ref()));
    refusals.extend(url_weakness("backup.dump_url", settings.backup.dump_url.as_ref()));
    refusals.extend(url_weakness("backup.load_url", settings.backup.load_url.as_ref()));
    refusals.extend(url_weakness("redis.url", settings.redis.url.as_ref()));
    refusals
}

fn weakness(name: &str, secret: Option<&SecretString>, least: usize) -> Option<String> {
    let refused = match secret {
        None => "is not set",
        Some(secret) => weakness_of(secret.expose_secret(), least)?,
    };
    Some(format!("`{name}` {refused}; accepted is a random secret of at least {least} characters"))
}

/// A url without a password is fine: certificates and socket files need none.
fn url_weakness(name: &str, url: Option<&SecretString>) -> Option<String> {
    let url = Url::parse(url?.expose_secret()).ok()?;
    let parameter =
        url.query_pairs().find(|(name, _)| name == "password").map(|(_, value)| value.into_owned());
    let password = url.password().map(str::to_owned).or(parameter)?;
    let refused = weakness_of(&password, LEAST_PASSWORD_CHARACTERS)?;
    Some(format!(
        "the password in `{name}` {refused}; accepted is a random secret of at least \
         {LEAST_PASSWORD_CHARACTERS} characters"
    ))
}

fn weakness_of(secret: &str, least: usize) -> Option<&'static str> {
    let lower = secret.to_lowercase();
    let mut characters: Vec<char> = secret.chars().collect();
    let count = characters.len();
    characters.sort_unstable();
    characters.dedup();
    if count < least {
        return Some("is too short");
    }
    if characters.len() < LEAST_DIFFERENT_CHARACTERS
        || GUESSABLE_WORDS.iter().any(|word| lower.contains(word))
    {
        return Some("is easily guessed");
    }
    None
}
