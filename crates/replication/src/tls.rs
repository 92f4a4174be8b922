//! TLS to a server, and the fingerprint of its certificate that SCRAM is bound to (RFC 5929,
//! `tls-server-end-point`). PostgreSQL's modes are between "believe anybody" and "this host alone".

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::address::{ConnectOptions, TlsMode};
use crate::error::ReplicationError;

/// Shakes hands on a connection whose server has said that it can.
pub(crate) async fn handshake(
    stream: TcpStream,
    host: &str,
    options: &ConnectOptions,
) -> Result<TlsStream<TcpStream>, ReplicationError> {
    let refused = |reason: String| ReplicationError::Tls { server: options.host.to_string(), reason };
    let config = client_config(options)?;
    let name = ServerName::try_from(host.to_owned()).map_err(|error| refused(error.to_string()))?;
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await.map_err(|error| refused(error.to_string()))
}

fn client_config(options: &ConnectOptions) -> Result<ClientConfig, ReplicationError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the provider has what TLS 1.2 and 1.3 need");
    let builder = match options.tls {
        TlsMode::VerifyFull => {
            let roots = Arc::new(roots(options.root_certificates.as_deref())?);
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
            let verifier = verifier.map_err(|error| unusable(options, error.to_string()))?;
            builder.with_webpki_verifier(verifier)
        }
        TlsMode::VerifyCa => {
            let roots = roots(options.root_certificates.as_deref())?;
            let verifier = AnyHost { provider, roots: Some(roots) };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        }
        TlsMode::Disable | TlsMode::Prefer | TlsMode::Require => {
            let verifier = AnyHost { provider, roots: None };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    let Some((certificate, key)) = &options.client_certificate else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = read_certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, error.to_string()))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| unreadable(certificate, error.to_string()))
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, ReplicationError> {
    let system = Path::new("the system's store");
    let certificates = match file {
        Some(file) => read_certificates(file)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(unreadable(file.unwrap_or(system), "no authority is in it".to_owned()));
    }
    Ok(store)
}

fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, ReplicationError> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    read.map_err(|error| unreadable(file, error.to_string()))
}

fn unreadable(path: &Path, reason: String) -> ReplicationError {
    ReplicationError::Certificates { path: path.to_owned(), reason }
}

fn unusable(options: &ConnectOptions, reason: String) -> ReplicationError {
    ReplicationError::Tls { server: options.host.to_string(), reason }
}

/// `require` believes anybody, `verify-ca` whoever an authority vouches for; both still prove that
/// the server holds the key of the certificate it shows.
#[derive(Debug)]
struct AnyHost {
    provider: Arc<CryptoProvider>,
    roots: Option<RootCertStore>,
}

impl ServerCertVerifier for AnyHost {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let parsed = ParsedCertificate::try_from(certificate)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&parsed, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The server's certificate under the hash of its own signature, where MD5 and SHA-1 are replaced
/// by SHA-256 (RFC 5929 §4.1). `None` for a signature that names no single hash.
pub(crate) fn server_end_point(stream: &TlsStream<TcpStream>) -> Option<Vec<u8>> {
    let certificate = stream.get_ref().1.peer_certificates()?.first()?;
    let algorithm = signature_hash(certificate)?;
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}

fn signature_hash(certificate: &[u8]) -> Option<&'static digest::Algorithm> {
    // Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { OID, … }, … }
    let (inside, _) = element(certificate)?;
    let (_, after_body) = element(inside)?;
    let (algorithm, _) = element(after_body)?;
    let (identifier, _) = element(algorithm)?;
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA_SHA2: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    const ECDSA_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
    if identifier == ECDSA_SHA1 {
        return Some(&digest::SHA256);
    }
    let (last, family) = identifier.split_last()?;
    match (family, *last) {
        (RSA, 4 | 5 | 11) | (ECDSA_SHA2, 2) => Some(&digest::SHA256),
        (RSA, 12) | (ECDSA_SHA2, 3) => Some(&digest::SHA384),
        (RSA, 13) | (ECDSA_SHA2, 4) => Some(&digest::SHA512),
        (RSA, 14) | (ECDSA_SHA2, 1) => Some(&digest::SHA224),
        _ => None,
    }
}

/// The content of the first DER element, and what follows it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.get(1..)?.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let digits = rest.get(..count).filter(|_| (1..=4).contains(&count))?;
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), &rest[count..])
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_and_never_past_the_end() {
        assert_eq!(element(&[0x30, 2, 7, 8, 9]), Some((&[7, 8][..], &[9][..])));
        assert_eq!(element(&[0x30, 0x81, 1, 7]), Some((&[7][..], &[][..])));
        for short in [&[][..], &[0x30], &[0x30, 2, 7], &[0x30, 0x82, 1], &[0x30, 0x80], &[0x30, 0x85, 1, 1]] {
            assert_eq!(element(short), None, "{short:?}");
        }
    }

    #[test]
    fn the_hash_is_that_of_the_signature() {
        let certificate = |identifier: &[u8]| {
            let mut algorithm = vec![0x30, u8::try_from(identifier.len() + 2).unwrap(), 6];
            algorithm.push(u8::try_from(identifier.len()).unwrap());
            algorithm.extend(identifier);
            let mut whole = vec![0x30, u8::try_from(algorithm.len() + 3).unwrap(), 0x30, 1, 0];
            whole.extend(algorithm);
            whole
        };
        let hash =
            |identifier: &[u8]| signature_hash(&certificate(identifier)).map(|found| found.output_len());
        assert_eq!(hash(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]), Some(32));
        assert_eq!(hash(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5]), Some(32), "SHA-1 becomes SHA-256");
        assert_eq!(hash(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3]), Some(48));
        assert_eq!(hash(&[0x2b, 0x65, 0x70]), None, "Ed25519 names no hash");
    }
}
