//! The section `[database]`.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::section;
use crate::kind::Kind;

section! {
    /// PostgreSQL. With no `url`, a private cluster is made and kept in `data_dir`.
    DatabaseSettings = "database" {
        /// Where PostgreSQL is, with a user that may create roles and schemas if `bootstrap` is on.
        /// Outside the machine it needs `sslmode=require`, `verify-ca` or `verify-full`.
        url ("url", "crate::secret::connection"): Option<SecretString> = None,
            Kind::SecretUrl(&["postgres", "postgresql"]);
        /// The folder of PostgreSQL's own programs, for the private cluster. Left out, it is searched for.
        bin_dir: Option<PathBuf> = None, Kind::Path;
        /// The most connections that each role of a service opens.
        max_connections: u32 = 10, Kind::Whole(1..=1_000);
        /// How long a request waits for a free connection.
        acquire_timeout ("acquire_timeout_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_secs(2), Kind::Whole(1..=60_000);
        /// After how long PostgreSQL gives up on a statement.
        statement_timeout ("statement_timeout_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_secs(10), Kind::Whole(1..=3_600_000);
        /// The password of the roles that the services connect as.
        role_password ("role_password", "crate::secret::text"): Option<SecretString> = None, Kind::Secret(1);
        /// Whether missing roles and schemas are created at start; needs a powerful `url`.
        bootstrap: bool = true, Kind::Flag;
    }
}
