//! Plans: how much a tenant may use in a month. They are a file, so that what is sold is decided beside Larder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantity {
    Requests,
    ReceivedBytes,
    SentBytes,
}

/// So much of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    pub(crate) requests: u64,
    pub(crate) received_bytes: u64,
    pub(crate) sent_bytes: u64,
}

/// How much of each a plan has a month; what is left out has no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) requests_per_month: Option<u64>,
    pub(crate) received_bytes_per_month: Option<u64>,
    pub(crate) sent_bytes_per_month: Option<u64>,
}

/// Every plan by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plans {
    /// The plan of tenants of which none is said; without it they have no limit.
    default_plan: Option<String>,
    #[serde(default)]
    plans: BTreeMap<String, Limits>,
}

/// Why a file of plans cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlansError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is no file of plans.
    #[error("{}: {cause}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what would be accepted.
        cause: String,
    },
}

static NO_LIMITS: Limits =
    Limits { requests_per_month: None, received_bytes_per_month: None, sent_bytes_per_month: None };

impl Quantity {
    pub(crate) const ALL: [Self; 3] = [Self::Requests, Self::ReceivedBytes, Self::SentBytes];

    /// As problems, headers and metrics name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests-per-month",
            Self::ReceivedBytes => "received-bytes-per-month",
            Self::SentBytes => "sent-bytes-per-month",
        }
    }

    /// The unit as the draft of the header fields names it.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::ReceivedBytes | Self::SentBytes => "content-bytes",
        }
    }
}

impl Amounts {
    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            received_bytes: self.received_bytes.saturating_add(other.received_bytes),
            sent_bytes: self.sent_bytes.saturating_add(other.sent_bytes),
        }
    }

    /// One of them.
    pub(crate) fn of(self, quantity: Quantity) -> u64 {
        match quantity {
            Quantity::Requests => self.requests,
            Quantity::ReceivedBytes => self.received_bytes,
            Quantity::SentBytes => self.sent_bytes,
        }
    }
}

impl Limits {
    /// The limit of one quantity.
    pub(crate) fn of(&self, quantity: Quantity) -> Option<u64> {
        match quantity {
            Quantity::Requests => self.requests_per_month,
            Quantity::ReceivedBytes => self.received_bytes_per_month,
            Quantity::SentBytes => self.sent_bytes_per_month,
        }
    }
}

impl Plans {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or is none.
    pub(crate) fn read(path: &Path) -> Result<Self, PlansError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| PlansError::File { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|cause| PlansError::Content { path: path.to_owned(), cause })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let plans: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if let Some(name) = plans.plans.keys().find(|name| !is_name(name)) {
            return Err(format!(
                "{name:?} is no name of a plan; accepted are 1 to 63 of a-z, 0-9 and \"-\", the first no \"-\""
            ));
        }
        if let Some(name) = plans.default_plan.as_ref().filter(|name| !plans.plans.contains_key(*name)) {
            return Err(format!("default_plan is {name:?}; accepted is one of [plans]: {}", plans.names()));
        }
        Ok(plans)
    }

    /// The limits of a tenant with this plan; of one that is no plan any more the default's hold.
    pub(crate) fn limits_of(&self, plan: Option<&str>) -> &Limits {
        self.plans.get(self.plan_in_force(plan)).unwrap_or(&NO_LIMITS)
    }

    /// The plan that holds for a tenant with this plan; empty for none.
    pub(crate) fn plan_in_force<'a>(&'a self, plan: Option<&'a str>) -> &'a str {
        plan.filter(|plan| self.plans.contains_key(*plan))
            .or(self.default_plan.as_deref())
            .unwrap_or_default()
    }

    /// Whether there is such a plan.
    pub(crate) fn has(&self, plan: &str) -> bool {
        self.plans.contains_key(plan)
    }

    /// The names, for people.
    pub(crate) fn names(&self) -> String {
        let names: Vec<&str> = self.plans.keys().map(String::as_str).collect();
        if names.is_empty() { "there is none".to_owned() } else { names.join(", ") }
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len()) && !name.starts_with('-') && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_read_and_unknown_ones_fall_back_to_the_default() {
        let plans = Plans::parse(
            "default_plan = \"free\"\n[plans.free]\nrequests_per_month = 10\n[plans.whole]\n[plans.big]\nsent_bytes_per_month = 7\n",
        );
        let plans = plans.unwrap();
        assert_eq!(plans.limits_of(None).of(Quantity::Requests), Some(10));
        assert_eq!(plans.limits_of(Some("gone")).of(Quantity::Requests), Some(10));
        assert_eq!(plans.limits_of(Some("whole")), &Limits::default());
        assert_eq!(plans.limits_of(Some("big")).of(Quantity::SentBytes), Some(7));
        assert_eq!(Plans::default().limits_of(None), &Limits::default());
    }

    #[test]
    fn a_file_that_is_wrong_says_what_would_be_accepted() {
        for (text, told) in [
            ("default_plan = \"free\"", "accepted is one of [plans]: there is none"),
            ("[plans.\"A b\"]", "accepted are 1 to 63"),
            ("[plans.free]\nrequests = 1", "unknown field `requests`"),
            ("[plans.free]\nrequests_per_month = -1", "invalid value"),
            ("plans = 1", "invalid type"),
        ] {
            let cause = Plans::parse(text).unwrap_err();
            assert!(cause.contains(told), "{text}: {cause}");
        }
    }
}
