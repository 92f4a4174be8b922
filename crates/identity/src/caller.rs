//! The visitor after the porch: which tenant, who, and what they may do.

use crate::{IdentityError, Scopes, TenantId};

/// The subject of callers who showed no credentials.
const ANONYMOUS: &str = "anonymous";

/// Who is calling. Stored in a request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose data is meant.
    pub tenant: TenantId,
    /// Who asks: a user, an API key's prefix, a service.
    pub subject: String,
    /// What they may do.
    pub scopes: Scopes,
}

impl Caller {
    /// A caller without credentials, who may do everything: for development alone.
    pub fn anonymous(tenant: TenantId) -> Self {
        Self { tenant, subject: ANONYMOUS.to_owned(), scopes: Scopes::all() }
    }

    /// Tells whether the caller showed no credentials.
    pub fn is_anonymous(&self) -> bool {
        self.subject == ANONYMOUS
    }

    /// Checks that the caller may do what needs `scope`.
    ///
    /// # Errors
    /// [`IdentityError::MissingScope`], which names it.
    pub fn require(&self, scope: &str) -> Result<(), IdentityError> {
        if self.scopes.contains(scope) {
            Ok(())
        } else {
            Err(IdentityError::MissingScope { scope: scope.to_owned() })
        }
    }
}
