//! What an export is narrowed to. A filter that the kind does not have is refused, since who sets it
//! would take everything for a part.

use larder_exchange::Table;

use crate::error::Error;
use crate::store::market_feedback::FeedbackFilter;
use crate::validate::Fields;

/// Checked filters; those the kind does not have are empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExportFilter {
    pub(crate) category: Option<String>,
    pub(crate) in_stock: Option<bool>,
    pub(crate) customer_id: Option<String>,
    pub(crate) product_id: Option<String>,
    pub(crate) active_at_us: Option<i64>,
    pub(crate) from_us: Option<i64>,
    pub(crate) until_us: Option<i64>,
    /// Of market days.
    pub(crate) days: FeedbackFilter,
}

/// A filter that was set: its name and what it says.
pub(crate) type Narrowed = (String, String);

const OF_KINDS: [(&str, &[&str]); 7] = [
    ("customers", &[]),
    ("products", &["category", "in_stock"]),
    ("promotions", &["active_at"]),
    ("budgets", &["customer_id"]),
    ("transactions", &["customer_id", "product_id", "from_at", "until_at"]),
    ("market-plans", &["market_id", "from_on", "until_on"]),
    ("feedback", &["market_id", "product_id", "from_on", "until_on"]),
];

/// Refuses filters that the table does not have.
pub(crate) fn check_known(fields: &mut Fields, table: &Table, narrowed: &[Narrowed]) {
    let known = OF_KINDS.iter().find(|(kind, _)| *kind == table.kind).map_or(&[][..], |(_, known)| known);
    for (name, _) in narrowed.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        let has =
            if known.is_empty() { "have none".to_owned() } else { format!("have {}", known.join(", ")) };
        fields.refuse(name, format!("is no filter of {}; they {has}", table.kind));
    }
}

/// The table of a kind.
pub(crate) fn table_of(kind: &str) -> Result<Table, Error> {
    larder_exchange::table(kind).ok_or_else(|| {
        Error::invalid("kind", format!("must be one of {}", larder_exchange::KINDS.join(", ")))
    })
}
