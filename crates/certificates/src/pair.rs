//! A certificate with its key and, between services, the authority that vouches for the other side: read from PEM,
//! checked against each other, and made into what connections are opened with.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use crate::error::CertificateError;
use crate::watched::Files;

/// What the files held at one look.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authority: Option<Vec<u8>>,
}

/// What connections are opened with.
pub(crate) struct Pair {
    pub(crate) server: Arc<ServerConfig>,
    /// Only where there is an authority to judge the other side by.
    pub(crate) client: Option<Arc<ClientConfig>>,
    pub(crate) ends_at_s: i64,
}

impl Contents {
    /// Reads the files.
    pub(crate) fn read(files: &Files) -> Result<Self, CertificateError> {
        let read = |path: &Path| std::fs::read(path).map_err(CertificateError::file(path));
        Ok(Self {
            certificate: read(&files.certificate)?,
            key: read(&files.key)?,
            authority: files.authority.as_deref().map(read).transpose()?,
        })
    }

    /// Checks them and makes what connections are opened with.
    pub(crate) fn to_pair(&self, files: &Files) -> Result<Pair, CertificateError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let chain = certificates(&files.certificate, &self.certificate)?;
        let ends_at_s = end_of(&files.certificate, &chain[0])?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| CertificateError::Content {
            path: files.key.clone(),
            cause: error.to_string(),
            accepted: "a private key in PEM",
        })?;
        let pair =
            CertifiedKey::from_der(chain, key, &provider).map_err(|error| CertificateError::Content {
                path: files.key.clone(),
                cause: error.to_string(),
                accepted: "the private key of the certificate",
            })?;
        let pair = Arc::new(pair);
        let roots = match (&files.authority, &self.authority) {
            (Some(path), Some(pem)) => Some(roots(path, pem)?),
            _ => None,
        };
        let builder =
            ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let builder = match &roots {
            None => builder.with_no_client_auth(),
            Some(roots) => {
                let judge = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone());
                let judge = judge.build().map_err(|error| rustls::Error::General(error.to_string()))?;
                builder.with_client_cert_verifier(judge)
            }
        };
        let mut server = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(pair.clone())));
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let client = roots.map(|roots| client(provider, roots, pair)).transpose()?;
        Ok(Pair { server: Arc::new(server), client, ends_at_s })
    }
}

fn client(
    provider: Arc<rustls::crypto::CryptoProvider>,
    roots: Arc<RootCertStore>,
    pair: Arc<CertifiedKey>,
) -> Result<Arc<ClientConfig>, CertificateError> {
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    client.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(client))
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let refused = |cause: String| CertificateError::Content {
        path: path.to_owned(),
        cause,
        accepted: "certificates in PEM, the server's own first",
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| refused(error.to_string()))?;
    if chain.is_empty() { Err(refused("there is no certificate in it".to_owned())) } else { Ok(chain) }
}

fn roots(path: &Path, pem: &[u8]) -> Result<Arc<RootCertStore>, CertificateError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, pem)? {
        roots.add(certificate).map_err(|error| CertificateError::Content {
            path: path.to_owned(),
            cause: error.to_string(),
            accepted: "certificates of authorities in PEM",
        })?;
    }
    Ok(Arc::new(roots))
}

/// From when to when a certificate is good, and for whom.
pub(crate) struct Life {
    pub(crate) begins_at_s: i64,
    pub(crate) ends_at_s: i64,
    pub(crate) names: Vec<String>,
    pub(crate) is_self_signed: bool,
}

/// Reads that of the first certificate.
pub(crate) fn life_of(path: &Path, pem: &[u8]) -> Result<Life, CertificateError> {
    let chain = certificates(path, pem)?;
    let parsed = parse(path, &chain[0])?;
    let alternatives = parsed.subject_alternative_name().ok().flatten();
    let names = alternatives.iter().flat_map(|names| &names.value.general_names);
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    Ok(Life {
        begins_at_s: parsed.validity().not_before.timestamp(),
        ends_at_s: parsed.validity().not_after.timestamp(),
        names: names.collect(),
        is_self_signed: parsed.issuer() == parsed.subject(),
    })
}

fn end_of(path: &Path, certificate: &CertificateDer<'_>) -> Result<i64, CertificateError> {
    Ok(parse(path, certificate)?.validity().not_after.timestamp())
}

fn parse<'der>(
    path: &Path,
    certificate: &'der CertificateDer<'_>,
) -> Result<X509Certificate<'der>, CertificateError> {
    let parsed = parse_x509_certificate(certificate).map_err(|error| CertificateError::Content {
        path: path.to_owned(),
        cause: error.to_string(),
        accepted: "a certificate",
    });
    Ok(parsed?.1)
}
