//! TLS at the gateway and between it and a service, with real clients, certificates and mistakes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use larder_certificates::authority::Authority;
use larder_certificates::{Files, Watched};
use larder_settings::Settings;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{Gateway, gateway_with, now, service, settings};

/// A folder with an authority of its own and what it vouched for.
struct House(tempfile::TempDir);

impl House {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn issue(&self, name: &str, days: u32) -> Files {
        self.issue_at(name, days, now())
    }

    fn issue_at(&self, name: &str, days: u32, at: SystemTime) -> Files {
        let (authority, _) = Authority::open_or_make(self.0.path(), now()).unwrap();
        let hosts = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let issued = authority.issue(name, &hosts, days, at).unwrap();
        Files { certificate: issued.certificate, key: issued.key, authority: Some(authority.certificate()) }
    }

    fn authority(&self) -> PathBuf {
        self.0.path().join("authority.pem")
    }

    /// A client that believes this house and shows nothing.
    fn client(&self, protocols: &[&str]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.authority()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let mut config = builder
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }
}

async fn shake(client: &TlsConnector, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await.unwrap();
    client.connect(ServerName::try_from("localhost").unwrap(), stream).await
}

fn shown(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

async fn speak_http(stream: TlsStream<TcpStream>) -> SendRequest<Empty<Bytes>> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn get(sender: &mut SendRequest<Empty<Bytes>>, path: &str) -> http::Response<Bytes> {
    let request = Request::get(path).header("host", "localhost").body(Empty::new()).unwrap();
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    http::Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

/// A gateway that speaks TLS with this certificate.
async fn protected(files: &Files, change: impl FnOnce(&mut Settings)) -> Gateway {
    let mut settings = settings(service::start().await);
    settings.gateway.tls_certificate_file = Some(files.certificate.clone());
    settings.gateway.tls_key_file = Some(files.key.clone());
    change(&mut settings);
    gateway_with(settings, None).await
}

#[tokio::test]
async fn whoever_believes_the_authority_is_served_over_either_protocol_and_told_to_stay() {
    let house = House::new();
    let gateway = protected(&house.issue("gateway", 30), |_| {}).await;
    for (offered, chosen) in [(["h2", "http/1.1"], "h2"), (["http/1.1", "http/1.0"], "http/1.1")] {
        let stream = shake(&house.client(&offered), gateway.app.address()).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol().unwrap(), chosen.as_bytes());
    }
    let stream = shake(&house.client(&["http/1.1"]), gateway.app.address()).await.unwrap();
    let answer = get(&mut speak_http(stream).await, "/v1/products/a").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000; includeSubDomains");
}

#[tokio::test]
async fn a_stranger_to_the_authority_and_a_certificate_that_ran_out_are_not_spoken_with() {
    let (house, stranger) = (House::new(), House::new());
    stranger.issue("gateway", 30);
    let gateway = protected(&house.issue("gateway", 30), |_| {}).await;
    let refused = shake(&stranger.client(&[]), gateway.app.address()).await.unwrap_err();
    assert!(refused.to_string().contains("invalid peer certificate"), "{refused}");
    let ran_out = house.issue_at("gateway", 1, now() - Duration::from_secs(2 * 86_400));
    let gateway = protected(&ran_out, |_| {}).await;
    let refused = shake(&house.client(&[]), gateway.app.address()).await.unwrap_err();
    assert!(refused.to_string().contains("xpired"), "{refused}");
}

#[tokio::test]
async fn whoever_speaks_in_the_clear_is_not_answered_and_holds_up_nobody() {
    let house = House::new();
    let gateway = protected(&house.issue("gateway", 30), |_| {}).await;
    // One says nothing at all while the others are served.
    let _silent = TcpStream::connect(gateway.app.address()).await.unwrap();
    let mut plain = TcpStream::connect(gateway.app.address()).await.unwrap();
    plain.write_all(b"GET /v1/products/a HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), plain.read_to_end(&mut said)).await;
    assert!(ended.is_ok(), "the connection is ended");
    assert!(!String::from_utf8_lossy(&said).contains("HTTP"), "{said:?}");
    assert!(shake(&house.client(&[]), gateway.app.address()).await.is_ok());
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_the_next_client_and_ends_no_connection() {
    let house = House::new();
    let gateway = protected(&house.issue("gateway", 30), |_| {}).await;
    let client = house.client(&["http/1.1"]);
    let stream = shake(&client, gateway.app.address()).await.unwrap();
    let before = shown(&stream);
    let mut open = speak_http(stream).await;
    assert_eq!(get(&mut open, "/v1/products/a").await.status(), 200);
    house.issue("gateway", 60);
    let renewed = async {
        while shown(&shake(&client, gateway.app.address()).await.unwrap()) == before {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(15), renewed).await.expect("the renewed one is taken up");
    assert_eq!(get(&mut open, "/v1/products/b").await.status(), 200, "the open connection goes on");
}

#[tokio::test]
async fn behind_a_declared_proxy_browsers_are_told_and_without_either_they_are_not() {
    let mut declared = settings(service::start().await);
    declared.gateway.proxy_ends_tls = true;
    let gateway = gateway_with(declared.clone(), None).await;
    let told = gateway.http.get("/v1/products/a").await;
    assert_eq!(told.header("strict-transport-security"), "max-age=31536000; includeSubDomains");
    declared.gateway.hsts_max_age = Duration::ZERO;
    let gateway = gateway_with(declared, None).await;
    assert_eq!(gateway.http.get("/v1/products/a").await.header("strict-transport-security"), "");
    let gateway = crate::support::gateway().await;
    assert_eq!(gateway.http.get("/v1/products/a").await.header("strict-transport-security"), "");
}

/// A service that wants certificates of this house, and settings of a gateway in front of it.
async fn guarded_service(house: &House, shown_by_gateway: &Files) -> (SocketAddr, Settings) {
    let certificates = Watched::open("test", house.issue("recommendation", 30)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(service::serve_connections(certificates.incoming(listener), Arc::default()));
    let mut settings = settings(address);
    settings.gateway.recommendation_url = format!("https://localhost:{}", address.port()).parse().unwrap();
    settings.tls.authority_file = shown_by_gateway.authority.clone();
    settings.tls.certificate_file = Some(shown_by_gateway.certificate.clone());
    settings.tls.key_file = Some(shown_by_gateway.key.clone());
    (address, settings)
}

#[tokio::test]
async fn a_service_speaks_with_the_gateway_and_with_nobody_who_goes_round_it() {
    let house = House::new();
    let (address, settings) = guarded_service(&house, &house.issue("gateway", 30)).await;
    let gateway = gateway_with(settings, None).await;
    assert_eq!(gateway.http.get("/v1/products/a").await.status, 200);
    // Round the gateway: in the clear, over TLS without a certificate, and with one of somebody else's.
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said).await;
    assert!(said.len() < 64 && said.first() != Some(&0), "no HTTP/2 settings came back: {said:?}");
    let mut bare = shake(&house.client(&["h2"]), address).await.unwrap();
    // With TLS 1.3 the client hears of the refusal when it reads.
    let refused = bare.read(&mut [0; 16]).await.unwrap_err();
    assert!(refused.to_string().contains("CertificateRequired"), "{refused}");
    let stranger = House::new();
    let foreign = Files { authority: Some(house.authority()), ..stranger.issue("gateway", 30) };
    let foreign = Watched::open("test", foreign).unwrap();
    let mut stream = foreign.connect("localhost", address.port()).await.unwrap();
    assert!(stream.read(&mut [0; 16]).await.is_err(), "a certificate of another authority is refused");
}

#[tokio::test]
async fn a_gateway_with_a_wrong_certificate_or_before_a_wrong_service_reaches_nothing() {
    let (house, stranger) = (House::new(), House::new());
    let foreign = Files { authority: Some(house.authority()), ..stranger.issue("gateway", 30) };
    house.issue("gateway", 30);
    let (_, settings) = guarded_service(&house, &foreign).await;
    let gateway = gateway_with(settings, None).await;
    let refused = gateway.http.get("/v1/products/a").await.problem(503);
    assert_eq!(refused["reason"], "UPSTREAM_UNAVAILABLE");
    // And the other way round: the service is of another house than the gateway believes.
    let (_, settings) = guarded_service(&stranger, &house.issue("gateway", 30)).await;
    let gateway = gateway_with(settings, None).await;
    assert_eq!(gateway.http.get("/v1/products/a").await.problem(503)["reason"], "UPSTREAM_UNAVAILABLE");
}

#[tokio::test]
async fn a_gateway_takes_up_the_renewed_certificate_between_services() {
    let house = House::new();
    let files = house.issue("gateway", 30);
    let (address, settings) = guarded_service(&house, &files).await;
    let gateway = gateway_with(settings, None).await;
    assert_eq!(gateway.http.get("/v1/products/a").await.status, 200);
    let health = gateway.http.get("/health/detailed").await.json();
    let checks = health["services"][0]["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == "certificate between services").unwrap();
    assert_eq!(check["level"], "healthy");
    let watched = Watched::open("test", files.clone()).unwrap();
    std::fs::write(&files.key, "no key").unwrap();
    assert!(Watched::open("test", files).is_err(), "a new process would refuse it");
    drop(watched.connect("localhost", address.port()).await.unwrap());
    assert_eq!(gateway.http.get("/v1/products/b").await.status, 200, "the one before stays in force");
}
