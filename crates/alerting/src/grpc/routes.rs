//! Calls that try things out: where an alert would go, and whether a channel works.

use larder_identity::Caller;
use larder_oncall::labels::Labels;
use larder_oncall::notification::Message as Notice;
use larder_proto::larder::alerting::v1::*;
use uuid::Uuid;

use crate::channels::Outcome;
use crate::clock::timestamp;
use crate::error::Error;
use crate::hiding::Hiding;
use crate::message::{Content, Message};
use crate::state::State;

pub(super) async fn test(
    state: &State,
    caller: &Caller,
    request: TestRouteRequest,
) -> Result<TestRouteResponse, Error> {
    let labels = Labels::from(request.labels);
    let rules = state.in_force.rules();
    let matches = rules.settings.route.matching(&labels).into_iter().map(|route| {
        let receiver = rules.receiver(&route.receiver);
        let group_labels = route.group_labels(&labels);
        RouteMatch {
            route: route.id.clone(),
            group_labels: group_labels
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            policy: receiver.and_then(|receiver| receiver.policy.clone()).unwrap_or_default(),
            channels: receiver.map(|receiver| receiver.channels.clone()).unwrap_or_default(),
        }
    });
    let mut transaction = larder_database::begin_tenant(&state.app, &caller.tenant).await?;
    let hiding = Hiding::load(&mut transaction, &caller.tenant, &rules, (state.clock)()).await?;
    transaction.commit().await?;
    let hidden = hiding.verdicts().of(&labels);
    Ok(TestRouteResponse {
        matches: matches.collect(),
        silence_ids: hidden.silence_ids,
        inhibited: hidden.is_inhibited,
    })
}

pub(super) async fn send_test(
    state: &State,
    caller: &Caller,
    request: SendTestNotificationRequest,
) -> Result<SendTestNotificationResponse, Error> {
    let rules = state.in_force.rules();
    let channel = rules.channels.get(&request.channel).ok_or(Error::NotFound { noun: "channel" })?;
    let notice = Notice {
        title: "Larder can reach you here".to_owned(),
        description: "There is nothing to do.".to_owned(),
        reason: format!("{} asked for this test", caller.subject),
        ..Notice::bare(timestamp((state.clock)()))
    };
    let message = Message {
        notification_id: Uuid::now_v7(),
        tenant: caller.tenant.clone(),
        recipient: request.recipient,
        external_id: None,
        now_us: (state.clock)(),
        content: Content::Notice(Box::new(notice)),
    };
    let (delivered, error) = match channel.send(&message, &rules.templates).await {
        Outcome::Sent { .. } => (true, String::new()),
        Outcome::TryAgain { why } | Outcome::Refused { why } => (false, why),
        Outcome::Pause { why, wait } => (false, format!("{why}; it wants nothing for {} s", wait.as_secs())),
    };
    Ok(SendTestNotificationResponse { delivered, error })
}
