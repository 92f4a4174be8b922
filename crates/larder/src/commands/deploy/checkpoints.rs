//! The checkpoints of docs/operations/deploy-production.md, in its order: gone through where a program can, told as
//! "by hand" where a person has to look. A test holds the page to this list.

mod here;
mod outside;
pub(super) mod platform;
mod redis;
mod server;
mod tenant;

use futures::FutureExt;
use futures::future::BoxFuture;
use larder_database::Server;
use larder_settings::Settings;
use sqlx::PgPool;
use url::Url;

use super::arguments::{VerifyArgs, Waiver};
use super::outcome::{Finding, Found, Outcome};
use super::prometheus;
use super::smoke;
use super::stack::Stack;
use crate::commands::Context;
use crate::error::CommandError;
use crate::instance;

type Look = for<'a> fn(&'a Facts<'a>) -> BoxFuture<'a, Found>;

/// One checkpoint.
pub(super) struct Checkpoint {
    /// What has to hold.
    pub(super) holds: &'static str,
    /// What is needed to go through it; how a person does, where no program can.
    pub(super) needs: &'static str,
    look: Option<Look>,
}

impl Checkpoint {
    /// Whether a person has to look.
    pub(super) fn is_by_hand(&self) -> bool {
        self.look.is_none()
    }
}

/// What the checkpoints are gone through with.
pub(super) struct Facts<'a> {
    stack: &'a Stack,
    smoke: &'a [Finding],
    /// The settings of this machine, with `--here`.
    settings: Option<Settings>,
    database: Option<PgPool>,
    expected_version: String,
    outside: bool,
    prometheus: Option<&'a Url>,
    secrets: Option<std::path::PathBuf>,
}

impl<'a> Facts<'a> {
    /// Reads what the arguments name.
    pub(super) fn gather(
        stack: &'a Stack,
        smoke: &'a [Finding],
        args: &'a VerifyArgs,
        context: &Context,
    ) -> Result<Self, CommandError> {
        let settings = if args.here { Some(context.settings()?) } else { None };
        let server = match args.database_url()? {
            Some(server) => Some(server),
            None => settings.as_ref().map(server_of).transpose()?.flatten(),
        };
        let usual = std::path::PathBuf::from("/etc/larder/secrets");
        let usual = (args.here && usual.is_dir()).then_some(usual);
        Ok(Self {
            stack,
            smoke,
            settings,
            database: server.map(|server| server::pool(&server)),
            expected_version: args
                .expect_version
                .clone()
                .unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned()),
            outside: args.outside,
            prometheus: args.prometheus.as_ref(),
            secrets: args.secrets.clone().or(usual),
        })
    }

    fn settings(&self) -> Result<&Settings, Outcome> {
        self.settings.as_ref().ok_or_else(|| Outcome::skipped("run it on its machine, with --here"))
    }

    fn database(&self) -> Result<&PgPool, Outcome> {
        let missing = "name the database: --here on its machine, or --database-url-file";
        self.database.as_ref().ok_or_else(|| Outcome::skipped(missing))
    }

    /// What a smoke test came to.
    fn smoked(&self, name: &str) -> Found {
        let outcome = smoke::outcome(self.smoke, name);
        match outcome.verdict {
            super::outcome::Verdict::Pass => Ok(outcome.found),
            _ => Err(outcome),
        }
    }

    fn all_smoked(&self) -> Found {
        let failed: Vec<&str> =
            self.smoke.iter().filter(|finding| finding.failed()).map(|finding| &*finding.name).collect();
        if failed.is_empty() {
            return Ok(format!("{} smoke tests, none failed", self.smoke.len()));
        }
        Err(Outcome::fail(format!("failed: {}", failed.join(", ")), "see the smoke tests"))
    }
}

fn server_of(settings: &Settings) -> Result<Option<Server>, CommandError> {
    let running = || instance::running(&settings.data_dir).and_then(|running| running.database_url);
    let url = settings.database.url.clone().or_else(running);
    Ok(url.map(|url| Server::from_url(&url)).transpose()?)
}

const fn seen(holds: &'static str, needs: &'static str, look: Look) -> Checkpoint {
    Checkpoint { holds, needs, look: Some(look) }
}

const fn by_hand(holds: &'static str) -> Checkpoint {
    Checkpoint { holds, needs: "by hand", look: None }
}

const HERE: &str = "`--here`";
const DATABASE: &str = "the database";
const PLATFORM: &str = "`platform.read` or ops ports";
const OPS: &str = "ops ports";
const BACKUPS: &str = "`backups.read`";
const ADDRESS: &str = "the address";

/// All of them; a checkpoint's number is its place, from 1.
pub(super) const CHECKPOINTS: [Checkpoint; 47] = [
    seen("the gateway's settings are complete, and production refuses nothing", HERE, |facts| {
        here::gateway_settings(facts).boxed()
    }),
    seen("so are those of the services", HERE, |facts| here::service_settings(facts).boxed()),
    seen("it is the version that was meant", PLATFORM, |facts| platform::version(facts).boxed()),
    by_hand("the image is the one that was scanned"),
    seen("no secret is readable by everybody", "`--here` or `--secrets`", |facts| {
        here::secrets(facts).boxed()
    }),
    by_hand("no secret stands in the environment of a container"),
    by_hand("manifests are what the cluster would take"),
    by_hand("the secret has all its keys"),
    by_hand("units are well shut"),
    seen("the database takes TLS alone", DATABASE, |facts| server::tls(facts).boxed()),
    seen("checksums of pages are on", DATABASE, |facts| server::checksums(facts).boxed()),
    seen("a slot cannot fill the disk", DATABASE, |facts| server::slot(facts).boxed()),
    seen("the login may replicate", DATABASE, |facts| server::replication(facts).boxed()),
    seen("there are connections enough", DATABASE, |facts| server::connections(facts).boxed()),
    seen("statements are counted", DATABASE, |facts| server::statements(facts).boxed()),
    seen("services own no table", DATABASE, |facts| server::owners(facts).boxed()),
    seen("Redis asks for a password", HERE, |facts| redis::password(facts).boxed()),
    seen("Redis forgets rather than refuses", HERE, |facts| redis::forgets(facts).boxed()),
    seen("the gateway is ready", OPS, |facts| async { facts.smoked("ops.gateway") }.boxed()),
    seen("the recommendation service is ready", OPS, |facts| {
        async { facts.smoked("ops.recommendation") }.boxed()
    }),
    seen("the backup service is ready", OPS, |facts| async { facts.smoked("ops.backup") }.boxed()),
    seen("the alerting service is ready", OPS, |facts| async { facts.smoked("ops.alerting") }.boxed()),
    seen("every check of every service is healthy", PLATFORM, |facts| platform::healthy(facts).boxed()),
    seen("callers come in over TLS, with a certificate for weeks", ADDRESS, |facts| {
        async { facts.smoked("edge.tls") }.boxed()
    }),
    seen("plaintext leads to TLS", ADDRESS, |facts| async { facts.smoked("edge.redirect") }.boxed()),
    seen("nobody comes in without credentials", ADDRESS, |facts| {
        async { facts.smoked("edge.credentials") }.boxed()
    }),
    seen("every part answers a caller", "the smoke tests", |facts| async { facts.all_smoked() }.boxed()),
    seen("gRPC comes through the proxy", ADDRESS, |facts| async { facts.smoked("api.grpc") }.boxed()),
    seen("the ops ports cannot be reached from outside", "`--outside`", |facts| {
        outside::ops_ports(facts).boxed()
    }),
    seen("neither can the services", "`--outside`", |facts| outside::service_ports(facts).boxed()),
    seen("the caller's address is known behind the proxy", "`audit.read`", |facts| {
        tenant::addresses(facts).boxed()
    }),
    seen("limits are set", HERE, |facts| here::limits(facts).boxed()),
    by_hand("a user can sign in, and no first password is left"),
    seen("keys have no more scopes than they need", "`keys.read`", |facts| tenant::keys(facts).boxed()),
    seen("a model serves", "`models.read`", |facts| tenant::model(facts).boxed()),
    seen("a backup lies at every target", BACKUPS, |facts| tenant::backups(facts).boxed()),
    seen("what would be lost is seconds", BACKUPS, |facts| tenant::lost(facts).boxed()),
    seen("a backup was restored and examined", BACKUPS, |facts| tenant::proven(facts).boxed()),
    seen("stored bytes are whole", BACKUPS, |facts| tenant::whole_bytes(facts).boxed()),
    by_hand("the secret key of age is in a safe, and on no machine of these"),
    seen("somebody is on call", "`alerting.read`", |facts| tenant::on_call(facts).boxed()),
    by_hand("a test alarm reaches a person, and their acknowledgement counts"),
    seen("Prometheus reaches everything", "`--prometheus`", |facts| {
        prometheus::reaches_everything(facts.stack, facts.prometheus).boxed()
    }),
    by_hand("logs arrive, with correlation ids"),
    seen("clocks agree", DATABASE, |facts| server::clock(facts).boxed()),
    seen("the disk has room for a month", PLATFORM, |facts| platform::disk(facts).boxed()),
    by_hand("going back was tried"),
];

/// Goes through all of them, one after the other. Where nobody answers at all, what asks the address is not tried.
pub(super) async fn go_through(facts: &Facts<'_>, waivers: &[Waiver]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, checkpoint) in (1_u8..).zip(&CHECKPOINTS) {
        let look = async {
            match checkpoint.look {
                None => Err(Outcome::by_hand("the page of production tells how")),
                Some(look) => look(facts).await,
            }
        };
        let mut finding = Finding::measured(number.to_string(), checkpoint.holds, look).await;
        if let Some(waiver) = waivers.iter().find(|waiver| waiver.number == number) {
            finding.outcome = finding.outcome.waived(&waiver.why);
        }
        findings.push(finding);
    }
    findings
}
