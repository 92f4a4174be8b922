//! The log as a channel: what a house without any other has.

use larder_oncall::notification::Templates;

use super::Outcome;
use crate::message::{Message, note_problems};

pub(super) fn send(message: &Message, templates: &Templates) -> Outcome {
    let line = templates.line(&message.told());
    note_problems(&line.problems);
    tracing::warn!(
        notification.id = %message.notification_id,
        notification.subject = %line.content,
        "incident"
    );
    Outcome::sent()
}
