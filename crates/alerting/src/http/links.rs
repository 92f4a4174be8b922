//! The links of messages: opening one asks, pressing the button acts, once. A page for people, so refusals
//! are sentences.

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use larder_identity::TenantId;
use larder_oncall::link::{LinkClaims, LinkDeed, LinkRefused, VerifiedLink};
use uuid::Uuid;

use crate::channels::escaped_html;
use crate::clock::timestamp;
use crate::error::Error;
use crate::message::one_line;
use crate::operate::{Deed, act};
use crate::state::State;
use crate::store::{incidents, links};

/// Nothing on these pages may be framed, kept or told to others.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";

/// `GET /a/{link}`: asks, and does nothing.
pub(crate) async fn ask(Shared(state): Shared<Arc<State>>, Path(path): Path<String>) -> Response {
    let link = match read(&state, &path) {
        Ok(link) => link,
        Err(refusal) => return page(StatusCode::FORBIDDEN, &format!("<p>{refusal}</p>")),
    };
    match headline(&state, &link).await {
        Ok(headline) => {
            let word = link.deed.word();
            let form = format!(
                "<p>{}</p><form method=\"post\"><button>{word} this incident</button></form>",
                escaped_html(&headline)
            );
            page(StatusCode::OK, &form)
        }
        Err(error) => refused(&error),
    }
}

/// `POST /a/{link}`: acts, once.
pub(crate) async fn act_on(Shared(state): Shared<Arc<State>>, Path(path): Path<String>) -> Response {
    let link = match read(&state, &path) {
        Ok(link) => link,
        Err(refusal) => return page(StatusCode::FORBIDDEN, &format!("<p>{refusal}</p>")),
    };
    match use_link(&state, &link).await {
        Ok(true) => {
            state.outbox.notify_one();
            let done = match link.deed {
                LinkDeed::Acknowledge => "It is acknowledged. Nobody else is woken for now.",
                LinkDeed::Resolve => "It is resolved.",
            };
            page(StatusCode::OK, &format!("<p>{done}</p>"))
        }
        Ok(false) => page(StatusCode::OK, "<p>This link was used before; nothing was done again.</p>"),
        Err(error) => refused(&error),
    }
}

/// A link that is believed, its ids read.
struct ReadLink {
    tenant: TenantId,
    incident_id: Uuid,
    deed: LinkDeed,
    recipient: String,
    seal: String,
}

fn read(state: &State, path: &str) -> Result<ReadLink, LinkRefused> {
    let now = timestamp((state.clock)());
    let VerifiedLink { claims, seal } = state.signing.links().verify(&format!("/a/{path}"), now)?;
    let LinkClaims { tenant_id, incident_id, deed, recipient, .. } = claims;
    let tenant = TenantId::parse(&tenant_id).map_err(|_| LinkRefused::Malformed)?;
    let incident_id = incident_id.parse().map_err(|_| LinkRefused::Malformed)?;
    Ok(ReadLink { tenant, incident_id, deed, recipient, seal })
}

async fn headline(state: &State, link: &ReadLink) -> Result<String, Error> {
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, &link.tenant).await?;
    let row = incidents::get(&mut transaction, &link.tenant, &link.incident_id.to_string()).await?;
    transaction.commit().await?;
    Ok(format!("#{} {}", row.incident_number, one_line(&row.title)))
}

/// Uses the link and acts in one transaction; `false` when it was used before.
async fn use_link(state: &State, link: &ReadLink) -> Result<bool, Error> {
    let now_us = (state.clock)();
    let mut transaction = larder_database::begin_tenant(&state.app, &link.tenant).await?;
    // Everybody who got the message has a link of their own, and the seal is what differs.
    if !links::use_once(&mut transaction, &link.tenant, &link.seal, now_us).await? {
        return Ok(false);
    }
    let row = incidents::lock(&mut transaction, &link.tenant, &[link.incident_id]).await?.pop();
    let mut row = row.ok_or(Error::NotFound { noun: "incident" })?;
    let who = if link.recipient.is_empty() { "a link in a message" } else { &link.recipient };
    let note = String::new();
    let deed = match link.deed {
        LinkDeed::Acknowledge => Deed::Acknowledge { note },
        LinkDeed::Resolve => Deed::Resolve { note },
    };
    let rules = state.in_force.rules();
    act(&mut transaction, &link.tenant, &mut row, who, deed, (&rules, now_us)).await?;
    transaction.commit().await?;
    Ok(true)
}

fn refused(error: &Error) -> Response {
    let status = if error.is_passing() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NOT_FOUND };
    page(status, &format!("<p>{}</p>", escaped_html(&error.told())))
}

fn page(status: StatusCode, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Larder</title><body style=\"font-family:sans-serif;margin:2em\">\
         {body}</body></html>"
    );
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
