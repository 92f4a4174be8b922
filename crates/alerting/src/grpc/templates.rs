//! Calls about templates: what one would make of a message, before it stands in the file.

use larder_identity::{Caller, TenantId};
use larder_oncall::notification::{Message as Told, TemplateName, TemplateSources, Templates};
use larder_proto::larder::alerting::v1::*;

use crate::clock::timestamp;
use crate::error::Error;
use crate::message::IncidentView;
use crate::state::State;
use crate::store::notifications::Kind;
use crate::store::{incidents, reading};

const ALERTS_SHOWN: i64 = 30;
/// Longer templates are none.
const SOURCE_BYTES: usize = 65_536;

pub(super) async fn preview(
    state: &State,
    caller: &Caller,
    request: PreviewTemplateRequest,
) -> Result<PreviewTemplateResponse, Error> {
    let name = TemplateName::ALL.into_iter().find(|known| known.key() == request.name);
    let name = name.ok_or_else(|| {
        let known = TemplateName::ALL.map(TemplateName::key).join(", ");
        Error::invalid("name", format!("must be one of {known}"))
    })?;
    if request.source.len() > SOURCE_BYTES {
        return Err(Error::invalid("source", format!("must have at most {SOURCE_BYTES} bytes")));
    }
    let told = match request.incident_id.as_str() {
        "" => Told::sample(timestamp((state.clock)())),
        incident => of_incident(state, &caller.tenant, incident).await?,
    };
    if request.source.is_empty() {
        let rendered = state.in_force.rules().templates.render(name, &told);
        let problems = rendered.problems.iter().map(ToString::to_string).collect();
        return Ok(PreviewTemplateResponse { text: rendered.content, problems });
    }
    let own = TemplateSources::from([(request.name, request.source)]);
    let (templates, mut problems) = match Templates::new(&own) {
        Ok(templates) => (templates, Vec::new()),
        Err(problems) => (Templates::larders_own(), problems),
    };
    let rendered = templates.render(name, &told);
    problems.extend(rendered.problems);
    let problems = problems.iter().map(ToString::to_string).collect();
    Ok(PreviewTemplateResponse { text: rendered.content, problems })
}

async fn of_incident(state: &State, tenant: &TenantId, name: &str) -> Result<Told, Error> {
    let mut db = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let row = incidents::get(&mut db, tenant, name).await?;
    let alerts = reading::of_incident(&mut db, tenant, row.incident_id, ALERTS_SHOWN).await?;
    db.commit().await?;
    Ok(IncidentView::new(&row, &alerts, Kind::Page).told())
}
