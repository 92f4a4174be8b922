//! Certificates of an authority that speaks ACME (RFC 8555), proved over HTTP (HTTP-01). What comes is written to files;
//! these are watched like any others, so that everything else stays as it is.

mod door;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder,
    OrderStatus, RetryPolicy,
};
use larder_lifecycle::{Check, CheckOutcome, HealthRegistry, Shutdown};
use tokio::net::TcpListener;
use url::Url;

use crate::authority::put;
use crate::clock::now_s;
use crate::error::CertificateError;
use crate::metrics;
use crate::pair;
use crate::watched::Files;
use door::Answers;

const CERTIFICATE_FILE: &str = "certificate.pem";
const KEY_FILE: &str = "certificate.key";
const ACCOUNT_FILE: &str = "account.json";
const DAY_S: i64 = 86_400;
/// A certificate is renewed when a third of its life is left, as authorities ask for.
const LEFT_OF_LIFE: i64 = 3;
const CHECK_LIMIT: Duration = Duration::from_millis(400);
/// How often it is looked whether it is time.
const LOOK: Duration = Duration::from_secs(60);
/// What failed is tried again after this, then after twice as long, and so on: authorities count.
const AGAIN: Duration = Duration::from_secs(60);
const AGAIN_AT_MOST: Duration = Duration::from_secs(6 * 3_600);
/// How long an order may take in all.
const ORDER_LIMIT: Duration = Duration::from_secs(180);

/// Whom to ask for what.
#[derive(Debug, Clone)]
pub struct AcmeSettings {
    /// Where the authority's directory is.
    pub directory_url: Url,
    /// Whom the authority writes to, as `mailto:ops@example.org`.
    pub contact: Option<String>,
    /// The names that the certificate is for.
    pub domains: Vec<String>,
    /// An authority (PEM) that vouches for the directory's own certificate; without it those of the system do.
    pub authority: Option<PathBuf>,
    /// Where account, certificate and key are kept.
    pub folder: PathBuf,
}

/// A certificate that is fetched and renewed.
pub struct Acme {
    settings: AcmeSettings,
    answers: Arc<Answers>,
    /// Whether the last order failed.
    is_failing: Arc<AtomicBool>,
}

/// Why no certificate came.
#[derive(Debug, thiserror::Error)]
enum AcmeError {
    #[error("{0}")]
    Protocol(#[from] instant_acme::Error),
    #[error("{0}")]
    Certificate(#[from] CertificateError),
    #[error("{path}: {source}", path = path.display())]
    Account { path: PathBuf, source: serde_json::Error },
    #[error("the authority does not take HTTP-01 for {0}")]
    NoHttp(String),
    #[error(
        "the authority did not find the proof; it asks http://<domain>/.well-known/acme-challenge/ at port 80"
    )]
    NotProved,
    #[error("there was no certificate after {} s", ORDER_LIMIT.as_secs())]
    Late,
}

impl Acme {
    /// Prepares the folder: until the authority has given one, there is a certificate that nobody vouches for, so that
    /// the gateway can start.
    ///
    /// # Errors
    /// A domain that is none, or a folder that cannot be written.
    pub fn open(settings: AcmeSettings) -> Result<(Self, Files), CertificateError> {
        let folder = &settings.folder;
        std::fs::create_dir_all(folder).map_err(CertificateError::file(folder))?;
        let files =
            Files { certificate: folder.join(CERTIFICATE_FILE), key: folder.join(KEY_FILE), authority: None };
        if !files.certificate.exists() || !files.key.exists() {
            let made = rcgen::generate_simple_self_signed(settings.domains.clone())?;
            put(&files.key, &made.signing_key.serialize_pem(), 0o600)?;
            put(&files.certificate, &made.cert.pem(), 0o644)?;
        }
        let answers = Arc::new(Answers::new(settings.domains.clone()));
        Ok((Self { settings, answers, is_failing: Arc::default() }, files))
    }

    /// Shows in health whether certificates come.
    pub fn register(&self, registry: &HealthRegistry) {
        let is_failing = self.is_failing.clone();
        registry.register(Check::optional("acme", CHECK_LIMIT, move || {
            let outcome = match is_failing.load(Ordering::Relaxed) {
                false => CheckOutcome::healthy(),
                true => CheckOutcome::degraded("no certificate comes; the log tells why"),
            };
            async move { outcome }
        }));
    }

    /// Answers the authority's question at `listener`, and fetches and renews until shutdown.
    pub async fn run(self, listener: TcpListener, shutdown: Shutdown) {
        let door = tokio::spawn(door::serve(listener, self.answers.clone(), shutdown.clone()));
        let mut wait = AGAIN;
        loop {
            let pause = match self.is_due() {
                false => LOOK,
                true => match self.fetch().await {
                    Ok(()) => {
                        metrics::count_order(true);
                        self.is_failing.store(false, Ordering::Relaxed);
                        tracing::info!(certificate.domains = ?self.settings.domains, "certificate came by ACME");
                        wait = AGAIN;
                        LOOK
                    }
                    Err(error) => {
                        metrics::count_order(false);
                        self.is_failing.store(true, Ordering::Relaxed);
                        tracing::error!(error.cause = %error, retry_s = wait.as_secs(), "no certificate came by ACME");
                        let pause = wait;
                        wait = (wait * 2).min(AGAIN_AT_MOST);
                        pause
                    }
                },
            };
            tokio::select! {
                () = shutdown.wait() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        drop(door.await);
    }

    /// Whether the certificate that lies there is none of the authority's, is for other names, or has little of its
    /// life left.
    fn is_due(&self) -> bool {
        let path = self.settings.folder.join(CERTIFICATE_FILE);
        let read = std::fs::read(&path).ok().and_then(|pem| pair::life_of(&path, &pem).ok());
        let Some(life) = read else { return true };
        let left_s = life.ends_at_s - now_s();
        let whole_s = (life.ends_at_s - life.begins_at_s).max(DAY_S);
        let names = &self.settings.domains;
        life.is_self_signed
            || left_s * LEFT_OF_LIFE < whole_s
            || !names.iter().all(|name| life.names.contains(name))
    }

    async fn fetch(&self) -> Result<(), AcmeError> {
        match tokio::time::timeout(ORDER_LIMIT, self.order()).await {
            Ok(ordered) => ordered,
            Err(_) => Err(AcmeError::Late),
        }
    }

    async fn order(&self) -> Result<(), AcmeError> {
        let account = self.account().await?;
        let names: Vec<Identifier> =
            self.settings.domains.iter().map(|name| Identifier::Dns(name.clone())).collect();
        let mut order = account.new_order(&NewOrder::new(&names)).await?;
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let name = authorization.identifier().to_string();
            let mut challenge =
                authorization.challenge(ChallengeType::Http01).ok_or(AcmeError::NoHttp(name))?;
            self.answers.put(&challenge.token, challenge.key_authorization().as_str());
            challenge.set_ready().await?;
        }
        let status = order.poll_ready(&RetryPolicy::default()).await;
        self.answers.clear();
        if status? != OrderStatus::Ready {
            return Err(AcmeError::NotProved);
        }
        let key = order.finalize().await?;
        let chain = order.poll_certificate(&RetryPolicy::default()).await?;
        // The key first: a look between the two finds a pair that does not belong together, and waits.
        put(&self.settings.folder.join(KEY_FILE), &key, 0o600)?;
        put(&self.settings.folder.join(CERTIFICATE_FILE), &chain, 0o644)?;
        Ok(())
    }

    /// The account that is kept, or a new one.
    async fn account(&self) -> Result<Account, AcmeError> {
        let builder = match &self.settings.authority {
            Some(authority) => Account::builder_with_root(authority)?,
            None => Account::builder()?,
        };
        let path = self.settings.folder.join(ACCOUNT_FILE);
        if let Some(credentials) = kept_account(&path)? {
            return Ok(builder.from_credentials(credentials).await?);
        }
        let contact: Vec<&str> = self.settings.contact.as_deref().into_iter().collect();
        let new =
            NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let directory = self.settings.directory_url.to_string();
        let (account, credentials) = builder.create(&new, directory, None).await?;
        let text = serde_json::to_string(&credentials)
            .map_err(|source| AcmeError::Account { path: path.clone(), source })?;
        put(&path, &text, 0o600)?;
        Ok(account)
    }
}

fn kept_account(path: &Path) -> Result<Option<AccountCredentials>, AcmeError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(CertificateError::file(path)(error).into()),
    };
    let read = serde_json::from_str(&text);
    read.map(Some).map_err(|source| AcmeError::Account { path: path.to_owned(), source })
}
