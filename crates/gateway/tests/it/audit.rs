//! The audit log: what was done is in it, nothing of it can be changed, and what was changed all the same shows.

use larder_proto::larder::identity::v1::identity_service_client::IdentityServiceClient;
use larder_proto::larder::identity::v1::{CreateTenantRequest, UpsertRoleRequest};
use serde_json::{Value, json};
use sqlx::Executor;

use crate::accounts::Shop;

async fn events(shop: &Shop, credential: &str, at_least: usize) -> Vec<Value> {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let listed = shop.call(credential, "GET", "/v1/audit-events", &Value::Null).await.json();
        let events = listed["events"].as_array().cloned().unwrap_or_default();
        // What was kept behind an answer may be a moment late.
        if events.len() >= at_least {
            return events;
        }
        assert!(tokio::time::Instant::now() < deadline, "{events:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Adding ann by command, setting her password and signing in.
const BEFORE: usize = 3;

#[tokio::test]
async fn every_administrative_call_is_in_the_log_granted_or_refused() {
    let shop = Shop::open().await;
    let ann = shop.sign_in("shop-1", "ann@shop.example").await;
    events(&shop, &ann, BEFORE).await;
    let user = json!({"email": "bea@shop.example", "roles": ["viewer"]});
    shop.call(&ann, "POST", "/v1/users", &user).await.json();
    shop.call(&ann, "POST", "/v1/users", &user).await.problem(409);
    shop.call(&ann, "POST", "/v1/tenants", &json!({"tenantId": "shop-9"})).await.problem(403);
    shop.call(&ann, "GET", "/v1/users", &Value::Null).await.json();
    shop.call(&ann, "GET", "/v1/products/a", &Value::Null).await.json();
    let listed = events(&shop, &ann, BEFORE + 3).await;
    assert_eq!(listed.len(), BEFORE + 3, "reading is not kept: {listed:?}");
    let told = |at: usize, field: &str| listed[at][field].as_str().unwrap().to_owned();
    assert_eq!(
        (told(0, "outcome"), told(1, "outcome"), told(2, "outcome")),
        ("PERMISSION_DENIED".into(), "ALREADY_EXISTS".into(), "OK".into())
    );
    assert_eq!(told(2, "target"), "email=bea@shop.example, roles=viewer");
    assert_eq!(told(2, "action"), "/larder.identity.v1.IdentityService/CreateUser");
    assert_eq!(told(2, "address"), "127.0.0.1");
    assert!(told(2, "actor").starts_with("user:") && !told(2, "correlationId").is_empty());
    assert_eq!(listed[0]["sequence"], "6");
    let actors: Vec<_> = listed.iter().map(|event| event["actor"].as_str().unwrap()).collect();
    assert!(actors.contains(&"command:tester"), "{actors:?}");
    let path = "/v1/audit-events?action=/larder.identity.v1.IdentityService/CreateUser&pageSize=1";
    let page = shop.call(&ann, "GET", path, &Value::Null).await.json();
    assert_eq!(page["events"][0]["outcome"], "ALREADY_EXISTS");
    let path = format!("{path}&pageToken={}", page["nextPageToken"].as_str().unwrap());
    let page = shop.call(&ann, "GET", &path, &Value::Null).await.json();
    assert_eq!((&page["events"][0]["outcome"], &page["nextPageToken"]), (&json!("OK"), &json!("")));
}

#[tokio::test]
async fn calls_over_grpc_are_in_the_log_with_what_they_are_about() {
    let shop = Shop::open().await;
    let ann = shop.sign_in("shop-1", "ann@shop.example").await;
    events(&shop, &ann, BEFORE).await;
    let address = format!("http://{}", shop.gateway.app.address());
    let mut client = IdentityServiceClient::connect(address).await.unwrap();
    let signed = |message| {
        let mut request = tonic::Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {ann}").parse().unwrap());
        request
    };
    let role = UpsertRoleRequest { role_id: "night".into(), scopes: vec!["catalog.read".into()] };
    client.upsert_role(signed(role)).await.unwrap();
    events(&shop, &ann, BEFORE + 1).await;
    let mut tenant =
        tonic::Request::new(CreateTenantRequest { tenant_id: "shop-9".into(), ..Default::default() });
    *tenant.metadata_mut() = signed(UpsertRoleRequest::default()).metadata().clone();
    assert_eq!(client.create_tenant(tenant).await.unwrap_err().code(), tonic::Code::PermissionDenied);
    let listed = events(&shop, &ann, BEFORE + 2).await;
    assert_eq!(
        (&listed[0]["outcome"], &listed[0]["target"]),
        (&json!("PERMISSION_DENIED"), &json!("tenant_id=shop-9"))
    );
    assert_eq!(
        (&listed[1]["outcome"], &listed[1]["target"]),
        (&json!("OK"), &json!("role_id=night, scopes=catalog.read"))
    );
}

#[tokio::test]
async fn the_log_is_exported_whole_and_checked_against_its_hashes() {
    let shop = Shop::open().await;
    let ann = shop.sign_in("shop-1", "ann@shop.example").await;
    events(&shop, &ann, BEFORE).await;
    let lines = shop.call(&ann, "GET", "/v1/audit-events:export", &Value::Null).await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let lines = String::from_utf8(lines.body.to_vec()).unwrap();
    let sequences: Vec<i64> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["sequence"].as_i64().unwrap())
        .collect();
    assert_eq!(sequences, [1, 2, 3]);
    events(&shop, &ann, BEFORE + 1).await;
    let sheet = shop
        .call(&ann, "GET", "/v1/audit-events:export?format=AUDIT_FORMAT_CSV&afterSequence=2", &Value::Null)
        .await;
    assert!(sheet.header("content-type").starts_with("text/csv"));
    let sheet = String::from_utf8(sheet.body.to_vec()).unwrap();
    assert!(sheet.starts_with("sequence,time,event_id,") && sheet.lines().count() == 3, "{sheet}");
    events(&shop, &ann, BEFORE + 2).await;
    let verdict = shop.call(&ann, "GET", "/v1/audit-events:verify", &Value::Null).await.json();
    assert_eq!((&verdict["intact"], &verdict["eventCount"]), (&json!(true), &json!("5")));
}

#[tokio::test]
async fn nobody_changes_the_log_and_a_change_all_the_same_shows() {
    let shop = Shop::open().await;
    let ann = shop.sign_in("shop-1", "ann@shop.example").await;
    events(&shop, &ann, BEFORE).await;
    let (admin, app) = (shop.database.admin_pool(), shop.database.app_pool("identity"));
    for change in [
        "UPDATE identity.audit_events SET actor = 'somebody else'",
        "DELETE FROM identity.audit_events",
        "TRUNCATE identity.audit_events",
    ] {
        assert!(app.execute(change).await.is_err(), "{change}");
        let refused = admin.execute(change).await.unwrap_err().to_string();
        assert!(refused.contains("only ever added to"), "{change}: {refused}");
    }
    admin.execute("ALTER TABLE identity.audit_events DISABLE TRIGGER audit_events_stay").await.unwrap();
    let forged = "UPDATE identity.audit_events SET actor = 'somebody else' WHERE sequence = 2";
    admin.execute(forged).await.unwrap();
    let verdict = shop.call(&ann, "GET", "/v1/audit-events:verify", &Value::Null).await.json();
    assert_eq!((&verdict["intact"], &verdict["brokenSequence"]), (&json!(false), &json!("2")));
}

#[tokio::test]
async fn events_that_come_at_once_make_one_chain() {
    let shop = Shop::open().await;
    let ann = shop.sign_in("shop-1", "ann@shop.example").await;
    events(&shop, &ann, BEFORE).await;
    let calls = (0..16).map(|number| {
        let (shop, ann) = (&shop, &ann);
        async move {
            let role = json!({"scopes": ["catalog.read"]});
            shop.call(ann, "PUT", &format!("/v1/roles/role-{number}"), &role).await.json();
        }
    });
    futures::future::join_all(calls).await;
    events(&shop, &ann, BEFORE + 16).await;
    let verdict = shop.call(&ann, "GET", "/v1/audit-events:verify", &Value::Null).await.json();
    assert_eq!((&verdict["intact"], &verdict["eventCount"]), (&json!(true), &json!("19")));
}

#[tokio::test]
async fn an_export_is_compressed_for_whoever_asks_for_it() {
    let shop = Shop::open().await;
    let ann = shop.sign_in("shop-1", "ann@shop.example").await;
    events(&shop, &ann, BEFORE).await;
    let bearer = format!("Bearer {ann}");
    for encoding in ["zstd", "br", "gzip"] {
        let headers = [("authorization", bearer.as_str()), ("accept-encoding", encoding)];
        let path = "/v1/audit-events:export?format=AUDIT_FORMAT_CSV";
        let packed = shop.gateway.http.send("GET", path, &headers, "").await;
        assert_eq!((packed.status.as_u16(), packed.header("content-encoding")), (200, encoding));
        assert!(!packed.body.is_empty());
    }
}
