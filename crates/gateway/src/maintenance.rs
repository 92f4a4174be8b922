//! Maintenance of everything or of single tenants, as a file says that is read every second:
//! calls get 503 with a time to come back, readings are answered with what is kept where the file
//! lets them be, and signing in goes on. What changes is told to the tenant's audit log.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use larder_identity::TenantId;
use larder_lifecycle::Shutdown;
use serde::Deserialize;
use tonic::Code;

use crate::audit::{AuditLog, NewEntry};
use crate::metrics;

/// How often the file is read.
const PERIOD: Duration = Duration::from_secs(1);
/// No sensible file is larger.
const MOST_BYTES: u64 = 1 << 20;
/// The name of everything in logs.
const EVERYTHING: &str = "everything";

/// What is under maintenance.
#[derive(Default)]
pub(crate) struct Maintenance {
    file: Option<PathBuf>,
    notices: RwLock<Arc<Notices>>,
}

/// The file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Notices {
    everything: Option<Notice>,
    tenants: BTreeMap<String, Notice>,
}

/// What callers are told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notice {
    /// Such as "the warehouse is being counted".
    pub(crate) message: String,
    /// When it is worth coming back.
    #[serde(default = "a_minute")]
    retry_after_s: u32,
    /// Whether readings are answered with what is kept.
    #[serde(default)]
    pub(crate) answers_from_cache: bool,
}

fn a_minute() -> u32 {
    60
}

impl Notice {
    pub(crate) fn retry_after(&self) -> Duration {
        Duration::from_secs(self.retry_after_s.into())
    }
}

impl Maintenance {
    /// As `file` says, once it is read.
    pub(crate) fn new(file: Option<PathBuf>) -> Self {
        Self { file, notices: RwLock::default() }
    }

    /// What callers of a tenant are told, if anything.
    pub(crate) fn of(&self, tenant: &TenantId) -> Option<Notice> {
        self.file.as_ref()?;
        let notices = self.notices();
        notices.everything.as_ref().or_else(|| notices.tenants.get(tenant.as_str())).cloned()
    }

    /// Reads the file until shutdown. One that cannot be read leaves in force what was read before.
    pub(crate) async fn run(self: Arc<Self>, audit: Arc<AuditLog>, shutdown: Shutdown) {
        let Some(file) = self.file.clone() else { return shutdown.wait_owned().await };
        let mut stop = std::pin::pin!(shutdown.wait_owned());
        let mut told = String::new();
        loop {
            match read(&file).await {
                Ok(notices) => {
                    told.clear();
                    self.replace(notices, &audit);
                }
                Err(error) if error != told => {
                    tracing::error!(file = %file.display(), error, "the maintenance file is refused; what it said before holds");
                    told = error;
                }
                Err(_) => {}
            }
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    fn replace(&self, notices: Notices, audit: &AuditLog) {
        let before = self.notices();
        if *before == notices {
            return;
        }
        metrics::set_maintenance(notices.everything.is_some() || !notices.tenants.is_empty());
        if before.everything != notices.everything {
            tell(EVERYTHING, notices.everything.as_ref());
        }
        let names = before.tenants.keys().chain(notices.tenants.keys());
        for name in names.collect::<std::collections::BTreeSet<_>>() {
            let notice = notices.tenants.get(name);
            if before.tenants.get(name) == notice {
                continue;
            }
            tell(name, notice);
            if let Ok(tenant) = TenantId::parse(name) {
                audit.keep_later(entry(tenant, notice));
            }
        }
        *self.notices.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(notices);
    }

    fn notices(&self) -> Arc<Notices> {
        self.notices.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn tell(of: &str, notice: Option<&Notice>) {
    match notice {
        Some(notice) => tracing::warn!(maintenance.of = of, message = notice.message, "maintenance begins"),
        None => tracing::warn!(maintenance.of = of, "maintenance ends"),
    }
}

fn entry(tenant: TenantId, notice: Option<&Notice>) -> NewEntry {
    let action = if notice.is_some() { "maintenance begins" } else { "maintenance ends" };
    NewEntry {
        tenant,
        actor: "command:gateway.maintenance_file".to_owned(),
        action: action.to_owned(),
        target: notice.map(|notice| notice.message.clone()).unwrap_or_default(),
        address: String::new(),
        outcome: Code::Ok,
        correlation_id: String::new(),
    }
}

/// What the file says; one that is not there says nothing.
async fn read(file: &std::path::Path) -> Result<Notices, String> {
    match tokio::fs::metadata(file).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Notices::default()),
        Err(error) => return Err(error.to_string()),
        Ok(about) if about.len() > MOST_BYTES => return Err(format!("it is larger than {MOST_BYTES} bytes")),
        Ok(_) => {}
    }
    let text = tokio::fs::read_to_string(file).await.map_err(|error| error.to_string())?;
    let notices: Notices = toml::from_str(&text).map_err(|error| error.message().to_owned())?;
    match notices.tenants.keys().find(|name| TenantId::parse(name.as_str()).is_err()) {
        Some(name) => {
            Err(format!("tenants.{name:?} is no tenant: lower-case letters, digits and dashes, at most 63"))
        }
        None => Ok(notices),
    }
}
