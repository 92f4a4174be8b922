//! The section `[backup]`.

use std::net::SocketAddr;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{localhost, section};
use crate::kind::Kind;

section! {
    /// The backup service: what is backed up when, where it is kept and for how long.
    BackupSettings = "backup" {
        /// Whether `larder up` runs the backup service.
        enabled: bool = true, Kind::Flag;
        /// Where the service listens for gRPC.
        listen_address: SocketAddr = localhost(50052), Kind::Address;
        /// Where the service's health and metrics are; never routed to from outside.
        ops_address: SocketAddr = localhost(9052), Kind::Address;
        /// The name of the protected cluster; it begins the names of all its objects.
        cluster: String = "larder".to_owned(), Kind::Text;
        /// The PostgreSQL to protect, with a login that may replicate. Left out, it is that of
        /// `database.url`, with the role `larder_backup`.
        source_url ("source_url", "crate::secret::connection"): Option<SecretString> = None,
            Kind::SecretUrl(&["postgres", "postgresql"]);
        /// Whether backups are kept in a folder of this machine.
        folder_enabled: bool = true, Kind::Flag;
        /// That folder. Left out, it is `backups` in `data_dir`.
        folder: Option<PathBuf> = None, Kind::Path;
        /// The most bytes a second that are written into the folder, by everything together; 0 for no bound.
        /// The log goes through it too: too narrow a bound leaves it behind.
        folder_write_bytes_per_second: u64 = 0, Kind::Whole(0..=1_099_511_627_776);
        /// The most bytes a second that are read from the folder; 0 for no bound.
        folder_read_bytes_per_second: u64 = 0, Kind::Whole(0..=1_099_511_627_776);
        /// The S3 bucket that backups are kept in too, or the ARN of an access point. Left out, there
        /// is none.
        s3_bucket: Option<String> = None, Kind::Text;
        /// What the names of all objects in the bucket begin with, such as `larder/`.
        s3_prefix: Option<String> = None, Kind::Text;
        /// Another endpoint than Amazon's.
        s3_endpoint: Option<Url> = None, Kind::Url;
        /// The region of the bucket.
        s3_region: String = "us-east-1".to_owned(), Kind::Text;
        /// The key to the bucket. Left out, it is found as Amazon's own tools find it.
        s3_access_key_id: Option<String> = None, Kind::Text;
        /// The secret that belongs to the key.
        s3_secret_access_key ("s3_secret_access_key", "crate::secret::text"): Option<SecretString> = None,
            Kind::Secret(1);
        /// The storage class of new objects, such as `STANDARD_IA`. Left out, the bucket decides.
        s3_storage_class: Option<String> = None, Kind::Text;
        /// For how many days nobody may remove a new object; 0 locks nothing. The bucket must have object
        /// lock enabled.
        s3_lock_days: u32 = 0, Kind::Whole(0..=36_500);
        /// Who may lift that lock early: a `governance` lock whoever has the right to, a `compliance`
        /// lock nobody.
        s3_lock_mode: LockMode = LockMode::Governance, Kind::Choice(&["governance", "compliance"]);
        /// The most bytes a second that go to the bucket, of everything together; 0 for no bound.
        s3_write_bytes_per_second: u64 = 0, Kind::Whole(0..=1_099_511_627_776);
        /// The most bytes a second that come from the bucket; 0 for no bound.
        s3_read_bytes_per_second: u64 = 0, Kind::Whole(0..=1_099_511_627_776);
        /// A TOML file with further targets, any number of them: `[[bucket]]` and `[[folder]]`, each with its
        /// name and its own retention. Their keys lie in files of their own.
        targets_file: Option<PathBuf> = None, Kind::Path;
        /// The public keys of age (`age1…`, separated by commas) that backups are sealed for. Left out,
        /// they are not sealed. The secret keys do not belong on this machine.
        recipients: Option<String> = None, Kind::Text;
        /// zstd's level: higher is smaller and slower.
        compression_level: i32 = 1, Kind::Whole(1..=19);
        /// Threads that compress.
        compression_threads: u32 = 2, Kind::Whole(0..=64);
        /// After how many bytes of the database a new object is begun; restores read several at once.
        object_bytes: u64 = 256 * 1024 * 1024, Kind::Whole(1_048_576..=1_099_511_627_776);
        /// The most bytes a second that are read from the database, so that it goes on serving; 0 reads as fast
        /// as it goes.
        throttle_bytes_per_second: u64 = 32 * 1024 * 1024, Kind::Whole(0..=1_099_511_627_776);
        /// Whether the write-ahead log is archived as it is written, so that every moment since the oldest
        /// backup can be restored.
        archive_wal: bool = true, Kind::Flag;
        /// The replication slot for which the server keeps log that was not received yet.
        wal_slot: String = "larder_backup".to_owned(), Kind::Text;
        /// The folder in which the log lies until all targets have it. Left out, it is `wal-spool` in
        /// `data_dir`.
        wal_spool: Option<PathBuf> = None, Kind::Path;
        /// With so many bytes in the spool no more is received, and the server keeps it.
        wal_spool_limit_bytes: u64 = 4 * 1024 * 1024 * 1024, Kind::Whole(67_108_864..=1_099_511_627_776);
        /// How many milliseconds of log the targets may be behind while all is well.
        wal_flush_ms: u64 = 1_000, Kind::Whole(100..=600_000);
        /// Archive although the server's `max_slot_wal_keep_size` is unlimited, so that its disk fills
        /// when nobody receives.
        wal_allow_uncapped_slot: bool = false, Kind::Flag;
        /// When backups are taken: cron with five fields, or `never`.
        schedule: String = "0 */6 * * *".to_owned(), Kind::Text;
        /// After how many days a scheduled backup is a full one; between them they are incremental where
        /// the server keeps summaries of its WAL (`summarize_wal`, PostgreSQL 17 and later).
        full_interval_days: u32 = 7, Kind::Whole(1..=366);
        /// When a backup is restored and examined as a drill: cron with five fields, at least once a quarter,
        /// or `never`.
        drill_schedule: String = "0 4 * * 0".to_owned(), Kind::Text;
        /// Where drills restore to; as much room as the database takes. Left out, it is `drills` in
        /// `data_dir`, for root `/var/lib/larder/drills`.
        drill_folder: Option<PathBuf> = None, Kind::Path;
        /// The superuser of the protected cluster, as whom a drill asks the restored one.
        drill_superuser: String = "postgres".to_owned(), Kind::Text;
        /// A TOML file with questions that a restored database must answer: `[[check]]` with `name`,
        /// `database`, `sql` and, when the answer is not `true`, `expected`.
        drill_checks_file: Option<PathBuf> = None, Kind::Path;
        /// The file with the secret keys of age, for drills of sealed backups on this machine. Whoever
        /// reads it can read every backup.
        drill_identity_file: Option<PathBuf> = None, Kind::Path;
        /// Of how many bytes of tables, the smallest first, the rows are counted and summed up with each
        /// backup, so that a drill can compare them; 0 for none.
        record_most_bytes: u64 = 1024 * 1024 * 1024, Kind::Whole(0..=1_099_511_627_776);
        /// The alerting service, which is told of what fails and of every minute in which backups are alive.
        /// `larder up` knows it by itself.
        alerting_url: Option<Url> = None, Kind::Url;
        /// When a test alarm is sent that somebody must acknowledge: cron with five fields, or `never`.
        self_test_schedule: String = "0 10 * * 1".to_owned(), Kind::Text;
        /// The time zone of the schedules.
        time_zone: String = "UTC".to_owned(), Kind::Text;
        /// When databases are dumped: cron with five fields, or `never`. PostgreSQL's `pg_dump`, of the server's
        /// version or newer, must be there.
        dump_schedule: String = "never".to_owned(), Kind::Text;
        /// The databases that are dumped, separated by commas. Left out, every one that takes connections.
        dump_databases: Option<String> = None, Kind::Text;
        /// The PostgreSQL whose databases are dumped, with a login that may read all of them. Left out, it is
        /// that of `source_url`.
        dump_url ("dump_url", "crate::secret::connection"): Option<SecretString> = None,
            Kind::SecretUrl(&["postgres", "postgresql"]);
        /// The PostgreSQL that dumps and rescued databases are loaded into, with a login that may create
        /// databases. Left out, it is that of `database.url`.
        load_url ("load_url", "crate::secret::connection"): Option<SecretString> = None,
            Kind::SecretUrl(&["postgres", "postgresql"]);
        /// How many of the newest dumps of each database every target keeps whatever their age.
        dump_keep_count: u32 = 2, Kind::Whole(1..=10_000);
        /// For how many days every target keeps every dump.
        dump_keep_days: u32 = 30, Kind::Whole(0..=36_500);
        /// How many of the newest backups the folder keeps whatever their age.
        folder_keep_count: u32 = 2, Kind::Whole(1..=10_000);
        /// For how many days the folder keeps every backup.
        folder_keep_days: u32 = 7, Kind::Whole(0..=36_500);
        /// Of how many weeks the folder keeps the newest backup.
        folder_keep_weekly: u32 = 0, Kind::Whole(0..=10_000);
        /// Of how many months the folder keeps the newest backup.
        folder_keep_monthly: u32 = 0, Kind::Whole(0..=10_000);
        /// How many of the newest backups the bucket keeps whatever their age.
        s3_keep_count: u32 = 2, Kind::Whole(1..=10_000);
        /// For how many days the bucket keeps every backup.
        s3_keep_days: u32 = 30, Kind::Whole(0..=36_500);
        /// Of how many weeks the bucket keeps the newest backup.
        s3_keep_weekly: u32 = 0, Kind::Whole(0..=10_000);
        /// Of how many months the bucket keeps the newest backup.
        s3_keep_monthly: u32 = 12, Kind::Whole(0..=10_000);
    }
}

/// Who may lift a lock early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LockMode {
    /// Whoever has the right to.
    Governance,
    /// Nobody.
    Compliance,
}
