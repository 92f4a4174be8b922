//! The tables there are. Names of columns are those of the contract's fields.

mod catalogue;
mod market;

use crate::table::Table;

/// Every kind of table.
pub const KINDS: [&str; 7] =
    ["customers", "products", "promotions", "budgets", "transactions", "market-plans", "feedback"];

/// The table of a kind.
#[must_use]
pub fn table(kind: &str) -> Option<Table> {
    match kind {
        "customers" => Some(catalogue::customers()),
        "products" => Some(catalogue::products()),
        "promotions" => Some(catalogue::promotions()),
        "budgets" => Some(catalogue::budgets()),
        "transactions" => Some(catalogue::transactions()),
        "market-plans" => Some(market::plans()),
        "feedback" => Some(market::feedback()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::ColumnKind;

    #[test]
    fn every_kind_has_a_table_whose_columns_differ() {
        for kind in KINDS {
            let table = table(kind).unwrap();
            assert_eq!(table.kind, kind);
            for (at, column) in table.columns.iter().enumerate() {
                assert_eq!(table.position(&column.name), Some(at), "{kind}: {}", column.name);
                assert!(!column.help.is_empty(), "{kind}: {}", column.name);
                if let ColumnKind::Money { currency } = column.kind {
                    assert!(table.position(currency).is_some(), "{kind}: {}", column.name);
                }
                assert!(!column.required || !column.example.is_empty(), "{kind}: {}", column.name);
            }
            assert_eq!(table.is_imported, table.columns.iter().any(|column| column.required), "{kind}");
        }
    }
}
