//! A shop's tokens between the table, where they lie sealed, and the client, which sends them.

use larder_connectors::Connectors;
use larder_connectors::secrets::{KeyRing, SecretError, SecretOwner};
use larder_connectors::square::{Square, SquareTokens};
use larder_identity::TenantId;
use secrecy::ExposeSecret;

use crate::error::Error;
use crate::store::connections::SealedTokens;

/// What the sealed text is for: it opens for nothing else.
pub(crate) const PURPOSE: &str = "square.tokens";

/// The client and the keys, where both are set up.
#[derive(Clone, Copy)]
pub(crate) struct Shops<'a> {
    pub(crate) square: &'a Square,
    ring: &'a KeyRing,
}

impl<'a> Shops<'a> {
    /// # Errors
    /// [`Error::NotSetUp`] when this installation has no application at Square.
    pub(crate) fn of(connectors: &'a Connectors) -> Result<Self, Error> {
        match (&connectors.square, &connectors.secrets) {
            (Some(square), Some(ring)) => Ok(Self { square, ring }),
            _ => Err(Error::NotSetUp(
                "Square is not set up here: connectors.square_client_id, its secret and redirect url, and \
                 connectors.secret_keys are wanted",
            )),
        }
    }

    pub(crate) fn seal(&self, tenant: &TenantId, tokens: &SquareTokens) -> Result<SealedTokens, Error> {
        let sealed = self.ring.seal(&tokens.to_plain(), owner(tenant)).map_err(internal)?;
        Ok(SealedTokens {
            key_id: self.ring.active_id().to_owned(),
            expires_at_us: tokens.expires_at.as_microsecond(),
            sealed,
        })
    }

    /// # Errors
    /// [`Error::Internal`] when no key of the ring opens them: one was taken out too early.
    pub(crate) fn open(&self, tenant: &TenantId, sealed: &str) -> Result<SquareTokens, Error> {
        let plain = self.ring.open(sealed, owner(tenant)).map_err(internal)?;
        SquareTokens::from_plain(plain.expose_secret()).map_err(|error| Error::Internal(error.to_string()))
    }
}

/// Whose tokens they are.
pub(crate) fn owner(tenant: &TenantId) -> SecretOwner<'_> {
    SecretOwner { tenant: tenant.as_str(), purpose: PURPOSE }
}

fn internal(error: SecretError) -> Error {
    Error::Internal(format!("tokens of a shop: {error}"))
}
