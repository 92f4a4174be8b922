//! Passwords and TLS, as servers really ask for them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use larder_replication::{
    ConnectOptions, Host, ReplicationConnection, ReplicationError, TlsMode, WeakPasswords,
};
use larder_testkit::{TestCluster, postgresql_versions};
use rcgen::{CertificateParams, Issuer, KeyPair};
use secrecy::SecretString;

const PASSWORD: &str = "correct horse battery";

/// A server on the network that asks for passwords, with a certificate for `localhost`.
async fn guarded(access: &str) -> TestCluster {
    let binaries = postgresql_versions().remove(0);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = port.to_string();
    let mut cluster =
        TestCluster::start(&binaries, &[("listen_addresses", "127.0.0.1"), ("port", &port)]).await;
    for (role, encryption) in [("scram_user", "scram-sha-256"), ("md5_user", "md5")] {
        cluster
            .execute(&format!(
                "SET password_encryption = '{encryption}';
                 CREATE ROLE {role} LOGIN REPLICATION PASSWORD '{PASSWORD}'"
            ))
            .await;
    }
    cluster.stop(larder_testkit::Stop::Fast).await;
    make_certificates(&cluster);
    let access = format!("local all all trust\n{access}\n");
    fs::write(cluster.data_dir().join("pg_hba.conf"), access).unwrap();
    cluster.set("ssl", "on");
    cluster.start_server().await;
    cluster
}

fn make_certificates(cluster: &TestCluster) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let server =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let data = cluster.data_dir();
    fs::write(data.join("server.crt"), server.pem()).unwrap();
    fs::write(data.join("server.key"), key.serialize_pem()).unwrap();
    fs::set_permissions(data.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
    cluster.hand_over(&data.join("server.crt"));
    cluster.hand_over(&data.join("server.key"));
    fs::write(cluster.socket_dir().join("authority.pem"), authority_certificate.pem()).unwrap();
}

fn options(cluster: &TestCluster, name: &str, user: &str, tls: TlsMode) -> ConnectOptions {
    let host = Host::Tcp { name: name.to_owned(), port: cluster.port().parse().unwrap() };
    let mut options = ConnectOptions::new(host, user);
    options.password = Some(SecretString::from(PASSWORD.to_owned()));
    options.tls = tls;
    options.root_certificates = Some(cluster.socket_dir().join("authority.pem"));
    options
}

async fn refusal(options: &ConnectOptions) -> ReplicationError {
    let error = ReplicationConnection::connect(options).await.expect_err("this must be refused");
    assert!(!format!("{error} {error:?}").contains(PASSWORD), "{error:?}");
    error
}

#[tokio::test]
async fn scram_is_bound_to_the_tls_connection() {
    let cluster = guarded(
        "hostssl all all 127.0.0.1/32 scram-sha-256\nhostssl replication all 127.0.0.1/32 scram-sha-256",
    )
    .await;
    let mut bound = options(&cluster, "localhost", "scram_user", TlsMode::VerifyFull);
    bound.require_channel_binding = true;
    let mut connection = ReplicationConnection::connect(&bound).await.unwrap();
    assert!(connection.is_encrypted());
    connection.identify_system().await.unwrap();

    let mut wrong = bound.clone();
    wrong.password = Some(SecretString::from("wrong".to_owned()));
    let error = refusal(&wrong).await;
    assert_eq!(error.sql_state(), Some("28P01"), "{error}");
    let mut without = bound.clone();
    without.password = None;
    assert!(refusal(&without).await.to_string().contains("none is set"));

    let plain = options(&cluster, "localhost", "scram_user", TlsMode::Disable);
    assert_eq!(refusal(&plain).await.sql_state(), Some("28000"), "the server wants TLS");
}

#[tokio::test]
async fn certificates_are_believed_as_far_as_the_mode_says() {
    let cluster = guarded("hostssl replication all 127.0.0.1/32 scram-sha-256").await;
    let attempt = |name, tls| options(&cluster, name, "scram_user", tls);
    for tls in [TlsMode::Prefer, TlsMode::Require, TlsMode::VerifyCa] {
        let connection = ReplicationConnection::connect(&attempt("127.0.0.1", tls)).await.unwrap();
        assert!(connection.is_encrypted(), "{tls:?}");
    }
    let other_host = refusal(&attempt("127.0.0.1", TlsMode::VerifyFull)).await;
    assert!(matches!(other_host, ReplicationError::Tls { .. }), "{other_host}");

    let stranger = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&stranger);
    let path = cluster.socket_dir().join("stranger.pem");
    fs::write(&path, certificate.unwrap().pem()).unwrap();
    for tls in [TlsMode::VerifyCa, TlsMode::VerifyFull] {
        let mut options = attempt("localhost", tls);
        options.root_certificates = Some(path.clone());
        assert!(matches!(refusal(&options).await, ReplicationError::Tls { .. }), "{tls:?}");
        options.root_certificates = Some(cluster.socket_dir().join("missing.pem"));
        assert!(matches!(refusal(&options).await, ReplicationError::Certificates { .. }), "{tls:?}");
    }
}

#[tokio::test]
async fn weak_passwords_are_shown_only_when_allowed() {
    let cluster = guarded(
        "host replication md5_user 127.0.0.1/32 md5\nhost replication scram_user 127.0.0.1/32 password",
    )
    .await;
    for (user, allowed) in [("md5_user", WeakPasswords::Md5), ("scram_user", WeakPasswords::Cleartext)] {
        let mut options = options(&cluster, "localhost", user, TlsMode::Disable);
        let error = refusal(&options).await;
        assert!(matches!(error, ReplicationError::Login { .. }), "{error}");
        assert!(error.to_string().contains("scram-sha-256"), "it says the way out: {error}");
        options.weak_passwords = allowed;
        ReplicationConnection::connect(&options).await.unwrap();
        options.require_channel_binding = true;
        assert!(matches!(refusal(&options).await, ReplicationError::Login { .. }));
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_is_wanted() {
    let binaries = postgresql_versions().remove(0);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let cluster = TestCluster::start(&binaries, &[("listen_addresses", "127.0.0.1"), ("port", &port)]).await;
    for tls in [TlsMode::Require, TlsMode::VerifyCa, TlsMode::VerifyFull] {
        let mut options = options(&cluster, "localhost", "postgres", tls);
        options.password = None;
        let error = refusal(&options).await;
        assert!(matches!(error, ReplicationError::Tls { .. }), "{error}");
        options.tls = TlsMode::Prefer;
        assert!(!ReplicationConnection::connect(&options).await.unwrap().is_encrypted());
    }
}
