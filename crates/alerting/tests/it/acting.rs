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
    assert_eq!((stats.services.len(), stats.services[0].incident_count), (1, 1));
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

#[tokio::test]
async fn a_template_is_shown_before_it_stands_in_the_file_and_then_words_messages() {
    let receiver = webhook_receiver().await;
    let house = House::open(&to_webhook(receiver.url())).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the message", || async { receiver.count("/hook") == 1 }).await;
    let mut guest = house.guest("bakery").await;
    let mut shown = async |source: &str, incident: &str| {
        let request = PreviewTemplateRequest {
            name: "email_subject".into(),
            source: source.into(),
            incident_id: incident.into(),
        };
        guest.preview_template(request).await.unwrap().into_inner()
    };
    assert_eq!(shown("{{ severity }}! {{ title }}", "1").await.text, "critical! OvenCold happened");
    assert_eq!(shown("", "1").await.text, "[CRITICAL] #1 OvenCold happened");
    let wrong = shown("{{ titel }}", "").await;
    assert!(wrong.problems[0].contains("undefined value") && wrong.text.starts_with("[TEST]"), "{wrong:?}");
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
    assert!(shown(endless, "").await.problems[0].contains("fuel"));
    house.write_on_call(&format!(
        "templates = {{ email_subject = \"the bakery: {{{{ title }}}}\" }}\n{}",
        to_webhook(receiver.url())
    ));
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    house.webhook(json!([firing("DoorOpen", &[])])).await;
    eventually("the worded message", || async { receiver.count("/hook") == 2 }).await;
    assert_eq!(json_of(&receiver.seen()[1])["subject"], "the bakery: DoorOpen happened");
}

#[tokio::test]
async fn a_schedule_is_a_calendar_and_a_calendar_fills_it() {
    let people = "\n[[contacts]]\nname = \"ann\"\nreach = [{ channel = \"hook\", address = \"ann@example.org\" }]\n\
                  [[contacts]]\nname = \"ben\"\nfull_name = \"Ben Baker\"\nreach = [{ channel = \"hook\" }]\n\
                  [[schedules]]\nname = \"s\"\ntime_zone = \"Europe/Paris\"\n\
                  layers = [{ rotation = \"weekly\", starts_at = 2026-01-05T09:00:00, members = [\"ann\"] }]\n";
    let house = House::open(&format!("{}{people}", to_webhook("http://127.0.0.1:9"))).await;
    let url = house.source_url("bakery", "calendar", "/calendars/s.ics");
    let answer = reqwest::get(&url).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/calendar; charset=utf-8");
    let text = answer.text().await.unwrap();
    assert!(text.starts_with("BEGIN:VCALENDAR") && text.contains("SUMMARY:ann"), "{text}");
    let day = |days: i64| {
        let at = jiff::Timestamp::from_microsecond(larder_alerting::system_clock()).unwrap();
        at.checked_add(jiff::SignedDuration::from_hours(24 * days))
            .unwrap()
            .strftime("%Y%m%dT%H%M%SZ")
            .to_string()
    };
    let calendar = |summary: &str| {
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:{}\r\nDTEND:{}\r\nSUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            day(-1),
            day(1)
        )
    };
    let client = reqwest::Client::new();
    for _ in 0..2 {
        let taken = client.put(&url).body(calendar("Ben Baker")).send().await.unwrap();
        assert_eq!(taken.json::<serde_json::Value>().await.unwrap(), json!({ "shifts": 1 }));
    }
    let mut guest = house.guest("bakery").await;
    let request = ListOverridesRequest { schedule: "s".into() };
    let overrides = guest.list_overrides(request).await.unwrap().into_inner().overrides;
    assert_eq!(overrides.len(), 1, "what was told before is replaced");
    assert_eq!((overrides[0].contact.as_str(), overrides[0].calendar.as_str()), ("ben", "1"));
    let on_call = guest.get_on_call(GetOnCallRequest::default()).await.unwrap().into_inner().on_call;
    assert_eq!(on_call[0].contact, "ben");
    let refused = client.put(&url).body(calendar("somebody")).send().await.unwrap();
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("is nobody's"));
    let request = ImportScheduleRequest { schedule: "s".into(), calendar: calendar("ann") };
    assert_eq!(guest.import_schedule(request).await.unwrap().into_inner().shift_count, 1);
    let exported =
        guest.export_schedule(ExportScheduleRequest { schedule: "s".into() }).await.unwrap().into_inner();
    assert!(String::from_utf8(exported.calendar.unwrap().data).unwrap().contains("BEGIN:VEVENT"));
}
