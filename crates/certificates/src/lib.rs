//! Certificates of files: read and checked, taken up when they change without ending a connection, shown by their
//! end in metrics and health, and made for a stack of one's own. What is spoken over the connections is not known here.

pub mod acme;
pub mod authority;
mod calling;
mod clock;
mod error;
mod metrics;
mod pair;
mod serving;
mod watched;

pub use calling::{channel, endpoint};
pub use error::CertificateError;
pub use serving::Accepted;
pub use watched::{Files, Watched};

use std::sync::Arc;

use larder_lifecycle::{HealthRegistry, Shutdown, Tasks};
use larder_settings::TlsSettings;

/// Certificates with which the services prove to each other who they are, when the settings ask for them.
///
/// # Errors
/// When a file cannot be read, or holds something else.
pub fn between_services(settings: &TlsSettings) -> Result<Option<Arc<Watched>>, CertificateError> {
    let (Some(certificate), Some(key), Some(authority)) =
        (&settings.certificate_file, &settings.key_file, &settings.authority_file)
    else {
        return Ok(None);
    };
    let files =
        Files { certificate: certificate.clone(), key: key.clone(), authority: Some(authority.clone()) };
    Watched::open("services", files).map(Some)
}

/// The same for a service at its start: watched by a task and shown in health.
///
/// # Errors
/// As [`between_services`].
pub fn at_start(
    settings: &TlsSettings,
    registry: &HealthRegistry,
    tasks: &mut Tasks,
    shutdown: &Shutdown,
) -> Result<Option<Arc<Watched>>, CertificateError> {
    let certificates = between_services(settings)?;
    if let Some(certificates) = &certificates {
        certificates.register(registry, "certificate between services");
        tasks.spawn("certificates", certificates.clone().run(shutdown.clone()));
    }
    Ok(certificates)
}
