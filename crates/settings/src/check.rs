//! What a process refuses to start with. Outside development nobody is let in without proof;
//! in production weak secrets, unprotected connections and limits that replicas do not share
//! are refused too. Every refusal names the setting and what would be accepted.

mod connections;
mod secrets;

use crate::error::{Problems, SettingsError};
use crate::{Authentication, Environment, Settings, consistency};

/// Which process the settings are for: each needs only its own secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// All services in one process.
    All,
    /// The gateway alone, which signs tokens.
    Gateway,
    /// A service behind the gateway, which only verifies tokens.
    Service,
}

impl Settings {
    /// Checks that the settings are safe for their environment, for a process that runs everything.
    ///
    /// # Errors
    /// [`SettingsError::Unsafe`] with everything that is not, at once.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.check_for(Process::All)
    }

    /// Checks that the settings are safe for their environment, for one process.
    ///
    /// # Errors
    /// [`SettingsError::Unsafe`] with everything that is not, at once.
    pub fn check_for(&self, process: Process) -> Result<(), SettingsError> {
        let mut refusals = consistency::problems(self);
        if self.environment != Environment::Development {
            refusals.extend(open_doors(self));
        }
        if self.environment == Environment::Production {
            refusals.extend(secrets::refusals(self, process));
            refusals.extend(connections::refusals(self));
            refusals.extend(unshared_limits(self));
            if process != Process::Service {
                refusals.extend(plaintext_callers(self));
            }
        }
        if refusals.is_empty() {
            return Ok(());
        }
        Err(SettingsError::Unsafe { environment: self.environment, problems: Problems(refusals) })
    }
}

fn open_doors(settings: &Settings) -> Option<String> {
    (settings.identity.authentication == Some(Authentication::Anonymous)).then(|| {
        format!(
            "`identity.authentication` is `anonymous`; accepted in {} is `required`",
            settings.environment
        )
    })
}

/// Keys, passwords and tokens come in with requests: they must not cross a network in the clear.
fn plaintext_callers(settings: &Settings) -> Option<String> {
    let gateway = &settings.gateway;
    let is_protected = gateway.ends_tls() || gateway.proxy_ends_tls;
    (!is_protected).then(|| {
        "`gateway.tls_certificate_file` is not set, so callers would send their credentials in the clear; accepted is \
         a certificate with its key, `gateway.acme_domains`, or `gateway.proxy_ends_tls = true` where a proxy in front speaks TLS with them"
            .to_owned()
    })
}

fn unshared_limits(settings: &Settings) -> Vec<String> {
    let replicated = [
        ("gateway.replicas", settings.gateway.replicas),
        ("recommendation.replicas", settings.recommendation.replicas),
    ];
    let mut refusals = Vec::new();
    for (name, replicas) in replicated {
        if replicas > 1 && settings.redis.url.is_none() {
            refusals.push(format!(
                "`{name}` is {replicas} and `redis.url` is not set; replicas need Redis to share their limits"
            ));
        }
    }
    refusals
}

#[cfg(test)]
mod tests;
