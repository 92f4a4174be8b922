//! The porch for gRPC: calls come in here, the caller is known, wire types come off.

mod alerts;
mod calendars;
mod heartbeats;
mod incidents;
mod on_call;
mod probes;
mod routes;
mod silences;
mod templates;

use std::sync::Arc;

use larder_identity::Caller;
use larder_proto::larder::alerting::v1::alerting_service_server::AlertingService;
use larder_proto::larder::alerting::v1::*;
use larder_telemetry::RequestContext;
use tonic::{Request, Response, Status};

use crate::error::Error;
use crate::state::State;

/// `AlertingService`: each call is answered in the room of its noun.
pub(crate) struct AlertingCalls {
    pub(crate) state: Arc<State>,
}

/// Who is calling; the layer in front has proved it.
fn caller<T>(request: &Request<T>) -> Result<Caller, Error> {
    let caller = request.extensions().get::<Caller>().cloned();
    let caller =
        caller.ok_or_else(|| Error::Internal("no caller: the identity layer is missing".to_owned()))?;
    RequestContext::set_tenant(caller.tenant.as_str());
    Ok(caller)
}

/// Writes the calls that hand their message to a function of a room.
macro_rules! calls {
    ($($call:ident: $request:ident => $response:ident = $room:path;)+) => {
        #[tonic::async_trait]
        impl AlertingService for AlertingCalls {
            $(
                async fn $call(&self, request: Request<$request>) -> Result<Response<$response>, Status> {
                    let caller = caller(&request)?;
                    let response = $room(&self.state, &caller, request.into_inner()).await?;
                    Ok(Response::new(response))
                }
            )+
        }
    };
}

calls! {
    send_alerts: SendAlertsRequest => SendAlertsResponse = alerts::send;
    list_alerts: ListAlertsRequest => ListAlertsResponse = alerts::list;
    list_incidents: ListIncidentsRequest => ListIncidentsResponse = incidents::list;
    get_incident: GetIncidentRequest => GetIncidentResponse = incidents::get;
    acknowledge_incident: AcknowledgeIncidentRequest => AcknowledgeIncidentResponse = incidents::acknowledge;
    resolve_incident: ResolveIncidentRequest => ResolveIncidentResponse = incidents::resolve;
    snooze_incident: SnoozeIncidentRequest => SnoozeIncidentResponse = incidents::snooze;
    add_incident_note: AddIncidentNoteRequest => AddIncidentNoteResponse = incidents::add_note;
    export_incident: ExportIncidentRequest => ExportIncidentResponse = incidents::export;
    get_incident_stats: GetIncidentStatsRequest => GetIncidentStatsResponse = incidents::stats;
    hand_over_incident: HandOverIncidentRequest => HandOverIncidentResponse = incidents::hand_over;
    create_silence: CreateSilenceRequest => CreateSilenceResponse = silences::create;
    list_silences: ListSilencesRequest => ListSilencesResponse = silences::list;
    get_silence: GetSilenceRequest => GetSilenceResponse = silences::get;
    expire_silence: ExpireSilenceRequest => ExpireSilenceResponse = silences::expire;
    preview_silence: PreviewSilenceRequest => PreviewSilenceResponse = silences::preview;
    get_on_call: GetOnCallRequest => GetOnCallResponse = on_call::get;
    create_override: CreateOverrideRequest => CreateOverrideResponse = on_call::create_override;
    list_overrides: ListOverridesRequest => ListOverridesResponse = on_call::list_overrides;
    delete_override: DeleteOverrideRequest => DeleteOverrideResponse = on_call::delete_override;
    test_route: TestRouteRequest => TestRouteResponse = routes::test;
    send_test_notification: SendTestNotificationRequest => SendTestNotificationResponse = routes::send_test;
    preview_template: PreviewTemplateRequest => PreviewTemplateResponse = templates::preview;
    export_schedule: ExportScheduleRequest => ExportScheduleResponse = calendars::export;
    import_schedule: ImportScheduleRequest => ImportScheduleResponse = calendars::import;
    list_probes: ListProbesRequest => ListProbesResponse = probes::list;
    record_heartbeat: RecordHeartbeatRequest => RecordHeartbeatResponse = heartbeats::record;
    upsert_heartbeat: UpsertHeartbeatRequest => UpsertHeartbeatResponse = heartbeats::upsert;
    list_heartbeats: ListHeartbeatsRequest => ListHeartbeatsResponse = heartbeats::list;
    delete_heartbeat: DeleteHeartbeatRequest => DeleteHeartbeatResponse = heartbeats::delete;
}
