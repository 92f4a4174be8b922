//! Users as the command adds them: by whoever sits at the machine, without anybody's leave. Also the first one, whom
//! `larder up` shows how to sign in.

use larder_identity::{TenantId, password};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::error::Error;
use super::{convert, roles, setting};
use crate::clock;
use crate::store::{self, NewAuditEvent, UserRow, append_audit_event};

/// How long a new user has to set a password.
const INVITATION_US: i64 = 86_400_000_000;
const FIRST_EMAIL: &str = "owner@larder.localhost";

/// A user and the token with which the password is set.
#[derive(Debug)]
pub struct Invited {
    /// The user's id.
    pub user_id: Uuid,
    /// Sets a password once within a day.
    pub password_token: SecretString,
}

/// The user that was made because there was none.
#[derive(Debug)]
pub struct FirstUser {
    /// By this the user signs in.
    pub email: &'static str,
    /// The password, kept nowhere else.
    pub password: SecretString,
}

/// Why the command could not do what it was told.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AccountError(String);

impl From<Error> for AccountError {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

impl From<sqlx::Error> for AccountError {
    fn from(error: sqlx::Error) -> Self {
        Self(format!("the database cannot be used: {error}"))
    }
}

/// Whoever sits at the machine, and the database they work in.
pub struct Commander<'a> {
    /// A pool of the role `App`.
    pub pool: &'a PgPool,
    /// Whose users are meant.
    pub tenant: &'a TenantId,
    /// How the audit log names them, such as `command:root`.
    pub actor: &'a str,
}

impl Commander<'_> {
    async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        larder_database::begin_tenant(self.pool, self.tenant).await
    }

    async fn note(&self, action: &str, user_id: Uuid) -> Result<(), sqlx::Error> {
        let event = NewAuditEvent {
            event_id: Uuid::now_v7(),
            at_us: clock::micros(clock::now()),
            actor: self.actor.to_owned(),
            action: action.to_owned(),
            target: format!("user_id={user_id}"),
            address: String::new(),
            outcome: "OK".to_owned(),
            correlation_id: String::new(),
        };
        append_audit_event(self.pool, self.tenant, &event).await
    }
}

/// Adds a user without a password.
///
/// # Errors
/// An address that is none or is taken, and roles that are not there.
pub async fn create_user(
    commander: &Commander<'_>,
    (email, display_name): (&str, &str),
    role_names: &[String],
    operator_tenant: &str,
) -> Result<Invited, AccountError> {
    let (email, display_name) = (convert::email(email)?, convert::display_name(display_name)?);
    let tenant = commander.tenant;
    let mut transaction = commander.begin().await?;
    let given = roles::check(&mut transaction, tenant, role_names, None, operator_tenant).await?;
    let (user_id, password_token) = add(&mut transaction, tenant, (&email, display_name), &given).await?;
    transaction.commit().await?;
    commander.note("larder user add", user_id).await?;
    Ok(Invited { user_id, password_token })
}

/// Makes a token with which a user sets a new password.
///
/// # Errors
/// When there is no such user.
pub async fn invite_again(commander: &Commander<'_>, email: &str) -> Result<Invited, AccountError> {
    let mut transaction = commander.begin().await?;
    let user = find(&mut transaction, commander.tenant, email).await?;
    let token = setting::make_token(&mut transaction, commander.tenant, user.user_id, INVITATION_US).await?;
    transaction.commit().await?;
    commander.note("larder user reset", user.user_id).await?;
    Ok(Invited { user_id: user.user_id, password_token: token })
}

/// Forbids a user to sign in and ends all sessions; a gateway that has just seen one may take it for ten seconds more.
///
/// # Errors
/// When there is no such user.
pub async fn disable_user(commander: &Commander<'_>, email: &str) -> Result<Uuid, AccountError> {
    let mut transaction = commander.begin().await?;
    let UserRow { user_id, .. } = find(&mut transaction, commander.tenant, email).await?;
    let now_us = Some(clock::micros(clock::now()));
    store::users::set_disabled(&mut transaction, commander.tenant, user_id, now_us).await?;
    store::sessions::delete_of_user(&mut transaction, commander.tenant, user_id, None).await?;
    transaction.commit().await?;
    commander.note("larder user disable", user_id).await?;
    Ok(user_id)
}

/// All users of the tenant by their address.
///
/// # Errors
/// The database's own.
pub async fn list_users(commander: &Commander<'_>) -> Result<Vec<UserRow>, AccountError> {
    let mut transaction = commander.begin().await?;
    Ok(store::users::list(&mut transaction, commander.tenant, "", i64::MAX).await?)
}

async fn find(connection: &mut PgConnection, tenant: &TenantId, email: &str) -> Result<UserRow, Error> {
    let user = store::users::find(connection, tenant, &convert::email(email)?).await?;
    user.ok_or(Error::NotFound("user"))
}

/// Makes a user who may do everything, with a password of chance, unless the tenant has users already.
///
/// # Errors
/// The database's own.
pub async fn first_user(
    commander: &Commander<'_>,
    operator_tenant: &str,
) -> Result<Option<FirstUser>, AccountError> {
    let tenant = commander.tenant;
    let mut transaction = commander.begin().await?;
    if !store::users::list(&mut transaction, tenant, "", 1).await?.is_empty() {
        return Ok(None);
    }
    let role = if tenant.as_str() == operator_tenant { roles::OPERATOR } else { "administrator" };
    let given = [role.to_owned()];
    let added = add(&mut transaction, tenant, (FIRST_EMAIL, "The first user"), &given).await;
    let (user_id, _) = match added {
        Err(Error::AlreadyExists(_)) => return Ok(None),
        added => added?,
    };
    let password = larder_identity::session_token::generate("larder").map_err(Error::from)?.secret;
    let hashed = password.clone();
    let hash = tokio::task::spawn_blocking(move || password::hash(hashed.expose_secret())).await;
    let hash = hash.map_err(|failed| AccountError(failed.to_string()))?.map_err(Error::from)?;
    let now_us = clock::micros(clock::now());
    store::users::set_password(&mut transaction, tenant, user_id, &hash, now_us).await?;
    transaction.commit().await?;
    commander.note("larder up", user_id).await?;
    Ok(Some(FirstUser { email: FIRST_EMAIL, password }))
}

/// Adds a user and the token with which the password is set.
pub(super) async fn add(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (email, display_name): (&str, &str),
    role_names: &[String],
) -> Result<(Uuid, SecretString), Error> {
    let user_id = Uuid::now_v7();
    store::tenants::ensure(connection, tenant).await?;
    if !store::users::insert(connection, tenant, (user_id, email, display_name), role_names).await? {
        return Err(Error::AlreadyExists("user"));
    }
    let token = setting::make_token(connection, tenant, user_id, INVITATION_US).await?;
    Ok((user_id, token))
}
