//! What `larder deploy verify` is told: where the stack is, what else may be asked, when to go on watching.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use jiff::SignedDuration;
use larder_database::Server;
use secrecy::SecretString;
use url::Url;

use super::checkpoints::CHECKPOINTS;
use super::judge::Criteria;
use crate::client::ConnectArgs;
use crate::error::CommandError;

/// A watch for longer than this is monitoring's work.
const LONGEST_WATCH: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long from one round of a watch to the next.
const USUAL_EVERY: Duration = Duration::from_secs(10);

/// The arguments of `larder deploy verify`.
#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// This machine runs it: its settings, secrets, database, Redis and ops ports are looked at, too
    #[arg(long)]
    pub(super) here: bool,
    /// This machine is outside of its network: ports that must not be reached are tried
    #[arg(long, conflicts_with = "here")]
    pub(super) outside: bool,
    /// The ops port of a service, such as gateway=http://10.0.0.5:9080; may be given several times
    #[arg(long = "ops", value_name = "SERVICE=URL")]
    pub(super) ops: Vec<OpsPort>,
    /// A service that is not part of it; may be given several times
    #[arg(long, value_enum, value_name = "SERVICE")]
    pub(super) without: Vec<Optional>,
    /// Whom recommendations are asked for; a customer nobody knows gets what is liked by all
    #[arg(long, value_name = "ID", default_value = "larder-verify")]
    pub(super) customer: String,
    /// Writes a product, reads it and deletes it again; needs catalog.write
    #[arg(long)]
    pub(super) write: bool,
    /// The version that has to run [default: that of this program]
    #[arg(long, value_name = "VERSION")]
    pub(super) expect_version: Option<String>,
    /// A file with the url of the database, for its checkpoints [default with --here: database.url]
    #[arg(long, value_name = "FILE")]
    pub(super) database_url_file: Option<PathBuf>,
    /// Where Prometheus is, such as http://127.0.0.1:9090
    #[arg(long, value_name = "URL")]
    pub(super) prometheus: Option<Url>,
    /// The folder of secrets [default with --here: /etc/larder/secrets, where there is one]
    #[arg(long, value_name = "FOLDER")]
    pub(super) secrets: Option<PathBuf>,
    /// A checkpoint that need not hold, and why; may be given several times
    #[arg(long = "waive", value_name = "NUMBER=WHY")]
    pub(super) waivers: Vec<Waiver>,
    /// Leaves the checkpoints out
    #[arg(long)]
    pub(super) smoke_only: bool,
    #[command(flatten)]
    pub(super) watching: WatchArgs,
    /// Prints the report as one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) connect: ConnectArgs,
}

/// How long to go on asking, what must stay so, and what to do when it does not.
#[derive(Debug, clap::Args)]
pub(super) struct WatchArgs {
    /// Goes on asking for so long, two hours when no time is given, and fails as soon as something breaks
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = "2h", value_parser = watch_time)]
    watch: Option<Duration>,
    /// How long from one round of a watch to the next [default: 10s, or a third of a short watch]
    #[arg(long, value_name = "DURATION", value_parser = watch_time, requires = "watch")]
    every: Option<Duration>,
    /// The share of calls that may fail during a watch, over five minutes
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0, value_parser = percent, requires = "watch")]
    max_error_percent: f64,
    /// The time within which 99 of 100 calls of a watch are answered, over five minutes
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1_000, requires = "watch",
        value_parser = clap::value_parser!(u64).range(1..=60_000))]
    max_p99_ms: u64,
    /// A command of the shell that takes back what was rolled out, run once when it is no-go
    #[arg(long, value_name = "COMMAND")]
    pub(super) on_fail: Option<String>,
}

/// A service whose ops port can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Service {
    /// The gateway
    Gateway,
    /// The recommendation service
    Recommendation,
    /// The backup service
    Backup,
    /// The alerting service
    Alerting,
}

impl Service {
    /// All of them, in the order of reports.
    pub(super) const ALL: [Self; 4] = [Self::Gateway, Self::Recommendation, Self::Backup, Self::Alerting];

    /// Its name in settings, health and reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Recommendation => "recommendation",
            Self::Backup => "backup",
            Self::Alerting => "alerting",
        }
    }
}

/// A service that an installation can do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Optional {
    /// Backups are somebody else's matter
    Backup,
    /// Alerts are somebody else's matter
    Alerting,
}

impl Optional {
    /// The service that is missing.
    pub(super) fn service(self) -> Service {
        match self {
            Self::Backup => Service::Backup,
            Self::Alerting => Service::Alerting,
        }
    }
}

/// Where a service's ops port is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpsPort {
    pub(super) service: Service,
    pub(super) url: Url,
}

impl FromStr for OpsPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "it is like gateway=http://10.0.0.5:9080";
        let (name, url) = text.split_once('=').ok_or(example)?;
        let service = Service::ALL.into_iter().find(|service| service.name() == name);
        let service = service
            .ok_or_else(|| format!("{name:?} is no service: gateway, recommendation, backup, alerting"))?;
        let url = Url::parse(url).map_err(|error| format!("{url:?} is no url ({error}); {example}"))?;
        if url.scheme() != "http" || url.host().is_none() {
            return Err(format!("ops ports speak plain http; {example}"));
        }
        Ok(Self { service, url })
    }
}

/// A checkpoint that was accepted as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiver {
    pub(super) number: u8,
    pub(super) why: String,
}

impl FromStr for Waiver {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let last = CHECKPOINTS.len();
        let refusal =
            || format!("it is like 38=the first drill is on Sunday, with a number from 1 to {last}");
        let (number, why) = text.split_once('=').ok_or_else(refusal)?;
        let number: u8 = number.trim().parse().map_err(|_| refusal())?;
        let known = (1..=last).contains(&usize::from(number));
        if !known || why.trim().is_empty() {
            return Err(refusal());
        }
        Ok(Self { number, why: why.trim().to_owned() })
    }
}

impl VerifyArgs {
    /// What clap cannot see.
    pub(super) fn check(&self) -> Result<(), CommandError> {
        if self.customer.is_empty() {
            return Err(CommandError::Usage("--customer is empty; name a customer, or leave it out".into()));
        }
        self.database_url()?;
        if let (Some(watch), Some(every)) = (self.watching.watch, self.watching.every)
            && watch < every
        {
            return Err(CommandError::Usage(format!(
                "--watch {}s is shorter than --every {}s: no second round would come",
                watch.as_secs_f64(),
                every.as_secs_f64()
            )));
        }
        Ok(())
    }

    /// The url of the database, from the file that was named.
    pub(super) fn database_url(&self) -> Result<Option<Server>, CommandError> {
        let Some(file) = &self.database_url_file else { return Ok(None) };
        let refused =
            |cause: String| CommandError::Usage(format!("--database-url-file {}: {cause}", file.display()));
        let url = std::fs::read_to_string(file).map_err(|error| refused(error.to_string()))?;
        let url = SecretString::from(url.trim().to_owned());
        Server::from_url(&url).map(Some).map_err(|error| refused(error.to_string()))
    }

    /// What a watch holds to, when one was asked for.
    pub(super) fn criteria(&self) -> Option<Criteria> {
        let watching = &self.watching;
        let lasts = watching.watch?;
        Some(Criteria {
            lasts,
            every: watching.every.unwrap_or_else(|| USUAL_EVERY.min(lasts / 3)),
            error_share: watching.max_error_percent / 100.0,
            p99: Duration::from_millis(watching.max_p99_ms),
            prometheus: self.prometheus.clone(),
        })
    }
}

fn watch_time(text: &str) -> Result<Duration, String> {
    let refusal = || format!("{text:?} is no time from 1s to 7 days; give one such as 2h, 30m or 90s");
    let time: SignedDuration = text.parse().map_err(|_| refusal())?;
    if time < SignedDuration::from_secs(1) || time > LONGEST_WATCH {
        return Err(refusal());
    }
    Duration::try_from(time).map_err(|_| refusal())
}

fn percent(text: &str) -> Result<f64, String> {
    let refusal = || format!("{text:?} is no percentage from 0 to 100");
    let percent: f64 = text.trim_end_matches('%').trim().parse().map_err(|_| refusal())?;
    if (0.0..=100.0).contains(&percent) { Ok(percent) } else { Err(refusal()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(watch_time("2h").unwrap(), Duration::from_secs(7_200));
        assert_eq!(watch_time("1h 30m").unwrap(), Duration::from_secs(5_400));
        for text in ["", "soon", "0s", "-5s", "8d", "200h", "7"] {
            assert!(watch_time(text).unwrap_err().contains("such as 2h"), "{text}");
        }
    }

    #[test]
    fn shares_and_ports_that_are_none_are_refused_with_an_example() {
        assert_eq!(percent("0.5%").unwrap(), 0.5);
        assert!(percent("-1").is_err() && percent("101").is_err() && percent("NaN").is_err());
        let port: OpsPort = "backup=http://10.0.0.5:9052".parse().unwrap();
        assert_eq!((port.service, port.url.port()), (Service::Backup, Some(9052)));
        for text in ["backup", "kitchen=http://a:1", "gateway=https://a:1", "gateway=9080"] {
            assert!(text.parse::<OpsPort>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_waiver_names_a_checkpoint_and_a_reason() {
        let waiver: Waiver = "38 = the first drill is on Sunday".parse().unwrap();
        assert_eq!((waiver.number, waiver.why.as_str()), (38, "the first drill is on Sunday"));
        for text in ["38", "38=", "0=never", "48=too far", "x=y"] {
            assert!(text.parse::<Waiver>().unwrap_err().contains("from 1 to 47"), "{text}");
        }
    }
}
