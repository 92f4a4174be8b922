//! Certificates by ACME, from Pebble: the real protocol, with an authority that rejects one request in twenty on purpose.

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use larder_certificates::authority::Authority;
use larder_settings::Settings;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_rustls::TlsConnector;

use crate::support::{Gateway, Http, gateway_with, now, service, settings};

const DOMAIN: &str = "shop.larder.test";
const LIMIT: Duration = Duration::from_secs(60);

/// Pebble and the name server that leads every name to this machine.
struct Pebble {
    folder: tempfile::TempDir,
    authority: PathBuf,
    api: u16,
    management: u16,
    _children: [Child; 2],
}

fn program(variable: &str) -> PathBuf {
    std::env::var_os(variable)
        .unwrap_or_else(|| panic!("{variable} is not set; run `cargo xtask test`"))
        .into()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn child(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

impl Pebble {
    /// Asks for proofs at `door`.
    async fn start(door: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (made, _) = Authority::open_or_make(folder.path(), now()).unwrap();
        let pebble =
            made.issue("pebble", &["localhost".to_owned(), "127.0.0.1".to_owned()], 1, now()).unwrap();
        let (api, management) = (free_port(), free_port());
        let names = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = serde_json::json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{api}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": pebble.certificate,
            "privateKey": pebble.key,
            "httpPort": door,
            "tlsPort": free_port(),
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
        }});
        let path = folder.path().join("pebble.json");
        std::fs::write(&path, config.to_string()).unwrap();
        let mut name_server = Command::new(program("LARDER_TEST_PEBBLE_NAMES"));
        name_server.args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "", "-https01", ""]);
        name_server.args(["-tlsalpn01", ""]).arg("-dns01").arg(format!("127.0.0.1:{names}"));
        name_server.arg("-management").arg(format!("127.0.0.1:{}", free_port()));
        let mut server = Command::new(program("LARDER_TEST_PEBBLE"));
        server.arg("-config").arg(&path).arg("-dnsserver").arg(format!("127.0.0.1:{names}"));
        server.env("PEBBLE_VA_NOSLEEP", "1");
        let children = [child(&mut name_server), child(&mut server)];
        let authority = made.certificate();
        let started = Self { folder, authority, api, management, _children: children };
        let up = async {
            while TcpStream::connect(("127.0.0.1", started.management)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(LIMIT, up).await.expect("pebble starts");
        started
    }

    /// A client that believes what Pebble gives out.
    async fn client(&self) -> TlsConnector {
        let url = format!("https://localhost:{}/roots/0", self.management);
        let mut curl = Command::new("curl");
        let output = curl.args(["--silent", "--fail", "--cacert"]).arg(&self.authority).arg(url).output();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&output.await.unwrap().stdout).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = builder.unwrap().with_root_certificates(roots).with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }

    async fn gateway_settings(&self, door: u16, data_dir: &Path) -> Settings {
        let mut settings = settings(service::start().await);
        settings.data_dir = data_dir.to_owned();
        settings.gateway.acme_domains = vec![DOMAIN.to_owned()];
        settings.gateway.acme_directory_url = format!("https://localhost:{}/dir", self.api).parse().unwrap();
        settings.gateway.acme_authority_file = Some(self.authority.clone());
        settings.gateway.acme_listen_address = SocketAddr::from(([127, 0, 0, 1], door));
        settings
    }
}

async fn shown(client: &TlsConnector, address: SocketAddr) -> std::io::Result<Vec<u8>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let stream = client.connect(ServerName::try_from(DOMAIN).unwrap(), stream).await?;
    Ok(stream.get_ref().1.peer_certificates().unwrap()[0].to_vec())
}

async fn until_believed(client: &TlsConnector, address: SocketAddr) -> Vec<u8> {
    let believed = async {
        loop {
            match shown(client, address).await {
                Ok(certificate) => return certificate,
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    };
    tokio::time::timeout(LIMIT, believed).await.expect("a certificate comes that is believed")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_comes_is_shown_and_is_kept_over_a_restart() {
    let door = free_port();
    let pebble = Pebble::start(door).await;
    let data = pebble.folder.path().join("data");
    let settings = pebble.gateway_settings(door, &data).await;
    let Gateway { app, .. } = gateway_with(settings.clone(), None).await;
    let client = pebble.client().await;
    let first = until_believed(&client, app.address()).await;
    // Everybody else at that port is sent to TLS, at names of ours alone.
    let plain = Http::new(SocketAddr::from(([127, 0, 0, 1], door)));
    let answer = plain.send("GET", "/v1/products?a=b", &[("host", DOMAIN)], "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (308, "https://shop.larder.test/v1/products?a=b")
    );
    assert_eq!(plain.send("GET", "/", &[("host", "elsewhere.test")], "").await.status, 421);
    assert_eq!(plain.get("/.well-known/acme-challenge/made-up").await.status, 404);
    assert!(app.stop().await.is_clean());

    let Gateway { app, .. } = gateway_with(settings, None).await;
    assert_eq!(shown(&client, app.address()).await.unwrap(), first, "it is not fetched again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_finds_no_proof_is_told_of_and_the_gateway_serves_on() {
    let pebble = Pebble::start(free_port()).await;
    let data = pebble.folder.path().join("data");
    let gateway = gateway_with(pebble.gateway_settings(free_port(), &data).await, None).await;
    let ops = Http::new(gateway.app.ops_address());
    let told = async {
        loop {
            let report = ops.get("/health/detailed").await.json();
            let checks = report["checks"].as_array().unwrap();
            let check = checks.iter().find(|check| check["name"] == "acme").unwrap();
            if check["level"] == "degraded" {
                return check["cause"].clone();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let cause = tokio::time::timeout(LIMIT, told).await.expect("health tells of it");
    assert_eq!(cause, "no certificate comes; the log tells why");
    let refused = shown(&pebble.client().await, gateway.app.address()).await.unwrap_err();
    assert!(
        refused.to_string().contains("UnknownIssuer"),
        "a certificate that nobody vouches for: {refused}"
    );
}
