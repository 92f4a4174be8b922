//! The templates of messages: those that Larder comes with, and those of a settings file above them. A template that
//! fails while an incident burns must not lose the message: the one that Larder comes with takes its place, and it is
//! said that it did.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior};
use serde_json::json;

use super::clean::{clean, cut, line};
use super::{Message, TemplateSources, slack};

/// Steps one template may take, so that none runs for ever.
const FUEL: u64 = 100_000;
/// Characters one template may write.
const OUTPUT_MAX: usize = 100_000;
/// The name of Slack's escaping.
const MRKDWN: &str = "mrkdwn";
/// Characters of a subject.
const SUBJECT_MAX: usize = 200;

/// The templates there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TemplateName {
    /// The subject of an e-mail, one line.
    EmailSubject,
    /// An e-mail as text.
    EmailText,
    /// An e-mail as HTML; what is filled in is escaped.
    EmailHtml,
    /// The title of a Slack message, without markup.
    SlackTitle,
    /// The body of a Slack message in its markup (mrkdwn); what is filled in is escaped.
    SlackBody,
    /// A line for whatever takes text alone.
    Line,
}

impl TemplateName {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::EmailSubject, Self::EmailText, Self::EmailHtml, Self::SlackTitle, Self::SlackBody, Self::Line];

    /// What a settings file calls it.
    pub fn key(self) -> &'static str {
        match self {
            Self::EmailSubject => "email_subject",
            Self::EmailText => "email_text",
            Self::EmailHtml => "email_html",
            Self::SlackTitle => "slack_title",
            Self::SlackBody => "slack_body",
            Self::Line => "line",
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::EmailSubject => include_str!("templates/email_subject.txt"),
            Self::EmailText => include_str!("templates/email_text.txt"),
            Self::EmailHtml => include_str!("templates/email.html"),
            Self::SlackTitle => include_str!("templates/slack_title.txt"),
            Self::SlackBody => include_str!("templates/slack_body.mrkdwn"),
            Self::Line => include_str!("templates/line.txt"),
        }
    }

    fn escaping(key: &str) -> AutoEscape {
        match key.trim_start_matches("own:") {
            "email_html" => AutoEscape::Html,
            "slack_body" => AutoEscape::Custom(MRKDWN.into()),
            _ => AutoEscape::None,
        }
    }
}

/// A template that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("templates.{name}: {reason}")]
pub struct InvalidTemplate {
    /// What it is called.
    pub name: String,
    /// What is wrong, with its line.
    pub reason: String,
}

/// Something that was rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered<T> {
    /// What it became.
    pub content: T,
    /// Templates that failed and whose place was taken by Larder's own.
    pub problems: Vec<InvalidTemplate>,
}

/// An e-mail, but for its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// One line without control characters.
    pub subject: String,
    /// As text.
    pub text: String,
    /// As HTML.
    pub html: String,
}

/// Templates, compiled.
pub struct Templates {
    environment: Environment<'static>,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: BTreeMap<_, _> = self.environment.templates().map(|(name, _)| (name, ())).collect();
        out.debug_struct("Templates").field("names", &names.keys()).finish()
    }
}

impl Templates {
    /// Larder's own, with those of a settings file above them. Each of these is tried with a sample message.
    ///
    /// # Errors
    /// [`InvalidTemplate`], one each: a name that is none, a mistake in the syntax, a name that messages do not have.
    pub fn new(own: &TemplateSources) -> Result<Self, Vec<InvalidTemplate>> {
        let mut templates = Self::larders_own();
        let mut problems = Vec::new();
        for (name, source) in own {
            if let Err(problem) = templates.add(name, source) {
                problems.push(problem);
            }
        }
        if problems.is_empty() { Ok(templates) } else { Err(problems) }
    }

    /// Larder's own alone.
    pub fn larders_own() -> Self {
        Self { environment: environment() }
    }

    fn add(&mut self, name: &str, source: &str) -> Result<(), InvalidTemplate> {
        let invalid = |reason: String| InvalidTemplate { name: name.to_owned(), reason };
        if !TemplateName::ALL.iter().any(|known| known.key() == name) {
            let accepted = TemplateName::ALL.map(TemplateName::key).join(", ");
            return Err(invalid(format!("is no template; accepted: {accepted}")));
        }
        let key = format!("own:{name}");
        let added = self.environment.add_template_owned(key.clone(), source.to_owned());
        added.map_err(|error| invalid(told(&error)))?;
        let sample = Message::sample(jiff::Timestamp::UNIX_EPOCH);
        self.try_render(&key, &values(&sample))
            .map_err(|reason| invalid(format!("{reason}, tried with a sample")))?;
        Ok(())
    }

    /// What one template makes of a message.
    pub fn render(&self, name: TemplateName, message: &Message) -> Rendered<String> {
        let values = values(&clean(message));
        let own = format!("own:{}", name.key());
        let mut problems = Vec::new();
        if self.environment.get_template(&own).is_ok() {
            match self.try_render(&own, &values) {
                Ok(content) => return Rendered { content, problems },
                Err(reason) => problems.push(InvalidTemplate { name: name.key().to_owned(), reason }),
            }
        }
        let content = self.try_render(name.key(), &values);
        let content =
            content.unwrap_or_else(|_| line(&format!("{}: {}", message.severity.word(), message.title)));
        Rendered { content, problems }
    }

    /// A subject of one line and a text, for whatever takes no markup.
    pub fn plain(&self, message: &Message) -> Rendered<(String, String)> {
        let subject = self.render(TemplateName::EmailSubject, message);
        let text = self.render(TemplateName::EmailText, message);
        let problems = [subject.problems, text.problems].concat();
        Rendered { content: (cut(&line(&subject.content), SUBJECT_MAX), text.content), problems }
    }

    /// An e-mail. Its subject is one line, whatever the template and the alert hold.
    pub fn email(&self, message: &Message) -> Rendered<Email> {
        let Rendered { content: (subject, text), problems } = self.plain(message);
        let html = self.render(TemplateName::EmailHtml, message);
        Rendered {
            content: Email { subject, text, html: html.content },
            problems: [problems, html.problems].concat(),
        }
    }

    /// A Slack message: `text`, `blocks` and `attachments` of `chat.postMessage` or an incoming webhook, within Slack's
    /// limits. `callback` is the value of buttons that tell Slack's application who pressed them; without it buttons
    /// are links.
    pub fn slack(&self, message: &Message, callback: Option<&str>) -> Rendered<serde_json::Value> {
        let title = self.render(TemplateName::SlackTitle, message);
        let body = self.render(TemplateName::SlackBody, message);
        let problems = [title.problems, body.problems].concat();
        let content = slack::message(&clean(message), &line(&title.content), &body.content, callback);
        Rendered { content, problems }
    }

    /// A line for whatever takes text alone.
    pub fn line(&self, message: &Message) -> Rendered<String> {
        let rendered = self.render(TemplateName::Line, message);
        Rendered { content: line(&rendered.content), problems: rendered.problems }
    }

    fn try_render(&self, key: &str, values: &Value) -> Result<String, String> {
        let template = self.environment.get_template(key).map_err(|error| told(&error))?;
        let rendered = template.render(values).map_err(|error| told(&error))?;
        if rendered.len() > OUTPUT_MAX {
            return Err(format!("writes {} characters; accepted: {OUTPUT_MAX}", rendered.len()));
        }
        Ok(rendered.trim().to_owned())
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the usual delimiters differ from each other"));
    environment.set_auto_escape_callback(TemplateName::escaping);
    environment.set_formatter(write_escaped);
    for name in TemplateName::ALL {
        let added = environment.add_template(name.key(), name.source());
        added.expect("a test renders every template that Larder comes with");
    }
    environment
}

/// Slack takes `<`, `>` and `&` for markup: links, mentions, channels.
fn write_escaped(out: &mut Output, state: &mut State, value: &Value) -> Result<(), minijinja::Error> {
    if !matches!(state.auto_escape(), AutoEscape::Custom(name) if name == MRKDWN)
        || value.is_safe()
        || value.is_undefined()
    {
        return minijinja::escape_formatter(out, state, value);
    }
    let escaped = value.to_string().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    out.write_str(&escaped).map_err(minijinja::Error::from)
}

/// What a template may name: the fields of the message, times in the reader's zone, and `colour`.
fn values(message: &Message) -> Value {
    let zone = TimeZone::get(&message.time_zone).unwrap_or(TimeZone::UTC);
    let time =
        |at: jiff::Timestamp| json!(at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string());
    let mut values = json!(message);
    values["opened_at"] = time(message.opened_at);
    values["colour"] = json!(message.colour());
    for (at, alert) in message.alerts.iter().enumerate() {
        values["alerts"][at]["starts_at"] = time(alert.starts_at);
    }
    Value::from(Serde(values))
}

fn told(error: &minijinja::Error) -> String {
    let reason = error
        .detail()
        .map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    error.line().map_or_else(|| reason.clone(), |line| format!("line {line}: {reason}"))
}
