//! Incidents as messages tell them, with links that only this service can have made.

use larder_identity::TenantId;

use crate::in_force::InForce;
use crate::link::{Action, Link};
use crate::message::IncidentView;
use crate::signing::SigningKeys;
use crate::store::incidents::IncidentRow;
use crate::store::reading::AlertRow;
use std::sync::Arc;

/// How long the links of a message work.
const LINK_LIFE_US: i64 = 7 * 24 * 3_600 * 1_000_000;

/// Makes views.
#[derive(Clone)]
pub(crate) struct Views {
    pub(crate) in_force: Arc<InForce>,
    pub(crate) signing: SigningKeys,
}

impl Views {
    /// What a recipient is shown of an incident.
    pub(crate) fn of(
        &self,
        tenant: &TenantId,
        incident: &IncidentRow,
        alerts: &[AlertRow],
        recipient: &str,
        now_us: i64,
    ) -> IncidentView {
        let mut view = IncidentView::new(incident, alerts);
        let rules = self.in_force.rules();
        if let Some(base) = &rules.settings.external_url {
            let link = |action| {
                let link = Link {
                    tenant: tenant.clone(),
                    incident_id: incident.incident_id,
                    action,
                    recipient: recipient.to_owned(),
                    expires_at_s: (now_us + LINK_LIFE_US) / 1_000_000,
                };
                Some(format!("{base}/a/{}", link.sign(&self.signing)))
            };
            view.acknowledge_url = link(Action::Acknowledge);
            view.resolve_url = link(Action::Resolve);
        }
        view
    }
}
