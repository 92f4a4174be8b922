//! API keys in a real PostgreSQL: who is let in, who is not, and that one tenant's keys are
//! nobody else's business.

use std::time::Duration;

use larder_gateway::store::{self, KeyError, MIGRATOR, NewKey};
use larder_identity::{Scopes, TenantId};
use larder_testkit::TestDatabase;
use secrecy::ExposeSecret;
use sqlx::Row;

use crate::support::{Answer, Gateway, now, strict_gateway, token};

async fn database() -> TestDatabase {
    TestDatabase::create(&[("identity", &MIGRATOR)]).await
}

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

fn new_key(scopes: &str) -> NewKey {
    NewKey { name: "till 3".into(), scopes: Scopes::parse(scopes).unwrap(), expires_at: None }
}

async fn get(gateway: &Gateway, headers: &[(&str, &str)]) -> Answer {
    gateway.http.send("GET", "/v1/products/a", headers, "").await
}

#[tokio::test]
async fn a_key_lets_its_tenant_in_with_its_scopes() {
    let database = database().await;
    let pool = database.app_pool("identity");
    let key = store::create_key(&pool, &tenant("shop-1"), &new_key("catalog.read")).await.unwrap();
    let gateway = strict_gateway(Some(database.server().clone())).await;
    let bearer = format!("Bearer {}", key.secret.expose_secret());
    for headers in [("authorization", bearer.as_str()), ("x-api-key", key.secret.expose_secret())] {
        let answer = get(&gateway, &[headers]).await.json();
        let told = &answer["product"]["attributes"];
        assert_eq!((&told["tenant"], &told["scopes"]), (&"shop-1".into(), &"catalog.read".into()));
        assert!(told.get("x-api-key").is_none(), "the key ends at the gateway");
    }
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    gateway.http.send("POST", "/v1/models:train", &headers, "{}").await.problem(403);
    let listed = store::list_keys(&pool, &tenant("shop-1")).await.unwrap();
    assert!(listed[0].last_used_at.is_some(), "its use is noted");
}

#[tokio::test]
async fn keys_that_are_not_good_are_all_refused_alike() {
    let database = database().await;
    let pool = database.app_pool("identity");
    let shop = tenant("shop-1");
    let revoked = store::create_key(&pool, &shop, &new_key("*")).await.unwrap();
    store::revoke_key(&pool, &shop, revoked.key_id).await.unwrap();
    let expired = NewKey { expires_at: Some(now() - Duration::from_secs(1)), ..new_key("*") };
    let expired = store::create_key(&pool, &shop, &expired).await.unwrap();
    let good = store::create_key(&pool, &shop, &new_key("*")).await.unwrap();
    let good = good.secret.expose_secret();
    let last = if good.ends_with('a') { "b" } else { "a" };
    let forged = format!("{}{last}", &good[..good.len() - 1]);
    let unknown = format!("lrd_AAAAAAAA_{}", "a".repeat(43));
    let gateway = strict_gateway(Some(database.server().clone())).await;
    let mut details = Vec::new();
    for key in
        [revoked.secret.expose_secret(), expired.secret.expose_secret(), &forged, &unknown, "lrd_", "lrd_x_y"]
    {
        let answer = get(&gateway, &[("x-api-key", key)]).await;
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
        details.push(answer.problem(401)["detail"].clone());
    }
    details.dedup();
    assert_eq!(details.len(), 1, "a stranger learns nothing from the difference: {details:?}");
    assert_eq!(get(&gateway, &[("x-api-key", good)]).await.status, 200);
}

#[tokio::test]
async fn a_tenant_in_the_header_must_be_the_keys_own() {
    let database = database().await;
    let pool = database.app_pool("identity");
    let key = store::create_key(&pool, &tenant("shop-1"), &new_key("*")).await.unwrap();
    let gateway = strict_gateway(Some(database.server().clone())).await;
    let key = key.secret.expose_secret();
    let own = get(&gateway, &[("x-api-key", key), ("x-larder-tenant", "shop-1")]).await;
    assert_eq!(own.status, 200);
    let foreign = get(&gateway, &[("x-api-key", key), ("x-larder-tenant", "shop-2")]).await;
    assert_eq!(foreign.problem(403)["reason"], "OTHER_TENANT");
}

#[tokio::test]
async fn nobody_is_anonymous_outside_development() {
    let gateway = strict_gateway(None).await;
    assert_eq!(get(&gateway, &[]).await.problem(401)["reason"], "CREDENTIALS_MISSING");
    get(&gateway, &[("x-larder-tenant", "demo")]).await.problem(401);
    for authorization in ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "nonsense"] {
        let problem = get(&gateway, &[("authorization", authorization)]).await.problem(401);
        assert_eq!(problem["reason"], "CREDENTIALS_MALFORMED", "{authorization}");
    }
    get(&gateway, &[("authorization", "Bearer ey.not.real")]).await.problem(401);
    let both = [("authorization", "Bearer one"), ("x-api-key", "two")];
    assert_eq!(get(&gateway, &both).await.problem(401)["reason"], "CREDENTIALS_MALFORMED");
}

#[tokio::test]
async fn tokens_of_the_gateways_own_key_are_taken_and_others_not() {
    let gateway = strict_gateway(None).await;
    let good = format!("Bearer {}", token(&gateway.signer, "shop-9", "*"));
    let told = get(&gateway, &[("authorization", &good)]).await.json();
    assert_eq!(told["product"]["attributes"]["tenant"], "shop-9");
    let stranger = larder_identity::TokenSigner::generate().unwrap();
    let forged = format!("Bearer {}", token(&stranger, "shop-9", "*"));
    assert_eq!(get(&gateway, &[("authorization", &forged)]).await.problem(401)["reason"], "TOKEN_INVALID");
}

#[tokio::test]
async fn known_keys_outlive_the_database_and_unknown_ones_wait() {
    let database = database().await;
    let pool = database.app_pool("identity");
    let known = store::create_key(&pool, &tenant("shop-1"), &new_key("*")).await.unwrap();
    let unseen = store::create_key(&pool, &tenant("shop-1"), &new_key("*")).await.unwrap();
    let gateway = strict_gateway(Some(database.server().clone())).await;
    assert_eq!(get(&gateway, &[("x-api-key", known.secret.expose_secret())]).await.status, 200);
    pool.close().await;
    drop(database);
    assert_eq!(get(&gateway, &[("x-api-key", known.secret.expose_secret())]).await.status, 200);
    let answer = get(&gateway, &[("x-api-key", unseen.secret.expose_secret())]).await;
    assert!(!answer.header("retry-after").is_empty());
    answer.problem(503);
}

#[tokio::test]
async fn one_tenant_neither_sees_nor_revokes_anothers_keys() {
    let database = database().await;
    let pool = database.app_pool("identity");
    let key = store::create_key(&pool, &tenant("shop-1"), &new_key("*")).await.unwrap();
    assert!(store::list_keys(&pool, &tenant("shop-2")).await.unwrap().is_empty());
    let refused = store::revoke_key(&pool, &tenant("shop-2"), key.key_id).await.unwrap_err();
    assert!(matches!(refused, KeyError::NotFound(_)));
    assert!(store::list_keys(&pool, &tenant("shop-1")).await.unwrap()[0].revoked_at.is_none());
    // Without the store's own WHERE, the policies alone: no tenant, no rows.
    let rows = sqlx::query("SELECT count(*) FROM identity.api_keys").fetch_one(&pool).await.unwrap();
    assert_eq!(rows.get::<i64, _>(0), 0);
    let mut other = larder_database::begin_tenant(&pool, &tenant("shop-2")).await.unwrap();
    let rows = sqlx::query("SELECT count(*) FROM identity.api_keys").fetch_one(&mut *other).await.unwrap();
    assert_eq!(rows.get::<i64, _>(0), 0);
    let stolen = sqlx::query("INSERT INTO identity.tenants (tenant_id) VALUES ('shop-3')");
    assert!(stolen.execute(&mut *other).await.is_err(), "a row of another tenant cannot be written");
    drop(other);
    let open = "ALTER TABLE identity.api_keys DISABLE ROW LEVEL SECURITY";
    sqlx::query(open).execute(&database.owner_pool("identity")).await.unwrap();
    let rows = sqlx::query("SELECT count(*) FROM identity.api_keys").fetch_one(&pool).await.unwrap();
    assert_eq!(rows.get::<i64, _>(0), 1, "it was the policy that hid the row");
}

#[tokio::test]
async fn a_key_needs_a_name() {
    let database = database().await;
    let pool = database.app_pool("identity");
    for name in [String::new(), "x".repeat(129)] {
        let refused =
            store::create_key(&pool, &tenant("a"), &NewKey { name, ..new_key("*") }).await.unwrap_err();
        assert!(matches!(refused, KeyError::Name));
    }
}
