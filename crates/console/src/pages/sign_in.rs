//! Signing in and out. What was typed into a form whose session had ended is carried through it and shown to be sent
//! again; passwords are not.

use std::sync::Arc;

use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::refusal::Refusal;
use crate::room::{Answer, status_of};
use crate::session;
use crate::visit::{FORM_TOKEN, Visit};

/// Fields of a carried form are named so in the form of signing in.
const CARRIED: &str = "carried.";
/// A browser keeps a session no longer than this if the gateway does not say how long it lasts.
const A_DAY_S: i64 = 86_400;

/// The form to sign in.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    let next = session::inside(visit.query.get("next"));
    Ok(page(&visit, StatusCode::OK, json!({ "next": next })))
}

/// The same, carrying the form that was sent without a session.
pub(crate) fn ask_with_form(visit: &Visit) -> Response {
    let carried = carried(visit.form.iter());
    page(visit, StatusCode::UNAUTHORIZED, json!({"carried_to": visit.path, "carried": carried}))
}

/// A form of nobody in particular whose token is old, to be looked at and sent.
pub(crate) fn show_again(visit: &Visit) -> Response {
    show_carried(visit, &visit.path, carried(visit.form.iter()), None)
}

/// The same of one that was carried through signing in.
fn show_carried(visit: &Visit, to: &str, fields: Vec<Value>, session: Option<&str>) -> Response {
    let token = session::form_token(session);
    let content = json!({"carried_to": session::inside(to), "carried": fields, "form_token": token});
    visit.open_page(StatusCode::OK, "carried.html", content)
}

/// Signs in with a tenant, an address and a password.
pub(crate) async fn sign_in(visit: Arc<Visit>) -> Answer {
    let form = &visit.form;
    let credentials = json!({
        "tenantId": form.get("tenant"),
        "email": form.get("email"),
        "password": form.iter().find(|(name, _)| *name == "password").map_or("", |(_, value)| value),
    });
    let answered = visit.tell("/v1/sessions", &credentials).await;
    let to = form.get("carried_to");
    let answer = match answered {
        Ok(answer) => answer,
        Err(refusal) => {
            let carried: Vec<Value> = carried(form.under(CARRIED));
            let content = json!({
                "problem": refusal, "next": form.get("next"), "carried_to": to, "carried": carried,
            });
            return Ok(page(&visit, status_of(&refusal), content));
        }
    };
    let token = answer["token"].as_str().unwrap_or_default();
    let mut response = if to.is_empty() {
        Redirect::to(session::inside(form.get("next"))).into_response()
    } else {
        show_carried(&visit, to, carried(form.under(CARRIED)), Some(token))
    };
    let cookie = session::keep(token, lasts_s(&answer["session"]), visit.console.settings.over_tls);
    let cookie = cookie.ok_or_else(|| Refusal::new(502, "the gateway gave no session"))?;
    set_cookie(response.headers_mut(), cookie);
    Ok(response)
}

/// Ends the session here and at the gateway. Whoever has none is signed out already.
pub(crate) async fn sign_out(visit: Arc<Visit>) -> Answer {
    if visit.session.is_some() {
        let ended = visit.send(Method::DELETE, "/v1/sessions/-", None).await;
        if let Err(refusal) = ended
            && !refusal.wants_sign_in()
        {
            return Err(refusal);
        }
    }
    let mut response = Redirect::to("/console/sign-in?done=signed_out").into_response();
    if let Some(cookie) = session::forget(visit.console.settings.over_tls) {
        set_cookie(response.headers_mut(), cookie);
    }
    Ok(response)
}

fn page(visit: &Visit, status: StatusCode, content: Value) -> Response {
    visit.open_page(status, "sign_in.html", content)
}

fn carried<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Value> {
    fields
        .filter(|(name, _)| *name != FORM_TOKEN && !name.contains("password"))
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect()
}

fn set_cookie(headers: &mut HeaderMap, cookie: HeaderValue) {
    headers.append(header::SET_COOKIE, cookie);
}

/// From its beginning to its end in any case.
fn lasts_s(session: &Value) -> i64 {
    let at = |name: &str| session[name].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    match (at("createTime"), at("expireTime")) {
        (Some(start), Some(end)) => end.as_second() - start.as_second(),
        _ => A_DAY_S,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_carried_and_passwords_are_not() {
        let fields = [("form_token", "t"), ("note", "<b>"), ("new_password", "x"), ("note", "2")];
        let names: Vec<_> = carried(fields.into_iter()).iter().map(|field| field["value"].clone()).collect();
        assert_eq!(names, ["<b>", "2"]);
    }

    #[test]
    fn a_browser_keeps_a_session_as_long_as_the_gateway() {
        let session = json!({"createTime": "2026-01-01T00:00:00Z", "expireTime": "2026-01-08T00:00:00Z"});
        assert_eq!(lasts_s(&session), 7 * 86_400);
        assert_eq!(lasts_s(&Value::Null), A_DAY_S);
    }
}
