//! How bad an alert is, and what the receivers outside call that.

use crate::labels::Labels;

/// How bad it is; the worst comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody is woken.
    Critical,
    /// Broken, and somebody looks at it today.
    Error,
    /// May break.
    Warning,
    /// Worth knowing.
    Info,
    /// No alert at all but a sign of life, such as Prometheus' `Watchdog`: it feeds a heartbeat and pages nobody.
    None,
}

impl Severity {
    /// Reads the words that rules and other products use; `None` when the word is not known.
    pub fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "critical" | "crit" | "page" | "emergency" | "fatal" | "p1" => Some(Self::Critical),
            "error" | "high" | "major" | "p2" => Some(Self::Error),
            "warning" | "warn" | "medium" | "minor" | "moderate" | "ticket" | "p3" | "p4" => {
                Some(Self::Warning)
            }
            "info" | "informational" | "low" | "notice" | "p5" => Some(Self::Info),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// The severity that the label `severity`, or else `priority`, tells. An alert that tells none, or one nobody
    /// knows, is a warning: it is neither lost nor does it wake anybody.
    pub fn of(labels: &Labels) -> Self {
        let told = labels.get("severity").or_else(|| labels.get("priority"));
        told.and_then(Self::from_word).unwrap_or(Self::Warning)
    }

    /// The word as Larder writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::None => "none",
        }
    }

    /// PagerDuty's Events API v2 knows four: `critical`, `error`, `warning`, `info`.
    pub fn pagerduty(self) -> &'static str {
        if self == Self::None { "info" } else { self.word() }
    }

    /// Opsgenie's and Jira Service Management's priority.
    pub fn opsgenie(self) -> &'static str {
        match self {
            Self::Critical => "P1",
            Self::Error => "P2",
            Self::Warning => "P3",
            Self::Info | Self::None => "P5",
        }
    }

    /// The colour of a message about it, as `#RRGGBB`.
    pub fn colour(self) -> &'static str {
        match self {
            Self::Critical => "#E01E5A",
            Self::Error => "#DD6B20",
            Self::Warning => "#ECB22E",
            Self::Info => "#36A2EB",
            Self::None => "#8D8D8D",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_rules_become_those_of_the_receivers() {
        let rows = [
            ("critical", "critical", "P1"),
            ("high", "error", "P2"),
            ("ERROR", "error", "P2"),
            ("warning", "warning", "P3"),
            ("info", "info", "P5"),
            ("none", "info", "P5"),
            ("purple", "warning", "P3"),
        ];
        for (word, pagerduty, opsgenie) in rows {
            let severity = Severity::of(&Labels::from_iter([("severity", word)]));
            assert_eq!((severity.pagerduty(), severity.opsgenie()), (pagerduty, opsgenie), "{word}");
        }
        assert_eq!(Severity::of(&Labels::from_iter([("priority", "P1")])), Severity::Critical);
        assert!(Severity::Critical < Severity::Info, "the worst comes first");
    }
}
