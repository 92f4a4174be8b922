//! The tables of market days.

use crate::table::{Column, ColumnKind, Table};

use ColumnKind::{Date, Decimal, Instant, Integer, List, Money, Percent, Text};

const MONEY: ColumnKind = Money { currency: "currency" };

/// What to bring, a line a product and day.
pub(super) fn plans() -> Table {
    let columns = vec![
        Column::new("held_on", Date, "The market day.", ""),
        Column::new("market_id", Text, "The market.", ""),
        Column::new("market_name", Text, "Its name.", ""),
        Column::new("product_id", Text, "The product.", ""),
        Column::new("product_name", Text, "Its name.", ""),
        Column::new("quantity", Decimal, "Units to bring, what is left over included.", ""),
        Column::new("packs", Integer, "Whole packs to make or buy.", ""),
        Column::new("from_left_over", Decimal, "Units left over from before.", ""),
        Column::new("demand_p10", Decimal, "Demand stays below with probability 10 %.", ""),
        Column::new("demand_p50", Decimal, "The middle of the forecast.", ""),
        Column::new("demand_p90", Decimal, "Demand stays below with probability 90 %.", ""),
        Column::new("sell_out_percent", Percent, "Probability that it sells out.", ""),
        Column::new("expected_sold", Decimal, "Units expected to be sold.", ""),
        Column::new("expected_left_over", Decimal, "Units expected to be left over.", ""),
        Column::new("expected_profit", MONEY, "What is expected to be earned.", ""),
        Column::new("expected_waste_cost", MONEY, "What is expected to be lost by units nobody buys.", ""),
        Column::new("currency", Text, "Of the amounts.", ""),
        Column::new("reasons", List, "Why, the weightiest first.", ""),
        Column::new("model_version", Text, "Of the demand model.", ""),
        Column::new("planned_at", Instant, "When it was planned.", ""),
    ];
    Table { kind: "market-plans", title: "Market plans", columns, has_attributes: false, is_imported: false }
}

/// How market days went, a line a product and day.
pub(super) fn feedback() -> Table {
    let columns = vec![
        Column::new("held_on", Date, "The market day.", ""),
        Column::new("market_id", Text, "The market.", ""),
        Column::new("product_id", Text, "The product.", ""),
        Column::new("product_name", Text, "Its name.", "").told(),
        Column::new("recommended", Decimal, "What the plan said.", "").told(),
        Column::new("own_plan", Decimal, "What would have been brought without the plan.", ""),
        Column::new("brought", Decimal, "What was brought.", ""),
        Column::new("sold", Decimal, "What was sold; empty takes the recorded sales.", ""),
        Column::new("left_over", Decimal, "What was left; empty means brought less sold.", ""),
        Column::new("sold_out_at_minute", Integer, "Minutes after midnight when the last unit went.", ""),
        Column::new("variance", Decimal, "Brought less recommended.", "").told(),
        Column::new("variance_percent", Percent, "As a part of what was recommended.", "").told(),
        Column::new("demand_p10", Decimal, "Demand stays below with probability 10 %.", "").told(),
        Column::new("demand_p50", Decimal, "The middle of the forecast.", "").told(),
        Column::new("demand_p90", Decimal, "Demand stays below with probability 90 %.", "").told(),
        Column::new("realised_cost", MONEY, "What left-overs and missed sales cost.", "").told(),
        Column::new("price", MONEY, "What one unit sold for.", "").told(),
        Column::new("unit_cost", MONEY, "What one unit cost.", "").told(),
        Column::new("currency", Text, "Of the amounts.", "").told(),
        Column::new("model_version", Text, "Of the demand model.", "").told(),
        Column::new("notices", List, "What does not fit together.", "").told(),
    ];
    Table { kind: "feedback", title: "Feedback", columns, has_attributes: false, is_imported: false }
}
