//! What people do to incidents: acknowledge, resolve, snooze, note. One transaction each; doing the same
//! twice is doing it once.

use larder_identity::TenantId;
use larder_oncall::escalation::Target;
use sqlx::{PgConnection, PgPool};

use crate::changes::{self, Changes};
use crate::clock::timestamp;
use crate::error::Error;
use crate::in_force::Rules;
use crate::metrics;
use crate::state::State;
use crate::store::incidents::{self, IncidentRow, State as Stands};
use crate::timeline::Entry;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Acknowledge {
        note: String,
    },
    Resolve {
        note: String,
    },
    Snooze {
        until_us: i64,
    },
    Note {
        text: String,
    },
    /// Somebody else takes care of it.
    HandOver {
        to: Target,
        note: String,
    },
}

/// Does something to an incident, by its id or number, and returns it as it is then.
pub(crate) async fn operate(
    state: &State,
    tenant: &TenantId,
    name: &str,
    who: &str,
    deed: Deed,
) -> Result<IncidentRow, Error> {
    let rules = state.in_force.rules();
    let done = operate_in(&state.app, tenant, name, who, deed, (&rules, (state.clock)())).await?;
    state.outbox.notify_one();
    state.timers.notify_one();
    Ok(done)
}

async fn operate_in(
    pool: &PgPool,
    tenant: &TenantId,
    name: &str,
    who: &str,
    deed: Deed,
    (rules, now_us): (&Rules, i64),
) -> Result<IncidentRow, Error> {
    let mut transaction = larder_database::begin_tenant(pool, tenant).await?;
    let incident_id = incidents::get(&mut transaction, tenant, name).await?.incident_id;
    let row = incidents::lock(&mut transaction, tenant, &[incident_id]).await?.pop();
    let mut row = row.ok_or(Error::NotFound { noun: "incident" })?;
    act(&mut transaction, tenant, &mut row, who, deed, (rules, now_us)).await?;
    transaction.commit().await?;
    Ok(row)
}

/// Does something to an incident whose row is locked, in the caller's transaction.
pub(crate) async fn act(
    db: &mut PgConnection,
    tenant: &TenantId,
    row: &mut IncidentRow,
    who: &str,
    deed: Deed,
    (rules, now_us): (&Rules, i64),
) -> Result<(), Error> {
    let mut changes = Changes::default();
    let is_over = row.state == Stands::Resolved;
    match deed {
        Deed::Acknowledge { .. } | Deed::Resolve { .. } if is_over => {}
        Deed::Acknowledge { .. } if row.state == Stands::Acknowledged && row.acknowledged_by == who => {}
        Deed::Acknowledge { note } => {
            let is_first = row.acknowledged_at_us.is_none();
            let until = rules.policy_of(row).and_then(|policy| policy.acknowledged_until(timestamp(now_us)));
            changes::acknowledge(&mut changes, row, who, &note, until, now_us);
            if is_first {
                metrics::incident_acknowledged(row);
            }
        }
        Deed::Resolve { note } => {
            changes::resolve(&mut changes, row, who, &note, now_us);
            metrics::incident_resolved(row);
        }
        Deed::Snooze { .. } if is_over => {
            return Err(Error::Conflict("incident_id: it is resolved, and nothing of it is told any more"));
        }
        Deed::Snooze { until_us } => changes::snooze(&mut changes, row, who, until_us, now_us),
        Deed::HandOver { .. } if is_over => {
            return Err(Error::Conflict("incident_id: it is resolved, and nothing of it is told any more"));
        }
        Deed::HandOver { to, note } => changes::hand_over(&mut changes, row, who, (to, &note), now_us),
        Deed::Note { text } => {
            changes.note(row.incident_id, Entry { at_us: now_us, kind: "note", actor: who.to_owned(), text });
        }
    }
    changes.incidents.push(row.clone());
    changes.write(db, tenant, now_us).await?;
    Ok(())
}
