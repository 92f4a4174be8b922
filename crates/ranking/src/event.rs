//! What a customer did with a product, and how far a model has read.

/// What a customer did with a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InteractionKind {
    /// Looked at it.
    View,
    /// Put it into the cart.
    Cart,
    /// Bought it.
    Purchase,
    /// Said that they like it.
    Like,
    /// Said that they do not want it.
    Dislike,
    /// Gave it stars, 0 to 5, in [`Event::value`].
    Rating,
}

/// One thing a customer did with a product.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Unique in the tenant: an event with an id seen before is the same event.
    pub event_id: String,
    /// Who did it.
    pub customer_id: String,
    /// With what.
    pub product_id: String,
    /// What was done.
    pub kind: InteractionKind,
    /// How many pieces. The models count occasions, so ten at once are one purchase.
    pub quantity: f64,
    /// The stars of a rating, 0 to 5; not used for other kinds.
    pub value: Option<f64>,
    /// When it happened, in microseconds since 1970-01-01 UTC.
    pub occurred_at_us: i64,
}

/// How far the log of events has been read: everything at or below it is in the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Watermark {
    /// The database transaction that wrote the last event read.
    pub transaction_id: u64,
    /// The place of that event within the log.
    pub sequence: i64,
}
