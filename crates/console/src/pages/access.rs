//! Who may do what: users with their roles, and the keys of programs. A secret is shown on the page that made it, and
//! never again.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use super::listing::{about, list};
use crate::clock;
use crate::refusal::{Refusal, part};
use crate::room::Answer;
use crate::visit::Visit;

/// A key or a user that a form may not name is refused by the gateway; this is what a form may do.
const DEEDS: &str = "deed must be add_user, set_roles, disable, enable, add_key, rotate or revoke";

/// Users, roles and keys.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    render(&visit, None, Value::Null).await
}

async fn render(visit: &Visit, refused: Option<Refusal>, made: Value) -> Answer {
    let (users, roles, keys) =
        tokio::join!(list(visit, "/v1/users", &[]), visit.ask("/v1/roles"), visit.ask("/v1/api-keys"));
    let content = json!({
        "users": users?, "roles": part(roles)?, "keys": part(keys)?, "problem": refused, "made": made,
    });
    visit.page("access.html", content).await
}

/// Adds, changes or ends, as the button says.
pub(crate) async fn act(visit: Arc<Visit>) -> Answer {
    let form = &visit.form;
    let roles: Vec<&str> = form.all("roles").collect();
    let user = |verb: &str| format!("{}:{verb}", about("/v1/users/{}", form.get("user")));
    let key = about("/v1/api-keys/{}", form.get("key"));
    let nothing = json!({});
    let sent = match form.get("deed") {
        "add_user" => {
            let body = json!({"email": form.get("email"), "displayName": form.get("name"), "roles": roles});
            visit.tell("/v1/users", &body).await
        }
        "set_roles" => visit.tell(&user("setRoles"), &json!({ "roles": roles })).await,
        "disable" => visit.tell(&user("disable"), &nothing).await,
        "enable" => visit.tell(&user("enable"), &nothing).await,
        "add_key" => {
            let mut body = json!({"displayName": form.get("name"), "scopes": form.words("scopes")});
            if let Some(days) = form.number("days") {
                match ends_in(&days) {
                    Ok(end) => body["expireTime"] = json!(end),
                    Err(refusal) => return render(&visit, Some(refusal), Value::Null).await,
                }
            }
            visit.tell("/v1/api-keys", &body).await
        }
        "rotate" => visit.tell(&format!("{key}:rotate"), &nothing).await,
        "revoke" => visit.send(Method::DELETE, &key, None).await,
        _ => Err(Refusal::new(400, DEEDS)),
    };
    match sent {
        // A secret is shown at once: there is no page to go to that could show it.
        Ok(made) if made.get("secret").is_some() || made.get("passwordToken").is_some() => {
            render(&visit, None, made).await
        }
        Ok(_) => visit.go("/console/access", "access_changed"),
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => render(&visit, Some(refusal), Value::Null).await,
    }
}

fn ends_in(days: &Value) -> Result<String, Refusal> {
    let days = days.as_f64().filter(|days| *days > 0.0 && *days <= 3_660.0);
    let days = days.ok_or_else(|| Refusal::new(400, "days must be a number above 0, up to 3660"))?;
    let span = jiff::SignedDuration::from_secs((days * 86_400.0).round() as i64);
    let end = clock::now().checked_add(span);
    end.map(|end| end.to_string()).map_err(|_| Refusal::new(400, "days must be a number above 0, up to 3660"))
}
