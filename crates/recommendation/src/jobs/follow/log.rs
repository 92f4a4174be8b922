//! What the log tells: of single tenants when a model begins to serve, of all of them afterwards.
//! Whatever is laid over a model is laid over it in the order of the log.

use larder_ranking::Serving;
use sqlx::PgConnection;

use super::{Follower, ROWS};
use crate::error::Error;
use crate::metrics;
use crate::profile::Declaration;
use crate::served::ServedTenant;
use crate::store::{LogPosition, customers, erasures, food_matches, interactions, products, promotions};

impl Follower {
    /// Reads how customers, promotions and what is known of foods of all tenants changed after `start`.
    pub(super) async fn follow_facts(&self, db: &mut PgConnection, start: LogPosition) -> Result<(), Error> {
        let mut after = start;
        loop {
            let changes = customers::changes(db, after, ROWS).await?;
            let Some(last) = changes.last() else { break };
            after = last.position;
            for change in changes {
                let tenant = self.served.open(&change.tenant_id);
                tenant.facts_mut().profiles.change(change.customer_id, change.position, change.profile);
            }
        }
        let mut after = start;
        loop {
            let changes = promotions::changes(db, after, ROWS).await?;
            let Some(last) = changes.last() else { break };
            after = last.position;
            for change in changes {
                let tenant = self.served.open(&change.tenant_id);
                tenant.facts_mut().promotions.change(change.promotion_id, change.position, change.promotion);
            }
        }
        self.follow_food_facts(db, start).await
    }

    /// Reads what is known for nutrition alone of products of all tenants that changed after `start`.
    async fn follow_food_facts(&self, db: &mut PgConnection, start: LogPosition) -> Result<(), Error> {
        let mut after = start;
        loop {
            let changes = food_matches::changes(db, after, ROWS).await?;
            let Some(last) = changes.last() else { break };
            after = last.position;
            for change in changes {
                let tenant = self.served.open(&change.tenant_id);
                let found = Some(change.food_match);
                tenant.facts_mut().matches.change(change.product_id, change.position, found);
            }
        }
        let mut after = start;
        loop {
            let changes = products::declaration_changes(db, after, ROWS).await?;
            let Some(last) = changes.last() else { break };
            after = last.position;
            for change in changes {
                let tenant = self.served.open(&change.tenant_id);
                let said = Some(change.declaration).filter(|said| *said != Declaration::default());
                tenant.facts_mut().declarations.change(change.product_id, change.position, said);
            }
        }
        Ok(())
    }

    /// Overlays what all tenants wrote since the last reading. Rows of transactions above
    /// the horizon are read too, and read again next time: an event counts once, and a
    /// long transaction of somebody else delays nobody. Erasures wait for the horizon,
    /// since one that came twice would take what was recorded after it.
    pub(super) async fn overlay_changes(
        &self,
        db: &mut PgConnection,
        from: i64,
        horizon: i64,
    ) -> Result<(), Error> {
        let start = LogPosition { xid: from - 1, sequence: i64::MAX };
        for erased in erasures::log(db, None, start, horizon).await? {
            let tenant = self.served.open(&erased.tenant_id);
            let customers = known_by_hash(&tenant.read().serving, &erased.tenant_id, &erased.customer_hash);
            customers.iter().for_each(|customer_id| tenant.erase_logged(customer_id, erased.xid));
            let profiled = profiled_by_hash(&tenant, &erased.tenant_id, &erased.customer_hash);
            profiled.iter().for_each(|customer_id| tenant.erase_logged(customer_id, erased.xid));
        }
        self.follow_facts(db, start).await?;
        let mut after = start;
        loop {
            let changes = products::changes(db, None, after, None, ROWS).await?;
            let Some(last) = changes.last() else { break };
            after = last.position;
            for change in changes {
                let tenant = self.served.open(&change.tenant_id);
                tenant.follow_product(change.position.sequence, change.record);
            }
        }
        let mut after = start;
        loop {
            let events = interactions::log(db, None, after, None, ROWS).await?;
            let Some(last) = events.last() else { break };
            after = last.position;
            metrics::events_followed(events.len());
            for logged in events {
                if let Some(event) = logged.event {
                    self.served.open(&logged.tenant_id).overlay(logged.position.xid, &event);
                }
            }
        }
        Ok(())
    }
}

/// Lays everything that the log has of one tenant since `watermark` over `serving`.
pub(super) async fn replay(
    db: &mut PgConnection,
    mut serving: Serving,
    tenant: &str,
    watermark: i64,
    horizon: i64,
) -> Result<Serving, Error> {
    let start = LogPosition { xid: watermark - 1, sequence: i64::MAX };
    for erased in erasures::log(db, Some(tenant), start, horizon).await? {
        for customer_id in known_by_hash(&serving, tenant, &erased.customer_hash) {
            serving.erase_customer(&customer_id);
        }
    }
    let mut after = start;
    loop {
        let changes = products::changes(db, Some(tenant), after, None, ROWS).await?;
        let Some(last) = changes.last() else { break };
        after = last.position;
        changes.into_iter().for_each(|change| serving.upsert_product(change.record));
    }
    let mut after = start;
    loop {
        let events = interactions::log(db, Some(tenant), after, None, ROWS).await?;
        let Some(last) = events.last() else { break };
        after = last.position;
        events.into_iter().filter_map(|logged| logged.event).for_each(|event| {
            serving.record(&event);
        });
    }
    Ok(serving)
}

fn profiled_by_hash(served: &ServedTenant, tenant: &str, hash: &[u8]) -> Vec<String> {
    let facts = served.facts();
    facts.profiles.ids().filter(|id| erasures::hash(tenant, id) == hash).map(str::to_owned).collect()
}

fn known_by_hash(serving: &Serving, tenant: &str, hash: &[u8]) -> Vec<String> {
    serving.customer_ids().filter(|id| erasures::hash(tenant, id) == hash).map(str::to_owned).collect()
}
