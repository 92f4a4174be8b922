//! Who is calling. A visitor shows an API key or a service token and becomes a [`Caller`]: a
//! tenant, a subject and scopes. Everything behind the porch sees callers and no credentials.
//! Nothing here reads a database; where API keys are looked up is the gateway's own business.

pub mod api_key;
mod caller;
mod error;
mod grpc_layer;
pub mod issuer;
pub mod page;
pub mod password;
mod scope;
pub mod session_token;
mod tenant;
mod token;

pub use caller::Caller;
pub use error::{IdentityError, TokenRefusal};
pub use grpc_layer::{GrpcCallerLayer, GrpcCallerPolicy, GrpcCallerService, TENANT_HEADER};
pub use scope::{Scope, Scopes};
pub use tenant::TenantId;
pub use token::signer::TokenSigner;
pub use token::verifier::TokenVerifier;
