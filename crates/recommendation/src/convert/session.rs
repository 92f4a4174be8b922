//! Sessions in: what somebody did who is known by nothing else, and what they told of
//! themselves.

use larder_proto::larder::catalog::v1::{CustomerProfile, InteractionKind};
use larder_proto::larder::recommendation::v1::SessionEvent as WireEvent;

use crate::convert::customer::profile_from_wire;
use crate::convert::interaction::ranking_kind;
use crate::profile::Profile;
use crate::session::SessionEvent;
use crate::validate::Fields;

const MOST_EVENTS: usize = 200;
/// Clocks differ: an event may say it happened up to a day from now.
const DAY_US: i64 = 86_400_000_000;

/// Checks the events of a session; `now_us` is in microseconds since 1970.
pub(crate) fn events(fields: &mut Fields, events: Vec<WireEvent>, now_us: i64) -> Vec<SessionEvent> {
    if events.len() > MOST_EVENTS {
        fields.refuse("events", format!("must have at most {MOST_EVENTS} entries"));
        return Vec::new();
    }
    let checked = events.into_iter().enumerate().filter_map(|(index, event)| {
        fields.id(&format!("events[{index}].product_id"), &event.product_id);
        let kind = InteractionKind::try_from(event.kind).unwrap_or_default();
        if kind == InteractionKind::Unspecified {
            fields.refuse(
                &format!("events[{index}].kind"),
                "must be one of INTERACTION_KIND_VIEW, _CART, _PURCHASE, _LIKE, _DISLIKE, _RATING",
            );
        }
        let latest_us = Some(now_us.saturating_add(DAY_US));
        let occurred_at_us = match &event.occurred_at {
            Some(at) => fields.instant(&format!("events[{index}].occurred_at"), at, latest_us),
            None => Some(now_us),
        };
        Some(SessionEvent {
            product_id: event.product_id,
            kind: ranking_kind(kind as i16)?,
            occurred_at_us: occurred_at_us?,
        })
    });
    checked.collect()
}

/// Checks what a visitor told of themselves: allergens and diets are hard constraints.
pub(crate) fn profile(fields: &mut Fields, profile: Option<CustomerProfile>) -> Profile {
    profile_from_wire(fields, "profile", profile.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::timestamp;

    const NOW_US: i64 = 1_700_000_000_000_000;

    #[test]
    fn each_bad_event_is_named() {
        let event = |product_id: &str, kind, micros| WireEvent {
            product_id: product_id.into(),
            kind,
            occurred_at: Some(timestamp(micros)),
        };
        let view = InteractionKind::View.into();
        let mut fields = Fields::default();
        let good = events(&mut fields, vec![event("bread", view, 5)], NOW_US);
        assert_eq!((good.len(), good[0].occurred_at_us), (1, 5));
        fields.finish(()).unwrap();
        let bad = vec![event("a b", view, 5), event("b", 0, 5), event("c", view, NOW_US + 2 * DAY_US)];
        let mut fields = Fields::default();
        events(&mut fields, bad, NOW_US);
        let refusal = fields.finish(()).unwrap_err().to_string();
        for field in ["events[0].product_id: ", "events[1].kind: ", "events[2].occurred_at: "] {
            assert!(refusal.contains(field), "{refusal}");
        }
        let mut fields = Fields::default();
        events(&mut fields, vec![event("bread", view, 5); 201], NOW_US);
        assert!(fields.finish(()).unwrap_err().to_string().starts_with("events: must have at most 200"));
    }
}
