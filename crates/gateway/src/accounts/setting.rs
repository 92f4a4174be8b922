//! Setting a password: changing it, and setting it with a one-use token.

use std::sync::Arc;

use larder_identity::{TenantId, password, session_token};
use larder_proto::larder::identity::v1::*;
use secrecy::SecretString;
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::Error;
use super::grpc::Asker;
use super::{State, convert};
use crate::audit::{NewEntry, correlation_id};
use crate::clock;
use crate::store;

const RESET: &str = "/larder.identity.v1.IdentityService/ResetPassword";
const HOUR_US: i64 = 3_600_000_000;
/// Mails that are on their way at once; more are not begun, so that asking costs nobody anything.
pub(super) const MAILS: usize = 8;

pub(super) async fn change(
    state: &State,
    asker: &Asker,
    request: ChangePasswordRequest,
) -> Result<ChangePasswordResponse, Error> {
    let (user_id, session_id) = asker.signed_in()?;
    let tenant = &asker.caller.tenant;
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let user = store::users::get(&mut transaction, tenant, user_id).await?;
    transaction.commit().await?;
    let user = user.ok_or(Error::NotFound("user"))?;
    let account = format!("{tenant}/{}", user.email);
    state.rates.may_try_password(&account).map_err(Error::Over)?;
    if !state.passwords.verify(&request.current_password, user.password_hash).await? {
        state.rates.count_wrong_password(&account);
        return Err(Error::invalid("current_password", "is not the password"));
    }
    let hash = hash(state, &user.email, &request.new_password).await?;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let now_us = clock::micros(clock::now());
    store::users::set_password(&mut transaction, tenant, user_id, &hash, now_us).await?;
    store::sessions::delete_of_user(&mut transaction, tenant, user_id, Some(session_id)).await?;
    transaction.commit().await?;
    state.rings.sessions.forget();
    Ok(ChangePasswordResponse {})
}

/// Answers before it is known whether there is such a user; whatever is to be done is done behind the answer.
pub(super) async fn request(
    state: &Arc<State>,
    asker: &Asker,
    request: RequestPasswordResetRequest,
) -> Result<RequestPasswordResetResponse, Error> {
    let address = asker.address()?;
    let tenant = convert::tenant_id(&request.tenant_id)?;
    let email = convert::email(&request.email)?;
    // Asking is counted like a wrong password, by address and by user, so that nobody's mailbox is flooded.
    let account = format!("{tenant}/{email}");
    state.rates.may_try_password(&account).map_err(Error::Over)?;
    state.rates.count_wrong_password(&account);
    state.rates.count_wrong_credentials(address);
    let Ok(place) = state.mails.clone().try_acquire_owned() else {
        tracing::warn!("too many asked for a new password at once; one was not mailed");
        return Ok(RequestPasswordResetResponse {});
    };
    let state = state.clone();
    tokio::spawn(async move {
        if let Err(why) = mail_token(&state, &tenant, &email).await {
            tracing::error!(error = %why, "token for a new password was not mailed");
        }
        drop(place);
    });
    Ok(RequestPasswordResetResponse {})
}

async fn mail_token(state: &State, tenant: &TenantId, email: &str) -> Result<(), String> {
    let mut transaction =
        larder_database::begin_tenant(&state.app, tenant).await.map_err(|error| error.to_string())?;
    let found =
        store::users::find(&mut transaction, tenant, email).await.map_err(|error| error.to_string())?;
    let Some(user) = found.filter(|user| user.disabled_at_us.is_none()) else { return Ok(()) };
    let Some(mail) = &state.mail else {
        return Err("identity.smtp_url is not set; `larder user reset` makes a token".to_owned());
    };
    let token = make_token(&mut transaction, tenant, user.user_id, HOUR_US).await;
    let token = token.map_err(|error| error.to_string())?;
    transaction.commit().await.map_err(|error| error.to_string())?;
    mail.send_password_token(tenant.as_str(), &user.email, &token).await
}

/// Makes a token that sets a password once within this time.
pub(super) async fn make_token(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user_id: Uuid,
    for_us: i64,
) -> Result<SecretString, Error> {
    let made = session_token::generate(session_token::PASSWORD_BRAND)?;
    let expires_at_us = clock::micros(clock::now()).saturating_add(for_us);
    store::users::put_password_token(connection, tenant, user_id, &made.hash, expires_at_us).await?;
    Ok(made.secret)
}

pub(super) async fn reset(
    state: &Arc<State>,
    asker: &Asker,
    request: ResetPasswordRequest,
) -> Result<ResetPasswordResponse, Error> {
    let address = asker.address()?;
    let now_us = clock::micros(clock::now());
    let refused = || {
        state.rates.count_wrong_credentials(address);
        Error::PasswordToken
    };
    let token_hash = session_token::hash_of(session_token::PASSWORD_BRAND, request.token.trim());
    let token_hash = token_hash.ok_or(Error::PasswordToken)?;
    let found = store::users::find_password_token(&state.worker, &token_hash, now_us).await?;
    let (tenant, user_id) = found.ok_or_else(refused)?;
    let tenant = TenantId::parse(&tenant)?;
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, &tenant).await?;
    let user = store::users::get(&mut transaction, &tenant, user_id).await?.ok_or_else(refused)?;
    transaction.commit().await?;
    let hash = hash(state, &user.email, &request.new_password).await?;
    let mut transaction = larder_database::begin_tenant(&state.app, &tenant).await?;
    if !store::users::take_password_token(&mut transaction, &tenant, &token_hash).await? {
        return Err(refused());
    }
    store::users::set_password(&mut transaction, &tenant, user_id, &hash, now_us).await?;
    store::sessions::delete_of_user(&mut transaction, &tenant, user_id, None).await?;
    transaction.commit().await?;
    state.rings.sessions.forget();
    state.audit.keep_later(NewEntry {
        tenant,
        actor: format!("user:{user_id}"),
        action: RESET.to_owned(),
        target: format!("user_id={user_id}"),
        address: address.to_string(),
        outcome: tonic::Code::Ok,
        correlation_id: correlation_id(),
    });
    Ok(ResetPasswordResponse {})
}

async fn hash(state: &State, email: &str, new_password: &str) -> Result<String, Error> {
    password::check(new_password, email, state.rules.least_password_characters)
        .map_err(|weak| Error::invalid("new_password", weak.to_string()))?;
    state.passwords.hash(new_password).await
}
