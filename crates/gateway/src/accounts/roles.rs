//! Roles: names for sets of scopes. A few are built in and the same everywhere; a tenant adds its own. Nobody puts
//! scopes into a role, or gives a role, beyond what they hold themselves.

use std::collections::BTreeSet;

use larder_identity::{Scope, Scopes, TenantId};
use larder_proto::larder::identity::v1::*;
use prost::Message;
use prost_types::FileDescriptorSet;
use sqlx::PgConnection;

use super::error::Error;
use super::grpc::Asker;
use super::{State, convert};
use crate::rpcs::PUBLIC_SCOPE;
use crate::store;

/// May do everything, also what concerns the platform and not one tenant; for users of the operating tenant alone.
pub(crate) const OPERATOR: &str = "operator";

const VIEWER: &str = "alerting.read catalog.read exchange.read experiments.read market.read models.read nutrition.read \
                      recommendations.read";
const VENDOR: &str = "catalog.read exchange.read interactions.write market.read market.write nutrition.read recommendations.read";
const MANAGER: &str = "alerting.read alerting.write catalog.read catalog.write connectors.write customers.compare \
                       exchange.read exchange.write experiments.read interactions.write market.read market.write models.read nutrition.read \
                       nutrition.write privacy.read recommendations.read";
const ADMINISTRATOR: &str = "alerting.read alerting.send alerting.write audit.read catalog.erase catalog.read \
                             catalog.write connectors.write customers.compare exchange.read exchange.write experiments.read \
                             experiments.write flags.read interactions.write keys.read keys.write market.read market.write models.read \
                             models.write nutrition.read nutrition.write privacy.export privacy.read privacy.write recommendations.read usage.read users.read \
                             users.write";
const BUILT_IN: [(&str, &str); 5] = [
    ("viewer", VIEWER),
    ("vendor", VENDOR),
    ("manager", MANAGER),
    ("administrator", ADMINISTRATOR),
    (OPERATOR, "*"),
];

/// Scopes of the platform's own pages, which are no RPCs.
const PAGES: [&str; 1] = ["platform.read"];

/// The scopes of those roles that are built in.
pub(crate) fn built_in_scopes(roles: &[String]) -> Scopes {
    let held = BUILT_IN.iter().filter(|(name, _)| roles.iter().any(|role| role == name));
    held.flat_map(|(_, scopes)| scopes.split_ascii_whitespace())
        .filter_map(|scope| Scope::parse(scope).ok())
        .collect()
}

/// The scopes that can be handed out: those of the contract, without what everybody has.
pub(crate) fn known_scopes() -> BTreeSet<String> {
    let files = FileDescriptorSet::decode(larder_proto::FILE_DESCRIPTOR_SET).unwrap_or_default().file;
    let services =
        files.iter().flat_map(|file| file.service.iter().map(move |service| (file.package(), service)));
    let rpcs = services.flat_map(|(package, service)| {
        service.method.iter().map(move |method| format!("/{package}.{}/{}", service.name(), method.name()))
    });
    let scopes = rpcs.filter_map(|rpc| larder_proto::required_scope(&rpc));
    let handed_out = scopes.filter(|scope| ![PUBLIC_SCOPE, "account"].contains(scope));
    handed_out.chain(PAGES).map(str::to_owned).collect()
}

/// Checks that every role is there and may be given by `giver`: `None` is whoever sits at the machine.
pub(super) async fn check(
    connection: &mut PgConnection,
    tenant: &TenantId,
    names: &[String],
    giver: Option<&Scopes>,
    operator_tenant: &str,
) -> Result<Vec<String>, Error> {
    let own = store::roles::list(connection, tenant).await?;
    let names: BTreeSet<&String> = names.iter().collect();
    for name in &names {
        let built_in = BUILT_IN.iter().find(|(built_in, _)| built_in == name).map(|(_, scopes)| *scopes);
        let own = own.iter().find(|role| role.role_id == **name).map(|role| role.scopes.as_str());
        let Some(scopes) = built_in.or(own) else {
            let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            let known = known.join(", ");
            let told = format!("there is no role {name:?}; built in are {known}, others come by UpsertRole");
            return Err(Error::invalid("roles", told));
        };
        if name.as_str() == OPERATOR && tenant.as_str() != operator_tenant {
            return Err(Error::invalid("roles", format!("operator is for users of {operator_tenant} alone")));
        }
        if let Some(giver) = giver {
            may_give(giver, &Scopes::parse(scopes)?)?;
        }
    }
    Ok(names.into_iter().cloned().collect())
}

/// Refuses to hand out what the giver lacks.
pub(super) fn may_give(giver: &Scopes, given: &Scopes) -> Result<(), Error> {
    giver.first_missing(given).map_or(Ok(()), |scope| Err(Error::ScopeNotHeld(scope.to_string())))
}

fn split(scopes: &str) -> Vec<String> {
    scopes.split_ascii_whitespace().map(str::to_owned).collect()
}

pub(super) async fn list(
    state: &State,
    asker: &Asker,
    _: ListRolesRequest,
) -> Result<ListRolesResponse, Error> {
    let tenant = &asker.caller.tenant;
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let own = store::roles::list(&mut transaction, tenant).await?;
    let has_operators = tenant.as_str() == state.rules.operator_tenant;
    let built_in = BUILT_IN.iter().filter(|(name, _)| has_operators || *name != OPERATOR);
    let built_in = built_in.map(|(role_id, scopes)| Role {
        role_id: (*role_id).to_owned(),
        scopes: split(scopes),
        built_in: true,
    });
    let own = own.into_iter().map(|role| Role {
        role_id: role.role_id,
        scopes: split(&role.scopes),
        built_in: false,
    });
    Ok(ListRolesResponse { roles: built_in.chain(own).collect() })
}

pub(super) async fn upsert(
    state: &State,
    asker: &Asker,
    request: UpsertRoleRequest,
) -> Result<UpsertRoleResponse, Error> {
    let role_id = changeable(&request.role_id)?;
    let scopes = convert::scopes(&request.scopes)?;
    if scopes.is_empty() {
        return Err(Error::invalid("scopes", "must have at least one"));
    }
    may_give(&asker.caller.scopes, &scopes)?;
    let tenant = &asker.caller.tenant;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    store::tenants::ensure(&mut transaction, tenant).await?;
    store::roles::upsert(&mut transaction, tenant, role_id, &scopes.to_string()).await?;
    transaction.commit().await?;
    state.rings.sessions.forget();
    let role = Role { role_id: role_id.to_owned(), scopes: convert::names(&scopes), built_in: false };
    Ok(UpsertRoleResponse { role: Some(role) })
}

pub(super) async fn delete(
    state: &State,
    asker: &Asker,
    request: DeleteRoleRequest,
) -> Result<DeleteRoleResponse, Error> {
    let role_id = changeable(&request.role_id)?;
    let tenant = &asker.caller.tenant;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    if !store::roles::delete(&mut transaction, tenant, role_id).await? {
        return Err(Error::NotFound("role"));
    }
    transaction.commit().await?;
    state.rings.sessions.forget();
    Ok(DeleteRoleResponse {})
}

fn changeable(role_id: &str) -> Result<&str, Error> {
    let is_letter = |byte: &u8| byte.is_ascii_lowercase();
    let bytes = role_id.as_bytes();
    let has_form = bytes.len() <= 64
        && bytes.first().is_some_and(is_letter)
        && bytes.iter().all(|byte| is_letter(byte) || byte.is_ascii_digit() || *byte == b'-');
    if !has_form {
        return Err(Error::invalid(
            "role_id",
            "must be 1 to 64 characters of a-z, 0-9 and -, the first a letter",
        ));
    }
    if BUILT_IN.iter().any(|(name, _)| *name == role_id) {
        return Err(Error::invalid("role_id", "is built in and cannot be changed; choose another name"));
    }
    Ok(role_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scopes over all tenants; only `operator` has them.
    const OF_THE_PLATFORM: [&str; 6] = [
        "backups.read",
        "backups.restore",
        "backups.write",
        "platform.read",
        "tenants.read",
        "tenants.write",
    ];

    fn built_in(role: &str) -> BTreeSet<String> {
        built_in_scopes(&[role.to_owned()]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_administrator_may_do_everything_in_the_tenant_and_nothing_beyond() {
        let platform = OF_THE_PLATFORM.map(str::to_owned);
        let mut all = known_scopes();
        assert!(platform.iter().all(|scope| all.remove(scope)));
        assert_eq!(
            built_in("administrator"),
            all,
            "a new scope has to be put into roles, or into the platform's"
        );
    }

    #[test]
    fn roles_hold_scopes_that_exist() {
        let known = known_scopes();
        for role in ["viewer", "vendor", "manager"] {
            let unknown: Vec<_> = built_in(role).difference(&known).cloned().collect();
            assert!(unknown.is_empty(), "{role}: {unknown:?}");
            assert!(built_in(role).is_subset(&built_in("administrator")), "{role}");
        }
        assert_eq!(built_in("operator"), BTreeSet::from(["*".to_owned()]));
        assert!(built_in("nobody").is_empty());
        assert!(!known.contains("public") && !known.contains("account"));
    }

    #[test]
    fn names_of_roles_are_slugs_that_are_free() {
        assert!(changeable("night-shift-2").is_ok());
        for name in ["", "2nd", "Night", "a b", "viewer", "operator", &"a".repeat(65)] {
            assert!(changeable(name).is_err(), "{name}");
        }
    }
}
