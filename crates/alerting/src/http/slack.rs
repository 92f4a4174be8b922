//! Buttons that were pressed in Slack: signed by the workspace's secret, answered at once.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State as Shared;
use http::{HeaderMap, StatusCode};
use larder_identity::TenantId;
use serde::Deserialize;

use crate::channels::is_signed_by_slack;
use crate::error::Error;
use crate::operate::{Deed, operate};
use crate::state::State;

/// What Slack tells of a press; everything else in it is for other applications.
#[derive(Deserialize)]
struct Press {
    user: User,
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct User {
    id: String,
    #[serde(default)]
    username: String,
}

#[derive(Deserialize)]
struct Action {
    action_id: String,
    #[serde(default)]
    value: String,
}

/// `POST /slack/actions`
pub(crate) async fn act(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Error> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (timestamp, signature) = (header("x-slack-request-timestamp"), header("x-slack-signature"));
    let now_s = (state.clock)() / 1_000_000;
    let rules = state.in_force.rules();
    let secrets = rules.channels.values().filter_map(|channel| channel.signing_secret());
    let is_signed =
        secrets.into_iter().any(|secret| is_signed_by_slack(secret, timestamp, &body, signature, now_s));
    if !is_signed {
        return Err(Error::Unauthenticated);
    }
    let payload =
        url::form_urlencoded::parse(&body).find(|(name, _)| name == "payload").map(|(_, value)| value);
    let payload = payload.ok_or_else(|| Error::invalid("payload", "must be there"))?;
    let press: Press = serde_json::from_str(&payload)
        .map_err(|_| Error::invalid("payload", "must be Slack's interaction in JSON"))?;
    let who = if press.user.username.is_empty() { press.user.id } else { press.user.username };
    for action in press.actions {
        let deed = match action.action_id.as_str() {
            "acknowledge" => Deed::Acknowledge { note: String::new() },
            "resolve" => Deed::Resolve { note: String::new() },
            // A link was opened: Slack tells of that, too.
            _ => continue,
        };
        let named =
            action.value.split_once(' ').and_then(|(tenant, id)| Some((TenantId::parse(tenant).ok()?, id)));
        let (tenant, incident) =
            named.ok_or_else(|| Error::invalid("value", "must be a button of Larder's"))?;
        operate(&state, &tenant, incident, &format!("{who} (Slack)"), deed).await?;
    }
    Ok(StatusCode::OK)
}
