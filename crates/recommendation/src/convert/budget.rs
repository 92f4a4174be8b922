//! Budgets in and out.

use larder_proto::larder::catalog::v1::Budget;

use crate::convert::{date, money, timestamp};
use crate::error::Error;
use crate::store::budgets::{BudgetRow, NewBudget};
use crate::validate::{Amount, Fields};

/// Checks a budget and makes the row of it.
pub(crate) fn from_wire(budget: Budget) -> Result<NewBudget, Error> {
    let mut fields = Fields::default();
    fields.id("budget_id", &budget.budget_id);
    fields.text("name", &budget.name, 1, 256);
    fields.optional_id("customer_id", &budget.customer_id);
    fields.text("category", &budget.category, 0, 128);
    let amount = match &budget.amount {
        Some(amount) => fields.amount("amount", amount),
        None => {
            fields.refuse("amount", "is required");
            None
        }
    };
    let starts_on = required(&mut fields, "starts_on", budget.starts_on.as_ref());
    let ends_on = required(&mut fields, "ends_on", budget.ends_on.as_ref());
    if matches!((starts_on, ends_on), (Some(starts), Some(ends)) if ends < starts) {
        fields.refuse("ends_on", "must not be before starts_on");
    }
    let amount = amount.unwrap_or(Amount { micros: 0, currency: String::new() });
    fields.finish(NewBudget {
        budget_id: budget.budget_id,
        name: budget.name,
        customer_id: budget.customer_id,
        category: budget.category,
        amount_micros: amount.micros,
        amount_currency: amount.currency,
        starts_on_day: starts_on.unwrap_or_default(),
        ends_on_day: ends_on.unwrap_or_default(),
    })
}

fn required(
    fields: &mut Fields,
    field: &str,
    day: Option<&larder_proto::google::r#type::Date>,
) -> Option<i32> {
    let Some(day) = day else {
        fields.refuse(field, "is required");
        return None;
    };
    fields.day(field, day)
}

/// The message of a stored budget.
pub(crate) fn to_wire(row: BudgetRow) -> Budget {
    Budget {
        budget_id: row.budget_id,
        name: row.name,
        customer_id: row.customer_id,
        category: row.category,
        amount: Some(money(row.amount_micros, &row.amount_currency)),
        starts_on: Some(date(row.starts_on_day)),
        ends_on: Some(date(row.ends_on_day)),
        created_at: Some(timestamp(row.created_at_us)),
        updated_at: Some(timestamp(row.updated_at_us)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_needs_an_amount_and_days_in_order() {
        let budget = Budget {
            budget_id: "b".into(),
            name: "March".into(),
            starts_on: Some(date(10)),
            ends_on: Some(date(9)),
            ..Budget::default()
        };
        let error = from_wire(budget).unwrap_err().to_string();
        assert_eq!(error, "amount: is required; ends_on: must not be before starts_on");
    }
}
