//! E-mail, to a mail server on a port of its own that speaks SMTP and refuses on request.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::firing::to_webhook;
use crate::house::{House, eventually, firing, resolved};

/// A mail server that keeps what it takes.
#[derive(Clone, Default)]
pub(crate) struct MailServer {
    mails: Arc<Mutex<Vec<String>>>,
    /// What it says to the next recipients, before it takes them.
    refusals: Arc<Mutex<Vec<&'static str>>>,
}

impl MailServer {
    async fn start(&self) -> u16 {
        self.start_at(0).await
    }

    pub(crate) async fn start_at(&self, port: u16) -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let this = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let this = this.clone();
                tokio::spawn(async move { this.talk(stream).await });
            }
        });
        port
    }

    async fn talk(&self, stream: TcpStream) -> Option<()> {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 mail.test ESMTP\r\n").await.ok()?;
        while let Some(line) = lines.next_line().await.ok()? {
            let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let refusal = if word == "RCPT" { self.refusals.lock().unwrap().pop() } else { None };
            let answer = match (word.as_str(), refusal) {
                (_, Some(refusal)) => refusal,
                ("EHLO", _) => "250-mail.test\r\n250 8BITMIME",
                ("DATA", _) => "354 go on",
                ("QUIT", _) => "221 bye",
                _ => "250 ok",
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
            if word == "DATA" {
                let mut mail = String::new();
                while let Some(line) = lines.next_line().await.ok()?.filter(|line| line != ".") {
                    mail.push_str(&line);
                    mail.push('\n');
                }
                self.mails.lock().unwrap().push(mail);
                write.write_all(b"250 taken\r\n").await.ok()?;
            }
        }
        Some(())
    }

    pub(crate) fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }
}

fn on_call(port: u16) -> String {
    to_webhook("http://unused").replace(
        "kind = \"webhook\"\n        url = \"http://unused/hook\"\n        secret = SECRET",
        &format!(
            "kind = \"email\"\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n\
             from = \"Larder <larder@example.org>\"\nto = [\"ops@example.org\"]"
        ),
    )
}

pub(crate) fn header(mail: &str, name: &str) -> String {
    let prefix = format!("{name}: ");
    let line = mail.lines().find(|line| line.starts_with(&prefix));
    line.map(|line| line[prefix.len()..].to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn an_incident_is_one_thread() {
    let server = MailServer::default();
    let house = House::open(&on_call(server.start().await)).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the first mail", || async { server.mails().len() == 1 }).await;
    house.webhook(json!([resolved("OvenCold", &[])])).await;
    eventually("the second mail", || async { server.mails().len() == 2 }).await;
    let mails = server.mails();
    let thread = header(&mails[0], "Message-ID");
    assert!(thread.ends_with("@example.org>"), "{thread}");
    assert_eq!(
        (header(&mails[1], "In-Reply-To"), header(&mails[1], "References")),
        (thread.clone(), thread.clone())
    );
    assert_ne!(header(&mails[1], "Message-ID"), thread);
    assert_eq!(header(&mails[0], "Auto-Submitted"), "auto-generated");
    assert_eq!(header(&mails[0], "Subject"), "[CRITICAL] #1 OvenCold happened");
    assert!(mails[0].contains("text/plain") && mails[0].contains("text/html"));
}

#[tokio::test]
async fn no_label_becomes_a_header_or_markup() {
    let server = MailServer::default();
    let house = House::open(&on_call(server.start().await)).await;
    let mut alert = firing("OvenCold", &[]);
    alert["annotations"]["summary"] = "cold\r\nBcc: all@example.org\r\n\r\n<script>alert(1)</script>".into();
    house.webhook(json!([alert])).await;
    eventually("the mail", || async { server.mails().len() == 1 }).await;
    let mail = &server.mails()[0];
    assert_eq!(header(mail, "Bcc"), "");
    let (_, markup) = mail.split_once("text/html").unwrap();
    assert!(!markup.contains("<script>"), "{mail}");
}

#[tokio::test]
async fn a_server_that_says_later_is_asked_later_and_one_that_says_never_is_not() {
    let server = MailServer::default();
    server.refusals.lock().unwrap().push("451 greylisted, come back later");
    let house = House::open(&on_call(server.start().await)).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the mail, after all", || async { server.mails().len() == 1 }).await;
    server.refusals.lock().unwrap().push("550 no such mailbox");
    house.webhook(json!([firing("DoorOpen", &[])])).await;
    eventually("the refusal", || async {
        let incidents = house.incidents().await;
        let Some(incident) = incidents.iter().find(|incident| incident.title.starts_with("DoorOpen")) else {
            return false;
        };
        house.timeline(&incident.incident_id).await.contains(&"failed".to_owned())
    })
    .await;
    assert_eq!(server.mails().len(), 1);
}
