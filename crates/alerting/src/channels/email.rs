//! E-mail. Each incident is one thread for each recipient: the first mail has a Message-ID made of both,
//! later ones refer to it, and a mail that is sent twice carries the same Message-ID twice.

use std::time::Duration;

use larder_oncall::notification::Templates;
use larder_oncall::settings::{ChannelKind, EmailSecurity};
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::ExposeSecret;

use super::{Outcome, read_secret};
use crate::message::{Content, Message, note_problems};

const COMMAND_TIMEOUT: Duration = Duration::from_secs(12);

pub(super) struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// Who gets what is sent to the channel itself.
    to: Vec<Mailbox>,
    domain: String,
}

impl Email {
    pub(super) fn build(kind: &ChannelKind) -> Result<Self, String> {
        let ChannelKind::Email { host, port, security, login, from, to, ca_file } = kind else {
            return Err("it is no mail server".to_owned());
        };
        let mut tls = TlsParameters::builder(host.clone());
        if let Some(path) = ca_file {
            let pem = std::fs::read(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
            let certificate =
                Certificate::from_pem(&pem).map_err(|_| format!("{path} is no certificate in PEM"))?;
            tls = tls.add_root_certificate(certificate);
        }
        let tls = || tls.clone().build().map_err(|error| format!("TLS cannot be set up: {error}"));
        let tls = match security {
            EmailSecurity::Tls => Tls::Wrapper(tls()?),
            EmailSecurity::StartTls => Tls::Required(tls()?),
            EmailSecurity::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.as_str())
            .port(*port)
            .tls(tls)
            .hello_name(ClientId::default())
            .timeout(Some(COMMAND_TIMEOUT));
        if let Some((user, password)) = login {
            let password = read_secret(password)?.expose_secret().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        let from = mailbox(from)?;
        let domain = from.email.domain().to_owned();
        let to = to.iter().map(|address| mailbox(address)).collect::<Result<_, _>>()?;
        Ok(Self { transport: builder.build(), from, to, domain })
    }

    pub(super) async fn send(&self, message: &Message, templates: &Templates) -> Outcome {
        let recipients = match message.recipient.as_str() {
            "" => self.to.clone(),
            address => match mailbox(address) {
                Ok(mailbox) => vec![mailbox],
                Err(why) => return Outcome::Refused { why },
            },
        };
        if recipients.is_empty() {
            return Outcome::Refused { why: "nobody to write to: the channel has no `to`".to_owned() };
        }
        let (own_id, thread) = self.ids(message);
        let begins = matches!(message.content, Content::Incident(_)) && thread.is_none();
        let external_id = begins.then(|| own_id.clone());
        let mail = match self.mail(message, templates, recipients, (own_id, thread)) {
            Ok(mail) => mail,
            Err(error) => return Outcome::Refused { why: format!("the mail cannot be written: {error}") },
        };
        match self.transport.send(mail).await {
            Ok(_) => Outcome::Sent { external_id },
            Err(error) => judge(&error),
        }
    }

    fn mail(
        &self,
        message: &Message,
        templates: &Templates,
        recipients: Vec<Mailbox>,
        (own_id, thread): (String, Option<String>),
    ) -> Result<lettre::Message, lettre::error::Error> {
        let rendered = templates.email(&message.told());
        note_problems(&rendered.problems);
        let text = rendered.content;
        let mut mail = lettre::Message::builder()
            .from(self.from.clone())
            .subject(text.subject)
            .header(AutoSubmitted)
            .header(ListId(format!("Larder incidents <incidents.{}.{}>", message.tenant, self.domain)));
        for recipient in recipients {
            mail = mail.to(recipient);
        }
        mail = mail.message_id(Some(own_id));
        if let Some(thread) = thread {
            mail = mail.in_reply_to(thread.clone()).references(thread);
        }
        mail.multipart(MultiPart::alternative_plain_html(text.text, text.html))
    }

    /// The mail's own Message-ID, and that of the thread it belongs to unless it begins it.
    fn ids(&self, message: &Message) -> (String, Option<String>) {
        let own = format!("<{}@{}>", message.notification_id, self.domain);
        let Content::Incident(incident) = &message.content else { return (own, None) };
        let recipient = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message.recipient.as_bytes());
        let short: String = recipient.as_ref()[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        let thread = format!("<{}.{short}@{}>", incident.incident_id, self.domain);
        if message.external_id.is_none() { (thread, None) } else { (own, Some(thread)) }
    }
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    if let Ok(mailbox) = text.parse::<Mailbox>() {
        return Ok(mailbox);
    }
    text.parse::<Address>()
        .map(|address| Mailbox::new(None, address))
        .map_err(|_| "no e-mail address".to_owned())
}

/// A 5xx will be a 5xx again; everything else may pass, or may have worked.
fn judge(error: &lettre::transport::smtp::Error) -> Outcome {
    let code = error.status().map(|code| format!(" {code}")).unwrap_or_default();
    if error.is_permanent() {
        return Outcome::Refused { why: format!("the mail server refuses it for good{code}") };
    }
    let why = if error.is_timeout() {
        "the mail server does not answer in time".to_owned()
    } else if error.is_transient() {
        format!("the mail server refuses it for now{code}")
    } else if error.is_tls() {
        "no TLS with the mail server".to_owned()
    } else {
        "the mail server cannot be reached".to_owned()
    };
    Outcome::TryAgain { why }
}

/// Text that is nothing but text in HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// `Auto-Submitted: auto-generated` (RFC 3834): nobody's holiday notice answers.
#[derive(Clone, Debug)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// `List-Id` (RFC 2919), for filters.
#[derive(Clone, Debug)]
struct ListId(String);

impl Header for ListId {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Id")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}
