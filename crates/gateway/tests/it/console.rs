//! The console at its door: who is let in, which forms are believed, and that nothing typed is lost when a session ends.

use crate::accounts::Shop;
use crate::support::{Answer, gateway, gateway_with, service, settings};

const PASSWORD: &str = "four pears in a basket";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// The cookie of a browser that signed in, as it sends it back.
async fn signed_in(shop: &Shop) -> String {
    let body = format!("tenant=shop-1&email=ann%40shop.example&password={}", PASSWORD.replace(' ', "+"));
    let answer = shop.gateway.http.send("POST", "/console/sign-in", &[FORM, OURS], body).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/console"), "{}", text(&answer));
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly; SameSite=Lax") && !cookie.contains("Secure"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

/// The token of the forms on a page.
fn token_of(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"form_token\" value=\"").expect("a page with a form");
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn nobody_is_asked_to_sign_in_and_brought_back() {
    let shop = Shop::open().await;
    let http = &shop.gateway.http;
    let answer = http.get("/console/market?market=a%20b").await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), "/console/sign-in?next=%2Fconsole%2Fmarket%3Fmarket%3Da%2520b");
    let form = http.get(answer.header("location")).await;
    assert_eq!(form.status, 200);
    assert!(text(&form).contains("value=\"&#x2f;console&#x2f;market?market=a%20b\""), "{}", text(&form));

    let body = "tenant=shop-1&email=ann%40shop.example&password=quincequince&next=%2Fconsole%2Fmarket";
    let refused = http.send("POST", "/console/sign-in", &[FORM, OURS], body).await;
    assert_eq!((refused.status.as_u16(), refused.header("set-cookie")), (401, ""));
    let page = text(&refused);
    assert!(
        page.contains("role=\"alert\"")
            && page.contains("ann@shop.example")
            && !page.contains("quincequince"),
        "{page}"
    );

    let right = body.replace("quincequince", &PASSWORD.replace(' ', "+"));
    for (next, place) in
        [("%2Fconsole%2Fmarket", "/console/market"), ("https%3A%2F%2Fevil.example", "/console")]
    {
        let body = right.replace("%2Fconsole%2Fmarket", next);
        let answer = http.send("POST", "/console/sign-in", &[FORM, OURS], body).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, place));
    }
}

#[tokio::test]
async fn who_signed_in_sees_pages_until_they_sign_out() {
    let shop = Shop::open().await;
    let http = &shop.gateway.http;
    let cookie = signed_in(&shop).await;
    let page = http.send("GET", "/console", &[("cookie", &cookie), ("accept-language", "de")], "").await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!((page.header("referrer-policy"), page.header("cache-control")), ("same-origin", "no-store"));
    assert_eq!(page.header("x-frame-options"), "DENY");
    let words = text(&page);
    assert!(
        words.contains("<html lang=\"de\">") && words.contains("Abmelden") && words.contains("shop-1"),
        "{words}"
    );
    let token = cookie.split_once('=').unwrap().1;
    assert!(!words.contains(token), "the session is in no page");

    let form = format!("form_token={}", token_of(&words));
    let headers = [FORM, OURS, ("cookie", cookie.as_str())];
    let out = http.send("POST", "/console/sign-out", &headers, form).await;
    assert_eq!(out.status, 303);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    let again = http.send("GET", "/console", &[("cookie", &cookie)], "").await;
    assert_eq!(again.status, 303, "the session is over at the gateway too");
    let bearer = format!("Bearer {token}");
    assert_eq!(http.send("GET", "/v1/account", &[("authorization", &bearer)], "").await.status, 401);
}

#[tokio::test]
async fn forms_of_other_sites_do_nothing() {
    let shop = Shop::open().await;
    let http = &shop.gateway.http;
    let cookie = signed_in(&shop).await;
    let page = text(&http.send("GET", "/console", &[("cookie", &cookie)], "").await);
    let form = format!("form_token={}", token_of(&page));
    let cookie = ("cookie", cookie.as_str());
    for headers in [
        vec![FORM, cookie, ("sec-fetch-site", "cross-site")],
        vec![FORM, cookie, ("sec-fetch-site", "same-site"), ("origin", "https://larder.example")],
        vec![FORM, cookie, ("origin", "https://evil.example")],
        vec![FORM, cookie],
    ] {
        let answer = http.send("POST", "/console/sign-out", &headers, form.clone()).await;
        assert_eq!(answer.status, 403, "{headers:?}");
    }
    assert_eq!(http.send("GET", "/console", &[cookie], "").await.status, 200, "still signed in");
    // A page of ours with the token of another session: shown again, not done.
    let other = http
        .send("POST", "/console/feedback", &[FORM, OURS, cookie], "form_token=x&market=m&brought.a=3")
        .await;
    assert_eq!(other.status, 401);
    // A cookie is no credential of the API, or any page could use it.
    assert_eq!(http.send("GET", "/v1/account", &[cookie], "").await.status, 401);
    let json = http
        .send("POST", "/console/feedback", &[("content-type", "application/json"), OURS, cookie], "{}")
        .await;
    assert_eq!(json.status, 415);
}

#[tokio::test]
async fn a_session_that_ends_on_a_filled_form_loses_nothing() {
    let shop = Shop::open().await;
    let http = &shop.gateway.http;
    let cookie = signed_in(&shop).await;
    let page = text(&http.send("GET", "/console", &[("cookie", &cookie)], "").await);
    let token = token_of(&page);
    let headers = [FORM, OURS, ("cookie", cookie.as_str())];
    http.send("POST", "/console/sign-out", &headers, format!("form_token={token}")).await;

    let typed = "\"><script>alert(1)</script>";
    let filled = format!(
        "form_token={token}&market=old-town&day=2026-11-21&brought.bread=12&note=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"
    );
    let ended = http.send("POST", "/console/feedback", &headers, filled).await;
    assert_eq!(ended.status, 401);
    let page = text(&ended);
    assert!(page.contains("name=\"carried.brought.bread\" value=\"12\""), "{page}");
    assert!(!page.contains(typed) && !page.contains("carried.form_token"), "{page}");

    let again = format!(
        "tenant=shop-1&email=ann%40shop.example&password={}&carried_to=%2Fconsole%2Ffeedback&carried.market=old-town&carried.brought.bread=12",
        PASSWORD.replace(' ', "+")
    );
    let carried = http.send("POST", "/console/sign-in", &[FORM, OURS], again).await;
    assert_eq!(carried.status, 200);
    let page = text(&carried);
    assert!(
        page.contains("action=\"&#x2f;console&#x2f;feedback\"")
            && page.contains("name=\"brought.bread\" value=\"12\""),
        "{page}"
    );
    let cookie = carried.header("set-cookie").split(';').next().unwrap().to_owned();
    let form = format!("form_token={}&market=old-town&day=2026-11-21&brought.bread=12", token_of(&page));
    let sent = http.send("POST", "/console/feedback", &[FORM, OURS, ("cookie", &cookie)], form).await;
    assert_ne!(
        (sent.status.as_u16(), text(&sent).contains("carried.")),
        (401, true),
        "the new session's token is taken"
    );
}

#[tokio::test]
async fn over_tls_the_cookie_stays_there() {
    let shop = Shop::open_with(|settings| settings.gateway.proxy_ends_tls = true).await;
    let body = format!("tenant=shop-1&email=ann%40shop.example&password={}", PASSWORD.replace(' ', "+"));
    let answer = shop.gateway.http.send("POST", "/console/sign-in", &[FORM, OURS], body).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-larder-session=lrs_") && cookie.ends_with("; Secure"), "{cookie}");
    let plain = cookie.split(';').next().unwrap().trim_start_matches("__Host-").to_owned();
    let answer = shop.gateway.http.send("GET", "/console", &[("cookie", &plain)], "").await;
    assert_eq!(answer.status, 303, "one that could have come without TLS is none");
}

#[tokio::test]
async fn browsers_are_led_to_the_console_and_programs_are_not() {
    let gateway = gateway().await;
    let browser = gateway.http.send("GET", "/", &[("accept", "text/html,*/*;q=0.8")], "").await;
    assert_eq!((browser.status.as_u16(), browser.header("location")), (303, "/console"));
    assert_eq!(gateway.http.get("/").await.status, 404);
    let page = gateway.http.get("/console").await;
    assert_eq!(page.status, 200);
    assert!(text(&page).contains("no credentials needed"), "who is nobody in particular is told so");
    assert_eq!(gateway.http.get("/console/no-such-page").await.status, 404);
    assert_eq!(
        gateway.http.get("/console/download/v1/account").await.status,
        404,
        "only files are passed on"
    );

    let mut settings = settings(service::start().await);
    settings.gateway.console = false;
    let without = gateway_with(settings, None).await;
    assert_eq!(without.http.get("/console").await.status, 404);
    assert_eq!(without.http.send("GET", "/", &[("accept", "text/html")], "").await.status, 404);
}

#[tokio::test]
async fn what_browsers_tell_is_measured_and_strangers_are_not_heard() {
    let gateway = gateway().await;
    let told = r#"{"path": "/console/market", "lcp_ms": 120.5, "cls": 0.01, "errors": []}"#;
    let send = async |headers: &[(&str, &str)], body: &str| {
        gateway.http.send("POST", "/console/vitals", headers, body.to_owned()).await.status.as_u16()
    };
    assert_eq!(send(&[OURS], told).await, 204);
    assert_eq!(send(&[("sec-fetch-site", "cross-site")], told).await, 403);
    assert_eq!(send(&[OURS], "not json").await, 400);
    assert_eq!(send(&[OURS], &"x".repeat(20_000)).await, 413);
}
