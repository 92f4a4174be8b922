//! What people do to incidents.

use larder_proto::larder::alerting::v1::*;
use serde_json::json;

use crate::firing::to_webhook;
use crate::house::{House, eventually, firing};
use crate::receivers::{json_of, webhook_receiver};

async fn with_incident() -> (larder_testkit::stand_in::StandIn, House, Incident) {
    let receiver = webhook_receiver().await;
    let house = House::open(&to_webhook(receiver.url())).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the first message", || async { receiver.count("/hook") == 1 }).await;
    let incident = house.incidents().await.remove(0);
    (receiver, house, incident)
}

#[tokio::test]
async fn an_acknowledgement_is_told_once_however_often_it_is_given() {
    let (receiver, house, incident) = with_incident().await;
    let mut guest = house.guest("bakery").await;
    for _ in 0..3 {
        let request = AcknowledgeIncidentRequest { incident_id: "1".into(), note: "I am on it".into() };
        let answer = guest.acknowledge_incident(request).await.unwrap().into_inner().incident.unwrap();
        assert_eq!((answer.state(), answer.acknowledged_by.as_str()), (IncidentState::Acknowledged, "ann"));
    }
    eventually("the message about it", || async { receiver.count("/hook") == 2 }).await;
    assert_eq!(json_of(&receiver.seen()[1])["incidents"][0]["state"], "acknowledged");
    let kinds = house.timeline(&incident.incident_id).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "acknowledged").count(), 1);
}

#[tokio::test]
async fn a_person_can_end_it_and_a_firing_alert_opens_a_new_one() {
    let (receiver, house, incident) = with_incident().await;
    let mut guest = house.guest("bakery").await;
    let request = ResolveIncidentRequest { incident_id: incident.incident_id.clone(), note: String::new() };
    let ended = guest.resolve_incident(request).await.unwrap().into_inner().incident.unwrap();
    assert_eq!((ended.state(), ended.resolved_by.as_str()), (IncidentState::Resolved, "ann"));
    eventually("the message about it", || async { receiver.count("/hook") == 2 }).await;
    let mut again = firing("OvenCold", &[]);
    again["annotations"]["summary"] = "colder".into();
    house.webhook(json!([again])).await;
    eventually("a new incident", || async { house.incidents().await.len() == 1 }).await;
    assert_eq!(house.incidents().await[0].number, 2);
    let request = SnoozeIncidentRequest { incident_id: "1".into(), duration_seconds: 60 };
    let refused = guest.snooze_incident(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
}

#[tokio::test]
async fn notes_and_exports_tell_the_story() {
    let (_receiver, house, incident) = with_incident().await;
    let mut guest = house.guest("bakery").await;
    let text = "the door | was open <b>".to_owned();
    let request = AddIncidentNoteRequest { incident_id: "1".into(), text };
    let entry = guest.add_incident_note(request).await.unwrap().into_inner().entry.unwrap();
    assert_eq!((entry.kind.as_str(), entry.actor.as_str()), ("note", "ann"));
    let export = |format: ExportFormat| ExportIncidentRequest {
        incident_id: incident.incident_id.clone(),
        format: format.into(),
    };
    let markdown = guest.export_incident(export(ExportFormat::Markdown)).await.unwrap().into_inner();
    let markdown = String::from_utf8(markdown.document.unwrap().data).unwrap();
    assert!(markdown.starts_with("# Incident #1: OvenCold happened\n"), "{markdown}");
    assert!(markdown.contains("| note | ann | the door \\| was open &lt;b&gt; |"), "{markdown}");
    let json = guest.export_incident(export(ExportFormat::Json)).await.unwrap().into_inner();
    let json: serde_json::Value = serde_json::from_slice(&json.document.unwrap().data).unwrap();
    assert_eq!(json["timelineIntact"], true);
    let stats = guest.get_incident_stats(GetIncidentStatsRequest::default()).await.unwrap().into_inner();
    assert_eq!((stats.incident_count, stats.acknowledged_count), (1, 0));
}

#[tokio::test]
async fn a_timeline_that_was_changed_is_known_for_it() {
    let (_receiver, house, incident) = with_incident().await;
    let forge = "update alerting.timeline set text = 'nothing happened' where sequence = 1";
    let refused = sqlx::query(forge).execute(&house.database.worker_pool("alerting")).await.unwrap_err();
    assert!(refused.to_string().contains("permission denied"), "{refused}");
    sqlx::query(forge).execute(&house.database.admin_pool()).await.unwrap();
    let request = GetIncidentRequest { incident_id: incident.incident_id };
    let answer = house.guest("bakery").await.get_incident(request).await.unwrap().into_inner();
    assert!(!answer.timeline_intact);
}
