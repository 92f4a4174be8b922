//! Keeping the audit log: every call that the contract calls audited, granted or refused, is written to the log of the
//! caller's tenant when it has ended. A call waits a moment for that, never for longer: what the database does not take
//! at once is kept in memory and written when it does, and every event is a line of the process's log as well.

mod chain;
pub(crate) mod csv;
pub(crate) mod ndjson;
mod subject_matter;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use larder_flags::Change;
use larder_identity::{Caller, TenantId};
use larder_lifecycle::Shutdown;
use larder_telemetry::CorrelationId;
use sqlx::PgPool;
use tokio::sync::mpsc;
use tonic::Code;
use uuid::Uuid;

use crate::clock;
use crate::gate::Gate;
use crate::metrics::{self, Kept};
use crate::problem;
use crate::rpcs::Rpc;
use crate::store::{NewAuditEvent, append_audit_event};

pub(crate) use chain::Chain;
pub(crate) use subject_matter::subject_matter;

/// How long a call waits for its event to be written.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long to wait before a database that did not take an event is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// Events that wait for the database; beyond them only the process's log has them.
const WAITING: usize = 10_000;

/// What is told of changed flags, at most.
const TARGET_BYTES: usize = 1_024;

/// What happened, as the caller of this module knows it.
#[derive(Debug, Clone)]
pub(crate) struct NewEntry {
    pub(crate) tenant: TenantId,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) target: String,
    pub(crate) address: String,
    pub(crate) outcome: Code,
    /// Of the request that was made.
    pub(crate) correlation_id: String,
}

/// A call that is to be kept and has not ended.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    entry: NewEntry,
}

/// Where events go.
pub(crate) struct AuditLog {
    pool: Option<PgPool>,
    waiting: mpsc::Sender<Event>,
}

/// The events that the database did not take at once.
pub(crate) struct Waiting {
    pool: Option<PgPool>,
    events: mpsc::Receiver<Event>,
}

#[derive(Debug)]
struct Event {
    tenant: TenantId,
    event: NewAuditEvent,
}

impl Pending {
    /// The call of an RPC by this caller from this address.
    pub(crate) fn new(rpc: &Rpc, caller: &Caller, address: IpAddr) -> Self {
        let entry = NewEntry {
            tenant: caller.tenant.clone(),
            actor: caller.subject.clone(),
            action: rpc.label.to_string(),
            target: String::new(),
            address: address.to_string(),
            outcome: Code::Unknown,
            correlation_id: correlation_id(),
        };
        Self { entry }
    }

    /// Says what the call is about.
    pub(crate) fn about(&mut self, target: String) {
        self.entry.target = target;
    }

    /// The call has ended.
    pub(crate) fn ended(mut self, outcome: Code) -> NewEntry {
        self.entry.outcome = outcome;
        self.entry
    }
}

impl AuditLog {
    /// A log in the database behind `pool`, whose role is `App`; without one there is the process's log alone.
    pub(crate) fn new(pool: Option<PgPool>) -> (Self, Waiting) {
        let (waiting, events) = mpsc::channel(WAITING);
        (Self { pool: pool.clone(), waiting }, Waiting { pool, events })
    }

    /// Keeps an event before the caller has the answer, if the database is quick enough.
    pub(crate) async fn keep(&self, entry: NewEntry) {
        let event = Event::from(entry);
        let Some(pool) = &self.pool else { return };
        let written = tokio::time::timeout(PATIENCE, append_audit_event(pool, &event.tenant, &event.event));
        match written.await {
            Ok(Ok(())) => metrics::count_audit_event(Kept::AtOnce),
            Ok(Err(error)) => {
                tracing::warn!(error = %error, "audit event has to wait for the database");
                self.wait(event);
            }
            Err(_) => self.wait(event),
        }
    }

    /// Keeps an event behind the answer.
    pub(crate) fn keep_later(&self, entry: NewEntry) {
        let event = Event::from(entry);
        if self.pool.is_some() {
            self.wait(event);
        }
    }

    fn wait(&self, event: Event) {
        if self.waiting.try_send(event).is_err() {
            metrics::count_audit_event(Kept::InTheProcessLog);
            tracing::error!("too many audit events wait for the database; one is in this log alone");
        }
    }
}

impl From<NewEntry> for Event {
    /// Takes the time of now, and tells the process's log.
    fn from(entry: NewEntry) -> Self {
        let event = NewAuditEvent {
            event_id: Uuid::now_v7(),
            at_us: clock::micros(clock::now()),
            actor: entry.actor,
            action: entry.action,
            target: entry.target,
            address: entry.address,
            outcome: problem::code_name(entry.outcome).to_owned(),
            correlation_id: entry.correlation_id,
        };
        tracing::info!(
            tenant.id = %entry.tenant,
            audit.actor = %event.actor,
            audit.action = %event.action,
            audit.target = %event.target,
            client.address = %event.address,
            audit.outcome = %event.outcome,
            "audited call ended"
        );
        Self { tenant: entry.tenant, event }
    }
}

/// Follows the file of flags, and tells the log of the operating tenant what another one changed.
pub(crate) async fn follow_flags(gate: Arc<Gate>, operator: String, shutdown: Shutdown) {
    let Ok(tenant) = TenantId::parse(&operator) else { return shutdown.wait().await };
    let tell = |change: Change| {
        let mut target = change.flags.join(" ");
        target.truncate(target.floor_char_boundary(TARGET_BYTES));
        gate.audit.keep_later(NewEntry {
            tenant: tenant.clone(),
            actor: "file:flags".to_owned(),
            action: "flags.changed".to_owned(),
            target,
            address: String::new(),
            outcome: Code::Ok,
            correlation_id: String::new(),
        });
    };
    gate.flags.clone().run(shutdown, tell).await;
}

/// The correlation id of the request that is worked on.
pub(crate) fn correlation_id() -> String {
    CorrelationId::current().map(|id| id.as_str().to_owned()).unwrap_or_default()
}

impl Waiting {
    /// Writes what waits until `shutdown`, and then once more what is left.
    pub(crate) async fn write(mut self, shutdown: Shutdown) {
        let Some(pool) = self.pool.take() else { return shutdown.wait().await };
        loop {
            let event = tokio::select! {
                event = self.events.recv() => event,
                () = shutdown.wait() => break,
            };
            let Some(event) = event else { return };
            metrics::count_audit_event(write_until(&pool, &event, &shutdown).await);
        }
        while let Ok(event) = self.events.try_recv() {
            metrics::count_audit_event(write_until(&pool, &event, &shutdown).await);
        }
    }
}

/// Tries until it is written or the process ends; at least once.
async fn write_until(pool: &PgPool, event: &Event, shutdown: &Shutdown) -> Kept {
    while let Err(error) = append_audit_event(pool, &event.tenant, &event.event).await {
        tracing::warn!(error = %error, "audit event still waits for the database");
        tokio::select! {
            () = shutdown.wait() => return Kept::InTheProcessLog,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
    Kept::Later
}
