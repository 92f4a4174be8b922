//! E-mail through a real mail server that insists on TLS and a login, and that fails as real ones do.

use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::firing::to_webhook;
use crate::house::{House, eventually, firing};
use crate::programs::MailServer;
use crate::receivers::webhook_receiver;

/// What the house's secret file says.
const PASSWORD: &str = "a secret for receivers of the tests";

/// A certificate for `localhost`, its key, and the authority that vouches for it.
struct Certificates(tempfile::TempDir);

impl Certificates {
    fn make() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_pem = authority.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(authority, key);
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let server = server.signed_by(&key, &issuer).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        write("authority.pem", authority_pem);
        write("server.pem", server.pem());
        write("server.key", key.serialize_pem());
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    async fn serve(&self, security: &str, extra: &[&str]) -> MailServer {
        let (certificate, key) = (self.path("server.pem"), self.path("server.key"));
        let mut arguments = vec![security, &certificate, &key, "larder", PASSWORD];
        arguments.extend(extra);
        MailServer::start(&arguments).await
    }

    /// Mail to `ops` by this server, and nothing else.
    fn on_call(&self, security: &str, port: u16, user: &str) -> String {
        to_webhook("http://unused").replace(
            "kind = \"webhook\"\n        url = \"http://unused/hook\"\n        secret = SECRET",
            &format!(
                "kind = \"email\"\nhost = \"localhost\"\nport = {port}\nsecurity = \"{security}\"\nuser = \"{user}\"\n\
                 password = SECRET\nca_file = {:?}\nfrom = \"Larder <larder@example.org>\"\nto = [\"ops@example.org\"]",
                self.path("authority.pem")
            ),
        )
    }
}

fn text<'a>(mail: &'a Value, name: &str) -> &'a str {
    mail[name].as_str().unwrap()
}

fn message_id(mail: &Value) -> &str {
    let line = text(mail, "data").lines().find(|line| line.starts_with("Message-ID: "));
    line.expect("a mail has a Message-ID")
}

#[tokio::test]
async fn a_mail_goes_out_under_tls_with_a_login() {
    let certificates = Certificates::make();
    for security in ["starttls", "tls"] {
        let server = certificates.serve(security, &[]).await;
        let house = House::open(&certificates.on_call(security, server.port, "larder")).await;
        house.webhook(json!([firing("OvenCold", &[])])).await;
        eventually("the mail", || async { server.mails().len() == 1 }).await;
        let mail = server.mails().remove(0);
        assert_eq!((text(&mail, "user"), &mail["tls"]), ("larder", &json!(true)), "{security}");
        assert_eq!((text(&mail, "from"), &mail["to"]), ("larder@example.org", &json!(["ops@example.org"])));
        assert!(text(&mail, "data").contains("OvenCold happened"));
    }
}

#[tokio::test]
async fn who_cannot_show_a_certificate_or_is_not_let_in_gets_nothing_and_the_failover_has_it() {
    let (certificates, others) = (Certificates::make(), Certificates::make());
    let failover = webhook_receiver().await;
    let server = certificates.serve("starttls", &[]).await;
    let with_failover = |on_call: String| {
        on_call.replace("kind = \"email\"", "failover = \"red\"\nkind = \"email\"")
            + &format!(
                "\n[[channels]]\nname = \"red\"\nkind = \"webhook\"\nurl = \"{}/red\"\nsecret = SECRET\n",
                failover.url()
            )
    };
    let on_call = certificates.on_call("starttls", server.port, "nobody");
    let house = House::open(&with_failover(on_call)).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("535 is for good", || async { failover.count("/red") == 1 }).await;

    // A server that nobody vouches for may be anybody's: neither the mail nor the password is shown to it.
    let on_call = others.on_call("starttls", server.port, "larder");
    let house = House::open(&with_failover(on_call)).await;
    house.webhook(json!([firing("DoorOpen", &[])])).await;
    let incident_id =
        || async { house.incidents().await.first().map(|incident| incident.incident_id.clone()) };
    eventually("the incident", || async { incident_id().await.is_some() }).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let kinds = house.timeline(&incident_id().await.unwrap()).await;
    assert!(!kinds.contains(&"notified".to_owned()) || failover.count("/red") == 2, "{kinds:?}");
    assert!(server.mails().is_empty(), "{:?}", server.mails());
}

#[tokio::test]
async fn a_mail_whose_end_nobody_knows_is_sent_again_under_the_same_name() {
    let certificates = Certificates::make();
    let server = certificates.serve("tls", &["--hang", "1"]).await;
    let house = House::open(&certificates.on_call("tls", server.port, "larder")).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the mail, and it again", || async { server.mails().len() == 2 }).await;
    let mails = server.mails();
    assert_eq!(message_id(&mails[0]), message_id(&mails[1]));
    let incident_id = house.incidents().await.remove(0).incident_id;
    eventually("the note", || async {
        house.timeline(&incident_id).await.iter().filter(|kind| *kind == "notified").count() == 1
    })
    .await;
}

#[tokio::test]
async fn mail_leaves_when_its_server_is_back_and_an_idle_connection_that_was_closed_is_no_failure() {
    let certificates = Certificates::make();
    let server = certificates.serve("starttls", &["--idle", "1"]).await;
    let port = server.port;
    let house = House::open(&certificates.on_call("starttls", port, "larder")).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the mail", || async { server.mails().len() == 1 }).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    house.webhook(json!([firing("DoorOpen", &[])])).await;
    eventually("the mail on a new connection", || async { server.mails().len() == 2 }).await;

    drop(server);
    house.webhook(json!([firing("LightOff", &[])])).await;
    let is_tried = || async {
        let incidents = house.incidents().await;
        incidents.iter().any(|incident| incident.title.starts_with("LightOff"))
    };
    eventually("the incident", || async { is_tried().await }).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let port = port.to_string();
    let server = certificates.serve("starttls", &["--port", &port]).await;
    eventually("the mail, late", || async { server.mails().len() == 1 }).await;
}
