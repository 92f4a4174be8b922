//! People: signing in and out, passwords, roles, and that whoever is not let in learns nothing.

use larder_gateway::Commander;
use larder_gateway::store::MIGRATOR;
use larder_identity::TenantId;
use larder_settings::Settings;
use larder_testkit::TestDatabase;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::{Answer, Gateway, gateway_with, strict_settings, token};

const PASSWORD: &str = "four pears in a basket";

/// A gateway with a database in which `ann` of `shop-1` is an administrator with a password.
pub(crate) struct Shop {
    pub(crate) gateway: Gateway,
    pub(crate) database: TestDatabase,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    pub(crate) async fn open_with(change: impl FnOnce(&mut Settings)) -> Self {
        let database = TestDatabase::create(&[("identity", &MIGRATOR)]).await;
        let mut settings = strict_settings().await;
        change(&mut settings);
        let gateway = gateway_with(settings, Some(database.server().clone())).await;
        let shop = Self { gateway, database };
        shop.add("shop-1", "ann@shop.example", "administrator").await;
        shop
    }

    /// Adds a user as the command does, and sets the password with the token it shows.
    pub(crate) async fn add(&self, tenant: &str, email: &str, role: &str) -> String {
        let pool = self.database.app_pool("identity");
        let tenant = TenantId::parse(tenant).unwrap();
        let commander = Commander { pool: &pool, tenant: &tenant, actor: "command:tester" };
        let roles = [role.to_owned()];
        let invited =
            larder_gateway::create_user(&commander, (email, "Ann"), &roles, "platform").await.unwrap();
        let token = invited.password_token.expose_secret();
        self.set_password(token, PASSWORD).await.json();
        invited.user_id.to_string()
    }

    async fn set_password(&self, token: &str, password: &str) -> Answer {
        let body = json!({"token": token, "newPassword": password});
        self.gateway.http.post("/v1/password-resets:complete", &body.to_string()).await
    }

    async fn try_to_sign_in(&self, tenant: &str, email: &str, password: &str) -> Answer {
        let body = json!({"tenantId": tenant, "email": email, "password": password});
        self.gateway.http.post("/v1/sessions", &body.to_string()).await
    }

    /// The token of a new session.
    pub(crate) async fn sign_in(&self, tenant: &str, email: &str) -> String {
        let answer = self.try_to_sign_in(tenant, email, PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// A call with a session, key or token.
    pub(crate) async fn call(&self, credential: &str, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {credential}");
        let mut headers = vec![("authorization", bearer.as_str())];
        let has_body = !body.is_null();
        if has_body {
            headers.push(("content-type", "application/json"));
        }
        let body = if has_body { body.to_string() } else { String::new() };
        self.gateway.http.send(method, path, &headers, body).await
    }

    async fn get(&self, credential: &str, path: &str) -> Answer {
        self.call(credential, "GET", path, &Value::Null).await
    }
}

#[tokio::test]
async fn a_user_signs_in_works_and_signs_out() {
    let shop = Shop::open().await;
    let session = shop.sign_in("shop-1", "Ann@Shop.example").await;
    assert!(session.starts_with("lrs_"), "{session}");
    let account = shop.get(&session, "/v1/account").await.json();
    assert_eq!(
        (&account["tenantId"], &account["user"]["email"]),
        (&json!("shop-1"), &json!("ann@shop.example"))
    );
    let told = shop.get(&session, "/v1/products/a").await.json();
    let told = &told["product"]["attributes"];
    assert_eq!(told["tenant"], "shop-1", "the services behind know the user as any caller");
    assert!(told["scopes"].as_str().unwrap().contains("catalog.write"), "{told}");
    let listed = shop.get(&session, "/v1/sessions").await.json();
    assert_eq!(
        (&listed["sessions"][0]["current"], &listed["sessions"][0]["address"]),
        (&json!(true), &json!("127.0.0.1"))
    );
    assert_eq!(shop.call(&session, "DELETE", "/v1/sessions/-", &Value::Null).await.status, 200);
    assert_eq!(shop.get(&session, "/v1/account").await.problem(401)["reason"], "SESSION_INVALID");
}

#[tokio::test]
async fn whoever_is_not_let_in_is_told_nothing_of_why() {
    let shop = Shop::open().await;
    shop.add("shop-1", "off@shop.example", "viewer").await;
    let admin = shop.sign_in("shop-1", "ann@shop.example").await;
    let users = shop.get(&admin, "/v1/users").await.json();
    let off =
        users["users"].as_array().unwrap().iter().find(|user| user["email"] == "off@shop.example").unwrap();
    let path = format!("/v1/users/{}:disable", off["userId"].as_str().unwrap());
    assert_eq!(shop.call(&admin, "POST", &path, &json!({})).await.status, 200);
    let mut told = Vec::new();
    for (tenant, email, password) in [
        ("shop-1", "ann@shop.example", "another password altogether"),
        ("shop-1", "nobody@shop.example", PASSWORD),
        ("shop-2", "ann@shop.example", PASSWORD),
        ("no-such-tenant", "ann@shop.example", PASSWORD),
        ("shop-1", "off@shop.example", PASSWORD),
    ] {
        let mut problem = shop.try_to_sign_in(tenant, email, password).await.problem(401);
        assert_eq!(problem["reason"], "SIGN_IN_REFUSED", "{email}");
        problem.as_object_mut().unwrap().remove("correlationId");
        told.push(problem);
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
}

#[tokio::test]
async fn guessing_is_slowed_down_for_a_user_that_is_there_and_one_that_is_not() {
    let shop = Shop::open_with(|settings| settings.limits.wrong_passwords_per_h = 4).await;
    let mut refused_at = Vec::new();
    for email in ["ann@shop.example", "nobody@shop.example"] {
        for attempt in 1.. {
            let answer = shop.try_to_sign_in("shop-1", email, "a wrong password indeed").await;
            if answer.status == 429 {
                assert!(!answer.header("retry-after").is_empty());
                assert_eq!(answer.problem(429)["metadata"]["limit"], "wrong-passwords");
                refused_at.push(attempt);
                break;
            }
            assert_eq!(answer.problem(401)["reason"], "SIGN_IN_REFUSED");
            assert!(attempt < 10, "nobody slows this down");
        }
        // The right one does not help any more either.
        assert_eq!(shop.try_to_sign_in("shop-1", email, PASSWORD).await.status, 429);
    }
    assert_eq!(refused_at[0], refused_at[1], "the number of guesses tells nothing");
}

#[tokio::test]
async fn a_token_sets_a_password_once_and_ends_all_sessions() {
    let shop = Shop::open().await;
    let session = shop.sign_in("shop-1", "ann@shop.example").await;
    let pool = shop.database.app_pool("identity");
    let tenant = TenantId::parse("shop-1").unwrap();
    let commander = Commander { pool: &pool, tenant: &tenant, actor: "command:tester" };
    let first = larder_gateway::invite_again(&commander, "ann@shop.example").await.unwrap();
    let second = larder_gateway::invite_again(&commander, "ann@shop.example").await.unwrap();
    let (first, second) = (first.password_token.expose_secret(), second.password_token.expose_secret());
    assert_eq!(shop.set_password(first, PASSWORD).await.problem(400)["reason"], "PASSWORD_TOKEN_INVALID");
    let weak = shop.set_password(second, "short").await.problem(400);
    assert_eq!(weak["errors"][0]["field"], "newPassword");
    let other = "five plums in another basket";
    assert_eq!(shop.set_password(second, other).await.status, 200);
    shop.set_password(second, PASSWORD).await.problem(400);
    shop.get(&session, "/v1/account").await.problem(401);
    shop.try_to_sign_in("shop-1", "ann@shop.example", PASSWORD).await.problem(401);
    assert_eq!(shop.try_to_sign_in("shop-1", "ann@shop.example", other).await.status, 200);
    assert!(larder_gateway::invite_again(&commander, "nobody@shop.example").await.is_err());
}

#[tokio::test]
async fn changing_the_password_ends_the_other_sessions_and_refreshing_the_old_token() {
    let shop = Shop::open().await;
    let here = shop.sign_in("shop-1", "ann@shop.example").await;
    let there = shop.sign_in("shop-1", "ann@shop.example").await;
    let change =
        |current: &str| json!({"currentPassword": current, "newPassword": "six figs for the seventh day"});
    let wrong = shop.call(&here, "POST", "/v1/account:changePassword", &change("not the password")).await;
    assert_eq!(wrong.problem(400)["errors"][0]["field"], "currentPassword");
    assert_eq!(shop.call(&here, "POST", "/v1/account:changePassword", &change(PASSWORD)).await.status, 200);
    shop.get(&there, "/v1/account").await.problem(401);
    let refreshed = shop.call(&here, "POST", "/v1/sessions:refresh", &json!({})).await.json();
    let fresh = refreshed["token"].as_str().unwrap();
    shop.get(&here, "/v1/account").await.problem(401);
    assert_eq!(shop.get(fresh, "/v1/account").await.status, 200);
}

#[tokio::test]
async fn a_session_ends_unused_and_in_any_case() {
    let shop = Shop::open().await;
    for ending in ["last_used_at = now() - interval '61 minutes'", "expires_at = now() - interval '1 second'"]
    {
        let session = shop.sign_in("shop-1", "ann@shop.example").await;
        let admin = shop.database.admin_pool();
        let change = format!("UPDATE identity.sessions SET {ending}");
        sqlx::query(sqlx::AssertSqlSafe(change)).execute(&admin).await.unwrap();
        assert_eq!(
            shop.get(&session, "/v1/account").await.problem(401)["reason"],
            "SESSION_INVALID",
            "{ending}"
        );
    }
}

#[tokio::test]
async fn nobody_gives_what_they_lack() {
    let shop = Shop::open().await;
    let admin = shop.sign_in("shop-1", "ann@shop.example").await;
    let role = json!({"scopes": ["users.read", "users.write", "keys.write", "catalog.read"]});
    assert_eq!(shop.call(&admin, "PUT", "/v1/roles/doorkeeper", &role).await.status, 200);
    shop.add("shop-1", "dora@shop.example", "doorkeeper").await;
    let dora = shop.sign_in("shop-1", "dora@shop.example").await;
    for (method, path, body) in [
        ("POST", "/v1/users", json!({"email": "new@shop.example", "roles": ["administrator"]})),
        ("PUT", "/v1/roles/doorkeeper", json!({"scopes": ["*"]})),
        ("PUT", "/v1/roles/other", json!({"scopes": ["models.write"]})),
        ("POST", "/v1/api-keys", json!({"displayName": "till", "scopes": ["catalog.write"]})),
    ] {
        let refused = shop.call(&dora, method, path, &body).await.problem(403);
        assert_eq!(refused["reason"], "SCOPE_NOT_HELD", "{path}");
    }
    let operator = json!({"email": "new@shop.example", "roles": ["operator"]});
    let refused = shop.call(&admin, "POST", "/v1/users", &operator).await.problem(400);
    assert_eq!(refused["errors"][0]["field"], "roles");
    let wish = json!({"displayName": "till", "scopes": ["catalog.read"]});
    let made = shop.call(&dora, "POST", "/v1/api-keys", &wish).await;
    assert!(made.json()["secret"].as_str().unwrap().starts_with("lrd_"));
    // A role that is taken away is gone from open sessions at once.
    assert_eq!(shop.call(&admin, "DELETE", "/v1/roles/doorkeeper", &Value::Null).await.status, 200);
    assert_eq!(shop.get(&dora, "/v1/users").await.problem(403)["reason"], "MISSING_SCOPE");
    assert_eq!(shop.get(&dora, "/v1/account").await.status, 200);
}

#[tokio::test]
async fn a_rotated_key_works_beside_its_successor_for_the_overlap() {
    let shop = Shop::open().await;
    let admin = shop.sign_in("shop-1", "ann@shop.example").await;
    let wish = json!({"displayName": "till 3", "scopes": ["catalog.read"]});
    let made = shop.call(&admin, "POST", "/v1/api-keys", &wish).await.json();
    let (old, old_id) = (made["secret"].as_str().unwrap(), made["apiKey"]["keyId"].as_str().unwrap());
    let rotate = format!("/v1/api-keys/{old_id}:rotate");
    let rotated = shop.call(&admin, "POST", &rotate, &json!({"overlap": "3600s"})).await.json();
    let new = rotated["secret"].as_str().unwrap();
    assert_eq!(rotated["apiKey"]["displayName"], "till 3");
    assert_eq!(rotated["predecessor"]["successorKeyId"], rotated["apiKey"]["keyId"]);
    for key in [old, new] {
        assert_eq!(shop.get(key, "/v1/products/a").await.status, 200);
    }
    shop.call(&admin, "POST", &rotate, &json!({})).await.problem(404);
    let again = format!("/v1/api-keys/{}:rotate", rotated["apiKey"]["keyId"].as_str().unwrap());
    let last = shop.call(&admin, "POST", &again, &json!({"overlap": "0s"})).await.json();
    shop.get(new, "/v1/products/a").await.problem(401);
    let last_id = last["apiKey"]["keyId"].as_str().unwrap();
    assert_eq!(shop.get(last["secret"].as_str().unwrap(), "/v1/products/a").await.status, 200);
    assert_eq!(
        shop.call(&admin, "DELETE", &format!("/v1/api-keys/{last_id}"), &Value::Null).await.status,
        200
    );
    shop.get(last["secret"].as_str().unwrap(), "/v1/products/a").await.problem(401);
}

#[tokio::test]
async fn a_suspended_tenant_is_shut_out_by_every_door() {
    let shop = Shop::open().await;
    shop.add("platform", "op@platform.example", "operator").await;
    let operator = shop.sign_in("platform", "op@platform.example").await;
    let session = shop.sign_in("shop-1", "ann@shop.example").await;
    let wish = json!({"displayName": "till", "scopes": ["catalog.read"]});
    let key = shop.call(&session, "POST", "/v1/api-keys", &wish).await.json();
    let key = key["secret"].as_str().unwrap();
    let signed = token(&shop.gateway.signer, "shop-1", "*");
    let doors = [session.as_str(), key, signed.as_str()];
    for credential in doors {
        assert_eq!(shop.get(credential, "/v1/products/a").await.status, 200);
    }
    // Whoever holds every scope in another tenant is no operator.
    let refused = shop.call(&signed, "POST", "/v1/tenants/platform:suspend", &json!({})).await.problem(403);
    assert_eq!(refused["reason"], "NOT_THE_OPERATOR");
    let itself = shop.call(&operator, "POST", "/v1/tenants/platform:suspend", &json!({})).await;
    assert_eq!(itself.problem(400)["reason"], "CONFLICT");
    let why = json!({"reason": "has not paid"});
    let suspended = shop.call(&operator, "POST", "/v1/tenants/shop-1:suspend", &why).await.json();
    assert!(suspended["tenant"]["suspendTime"].is_string());
    for credential in doors {
        assert_eq!(shop.get(credential, "/v1/products/a").await.problem(403)["reason"], "TENANT_SUSPENDED");
    }
    shop.try_to_sign_in("shop-1", "ann@shop.example", PASSWORD).await.problem(401);
    assert_eq!(shop.call(&operator, "POST", "/v1/tenants/shop-1:resume", &json!({})).await.status, 200);
    for credential in doors {
        assert_eq!(shop.get(credential, "/v1/products/a").await.status, 200);
    }
}

#[tokio::test]
async fn one_tenants_people_are_nobody_elses_business() {
    let shop = Shop::open().await;
    let bob = shop.add("shop-2", "bob@other.example", "administrator").await;
    let ann = shop.sign_in("shop-1", "ann@shop.example").await;
    let bobs = shop.sign_in("shop-2", "bob@other.example").await;
    let sessions = shop.get(&bobs, "/v1/sessions").await.json();
    let session = sessions["sessions"][0]["sessionId"].as_str().unwrap();
    let missing = "019ab000-0000-7000-8000-000000000000";
    for (method, foreign, absent, body) in [
        ("GET", format!("/v1/users/{bob}"), format!("/v1/users/{missing}"), Value::Null),
        ("POST", format!("/v1/users/{bob}:disable"), format!("/v1/users/{missing}:disable"), json!({})),
        ("DELETE", format!("/v1/sessions/{session}"), format!("/v1/sessions/{missing}"), Value::Null),
    ] {
        let told =
            async |path: &str| shop.call(&ann, method, path, &body).await.problem(404)["detail"].clone();
        assert_eq!(told(&foreign).await, told(&absent).await, "{foreign}");
    }
    assert_eq!(shop.get(&bobs, "/v1/account").await.status, 200);
    // The policies alone: no tenant, no rows; another tenant, none of these.
    let pool = shop.database.app_pool("identity");
    for table in ["users", "sessions", "roles", "password_tokens", "audit_events"] {
        let count = format!("SELECT count(*) FROM identity.{table}");
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(&pool).await.unwrap();
        assert_eq!(rows, 0, "{table}");
    }
    let mut other = larder_database::begin_tenant(&pool, &TenantId::parse("shop-2").unwrap()).await.unwrap();
    let seen: Vec<String> =
        sqlx::query_scalar("SELECT email FROM identity.users").fetch_all(&mut *other).await.unwrap();
    assert_eq!(seen, ["bob@other.example"]);
}

#[tokio::test]
async fn asking_for_a_new_password_tells_nothing() {
    let shop = Shop::open().await;
    for email in ["ann@shop.example", "nobody@shop.example"] {
        let body = json!({"tenantId": "shop-1", "email": email});
        let answer = shop.gateway.http.post("/v1/password-resets", &body.to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({})), "{email}");
    }
}

#[tokio::test]
async fn keys_and_tokens_have_no_account_and_the_session_header_is_not_believed() {
    let shop = Shop::open().await;
    let signed = token(&shop.gateway.signer, "shop-1", "*");
    assert_eq!(shop.get(&signed, "/v1/account").await.problem(400)["reason"], "NO_ACCOUNT");
    let session = shop.sign_in("shop-1", "ann@shop.example").await;
    let listed = shop.get(&session, "/v1/sessions").await.json();
    let id = listed["sessions"][0]["sessionId"].as_str().unwrap();
    let bearer = format!("Bearer {signed}");
    let headers =
        [("authorization", bearer.as_str()), ("x-larder-session", id), ("content-type", "application/json")];
    let refused = shop.gateway.http.send("POST", "/v1/sessions:refresh", &headers, "{}").await;
    assert_eq!(refused.problem(400)["reason"], "NO_ACCOUNT");
}
