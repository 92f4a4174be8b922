//! The section `[alerting]`.

use std::net::SocketAddr;
use std::path::PathBuf;

use secrecy::SecretString;

use super::{localhost, section};
use crate::kind::Kind;

section! {
    /// The alerting service: alerts come in, become incidents, and a person knows of them.
    AlertingSettings = "alerting" {
        /// Where the service listens for gRPC and for HTTP from Prometheus, Alertmanager and others.
        listen_address: SocketAddr = localhost(50053), Kind::Address;
        /// Where the service's health and metrics are; never routed to from outside.
        ops_address: SocketAddr = localhost(9053), Kind::Address;
        /// How many copies of the service run side by side. They share the work through the database.
        replicas: u32 = 1, Kind::Whole(1..=1_000);
        /// What this copy is called among the others, the same after a restart; they wait for its signs of life. Left
        /// out, it is the name of the machine.
        replica_name: Option<String> = None, Kind::Text;
        /// The TOML file of routes, schedules, policies and channels. It is read again whenever it changes; one that
        /// is refused leaves the one before it in force. Left out, every incident is written to the log.
        on_call_file: Option<PathBuf> = None, Kind::Path;
        /// The tenant for which the heartbeats and probes of that file speak.
        home_tenant: String = "demo".to_owned(), Kind::Text;
        /// The secrets that links in messages and tokens of sources are signed with, separated by commas. The first
        /// signs, all are believed: to rotate, put a new one in front and take the old one out later.
        signing_keys ("signing_keys", "crate::secret::text"): Option<SecretString> = None, Kind::Secret(32);
        /// The folder where alerts wait on disk while the database is away. Left out, it is `alert-spool` in `data_dir`.
        spool_dir: Option<PathBuf> = None, Kind::Path;
        /// The largest body of a webhook. Alertmanager drops what is refused, so it is as large as its largest group.
        webhook_limit_bytes: usize = 64 * 1024 * 1024, Kind::Whole(1_048_576..=1_073_741_824);
        /// How many bytes of bodies may be worked on at once; beyond it senders are asked to come back.
        ingest_memory_limit_bytes: usize = 256 * 1024 * 1024, Kind::Whole(1_048_576..=68_719_476_736);
        /// Whether webhooks and probes may lead into networks of our own. Leave it off where others write the file.
        allow_private_targets: bool = false, Kind::Flag;
        /// After how many days resolved alerts, sent notifications and used links are removed. Incidents stay.
        history_days: u32 = 90, Kind::Whole(1..=3_650);
    }
}
