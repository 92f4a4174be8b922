//! What protects connections: the certificate for callers, from files or by ACME, and the one between services.

use std::sync::Arc;

use larder_certificates::acme::{Acme, AcmeSettings};
use larder_certificates::{Files, Watched};
use larder_lifecycle::HealthRegistry;
use larder_settings::Settings;

use crate::error::GatewayError;

/// Below the data folder, what came by ACME.
const ACME_FOLDER: &str = "acme";

/// The certificates of a gateway, and who fetches them.
pub(crate) struct Transport {
    pub(crate) tls: Option<Arc<Watched>>,
    pub(crate) acme: Option<Acme>,
    pub(crate) between: Option<Arc<Watched>>,
}

impl Transport {
    /// Reads what the settings name, and shows it in health.
    ///
    /// # Errors
    /// A file that cannot be used, with its setting.
    pub(crate) fn new(settings: &Settings, registry: &HealthRegistry) -> Result<Self, GatewayError> {
        let gateway = &settings.gateway;
        let of = |setting| move |error| GatewayError::Certificate(setting, error);
        let (mut acme, mut files) = (None, None);
        if let (Some(certificate), Some(key)) = (&gateway.tls_certificate_file, &gateway.tls_key_file) {
            files = Some(Files { certificate: certificate.clone(), key: key.clone(), authority: None });
        } else if !gateway.acme_domains.is_empty() {
            let opened = Acme::open(AcmeSettings {
                directory_url: gateway.acme_directory_url.clone(),
                contact: gateway.acme_contact.clone(),
                domains: gateway.acme_domains.clone(),
                authority: gateway.acme_authority_file.clone(),
                folder: settings.data_dir.join(ACME_FOLDER),
            });
            let (fetching, fetched) = opened.map_err(of("gateway.acme_domains"))?;
            fetching.register(registry);
            (acme, files) = (Some(fetching), Some(fetched));
        }
        let tls = files.map(|files| Watched::open("callers", files)).transpose();
        let tls = tls.map_err(of("gateway.tls_certificate_file"))?;
        let between = larder_certificates::between_services(&settings.tls).map_err(of("tls"))?;
        for (watched, check) in [(&tls, "certificate"), (&between, "certificate between services")] {
            if let Some(watched) = watched {
                watched.register(registry, check);
            }
        }
        Ok(Self { tls, acme, between })
    }
}
