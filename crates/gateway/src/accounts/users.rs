//! Users: added without a password, listed, given roles, kept out.

use larder_identity::page::{self, PageOf};
use larder_proto::larder::identity::v1::*;
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::at_the_machine::add;
use super::error::Error;
use super::grpc::Asker;
use super::{State, convert, roles};
use crate::clock;
use crate::store;

pub(super) async fn account(
    state: &State,
    asker: &Asker,
    _: GetAccountRequest,
) -> Result<GetAccountResponse, Error> {
    let (user_id, _) = asker.signed_in()?;
    let user = find(state, asker, user_id).await?;
    Ok(GetAccountResponse {
        tenant_id: asker.caller.tenant.to_string(),
        user: Some(user),
        scopes: convert::names(&asker.caller.scopes),
    })
}

pub(super) async fn create(
    state: &State,
    asker: &Asker,
    request: CreateUserRequest,
) -> Result<CreateUserResponse, Error> {
    let email = convert::email(&request.email)?;
    let display_name = convert::display_name(&request.display_name)?;
    let tenant = &asker.caller.tenant;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let (giver, operator) = (Some(&asker.caller.scopes), state.rules.operator_tenant.as_str());
    let given = roles::check(&mut transaction, tenant, &request.roles, giver, operator).await?;
    let (user_id, token) = add(&mut transaction, tenant, (&email, display_name), &given).await?;
    let user = store::users::get(&mut transaction, tenant, user_id).await?;
    transaction.commit().await?;
    Ok(CreateUserResponse { user: user.map(convert::user), password_token: token.expose_secret().to_owned() })
}

pub(super) async fn list(
    state: &State,
    asker: &Asker,
    request: ListUsersRequest,
) -> Result<ListUsersResponse, Error> {
    let size = page::size(request.page_size)?;
    let tenant = &asker.caller.tenant;
    let of = PageOf { tenant, list: "users", filters: String::new() };
    let after = state.pages.read(&of, &request.page_token)?.unwrap_or_default();
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let mut rows = store::users::list(&mut transaction, tenant, &after, size + 1).await?;
    let next = page::cut(&mut rows, size, |row| row.email.clone());
    Ok(ListUsersResponse {
        users: rows.into_iter().map(convert::user).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

pub(super) async fn get(
    state: &State,
    asker: &Asker,
    request: GetUserRequest,
) -> Result<GetUserResponse, Error> {
    let user_id = convert::id("user_id", &request.user_id)?;
    Ok(GetUserResponse { user: Some(find(state, asker, user_id).await?) })
}

pub(super) async fn set_roles(
    state: &State,
    asker: &Asker,
    request: SetUserRolesRequest,
) -> Result<SetUserRolesResponse, Error> {
    let user_id = convert::id("user_id", &request.user_id)?;
    let tenant = &asker.caller.tenant;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let (giver, operator) = (Some(&asker.caller.scopes), state.rules.operator_tenant.as_str());
    let given = roles::check(&mut transaction, tenant, &request.roles, giver, operator).await?;
    store::users::set_roles(&mut transaction, tenant, user_id, &given).await?;
    let user = store::users::get(&mut transaction, tenant, user_id).await?.ok_or(Error::NotFound("user"))?;
    transaction.commit().await?;
    state.rings.sessions.forget();
    Ok(SetUserRolesResponse { user: Some(convert::user(user)) })
}

pub(super) async fn disable(
    state: &State,
    asker: &Asker,
    request: DisableUserRequest,
) -> Result<DisableUserResponse, Error> {
    let user_id = convert::id("user_id", &request.user_id)?;
    if asker.user_id() == Some(user_id) {
        return Err(Error::Conflict("nobody can shut themselves out; somebody else has to do it"));
    }
    let disabled_at_us = Some(clock::micros(clock::now()));
    Ok(DisableUserResponse { user: Some(set_disabled(state, asker, user_id, disabled_at_us).await?) })
}

pub(super) async fn enable(
    state: &State,
    asker: &Asker,
    request: EnableUserRequest,
) -> Result<EnableUserResponse, Error> {
    let user_id = convert::id("user_id", &request.user_id)?;
    Ok(EnableUserResponse { user: Some(set_disabled(state, asker, user_id, None).await?) })
}

async fn set_disabled(
    state: &State,
    asker: &Asker,
    user_id: Uuid,
    disabled_at_us: Option<i64>,
) -> Result<User, Error> {
    let tenant = &asker.caller.tenant;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    store::users::set_disabled(&mut transaction, tenant, user_id, disabled_at_us).await?;
    let user = store::users::get(&mut transaction, tenant, user_id).await?.ok_or(Error::NotFound("user"))?;
    if disabled_at_us.is_some() {
        store::sessions::delete_of_user(&mut transaction, tenant, user_id, None).await?;
    }
    transaction.commit().await?;
    state.rings.sessions.forget();
    Ok(convert::user(user))
}

async fn find(state: &State, asker: &Asker, user_id: Uuid) -> Result<User, Error> {
    let tenant = &asker.caller.tenant;
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let user = store::users::get(&mut transaction, tenant, user_id).await?;
    user.map(convert::user).ok_or(Error::NotFound("user"))
}
