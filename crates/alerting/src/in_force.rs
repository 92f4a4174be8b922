//! The on-call settings in force: read from their file, swapped in whole when it changes, and kept when
//! a new one is refused. What is pending keeps its timers either way: those lie in the database.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use larder_identity::TenantId;
use larder_oncall::alert::{KnownAlert, ToldAlert};
use larder_oncall::escalation::EscalationPolicy;
use larder_oncall::inhibition::ServiceGraph;
use larder_oncall::labels::Labels;
use larder_oncall::notification::Templates;
use larder_oncall::settings::{Receiver, Settings};
use larder_oncall::severity::Severity;

use crate::channels::{Channel, Reach};
use crate::message::Reader;
use crate::metrics;
use crate::store::alerts::AlertToWrite;
use crate::store::incidents::IncidentRow;

/// One file, checked, with its channels ready to send.
pub(crate) struct Rules {
    pub(crate) settings: Settings,
    pub(crate) channels: BTreeMap<String, Arc<Channel>>,
    pub(crate) templates: Templates,
}

/// The rules in force, and what else every delivery asks for.
pub(crate) struct InForce {
    rules: ArcSwap<Rules>,
    refused: ArcSwapOption<String>,
    heartbeats: ArcSwap<HashSet<(TenantId, String)>>,
}

/// Why a file is not taken up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RulesError {
    /// It cannot be read.
    #[error("{0}")]
    Read(#[from] std::io::Error),
    /// Its content is refused; every line tells one reason.
    #[error("{0}")]
    Refused(String),
}

impl Rules {
    /// Reads rules, and the secrets that they name.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn parse(text: &str, reach: Reach) -> Result<Self, RulesError> {
        let settings = Settings::parse(text).map_err(|problems| RulesError::Refused(problems.to_string()))?;
        Self::of(settings, reach)
    }

    fn of(settings: Settings, reach: Reach) -> Result<Self, RulesError> {
        let mut channels = BTreeMap::new();
        for (name, channel) in &settings.channels {
            let built = Channel::build(channel, reach)
                .map_err(|problem| RulesError::Refused(format!("channel {name:?}: {problem}")))?;
            channels.insert(name.clone(), Arc::new(built));
        }
        let templates = Templates::new(&settings.templates).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            RulesError::Refused(lines.join("\n"))
        })?;
        Ok(Self { settings, channels, templates })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`Rules::parse`].
    pub(crate) fn read(file: &Path, reach: Reach) -> Result<Self, RulesError> {
        Self::parse(&std::fs::read_to_string(file)?, reach)
    }

    /// What is in force without a file.
    pub(crate) fn built_in() -> Self {
        Self::of(Settings::default(), Reach::PublicInternet).expect("the log needs no secret and no address")
    }

    /// The escalation policy that an incident goes through, if its receiver has one.
    pub(crate) fn policy_of(&self, row: &IncidentRow) -> Option<&EscalationPolicy> {
        let name = self.receiver(&row.receiver)?.policy.as_ref()?;
        self.settings.policies.get(name)
    }

    /// Who reads what goes to an address of a channel, and why they are told.
    pub(crate) fn reader(&self, channel: &str, recipient: &str) -> Reader {
        let mut contacts = self.settings.contacts.values();
        let contact = contacts.find(|contact| {
            contact.reach.iter().any(|way| way.channel == channel && way.address == recipient)
        });
        match contact.filter(|_| !recipient.is_empty()) {
            Some(contact) => Reader {
                reason: format!("{} is reached here", contact.name),
                time_zone: contact.zone.iana_name().unwrap_or("UTC").to_owned(),
            },
            None => Reader { reason: String::new(), time_zone: "UTC".to_owned() },
        }
    }

    /// Whether an alert may hide others while it fires.
    pub(crate) fn inhibits(&self, labels: &Labels) -> bool {
        let by_rule = self.settings.inhibitions.iter().any(|rule| rule.source.matches(labels));
        let by_service = self.settings.services != ServiceGraph::default()
            && labels.get("service").is_some()
            && matches!(Severity::of(labels), Severity::Critical | Severity::Error);
        by_rule || by_service
    }

    /// The receiver of a name; `None` once the file names it no more.
    pub(crate) fn receiver(&self, name: &str) -> Option<&Receiver> {
        self.settings.receivers.get(name)
    }
}

impl InForce {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules: ArcSwap::from_pointee(rules),
            refused: ArcSwapOption::empty(),
            heartbeats: ArcSwap::default(),
        }
    }

    /// The rules as they are now.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.rules.load_full()
    }

    /// Takes up new rules, or notes why they are refused.
    pub(crate) fn take_up(&self, read: Result<Rules, RulesError>) {
        metrics::rules_refused(read.is_err());
        match read {
            Ok(rules) => {
                self.rules.store(Arc::new(rules));
                self.refused.store(None);
                tracing::info!("on-call settings are in force");
            }
            Err(error) => {
                tracing::error!(error.cause = %error, "on-call settings are refused; those before stay in force");
                self.refused.store(Some(Arc::new(error.to_string())));
            }
        }
    }

    /// Why the newest file is not in force.
    pub(crate) fn refused_because(&self) -> Option<Arc<String>> {
        self.refused.load_full()
    }

    /// Remembers whose signs of life are expected.
    pub(crate) fn expect_heartbeats(&self, names: HashSet<(TenantId, String)>) {
        self.heartbeats.store(Arc::new(names));
    }

    /// Whether resolves of a source wait for its next sign of life.
    pub(crate) fn holds_resolves(&self, tenant: &TenantId, source: &str) -> bool {
        let heartbeats = self.heartbeats.load();
        !heartbeats.is_empty() && heartbeats.contains(&(tenant.clone(), source.to_owned()))
    }

    /// An alert as it is written.
    pub(crate) fn row(
        &self,
        fingerprint: i64,
        source: &str,
        told: &ToldAlert,
        next: KnownAlert,
    ) -> AlertToWrite {
        AlertToWrite {
            fingerprint,
            labels: told.labels.clone(),
            annotations: next.annotations,
            generator_url: told.generator_url.clone(),
            source: source.to_owned(),
            starts_at_us: next.starts_at_us,
            resolved_at_us: next.resolved_at_us,
            expires_at_us: next.expires_at_us,
            lost_at_us: next.lost_at_us,
            resolve_held_at_us: next.resolve_held_at_us,
            updated_at_us: next.updated_at_us,
            revision: next.revision,
            is_pending: next.is_pending,
            flaps: next.flaps,
            damped_until_us: next.damped_until_us,
            inhibits: self.rules.load().inhibits(&told.labels),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_tell_the_log() {
        let rules = Rules::built_in();
        assert_eq!(rules.receiver("log").unwrap().channels, ["log"]);
        assert!(rules.channels.contains_key("log"));
    }

    #[test]
    fn a_refused_file_leaves_the_one_before_in_force() {
        let in_force = InForce::new(Rules::built_in());
        in_force.take_up(Rules::parse("[route]\nreceiver = \"nobody\"\n", Reach::PublicInternet));
        let refusal = in_force.refused_because().unwrap();
        assert!(refusal.contains("line 2"), "{refusal}");
        assert!(in_force.rules().receiver("log").is_some());
        in_force.take_up(Ok(Rules::built_in()));
        assert!(in_force.refused_because().is_none());
    }

    #[test]
    fn probes_and_templates_of_a_file_are_in_force() {
        let text = "templates = { email_subject = \"{{ title }}!\" }\nroute = { receiver = \"log\" }\n\
                    receivers = [{ name = \"log\", channels = [\"log\"] }]\n\
                    channels = [{ name = \"log\", kind = \"log\" }]\n\
                    probes = [{ name = \"shop\", kind = \"tcp\", target = \"shop.example.org:443\" }]\n";
        let rules = Rules::parse(text, Reach::PublicInternet).map_err(|error| error.to_string()).unwrap();
        assert!(rules.settings.probes.contains_key("shop"));
        let told = larder_oncall::notification::Message::sample(jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(rules.templates.plain(&told).content.0, "Test notification!");
    }
}
