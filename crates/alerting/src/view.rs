//! Incidents as messages tell them, with links that only this service can have made.

use std::sync::Arc;

use larder_identity::TenantId;
use larder_oncall::link::{LinkClaims, LinkDeed};

use crate::clock::timestamp;
use crate::in_force::InForce;
use crate::message::IncidentView;
use crate::signing::SigningKeys;
use crate::store::incidents::IncidentRow;
use crate::store::notifications::Leased;
use crate::store::reading::AlertRow;

/// How long the links of a message work.
const LINK_LIFE_US: i64 = 7 * 24 * 3_600 * 1_000_000;

/// Makes views.
#[derive(Clone)]
pub(crate) struct Views {
    pub(crate) in_force: Arc<InForce>,
    pub(crate) signing: SigningKeys,
}

impl Views {
    /// What the recipient of a notification is shown of an incident.
    pub(crate) fn of(
        &self,
        tenant: &TenantId,
        incident: &IncidentRow,
        alerts: &[AlertRow],
        row: &Leased,
        now_us: i64,
    ) -> IncidentView {
        let mut view = IncidentView::new(incident, alerts, row.kind);
        let rules = self.in_force.rules();
        view.reader = rules.reader(&row.channel, &row.recipient);
        if let Some(base) = &rules.settings.external_url {
            let link = |deed| {
                let claims = LinkClaims {
                    tenant_id: tenant.to_string(),
                    incident_id: incident.incident_id.to_string(),
                    deed,
                    recipient: row.recipient.clone(),
                    expires_at: timestamp(now_us + LINK_LIFE_US),
                };
                Some(format!("{base}{}", self.signing.links().sign(&claims)))
            };
            view.acknowledge_url = link(LinkDeed::Acknowledge);
            view.resolve_url = link(LinkDeed::Resolve);
        }
        view
    }
}
