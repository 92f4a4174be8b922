//! Callers without credentials, for the few calls that need none: signing in, and setting a forgotten password.
//! Such a caller is of nobody's tenant, may do nothing else, and is told apart by the address.

use std::net::IpAddr;

use larder_identity::{Caller, IdentityError, Scopes, TenantId};

use crate::rpcs::PUBLIC_SCOPE;

/// The tenant of nobody; a call with it finds no data.
const TENANT: &str = "visitors";
const SUBJECT: &str = "address:";

/// The caller from this address.
pub(crate) fn from_address(address: IpAddr) -> Result<Caller, IdentityError> {
    Ok(Caller {
        tenant: TenantId::parse(TENANT)?,
        subject: format!("{SUBJECT}{address}"),
        scopes: Scopes::parse(PUBLIC_SCOPE)?,
    })
}

/// Where a visitor comes from; `None` for every other caller.
pub(crate) fn address_of(caller: &Caller) -> Option<IpAddr> {
    if caller.tenant.as_str() != TENANT {
        return None;
    }
    caller.subject.strip_prefix(SUBJECT)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_has_an_address_and_nothing_else() {
        let address = "203.0.113.9".parse().unwrap();
        let visitor = from_address(address).unwrap();
        assert_eq!(address_of(&visitor), Some(address));
        assert!(visitor.scopes.contains("public") && !visitor.scopes.contains("account"));
        assert_eq!(address_of(&Caller::anonymous(TenantId::demo())), None);
        assert_eq!(address_of(&Caller { tenant: TenantId::demo(), ..visitor }), None);
    }
}
