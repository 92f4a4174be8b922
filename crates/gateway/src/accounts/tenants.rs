//! Tenants, for callers of the tenant that operates the platform.

use larder_identity::page::{self, PageOf};
use larder_proto::larder::identity::v1::*;

use super::error::Error;
use super::grpc::Asker;
use super::{State, convert};
use crate::clock;
use crate::store;

const REASON_CHARACTERS: usize = 1_024;

pub(super) async fn create(
    state: &State,
    asker: &Asker,
    request: CreateTenantRequest,
) -> Result<CreateTenantResponse, Error> {
    check_operator(state, asker)?;
    let tenant = convert::tenant_id(&request.tenant_id)?;
    let display_name = convert::display_name(&request.display_name)?;
    if !store::tenants::insert(&state.worker, &tenant, display_name).await? {
        return Err(Error::AlreadyExists("tenant"));
    }
    let made = store::tenants::get(&state.worker, &tenant).await?;
    Ok(CreateTenantResponse { tenant: made.map(convert::tenant) })
}

pub(super) async fn list(
    state: &State,
    asker: &Asker,
    request: ListTenantsRequest,
) -> Result<ListTenantsResponse, Error> {
    check_operator(state, asker)?;
    let size = page::size(request.page_size)?;
    let of = PageOf { tenant: &asker.caller.tenant, list: "tenants", filters: String::new() };
    let after = state.pages.read(&of, &request.page_token)?.unwrap_or_default();
    let mut rows = store::tenants::list(&state.worker, &after, size + 1).await?;
    let next = page::cut(&mut rows, size, |row| row.tenant_id.clone());
    Ok(ListTenantsResponse {
        tenants: rows.into_iter().map(convert::tenant).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

pub(super) async fn suspend(
    state: &State,
    asker: &Asker,
    request: SuspendTenantRequest,
) -> Result<SuspendTenantResponse, Error> {
    check_operator(state, asker)?;
    if request.tenant_id == asker.caller.tenant.as_str() {
        return Err(Error::Conflict("the operating tenant cannot suspend itself"));
    }
    if request.reason.chars().count() > REASON_CHARACTERS {
        return Err(Error::invalid("reason", "must have at most 1024 characters"));
    }
    let since_us = Some(clock::micros(clock::now()));
    let tenant = set(state, &request.tenant_id, since_us, &request.reason).await?;
    Ok(SuspendTenantResponse { tenant: Some(tenant) })
}

pub(super) async fn resume(
    state: &State,
    asker: &Asker,
    request: ResumeTenantRequest,
) -> Result<ResumeTenantResponse, Error> {
    check_operator(state, asker)?;
    Ok(ResumeTenantResponse { tenant: Some(set(state, &request.tenant_id, None, "").await?) })
}

pub(super) async fn set_plan(
    state: &State,
    asker: &Asker,
    request: SetTenantPlanRequest,
) -> Result<SetTenantPlanResponse, Error> {
    check_operator(state, asker)?;
    let tenant = convert::tenant_id(&request.tenant_id)?;
    let plan = Some(request.plan.as_str()).filter(|plan| !plan.is_empty());
    if let Some(unknown) = plan.filter(|plan| !state.meter.plans().has(plan)) {
        let names = state.meter.plans().names();
        return Err(Error::invalid(
            "plan",
            format!("there is no plan {unknown:?}; accepted is one of {names}"),
        ));
    }
    if !store::usage::set_plan(&state.worker, &tenant, plan).await? {
        return Err(Error::NotFound("tenant"));
    }
    state.meter.look_again(&tenant);
    let row = store::tenants::get(&state.worker, &tenant).await?;
    Ok(SetTenantPlanResponse { tenant: row.map(convert::tenant) })
}

async fn set(state: &State, id: &str, since_us: Option<i64>, reason: &str) -> Result<Tenant, Error> {
    let tenant = convert::tenant_id(id)?;
    if !store::tenants::set_suspended(&state.worker, &tenant, since_us, reason).await? {
        return Err(Error::NotFound("tenant"));
    }
    state.rings.forget();
    let row = store::tenants::get(&state.worker, &tenant).await?;
    row.map(convert::tenant).ok_or(Error::NotFound("tenant"))
}

/// A scope says what may be done, not to whom: other tenants are the operating tenant's business.
pub(super) fn check_operator(state: &State, asker: &Asker) -> Result<(), Error> {
    if asker.caller.tenant.as_str() == state.rules.operator_tenant {
        Ok(())
    } else {
        Err(Error::NotTheOperator)
    }
}
