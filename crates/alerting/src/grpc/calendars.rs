//! Calls about schedules as calendars.

use larder_identity::Caller;
use larder_proto::google::api::HttpBody;
use larder_proto::larder::alerting::v1::*;

use crate::calendars;
use crate::error::Error;
use crate::state::State;

pub(super) async fn export(
    state: &State,
    caller: &Caller,
    request: ExportScheduleRequest,
) -> Result<ExportScheduleResponse, Error> {
    let rules = state.in_force.rules();
    let mut db = larder_database::begin_tenant_read_only(&state.app, &caller.tenant).await?;
    let text = calendars::export(&mut db, &caller.tenant, &rules, &request.schedule, (state.clock)()).await?;
    db.commit().await?;
    let calendar = HttpBody {
        content_type: "text/calendar; charset=utf-8".to_owned(),
        data: text.into_bytes(),
        extensions: Vec::new(),
    };
    Ok(ExportScheduleResponse { calendar: Some(calendar) })
}

pub(super) async fn import(
    state: &State,
    caller: &Caller,
    request: ImportScheduleRequest,
) -> Result<ImportScheduleResponse, Error> {
    let rules = state.in_force.rules();
    let mut db = larder_database::begin_tenant(&state.app, &caller.tenant).await?;
    let told = (request.schedule.as_str(), request.calendar.as_str(), caller.subject.as_str());
    let shifts = calendars::import(&mut db, &caller.tenant, &rules, told, (state.clock)()).await?;
    db.commit().await?;
    Ok(ImportScheduleResponse { shift_count: i32::try_from(shifts).unwrap_or(i32::MAX) })
}
