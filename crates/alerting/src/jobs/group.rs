//! Puts alerts into incidents, one tenant at a time and one replica at a time for each: what is pending is
//! read, decided about in memory, and written with everything that follows from it in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use larder_identity::TenantId;
use larder_lifecycle::Shutdown;
use larder_oncall::labels::Fingerprint;
use larder_oncall::routing::Route;
use larder_oncall::severity::Severity;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;
use uuid::Uuid;

use super::wait;
use crate::Clock;
use crate::changes::{Changes, resolve};
use crate::clock::micros;
use crate::error::Error;
use crate::hiding::{Hidden, Hiding};
use crate::in_force::{InForce, Rules};
use crate::incident::{self, Seen};
use crate::metrics;
use crate::silencing;
use crate::store::alerts::{self, PendingAlert, Settled};
use crate::store::durability;
use crate::store::incident_alerts::{self, Counts, Member};
use crate::store::incidents::{self, IncidentRow, State};
use crate::store::tenants;
use crate::store::timers::Timer;
use crate::timeline::Entry;

/// So many alerts are decided about at once.
const BATCH: i64 = 2_000;
/// How often the table is looked at although nobody said that something came.
const LOOK: Duration = Duration::from_millis(500);

const FLAPPING: &str = "its alerts come and go; it stays open until they have been calm for a while";

/// The job.
pub(crate) struct Grouper {
    pub(crate) worker: PgPool,
    pub(crate) in_force: Arc<InForce>,
    pub(crate) arrived: Arc<Notify>,
    /// Wakes whoever looks after timers.
    pub(crate) timers: Arc<Notify>,
    /// Wakes whoever sends.
    pub(crate) outbox: Arc<Notify>,
    pub(crate) clock: Clock,
}

/// The alerts of one group that are looked at.
struct Group<'a> {
    route: &'a Route,
    firing: Vec<usize>,
    has_visible: bool,
}

impl Grouper {
    pub(crate) async fn run(self, shutdown: Shutdown) {
        while wait(&self.arrived, LOOK, &shutdown).await {
            if let Err(error) = self.work().await {
                metrics::job_failed("group", &error);
            }
        }
    }

    async fn work(&self) -> Result<(), Error> {
        let names = {
            let mut connection = self.worker.acquire().await?;
            alerts::tenants_with_pending(&mut connection).await?
        };
        for name in names {
            let Ok(tenant) = TenantId::parse(&name) else { continue };
            while self.settle(&tenant).await? {}
        }
        Ok(())
    }

    /// Decides about one batch; whether there may be more.
    async fn settle(&self, tenant: &TenantId) -> Result<bool, Error> {
        let now_us = (self.clock)();
        let mut transaction = larder_database::begin_tenant(&self.worker, tenant).await?;
        if !tenants::try_lock(&mut transaction, tenant).await? {
            return Ok(false);
        }
        let pending = alerts::pending(&mut transaction, tenant, BATCH).await?;
        if pending.is_empty() {
            return Ok(false);
        }
        let rules = self.in_force.rules();
        let mut hiding = Hiding::load(&mut transaction, tenant, &rules, now_us).await?;
        let over: Vec<Fingerprint> =
            pending.iter().filter(|alert| !alert.is_firing).map(|alert| alert.labels.fingerprint()).collect();
        for silence in hiding.note_resolved(&over) {
            silencing::keep(&mut transaction, tenant, &silence, now_us).await?;
        }
        let hidden = {
            let verdicts = hiding.verdicts();
            pending.iter().map(|alert| verdicts.of(&alert.labels)).collect()
        };
        let decision = Decision::new(&rules, &pending, hidden);
        durability::do_not_wait(&mut transaction).await?;
        decision.write(&mut transaction, tenant, now_us).await?;
        if pending.iter().any(|alert| alert.inhibits && !alert.is_firing) {
            alerts::look_again(&mut transaction, tenant).await?;
        }
        transaction.commit().await?;
        self.timers.notify_one();
        self.outbox.notify_one();
        Ok(pending.len() as i64 == BATCH)
    }
}

struct Decision<'a> {
    rules: &'a Rules,
    pending: &'a [PendingAlert],
    /// What hides each of them.
    hidden: Vec<Hidden>,
    groups: BTreeMap<String, Group<'a>>,
}

impl<'a> Decision<'a> {
    fn new(rules: &'a Rules, pending: &'a [PendingAlert], hidden: Vec<Hidden>) -> Self {
        let mut groups: BTreeMap<String, Group<'a>> = BTreeMap::new();
        for (position, alert) in pending.iter().enumerate().filter(|(_, alert)| alert.is_firing) {
            // A sign of life is for a heartbeat and makes no incident.
            if Severity::of(&alert.labels) == Severity::None {
                continue;
            }
            for route in rules.settings.route.matching(&alert.labels) {
                let key = route.group_key(&alert.labels);
                let group =
                    groups.entry(key).or_insert(Group { route, firing: Vec::new(), has_visible: false });
                group.firing.push(position);
                group.has_visible |= !hidden[position].is_hidden();
            }
        }
        Self { rules, pending, hidden, groups }
    }

    async fn write(&self, db: &mut PgConnection, tenant: &TenantId, now_us: i64) -> Result<(), Error> {
        let keys: Vec<String> = self.groups.keys().cloned().collect();
        let known = incidents::of_groups(db, tenant, &keys).await?;
        let known_ids: HashMap<&str, Uuid> =
            known.iter().map(|row| (row.group_key.as_str(), row.incident_id)).collect();
        let new = self.open_new(db, tenant, &known_ids, now_us).await?;
        let new_ids: HashMap<&str, Uuid> =
            new.iter().map(|row| (row.group_key.as_str(), row.incident_id)).collect();
        let id_of = |key: &str| known_ids.get(key).or_else(|| new_ids.get(key)).copied();
        let over = self.over(db, tenant).await?;
        let members: Vec<Member> = self.members(id_of).chain(over.iter().cloned()).collect();
        incident_alerts::put(db, tenant, &members).await?;

        let mut changes = Changes::default();
        for row in &new {
            let text = format!("{} alerts fire: {}", row.firing_count, row.title);
            changes.note(row.incident_id, Entry::own(now_us, "opened", text));
            if row.is_flapping {
                changes.note(row.incident_id, Entry::own(now_us, "flapping", FLAPPING));
            }
            let wait =
                self.groups.get(&row.group_key).map_or(Duration::ZERO, |group| group.route.grouping.wait);
            changes.set_timer(row.incident_id, Timer::Notify, now_us + micros(wait));
        }
        let touched: BTreeSet<Uuid> = members
            .iter()
            .map(|member| member.incident_id)
            .filter(|id| !new.iter().any(|row| row.incident_id == *id))
            .collect();
        self.change_known(db, tenant, touched, now_us, &mut changes).await?;
        changes.write(db, tenant, now_us).await?;
        let settled: Vec<Settled> =
            self.pending.iter().zip(&self.hidden).map(|(alert, hidden)| settled(alert, hidden)).collect();
        alerts::settle(db, tenant, &settled).await?;
        Ok(())
    }

    /// Opens an incident for each group that has none, unless everything in it is hidden.
    async fn open_new(
        &self,
        db: &mut PgConnection,
        tenant: &TenantId,
        known: &HashMap<&str, Uuid>,
        now_us: i64,
    ) -> Result<Vec<IncidentRow>, Error> {
        let fresh: Vec<(&String, &Group<'_>)> = self
            .groups
            .iter()
            .filter(|(key, group)| group.has_visible && !known.contains_key(key.as_str()))
            .collect();
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        let first = tenants::take_numbers(db, tenant, fresh.len() as i64).await?;
        let rows: Vec<IncidentRow> = fresh
            .into_iter()
            .zip(first..)
            .map(|((key, group), number)| incident::open(group.route, key, &self.seen(group), number, now_us))
            .collect();
        incidents::open(db, tenant, &rows).await?;
        metrics::incidents_opened(&rows);
        Ok(rows)
    }

    fn seen(&self, group: &Group<'_>) -> Vec<Seen<'_>> {
        let alerts = group.firing.iter().map(|position| &self.pending[*position]);
        alerts
            .map(|alert| Seen {
                labels: &alert.labels,
                annotations: &alert.annotations,
                is_flapping: alert.is_flapping,
            })
            .collect()
    }

    /// The alerts that fire, in the incidents of their groups.
    fn members(&self, id_of: impl Fn(&str) -> Option<Uuid>) -> impl Iterator<Item = Member> {
        self.groups.iter().filter_map(move |(key, group)| Some((id_of(key)?, group))).flat_map(
            move |(incident_id, group)| {
                group.firing.iter().map(move |position| {
                    let alert = &self.pending[*position];
                    let (fingerprint, is_hidden) = (alert.fingerprint, self.hidden[*position].is_hidden());
                    Member { incident_id, fingerprint, is_firing: true, is_hidden }
                })
            },
        )
    }

    /// The alerts that are over, in every incident in which they fired.
    async fn over(&self, db: &mut PgConnection, tenant: &TenantId) -> Result<Vec<Member>, Error> {
        let over: Vec<i64> =
            self.pending.iter().filter(|alert| !alert.is_firing).map(|alert| alert.fingerprint).collect();
        if over.is_empty() {
            return Ok(Vec::new());
        }
        let firing = incident_alerts::firing_in(db, tenant, &over).await?;
        let member = |(incident_id, fingerprint)| Member {
            incident_id,
            fingerprint,
            is_firing: false,
            is_hidden: false,
        };
        Ok(firing.into_iter().map(member).collect())
    }

    /// What the alerts mean for incidents that were there before.
    async fn change_known(
        &self,
        db: &mut PgConnection,
        tenant: &TenantId,
        touched: BTreeSet<Uuid>,
        now_us: i64,
        changes: &mut Changes,
    ) -> Result<(), Error> {
        if touched.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = touched.into_iter().collect();
        let rows = incidents::lock(db, tenant, &ids).await?;
        let counts: HashMap<Uuid, Counts> =
            incident_alerts::count(db, tenant, &ids).await?.into_iter().collect();
        for mut row in rows.into_iter().filter(|row| row.state != State::Resolved) {
            let counts = counts.get(&row.incident_id).copied().unwrap_or_default();
            self.change_one(&mut row, counts, now_us, changes);
            changes.incidents.push(row);
        }
        Ok(())
    }

    fn change_one(&self, row: &mut IncidentRow, counts: Counts, now_us: i64, changes: &mut Changes) {
        let came = counts.all - row.alert_count;
        let is_lost = counts.lost > 0;
        if let Some(group) = self.groups.get(&row.group_key) {
            incident::join(row, &self.seen(group));
        }
        let before = (row.firing_count, row.is_source_lost, row.is_flapping);
        (row.firing_count, row.alert_count) = (counts.firing, counts.all);
        if counts.firing == 0 {
            (row.is_source_lost, row.is_flapping) = (false, false);
            resolve(changes, row, "", "all of its alerts are over", now_us);
            metrics::incident_resolved(row);
            if self.rules.receiver(&row.receiver).is_some_and(|receiver| !receiver.send_resolved) {
                changes.retold.retain(|incident_id| *incident_id != row.incident_id);
            }
            return;
        }
        if is_lost && !before.1 {
            let text = format!("{} alerts are not reported any more; they are not resolved", counts.lost);
            changes.note(row.incident_id, Entry::own(now_us, "source lost", text));
        } else if before.1 && !is_lost {
            changes.note(row.incident_id, Entry::own(now_us, "source back", "its alerts are reported again"));
        }
        row.is_source_lost = is_lost;
        row.is_flapping = counts.flapping > 0;
        if row.is_flapping && !before.2 {
            changes.note(row.incident_id, Entry::own(now_us, "flapping", FLAPPING));
        } else if before.2 && !row.is_flapping {
            changes.note(
                row.incident_id,
                Entry::own(now_us, "calm", "its alerts have stopped coming and going"),
            );
        }
        if came > 0 {
            changes.note(row.incident_id, Entry::own(now_us, "grew", format!("{came} more alerts")));
        }
        let is_news = came > 0 || before != (row.firing_count, row.is_source_lost, row.is_flapping);
        let grouping = self.groups.get(&row.group_key).map(|group| &group.route.grouping);
        if row.paged_at_us.is_some() && is_news {
            let interval = grouping.map_or(Duration::from_secs(300), |grouping| grouping.interval);
            changes.set_timer_once(row.incident_id, Timer::Update, now_us + micros(interval));
        } else if row.paged_at_us.is_none() && counts.visible > 0 && row.snoozed_until_us.is_none() {
            let wait = grouping.map_or(Duration::ZERO, |grouping| grouping.wait);
            changes.set_timer_once(row.incident_id, Timer::Notify, now_us + micros(wait));
        }
    }
}

fn settled(alert: &PendingAlert, hidden: &Hidden) -> Settled {
    Settled {
        fingerprint: alert.fingerprint,
        revision: alert.revision,
        silence_ids: hidden.silence_ids.clone(),
        is_inhibited: hidden.is_inhibited,
    }
}
