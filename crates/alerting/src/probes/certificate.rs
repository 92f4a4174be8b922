//! Certificates: how long the one that a server shows is good for. Whom it was signed by is not asked here, since a
//! certificate of one's own runs out, too.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio_rustls::TlsConnector;
use x509_parser::parse_x509_certificate;

use super::connect;
use crate::channels::Reach;

pub(super) async fn look(
    target: &str,
    expires_within: Duration,
    reach: Reach,
    now: Timestamp,
) -> Result<(), String> {
    let stream = connect(target, reach).await?;
    let host = target.rsplit_once(':').map_or(target, |(host, _)| host).trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| "its address has no host".to_owned())?;
    let config = config()?;
    let stream = TlsConnector::from(config).connect(name, stream).await;
    let stream = stream.map_err(|_| "no TLS with it".to_owned())?;
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let shown = shown.ok_or("it shows no certificate")?;
    judge(shown, expires_within, now)
}

fn judge(shown: &CertificateDer<'_>, expires_within: Duration, now: Timestamp) -> Result<(), String> {
    let (_, certificate) = parse_x509_certificate(shown).map_err(|_| "its certificate is none".to_owned())?;
    let (from_s, until_s) =
        (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    let now_s = now.as_second();
    let ends = Timestamp::from_second(until_s).map(|at| at.to_string()).unwrap_or_default();
    if now_s < from_s {
        Err("its certificate is not good yet".to_owned())
    } else if now_s >= until_s {
        Err(format!("its certificate ran out at {ends}"))
    } else if until_s - now_s < i64::try_from(expires_within.as_secs()).unwrap_or(i64::MAX) {
        Err(format!("its certificate runs out at {ends}"))
    } else {
        Ok(())
    }
}

fn config() -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|_| "TLS cannot be set up".to_owned())?;
    let verifier = Arc::new(AnySigner(provider));
    Ok(Arc::new(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()))
}

/// Lets every certificate through whose owner proves to have its key: nothing is sent over these connections.
#[derive(Debug)]
struct AnySigner(Arc<CryptoProvider>);

impl ServerCertVerifier for AnySigner {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_certificate_is_told_of_before_it_runs_out() {
        let mut wanted = rcgen::CertificateParams::new(vec!["shop.test".to_owned()]).unwrap();
        wanted.not_before = rcgen::date_time_ymd(2026, 1, 1);
        wanted.not_after = rcgen::date_time_ymd(2026, 4, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = wanted.self_signed(&key).unwrap();
        let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = listener.local_addr().unwrap().to_string();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = acceptor.accept(stream).await;
            }
        });
        let looked = async |now: &str| look(&target, 14 * DAY, Reach::Anywhere, at(now)).await;
        assert_eq!(looked("2026-03-01T00:00:00Z").await, Ok(()));
        let soon = looked("2026-03-25T00:00:00Z").await.unwrap_err();
        assert_eq!(soon, "its certificate runs out at 2026-04-01T00:00:00Z");
        assert!(looked("2026-04-02T00:00:00Z").await.unwrap_err().contains("ran out"));
        assert!(looked("2025-12-31T00:00:00Z").await.unwrap_err().contains("not good yet"));
    }
}
