//! What people write, and what is made of it.

use super::*;
use crate::table::Table;
use crate::tables::table;

fn one(kind: ColumnKind, cell: RawCell, dialect: &Dialect) -> Result<Value, String> {
    let columns = vec![Column::new("cell", kind, "", "")];
    let table = Table { kind: "t", title: "T", columns, has_attributes: false, is_imported: true };
    let parser = Parser::new(Mapping { table, places: vec![Some(0)] }, dialect.clone());
    let raw = RawRow { line: 1, cells: vec![cell], problem: None };
    parser.row(&raw).map(|row| row[0].clone()).map_err(|problems| problems[0].reason.clone())
}

fn text_of(kind: ColumnKind, text: &str) -> Result<Value, String> {
    one(kind, RawCell::Text(text.to_owned()), &Dialect::default())
}

fn day(text: &str) -> String {
    match text_of(ColumnKind::Date, text) {
        Ok(Value::Date(day)) => crate::write::text::date(day),
        other => format!("{other:?}"),
    }
}

#[test]
fn days_are_understood_in_every_form_that_is_plain() {
    for plain in [
        "2026-03-31",
        "31/03/2026",
        "03/31/2026",
        "31.03.2026",
        "31 Mar 2026",
        "March 31, 2026",
        "2026/3/31",
        "31-Mar-2026",
    ] {
        assert_eq!(day(plain), "2026-03-31", "{plain}");
    }
    assert!(day("03/04/2026").contains("could be two days"), "{}", day("03/04/2026"));
    assert_eq!(day("03.04.2026"), "2026-04-03");
    assert_eq!(day("04/04/2026"), "2026-04-04");
    for wrong in ["31/02/2026", "yesterday", "12", "1/2/26", "2026-13-01"] {
        assert!(day(wrong).contains("is no day"), "{wrong}: {}", day(wrong));
    }
}

#[test]
fn a_chosen_order_settles_what_could_be_two_days() {
    let of = |order| {
        let dialect = Dialect { date_order: Some(order), ..Dialect::default() };
        one(ColumnKind::Date, RawCell::Text("03/04/2026".into()), &dialect).unwrap()
    };
    assert_eq!(of(DateOrder::DayFirst), Value::Date(20_546));
    assert_eq!(of(DateOrder::MonthFirst), Value::Date(20_516));
}

#[test]
fn numbers_are_understood_with_the_marks_of_every_country() {
    for (text, number) in [
        ("2.5", 2.5),
        ("2,5", 2.5),
        ("1.234,56", 1_234.56),
        ("1,234.56", 1_234.56),
        ("1 234,56", 1_234.56),
        ("1'234.5", 1_234.5),
        ("1,234,567", 1_234_567.0),
        ("1.234.567", 1_234_567.0),
        ("-0,125", -0.125),
        ("−3", -3.0),
        ("1e3", 1_000.0),
    ] {
        assert_eq!(text_of(ColumnKind::Decimal, text), Ok(Value::Decimal(number)), "{text}");
    }
    assert!(text_of(ColumnKind::Decimal, "1,234").unwrap_err().contains("could be two numbers"));
    for wrong in ["abc", "1.2.3,4,5", "--1", "1 apple", "NaN", "inf"] {
        assert!(text_of(ColumnKind::Decimal, wrong).is_err(), "{wrong}");
    }
    let comma = Dialect { decimal_mark: Some(DecimalMark::Comma), ..Dialect::default() };
    assert_eq!(one(ColumnKind::Decimal, RawCell::Text("1,234".into()), &comma), Ok(Value::Decimal(1.234)));
}

#[test]
fn amounts_keep_every_cent_and_need_a_currency() {
    let budgets = table("budgets").unwrap();
    let titles: Vec<_> = budgets.columns.iter().map(|column| column.name.clone()).collect();
    let raw = |amount: RawCell, currency: &str| {
        let mut cells = vec![RawCell::Empty; titles.len()];
        for (name, text) in
            [("budget_id", "b"), ("name", "B"), ("starts_on", "2026-01-01"), ("ends_on", "2026-01-02")]
        {
            cells[budgets.position(name).unwrap()] = RawCell::Text(text.to_owned());
        }
        cells[budgets.position("amount").unwrap()] = amount;
        cells[budgets.position("currency").unwrap()] = RawCell::Text(currency.to_owned());
        RawRow { line: 2, cells, problem: None }
    };
    let read = |amount: RawCell, currency: &str, usual: Option<&str>| {
        let dialect = Dialect { currency: usual.map(str::to_owned), ..Dialect::default() };
        let parser = Parser::new(Mapping::settle(&budgets, &titles, &[]).unwrap(), dialect);
        let place = budgets.position("amount").unwrap();
        parser.row(&raw(amount, currency)).map(|row| row[place].clone()).map_err(|all| all[0].reason.clone())
    };
    let amount = |text: &str| RawCell::Text(text.to_owned());
    assert_eq!(read(amount("R 1 234,50"), "ZAR", None), Ok(Value::Money(1_234_500_000)));
    assert_eq!(read(amount("999999999999.99"), "ZAR", None), Ok(Value::Money(999_999_999_999_990_000)));
    assert_eq!(read(RawCell::Number(0.1 + 0.2), "ZAR", None), Ok(Value::Money(300_000)));
    assert!(read(amount("0.0000001"), "ZAR", None).unwrap_err().contains("six places"));
    assert_eq!(read(RawCell::Number(3.49), "", Some("EUR")), Ok(Value::Money(3_490_000)));
    assert!(read(amount("3.49"), "", None).unwrap_err().contains("names no currency"));
    assert!(read(RawCell::Empty, "", None).unwrap_err().contains("is empty"));
}

#[test]
fn cells_of_spreadsheets_are_what_they_show() {
    let usual = Dialect::default();
    let of = |kind, cell| one(kind, cell, &usual);
    assert_eq!(of(ColumnKind::Text, RawCell::Number(42.0)), Ok(Value::Text("42".into())));
    assert_eq!(of(ColumnKind::Percent, RawCell::Number(0.07)), Ok(Value::Percent(7.0)));
    assert_eq!(of(ColumnKind::Percent, RawCell::Number(15.0)), Ok(Value::Percent(15.0)));
    assert_eq!(text_of(ColumnKind::Percent, "12,5 %"), Ok(Value::Percent(12.5)));
    assert_eq!(of(ColumnKind::Date, RawCell::Moment(46_112.0)), Ok(Value::Date(20_543)));
    assert_eq!(of(ColumnKind::Instant, RawCell::Moment(46_112.5)), Ok(Value::Instant(1_774_958_400_000_000)));
    assert_eq!(of(ColumnKind::Bool, RawCell::Bool(false)), Ok(Value::Bool(false)));
    assert_eq!(of(ColumnKind::Integer, RawCell::Number(2.5)), Err("2.5 is no whole number".into()));
    assert!(of(ColumnKind::Date, RawCell::Number(46_112.0)).is_err(), "a bare number is no day");
    assert_eq!(
        of(ColumnKind::Decimal, RawCell::Problem("holds the error #REF!".into())),
        Err("holds the error #REF!".into())
    );
}

#[test]
fn instants_without_an_offset_are_utc() {
    for text in [
        "2026-03-31T12:00:00Z",
        "2026-03-31 12:00",
        "2026-03-31T14:00:00+02:00",
        "31/03/2026 12:00:00",
        "31 Mar 2026 12:00:00",
    ] {
        let read = text_of(ColumnKind::Instant, text);
        assert_eq!(read, Ok(Value::Instant(1_774_958_400_000_000)), "{text}");
    }
    assert_eq!(text_of(ColumnKind::Instant, "2026-03-31"), Ok(Value::Instant(1_774_915_200_000_000)));
    assert!(text_of(ColumnKind::Instant, "tomorrow").unwrap_err().contains("2026-03-31T12:00:00Z"));
    assert!(text_of(ColumnKind::Instant, "03/04/2026 10:00").unwrap_err().contains("could be two days"));
}

#[test]
fn a_value_outside_the_known_ones_names_them() {
    let of = |text: &str| {
        let columns = vec![Column::new("sex", ColumnKind::Text, "", "").one_of(&["female", "male"])];
        let table = Table { kind: "t", title: "T", columns, has_attributes: false, is_imported: true };
        let parser = Parser::new(Mapping { table, places: vec![Some(0)] }, Dialect::default());
        let raw = RawRow { line: 1, cells: vec![RawCell::Text(text.to_owned())], problem: None };
        parser.row(&raw).map(|row| row[0].clone())
    };
    assert_eq!(of(" Female "), Ok(Value::Text("female".into())));
    assert_eq!(of("SEX_MALE"), Ok(Value::Text("male".into())));
    assert!(of("other").unwrap_err()[0].reason.contains("female, male"));
}
