//! Where wire types are hung up: fields are checked on the way in, rows become messages on the way out.

use std::time::SystemTime;

use larder_identity::{Scopes, TenantId};
use larder_proto::larder::identity::v1::{ApiKey, AuditEvent, Session, Tenant, User};
use prost_types::Timestamp;
use uuid::Uuid;

use super::error::Error;
use crate::clock;
use crate::store::audit::AuditRow;
use crate::store::sessions::SessionRow;
use crate::store::tenants::TenantRow;
use crate::store::{self, UserRow};

const NAME_CHARACTERS: usize = 128;
const EMAIL_BYTES: usize = 254;

/// Microseconds since 1970 as a wire instant.
pub(super) fn timestamp(micros: i64) -> Timestamp {
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

fn instant(at: SystemTime) -> Timestamp {
    timestamp(clock::micros(at))
}

/// Bytes as hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An id of ours.
pub(super) fn id(field: &'static str, text: &str) -> Result<Uuid, Error> {
    text.parse().map_err(|_| Error::invalid(field, "must be an id as it was given out"))
}

/// The place of a page token in a list by ids, the newest first.
pub(super) fn place(place: Option<String>) -> Result<Uuid, Error> {
    let broken = |_| Error::Internal("a page token of ours has no place".to_owned());
    place.map_or(Ok(Uuid::max()), |place| place.parse().map_err(broken))
}

/// The id of a tenant.
pub(super) fn tenant_id(text: &str) -> Result<TenantId, Error> {
    TenantId::parse(text).map_err(|refused| Error::invalid("tenant_id", refused.to_string()))
}

/// An address as users are known by it: without space around it, in lower case.
pub(super) fn email(text: &str) -> Result<String, Error> {
    let email = text.trim().to_lowercase();
    let parts: Vec<&str> = email.split('@').collect();
    let has_form = matches!(parts.as_slice(), [local, domain] if !local.is_empty() && !domain.is_empty());
    let strange = |character: char| character.is_whitespace() || character.is_control();
    if !has_form || email.len() > EMAIL_BYTES || email.contains(strange) {
        return Err(Error::invalid("email", "must be an e-mail address of at most 254 bytes"));
    }
    Ok(email)
}

/// How something is called by people.
pub(super) fn display_name(text: &str) -> Result<&str, Error> {
    let fits = text.chars().count() <= NAME_CHARACTERS && !text.contains(char::is_control);
    fits.then_some(text).ok_or_else(|| {
        Error::invalid("display_name", "must have at most 128 characters and no control characters")
    })
}

/// Scopes of the contract.
pub(super) fn scopes(names: &[String]) -> Result<Scopes, Error> {
    let known = super::roles::known_scopes();
    if let Some(unknown) = names.iter().find(|name| *name != "*" && !known.contains(name.as_str())) {
        return Err(Error::invalid("scopes", format!("there is no scope {unknown:?}")));
    }
    Scopes::parse(&names.join(" ")).map_err(|refused| Error::invalid("scopes", refused.to_string()))
}

pub(super) fn names(scopes: &Scopes) -> Vec<String> {
    scopes.iter().map(ToString::to_string).collect()
}

pub(super) fn user(row: UserRow) -> User {
    User {
        user_id: row.user_id.to_string(),
        email: row.email,
        display_name: row.display_name,
        roles: row.roles,
        create_time: Some(timestamp(row.created_at_us)),
        disable_time: row.disabled_at_us.map(timestamp),
        password_change_time: row.password_changed_at_us.map(timestamp),
        last_sign_in_time: row.last_signed_in_at_us.map(timestamp),
    }
}

pub(super) fn session(row: &SessionRow, idle_us: i64, current: Option<Uuid>) -> Session {
    let idle = row.last_used_at_us.saturating_add(idle_us).min(row.expires_at_us);
    Session {
        session_id: row.session_id.to_string(),
        user_id: row.user_id.to_string(),
        create_time: Some(timestamp(row.created_at_us)),
        last_use_time: Some(timestamp(row.last_used_at_us)),
        idle_expire_time: Some(timestamp(idle)),
        expire_time: Some(timestamp(row.expires_at_us)),
        address: row.address.clone(),
        current: current == Some(row.session_id),
    }
}

pub(super) fn tenant(row: TenantRow) -> Tenant {
    Tenant {
        tenant_id: row.tenant_id,
        display_name: row.display_name,
        create_time: Some(timestamp(row.created_at_us)),
        suspend_time: row.suspended_at_us.map(timestamp),
        suspend_reason: row.suspend_reason,
        plan: row.plan.unwrap_or_default(),
    }
}

pub(super) fn api_key(key: store::ApiKey) -> ApiKey {
    ApiKey {
        key_id: key.key_id.to_string(),
        prefix: key.prefix,
        display_name: key.name,
        scopes: names(&key.scopes),
        create_time: Some(instant(key.created_at)),
        expire_time: key.expires_at.map(instant),
        revoke_time: key.revoked_at.map(instant),
        last_use_time: key.last_used_at.map(instant),
        successor_key_id: key.successor_key_id.map(|id| id.to_string()).unwrap_or_default(),
    }
}

pub(super) fn audit_event(row: AuditRow) -> AuditEvent {
    AuditEvent {
        sequence: row.sequence,
        event_time: Some(timestamp(row.at_us)),
        actor: row.actor,
        action: row.action,
        target: row.target,
        address: row.address,
        outcome: row.outcome,
        correlation_id: row.correlation_id,
        hash: hexadecimal(&row.hash),
    }
}
