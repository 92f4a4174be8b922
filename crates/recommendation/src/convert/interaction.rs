//! Interactions in, transactions out. The time that an event may carry is decided here.

use larder_proto::larder::catalog::v1::{Interaction, InteractionKind, Transaction};
use larder_ranking::Event;

use crate::convert::{optional_money, timestamp};
use crate::error::Error;
use crate::store::interactions::{NewInteraction, TransactionRow};
use crate::validate::Fields;

/// Clocks differ: an event may say it happened up to a day from now.
const DAY_US: i64 = 86_400_000_000;
const KINDS: &str = "must be one of INTERACTION_KIND_VIEW, _CART, _PURCHASE, _LIKE, _DISLIKE, _RATING";

/// Checks an interaction and makes the row of it; `now_us` is in microseconds since 1970.
pub(crate) fn from_wire(interaction: Interaction, now_us: i64) -> Result<NewInteraction, Error> {
    let mut fields = Fields::default();
    fields.id("event_id", &interaction.event_id);
    fields.id("customer_id", &interaction.customer_id);
    fields.id("product_id", &interaction.product_id);
    fields.optional_id("recommendation_id", &interaction.recommendation_id);
    let kind = InteractionKind::try_from(interaction.kind).unwrap_or_default();
    if kind == InteractionKind::Unspecified {
        fields.refuse("kind", KINDS);
    }
    let quantity = if interaction.quantity == 0.0 { 1.0 } else { interaction.quantity };
    fields.positive("quantity", quantity, 1_000_000.0);
    check_value(&mut fields, kind, interaction.value);
    let amount = interaction.amount.as_ref().and_then(|amount| fields.amount("amount", amount));
    if interaction.amount.is_some() && kind != InteractionKind::Purchase {
        fields.refuse("amount", "belongs to INTERACTION_KIND_PURCHASE alone");
    }
    let occurred_at_us = match &interaction.occurred_at {
        Some(at) => fields.instant("occurred_at", at, Some(now_us.saturating_add(DAY_US))),
        None => Some(now_us),
    };
    fields.finish(NewInteraction {
        event_id: interaction.event_id,
        customer_id: interaction.customer_id,
        product_id: interaction.product_id,
        kind: kind as i16,
        quantity,
        value: interaction.value,
        amount_micros: amount.as_ref().map(|amount| amount.micros),
        amount_currency: amount.map(|amount| amount.currency),
        recommendation_id: Some(interaction.recommendation_id).filter(|id| !id.is_empty()),
        occurred_at_us: occurred_at_us.unwrap_or_default(),
    })
}

fn check_value(fields: &mut Fields, kind: InteractionKind, value: Option<f64>) {
    match (kind, value) {
        (InteractionKind::Rating, Some(stars)) => fields.number("value", stars, 0.0, 5.0),
        (InteractionKind::Rating, None) => fields.refuse("value", "is required for a rating: 0 to 5 stars"),
        (_, Some(value)) => fields.finite("value", value),
        (_, None) => {}
    }
}

/// The event that ranking overlays, from a row of the log.
pub(crate) fn to_event(row: &NewInteraction) -> Option<Event> {
    Some(Event {
        event_id: row.event_id.clone(),
        customer_id: row.customer_id.clone(),
        product_id: row.product_id.clone(),
        kind: ranking_kind(row.kind)?,
        quantity: row.quantity,
        value: row.value,
        occurred_at_us: row.occurred_at_us,
    })
}

/// The kind by its number in the log; `None` for one this program does not know.
pub(crate) fn ranking_kind(kind: i16) -> Option<larder_ranking::InteractionKind> {
    use larder_ranking::InteractionKind as Kind;
    Some(match InteractionKind::try_from(i32::from(kind)).ok()? {
        InteractionKind::Unspecified => return None,
        InteractionKind::View => Kind::View,
        InteractionKind::Cart => Kind::Cart,
        InteractionKind::Purchase => Kind::Purchase,
        InteractionKind::Like => Kind::Like,
        InteractionKind::Dislike => Kind::Dislike,
        InteractionKind::Rating => Kind::Rating,
    })
}

/// The message of a stored purchase.
pub(crate) fn to_transaction(row: TransactionRow) -> Transaction {
    Transaction {
        transaction_id: row.event_id,
        customer_id: row.customer_id,
        product_id: row.product_id,
        quantity: row.quantity,
        amount: optional_money(row.amount_micros, row.amount_currency.as_deref()),
        occurred_at: Some(timestamp(row.occurred_at_us)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: i64 = 1_700_000_000_000_000;

    fn purchase() -> Interaction {
        Interaction {
            event_id: "e".into(),
            customer_id: "c".into(),
            product_id: "p".into(),
            kind: InteractionKind::Purchase.into(),
            ..Interaction::default()
        }
    }

    fn refusal(interaction: Interaction) -> String {
        from_wire(interaction, NOW_US).unwrap_err().to_string()
    }

    #[test]
    fn quantity_and_time_have_defaults() {
        let row = from_wire(purchase(), NOW_US).unwrap();
        assert_eq!((row.quantity, row.occurred_at_us), (1.0, NOW_US));
    }

    #[test]
    fn late_events_are_welcome_and_future_ones_are_not() {
        let at = |micros| Interaction { occurred_at: Some(timestamp(micros)), ..purchase() };
        assert!(from_wire(at(0), NOW_US).is_ok());
        assert!(from_wire(at(NOW_US + DAY_US), NOW_US).is_ok());
        assert!(refusal(at(NOW_US + DAY_US + 1)).starts_with("occurred_at: "));
    }

    #[test]
    fn what_cannot_be_true_is_refused_by_name() {
        assert!(refusal(Interaction { event_id: String::new(), ..purchase() }).starts_with("event_id: "));
        assert!(refusal(Interaction { kind: 42, ..purchase() }).contains("INTERACTION_KIND_VIEW"));
        assert!(refusal(Interaction { quantity: f64::NAN, ..purchase() }).starts_with("quantity: "));
        assert!(refusal(Interaction { quantity: -1.0, ..purchase() }).starts_with("quantity: "));
        assert!(refusal(Interaction { value: Some(f64::INFINITY), ..purchase() }).starts_with("value: "));
        let rating = Interaction { kind: InteractionKind::Rating.into(), ..purchase() };
        assert!(refusal(rating.clone()).contains("0 to 5 stars"));
        assert!(refusal(Interaction { value: Some(6.0), ..rating }).starts_with("value: "));
    }
}
