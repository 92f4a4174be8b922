//! No tenant sees, changes or counts what belongs to another.

use larder_proto::larder::alerting::v1::*;
use serde_json::json;
use tonic::Code;

use crate::firing::to_webhook;
use crate::house::{House, eventually, firing};

#[tokio::test]
async fn a_foreign_incident_and_a_missing_one_answer_alike() {
    let house = House::open(&to_webhook("http://127.0.0.1:9")).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the incident", || async { house.incidents().await.len() == 1 }).await;
    let foreign = house.incidents().await.remove(0).incident_id;
    let mut stranger = house.guest("butcher").await;
    let mut refusals = Vec::new();
    for incident_id in [foreign, "1".to_owned(), uuid::Uuid::nil().to_string(), "nonsense".to_owned()] {
        let refused = stranger.get_incident(GetIncidentRequest { incident_id }).await.unwrap_err();
        refusals.push((refused.code(), refused.message().to_owned()));
    }
    assert!(
        refusals.iter().all(|refusal| *refusal == (Code::NotFound, "incident not found".to_owned())),
        "{refusals:?}"
    );
    let alerts = stranger.list_alerts(ListAlertsRequest::default()).await.unwrap().into_inner().alerts;
    assert!(alerts.is_empty());
    let url = house.source_url("butcher", "amtool", "/api/v2/alerts");
    let listed: serde_json::Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(listed, json!([]));
}

#[tokio::test]
async fn without_a_tenant_no_role_sees_a_row_it_may_not() {
    let house = House::open(&to_webhook("http://127.0.0.1:9")).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the incident", || async { house.incidents().await.len() == 1 }).await;
    let app = house.database.app_pool("alerting");
    let tables =
        ["alerts", "incidents", "timeline", "timers", "notifications", "silences", "heartbeats", "tenants"];
    for table in tables {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from alerting.{table}"));
        let seen: i64 = sqlx::query_scalar(sql).fetch_one(&app).await.unwrap();
        assert_eq!(seen, 0, "{table}");
    }
    let open = "create policy everybody on alerting.alerts for select to alerting_app using (true)";
    sqlx::query(open).execute(&house.database.owner_pool("alerting")).await.unwrap();
    let seen: i64 = sqlx::query_scalar("select count(*) from alerting.alerts").fetch_one(&app).await.unwrap();
    assert_eq!(seen, 1, "with such a policy the test would have failed");
}
