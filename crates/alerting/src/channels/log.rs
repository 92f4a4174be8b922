//! The log as a channel: what a house without any other has.

use super::Outcome;
use crate::message::Message;

pub(super) fn send(message: &Message) -> Outcome {
    tracing::warn!(
        notification.id = %message.notification_id,
        notification.subject = %message.subject(),
        "incident"
    );
    Outcome::sent()
}
