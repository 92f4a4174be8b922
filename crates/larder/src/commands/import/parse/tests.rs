//! Cells as people write them, and what becomes of each.

use super::*;
use crate::commands::import::Kind;

fn interaction_row<T>(cell: (&str, &str), read: impl Fn(&Row<'_>) -> T) -> T {
    let names = ["event_id", "customer_id", "product_id", "kind", cell.0];
    let columns = Columns::parse(Kind::Interactions, &StringRecord::from(names.to_vec())).unwrap();
    let record = StringRecord::from(vec!["e1", "c1", "p1", "purchase", cell.1]);
    read(&Row { columns: &columns, record: &record, currency: Some("USD") })
}

#[test]
fn amounts_are_exact_and_carry_their_sign() {
    assert_eq!(decimal("3.49"), Some((3, 490_000_000)));
    assert_eq!(decimal("-0.05"), Some((0, -50_000_000)));
    assert_eq!(decimal("12"), Some((12, 0)));
    for refused in ["", ".5", "1e3", "1.0000000001", "NaN", "1,50", "--1", "99999999999999999999"] {
        assert_eq!(decimal(refused), None, "{refused:?}");
    }
}

#[test]
fn an_amount_takes_its_own_currency_before_that_of_the_import() {
    let of = |cell| interaction_row(("amount", cell), |row| row.money("amount"));
    assert_eq!(of("3.49 EUR").unwrap().unwrap().currency_code, "EUR");
    assert_eq!(of("3.49").unwrap().unwrap().currency_code, "USD");
    assert_eq!(of("three").unwrap_err().field, "amount");
    assert_eq!(of("  ").unwrap(), None);
}

#[test]
fn instants_with_and_without_an_offset() {
    let of = |cell| interaction_row(("occurred_at", cell), |row| row.instant("occurred_at"));
    let seconds = |cell| of(cell).unwrap().unwrap().seconds;
    assert_eq!(seconds("2017-01-01T00:00:00Z"), 1_483_228_800);
    assert_eq!(seconds("2017-01-01T02:00:00+02:00"), 1_483_228_800);
    assert_eq!(seconds("2017-01-01 00:00:00"), 1_483_228_800);
    assert_eq!(seconds("2017-01-01"), 1_483_228_800);
    let before_1970 = of("1969-12-31T23:59:59.5Z").unwrap().unwrap();
    assert_eq!((before_1970.seconds, before_1970.nanos), (-1, 500_000_000));
    assert!(of("yesterday").unwrap_err().reason.contains("2026-03-31T12:00:00Z"));
}

#[test]
fn numbers_must_be_finite() {
    let of = |cell| interaction_row(("quantity", cell), |row| row.number("quantity"));
    assert_eq!(of("2.5").unwrap(), Some(2.5));
    for refused in ["NaN", "inf", "two", "1 000"] {
        assert_eq!(of(refused).unwrap_err().field, "quantity", "{refused:?}");
    }
}
