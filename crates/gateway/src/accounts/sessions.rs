//! Signing in and out. Whoever is not let in is told the same in the same time, whatever was wrong: the tenant, the
//! address, the password, or a user who may not.

use larder_identity::page::{self, PageOf};
use larder_identity::{TenantId, password, session_token};
use larder_proto::larder::identity::v1::*;
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::error::Error;
use super::grpc::Asker;
use super::{State, convert};
use crate::audit::{NewEntry, correlation_id};
use crate::clock;
use crate::store::sessions::SessionRow;
use crate::store::{self, UserRow};

const SIGN_IN: &str = "/larder.identity.v1.IdentityService/CreateSession";
/// Longer ones are no password anybody could have set, and are not hashed.
const MOST_PASSWORD_BYTES: usize = 1_024;

pub(super) async fn create(
    state: &State,
    asker: &Asker,
    request: CreateSessionRequest,
) -> Result<CreateSessionResponse, Error> {
    let address = asker.address()?;
    let tenant = convert::tenant_id(&request.tenant_id)?;
    let email = convert::email(&request.email)?;
    if request.password.is_empty() || request.password.len() > MOST_PASSWORD_BYTES {
        return Err(Error::invalid("password", "must have 1 to 1024 bytes"));
    }
    let account = format!("{tenant}/{email}");
    state.rates.may_try_password(&account).map_err(Error::Over)?;
    let user = find(state, &tenant, &email).await?;
    let stored = user.as_ref().and_then(|user| user.password_hash.clone());
    let matches = state.passwords.verify(&request.password, stored).await?;
    let suspended = state.rings.tenants.is_suspended(&tenant).await;
    let entry = |user: &UserRow, outcome| NewEntry {
        tenant: tenant.clone(),
        actor: format!("user:{}", user.user_id),
        action: SIGN_IN.to_owned(),
        target: format!("user_id={}", user.user_id),
        address: address.to_string(),
        outcome,
        correlation_id: correlation_id(),
    };
    let may_enter = |user: &&UserRow| matches && user.disabled_at_us.is_none() && !suspended;
    let Some(user) = user.as_ref().filter(may_enter) else {
        state.rates.count_wrong_credentials(address);
        state.rates.count_wrong_password(&account);
        // Kept behind the answer, which must not take longer where there is a user.
        if let Some(user) = &user {
            state.audit.keep_later(entry(user, tonic::Code::Unauthenticated));
        }
        return Err(Error::SignIn);
    };
    let (session, token) = begin(state, &tenant, user, &request.password, &address.to_string()).await?;
    state.audit.keep_later(entry(user, tonic::Code::Ok));
    let session = convert::session(&session, state.rules.session_idle_us, Some(session.session_id));
    Ok(CreateSessionResponse { session: Some(session), token })
}

async fn find(state: &State, tenant: &TenantId, email: &str) -> Result<Option<UserRow>, Error> {
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    Ok(store::users::find(&mut transaction, tenant, email).await?)
}

async fn begin(
    state: &State,
    tenant: &TenantId,
    user: &UserRow,
    given: &str,
    address: &str,
) -> Result<(SessionRow, String), Error> {
    let outdated = user.password_hash.as_deref().is_some_and(|hash| !password::is_present(hash));
    let rehashed = if outdated { Some(state.passwords.hash(given).await?) } else { None };
    let now_us = clock::micros(clock::now());
    let made = session_token::generate(session_token::SESSION_BRAND)?;
    let session = SessionRow {
        session_id: Uuid::now_v7(),
        user_id: user.user_id,
        address: address.to_owned(),
        created_at_us: now_us,
        last_used_at_us: now_us,
        expires_at_us: now_us.saturating_add(state.rules.session_lifetime_us),
    };
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let ended = (now_us - state.rules.session_idle_us, now_us);
    store::sessions::delete_ended(&mut transaction, tenant, user.user_id, ended).await?;
    store::sessions::insert(&mut transaction, tenant, &session, &made.hash).await?;
    store::users::note_sign_in(&mut transaction, tenant, user.user_id, rehashed.as_deref(), now_us).await?;
    transaction.commit().await?;
    Ok((session, made.secret.expose_secret().to_owned()))
}

pub(super) async fn refresh(
    state: &State,
    asker: &Asker,
    _: RefreshSessionRequest,
) -> Result<RefreshSessionResponse, Error> {
    let (_, session_id) = asker.signed_in()?;
    let tenant = &asker.caller.tenant;
    let made = session_token::generate(session_token::SESSION_BRAND)?;
    let now_us = clock::micros(clock::now());
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let row =
        store::sessions::replace_token(&mut transaction, tenant, session_id, &made.hash, now_us).await?;
    let row = row.ok_or(Error::NotFound("session"))?;
    transaction.commit().await?;
    state.rings.sessions.forget();
    let session = convert::session(&row, state.rules.session_idle_us, Some(session_id));
    Ok(RefreshSessionResponse { session: Some(session), token: made.secret.expose_secret().to_owned() })
}

pub(super) async fn list(
    state: &State,
    asker: &Asker,
    request: ListSessionsRequest,
) -> Result<ListSessionsResponse, Error> {
    let user_id = match request.user_id.as_str() {
        "" => asker.signed_in()?.0,
        id => whose(asker, convert::id("user_id", id)?)?,
    };
    let tenant = &asker.caller.tenant;
    let now_us = clock::micros(clock::now());
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let alive = (now_us - state.rules.session_idle_us, now_us);
    let size = page::size(request.page_size)?;
    let of = PageOf { tenant, list: "sessions", filters: user_id.to_string() };
    let before = convert::place(state.pages.read(&of, &request.page_token)?)?;
    let mut rows =
        store::sessions::list(&mut transaction, tenant, user_id, alive, (before, size + 1)).await?;
    let next = page::cut(&mut rows, size, |row| row.session_id.to_string());
    let to_wire = |row: &SessionRow| convert::session(row, state.rules.session_idle_us, asker.session_id);
    Ok(ListSessionsResponse {
        sessions: rows.iter().map(to_wire).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

pub(super) async fn delete(
    state: &State,
    asker: &Asker,
    request: DeleteSessionRequest,
) -> Result<DeleteSessionResponse, Error> {
    let session_id = match request.session_id.as_str() {
        "-" => asker.signed_in()?.1,
        id => convert::id("session_id", id)?,
    };
    let tenant = &asker.caller.tenant;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let user_id = store::sessions::user_of(&mut transaction, tenant, session_id).await?;
    // Somebody else's session and a missing one are answered alike.
    let user_id = user_id.ok_or(Error::NotFound("session"))?;
    whose(asker, user_id).map_err(|_| Error::NotFound("session"))?;
    store::sessions::delete(&mut transaction, tenant, session_id).await?;
    transaction.commit().await?;
    state.rings.sessions.forget();
    Ok(DeleteSessionResponse {})
}

/// One's own sessions are one's own business, others' that of whoever may write users.
fn whose(asker: &Asker, user_id: Uuid) -> Result<Uuid, Error> {
    if asker.user_id() != Some(user_id) && !asker.caller.scopes.contains("users.write") {
        return Err(Error::ScopeNotHeld("users.write".to_owned()));
    }
    Ok(user_id)
}
