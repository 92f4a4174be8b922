//! Files out: every list as Excel, CSV or Parquet, whole or narrowed as the list itself, and templates to fill in.

use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Value, json};

use crate::fields::{Fields, target};
use crate::files;
use crate::refusal::Refusal;
use crate::room::Answer;
use crate::visit::Visit;

/// What can be taken out, and the filters of each. `_at` is an instant, `_on` a day.
const KINDS: [(&str, &[&str]); 7] = [
    ("customers", &[]),
    ("products", &["category", "in_stock"]),
    ("promotions", &["active_at"]),
    ("budgets", &["customer_id"]),
    ("transactions", &["customer_id", "product_id", "from_at", "until_at"]),
    ("market-plans", &["market_id", "from_on", "until_on"]),
    ("feedback", &["market_id", "product_id", "from_on", "until_on"]),
];
const FORMATS: [&str; 3] = ["xlsx", "csv", "parquet"];
/// What comes in by other ways than a file.
const WITHOUT_TEMPLATE: [&str; 2] = ["market-plans", "feedback"];

/// Every kind with its filters.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    render(&visit, "", None).await
}

async fn render(visit: &Visit, chosen: &str, refused: Option<Refusal>) -> Answer {
    let kinds: Vec<Value> = KINDS
        .iter()
        .map(|(kind, filters)| {
            json!({
                "kind": kind,
                "filters": filters,
                "has_template": !WITHOUT_TEMPLATE.contains(kind),
                "chosen": *kind == chosen,
            })
        })
        .collect();
    let content = json!({"kinds": kinds, "formats": FORMATS, "problem": refused});
    visit.page("exports.html", content).await
}

/// The file as the form narrows it.
pub(crate) async fn file(visit: Arc<Visit>) -> Answer {
    let kind = visit.last_segment();
    let Some((kind, filters)) = KINDS.iter().find(|(known, _)| *known == kind) else {
        return Err(Refusal::new(404, "there is no such export"));
    };
    let answered = match asked(&visit.query, filters) {
        Ok(fields) => {
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            files::pass_on(&visit, &target(&format!("/v1/exports/{kind}"), &fields)).await
        }
        Err(refusal) => Err(refusal),
    };
    match answered {
        Err(refusal) if !refusal.wants_sign_in() => render(&visit, kind, Some(refusal)).await,
        answered => answered,
    }
}

/// The fields of the form as the gateway names them.
fn asked(query: &Fields, filters: &[&str]) -> Result<Vec<(String, String)>, Refusal> {
    let mut fields = Vec::new();
    for name in ["format", "company"].iter().chain(filters) {
        let Some(typed) = query.given(name) else { continue };
        if name.ends_with("_at") || name.ends_with("_on") {
            let day: Date = typed
                .parse()
                .map_err(|_| Refusal::new(400, format!("{name} must be a day such as 2026-09-01")))?;
            fields.extend(as_asked(name, day));
        } else {
            fields.push(((*name).to_owned(), typed.to_owned()));
        }
    }
    Ok(fields)
}

/// A day is its first instant, in UTC, where an instant is meant.
fn as_asked(name: &str, day: Date) -> Vec<(String, String)> {
    if name.ends_with("_at") {
        return vec![(name.to_owned(), format!("{day}T00:00:00Z"))];
    }
    let parts = [
        ("year", day.year().to_string()),
        ("month", day.month().to_string()),
        ("day", day.day().to_string()),
    ];
    parts.into_iter().map(|(part, value)| (format!("{name}.{part}"), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_asked_for_as_the_gateway_names_them() {
        let query = Fields::parse(b"format=csv&company=&market_id=old-town&from_on=2026-09-01&category=x");
        let fields = asked(&query, &["market_id", "from_on", "until_on"]).unwrap();
        let plain: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            plain,
            ["format=csv", "market_id=old-town", "from_on.year=2026", "from_on.month=9", "from_on.day=1"]
        );
        let at = asked(&Fields::parse(b"from_at=2026-09-01"), &["from_at"]).unwrap();
        assert_eq!(at[0].1, "2026-09-01T00:00:00Z");
        let refused = asked(&Fields::parse(b"from_at=soon"), &["from_at"]).unwrap_err();
        assert_eq!(refused.detail, "from_at must be a day such as 2026-09-01");
    }
}
