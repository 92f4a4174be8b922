//! Tells the alerting service what fires and what is over, again and again, and gives a sign of life for
//! as long as backups are alive. Silence, whatever its reason, then becomes an alarm over there.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use larder_certificates::Watched;
use larder_identity::{Caller, Scopes, TenantId, TokenSigner};
use larder_lifecycle::Shutdown;
use larder_proto::larder::alerting::v1::alerting_service_client::AlertingServiceClient;
use larder_proto::larder::alerting::v1::{
    Heartbeat, NewAlert, RecordHeartbeatRequest, SendAlertsRequest, UpsertHeartbeatRequest,
};
use tokio::time::{MissedTickBehavior, interval};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};
use url::Url;

use crate::alarm::{Alarm, Facts};
use crate::app::{AppError, AppSettings};
use crate::config::Schedules;
use crate::convert::timestamp;
use crate::error::BackupError;
use crate::operate;
use crate::schedule::Schedule;
use crate::state::State;

/// Whom service tokens are meant for.
const AUDIENCE: &str = "larder";
const SUBJECT: &str = "backup";
const SCOPES: &str = "alerting.send alerting.write";
const TOKEN_TTL: Duration = Duration::from_secs(120);
const TELL: Duration = Duration::from_secs(30);
/// What is not told again counts as lost after this.
const STANDS: SignedDuration = SignedDuration::from_mins(5);
const HEARTBEAT_INTERVAL_SECONDS: i32 = 300;
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// The way to the alerting service.
pub(crate) struct Alarms {
    state: Arc<State>,
    schedule: Option<Schedule>,
    dump_schedule: Option<Schedule>,
    client: AlertingServiceClient<Channel>,
    signer: Option<TokenSigner>,
    tenant: TenantId,
    watched_since: Timestamp,
    /// What was told to fire.
    told: Vec<Alarm>,
    is_expected: bool,
}

/// Prepares the way, when the settings name an alerting service. Nothing is asked yet.
///
/// # Errors
/// An address that is none.
pub(crate) fn start(
    app: &AppSettings,
    state: Arc<State>,
    schedules: &Schedules,
    certificates: Option<Arc<Watched>>,
) -> Result<Option<Alarms>, AppError> {
    let Some(url) = &app.settings.backup.alerting_url else { return Ok(None) };
    let refused = |cause: String| BackupError::Refused(format!("`backup.alerting_url`: {cause}"));
    let channel = channel(url, certificates).map_err(|error| refused(error.to_string()))?;
    let tenant = TenantId::parse(&app.settings.alerting.home_tenant)
        .map_err(|error| BackupError::Refused(format!("`alerting.home_tenant`: {error}")))?;
    Ok(Some(Alarms {
        schedule: schedules.backup.clone(),
        dump_schedule: schedules.dump.clone(),
        client: AlertingServiceClient::new(channel),
        signer: app.signer.clone(),
        tenant,
        watched_since: (state.clock)(),
        state,
        told: Vec::new(),
        is_expected: false,
    }))
}

fn channel(url: &Url, certificates: Option<Arc<Watched>>) -> Result<Channel, tonic::transport::Error> {
    if let Some(certificates) = certificates.filter(|_| url.scheme() == "https") {
        let endpoint = larder_certificates::endpoint(url)?.connect_timeout(CALL_LIMIT).timeout(CALL_LIMIT);
        return Ok(larder_certificates::channel(&endpoint, url, certificates));
    }
    let mut endpoint =
        Endpoint::from_shared(url.to_string())?.connect_timeout(CALL_LIMIT).timeout(CALL_LIMIT);
    if url.scheme() == "https" {
        endpoint = endpoint.tls_config(ClientTlsConfig::new().with_native_roots())?;
    }
    Ok(endpoint.connect_lazy())
}

impl Alarms {
    /// Tells until the process is asked to stop.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        let mut tick = interval(TELL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.wait() => return,
                _ = tick.tick() => {}
            }
            if let Err(error) = self.tell().await {
                tracing::warn!(error.cause = %error, "the alerting service does not hear of backups");
            }
        }
    }

    async fn tell(&mut self) -> Result<(), Status> {
        let status = operate::recovery_status(&self.state).await?;
        let wal = self.state.wal.get().map(|wal| wal.borrow().clone());
        let facts = Facts {
            status: &status,
            wal: wal.as_ref(),
            schedule: self.schedule.as_ref(),
            dump_schedule: self.dump_schedule.as_ref(),
            failures: self.state.operations.failures(),
            watched_since: self.watched_since,
            self_test_at: *self.state.self_test_at.borrow(),
            now: (self.state.clock)(),
        };
        let (alarms, is_alive, now) = (facts.alarms(), facts.are_backups_alive(), facts.now);
        self.send(alarms, now).await?;
        self.beat(is_alive).await
    }

    async fn send(&mut self, firing: Vec<Alarm>, now: Timestamp) -> Result<(), Status> {
        let is_over =
            |told: &&Alarm| !firing.iter().any(|alarm| (alarm.name, &alarm.of) == (told.name, &told.of));
        let over = self.told.iter().filter(is_over).map(|alarm| self.wire(alarm, now));
        let alerts: Vec<_> = firing.iter().map(|alarm| self.wire(alarm, now + STANDS)).chain(over).collect();
        if !alerts.is_empty() {
            let request = self.request(SendAlertsRequest { alerts, source: SUBJECT.to_owned() })?;
            let answer = self.client.send_alerts(request).await?.into_inner();
            if answer.rejected_count > 0 {
                tracing::warn!(alert.count = answer.rejected_count, "alarms of backups were refused");
            }
        }
        self.told = firing;
        Ok(())
    }

    async fn beat(&mut self, is_alive: bool) -> Result<(), Status> {
        let name = format!("larder-backup-{}", self.state.vault.cluster);
        if !self.is_expected {
            let interval_seconds = HEARTBEAT_INTERVAL_SECONDS;
            let heartbeat = Heartbeat { name: name.clone(), interval_seconds, ..Heartbeat::default() };
            let request = self.request(UpsertHeartbeatRequest { heartbeat: Some(heartbeat) })?;
            self.client.upsert_heartbeat(request).await?;
            self.is_expected = true;
        }
        if is_alive {
            let request = self.request(RecordHeartbeatRequest { name })?;
            self.client.record_heartbeat(request).await?;
        }
        Ok(())
    }

    fn wire(&self, alarm: &Alarm, ends_at: Timestamp) -> NewAlert {
        let mut labels = [
            ("alertname", alarm.name),
            ("severity", alarm.severity),
            ("service", SUBJECT),
            ("cluster", &self.state.vault.cluster),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        if !alarm.of.is_empty() {
            labels.push(("operation".to_owned(), alarm.of.clone()));
        }
        NewAlert {
            labels: labels.into_iter().collect(),
            annotations: [("summary".to_owned(), alarm.summary.clone())].into_iter().collect(),
            ends_at: Some(timestamp(ends_at)),
            ..NewAlert::default()
        }
    }

    /// A call in our own name.
    fn request<T>(&self, message: T) -> Result<Request<T>, Status> {
        let mut request = Request::new(message);
        if let Some(signer) = &self.signer {
            let scopes = Scopes::parse(SCOPES).map_err(|error| Status::unauthenticated(error.to_string()))?;
            let caller = Caller { tenant: self.tenant.clone(), subject: SUBJECT.to_owned(), scopes };
            let now = SystemTime::from((self.state.clock)());
            let token = signer.sign(&caller, AUDIENCE, TOKEN_TTL, now);
            let token = token.map_err(|error| Status::unauthenticated(error.to_string()))?;
            let value = format!("Bearer {token}").parse();
            let value = value.map_err(|_| Status::unauthenticated("the token is no header"))?;
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }
}
