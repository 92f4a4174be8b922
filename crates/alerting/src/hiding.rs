//! Which alerts nobody is to be told of now: silences that people made, maintenance of the file, and alerts
//! that explain others. Worked out anew at every decision, so nothing that ended goes on hiding.

use larder_identity::TenantId;
use larder_oncall::inhibition::Inhibitors;
use larder_oncall::labels::Labels;
use larder_oncall::silence::{ActiveSilences, Silence};
use sqlx::PgConnection;

use crate::clock::timestamp;
use crate::error::Error;
use crate::in_force::Rules;
use crate::store::{alerts, silences};

/// So many silences of a tenant are looked at.
const SILENCES_MOST: i64 = 10_000;

/// Everything that may hide alerts of one tenant at one instant.
pub(crate) struct Hiding<'a> {
    rules: &'a Rules,
    silences: Vec<Silence>,
    firing: Vec<Labels>,
    now_us: i64,
}

/// Why an alert is hidden.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hidden {
    pub(crate) silence_ids: Vec<String>,
    pub(crate) is_inhibited: bool,
}

impl Hidden {
    pub(crate) fn is_hidden(&self) -> bool {
        self.is_inhibited || !self.silence_ids.is_empty()
    }
}

/// Answers for many alerts.
pub(crate) struct Verdicts<'h> {
    silences: ActiveSilences<'h>,
    inhibitors: Inhibitors<'h>,
}

impl<'a> Hiding<'a> {
    /// Reads what may hide.
    pub(crate) async fn load(
        db: &mut PgConnection,
        tenant: &TenantId,
        rules: &'a Rules,
        now_us: i64,
    ) -> Result<Self, Error> {
        let rows = silences::list(db, tenant, now_us, "", SILENCES_MOST).await?;
        let kept = rows.into_iter().filter_map(|row| serde_json::from_value(row.silence).ok());
        let silences = kept.chain(rules.settings.maintenance.iter().cloned()).collect();
        let firing = alerts::inhibiting(db, tenant).await?;
        Ok(Self { rules, silences, firing, now_us })
    }

    /// Whether anything may be hidden at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.silences.is_empty() && self.firing.is_empty()
    }

    pub(crate) fn verdicts(&self) -> Verdicts<'_> {
        let settings = &self.rules.settings;
        Verdicts {
            silences: ActiveSilences::at(timestamp(self.now_us), &self.silences),
            inhibitors: Inhibitors::new(&settings.inhibitions, &settings.services, &self.firing),
        }
    }

    /// Silences that end when their alerts do, now that these are over; only those that changed.
    pub(crate) fn note_resolved(&mut self, over: &[larder_oncall::labels::Fingerprint]) -> Vec<Silence> {
        let changed = self
            .silences
            .iter_mut()
            .filter_map(|silence| silence.note_resolved(over).then(|| silence.clone()));
        changed.collect()
    }
}

impl Verdicts<'_> {
    pub(crate) fn of(&self, labels: &Labels) -> Hidden {
        Hidden {
            silence_ids: self.silences.hide(labels).into_iter().map(|silence| silence.id.clone()).collect(),
            is_inhibited: !self.inhibitors.hide(labels).is_empty(),
        }
    }
}
