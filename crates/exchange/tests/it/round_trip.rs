//! What is written reads back as the same values, whatever stands in the cells.

use std::io::Read;

use larder_exchange::{ColumnKind, Format, KINDS, Row, Table, Value, table};
use parquet::file::reader::{FileReader, SerializedFileReader};
use proptest::prelude::*;

use super::support::{NOW_US, read_all, values, written};

fn text() -> impl Strategy<Value = String> {
    // No blanks at the ends: readers of people's files take them away.
    "[=+@'a-zA-Z0-9_<&\";,äß－%|-]([ =+@'a-zA-Z0-9_<&\";,äß\\\\x-]{0,12}[a-z0-9_\"'])?"
        .prop_filter("is text", |text| !text.trim().is_empty() && !text.starts_with("''"))
}

fn value(kind: ColumnKind) -> BoxedStrategy<Value> {
    match kind {
        ColumnKind::Text => text().prop_map(Value::Text).boxed(),
        ColumnKind::List => prop::collection::vec(text(), 1..4).prop_map(Value::List).boxed(),
        ColumnKind::Integer => (-1_000_000_000_i64..1_000_000_000).prop_map(Value::Integer).boxed(),
        ColumnKind::Decimal => (-1e9..1e9).prop_map(Value::Decimal).boxed(),
        ColumnKind::Money { .. } => {
            (-9_000_000_000_000_i64..9_000_000_000_000).prop_map(Value::Money).boxed()
        }
        ColumnKind::Percent => (1..10_000_i32).prop_map(|of| Value::Percent(f64::from(of) / 100.0)).boxed(),
        ColumnKind::Date => (-20_000..40_000_i32).prop_map(Value::Date).boxed(),
        // To the microsecond until 2079: beyond that the numbers of spreadsheets are too coarse.
        ColumnKind::Instant => (0..3_400_000_000_000_000_i64).prop_map(Value::Instant).boxed(),
        ColumnKind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
    }
}

fn row(table: &Table) -> BoxedStrategy<Row> {
    let cells: Vec<_> = table
        .columns
        .iter()
        .map(|column| {
            let names_currency = column.name == "currency";
            if names_currency {
                return prop_oneof![Just("ZAR"), Just("EUR")]
                    .prop_map(|code| Value::Text(code.into()))
                    .boxed();
            }
            if !column.allowed.is_empty() {
                return prop::sample::select(column.allowed)
                    .prop_map(|text| Value::Text(text.into()))
                    .boxed();
            }
            let absent = if column.required { 0 } else { 1 };
            prop_oneof![3 => value(column.kind), absent => Just(Value::Absent)].boxed()
        })
        .collect();
    cells.boxed()
}

fn imported() -> impl Strategy<Value = (Table, Vec<Row>)> {
    let tables: Vec<_> =
        KINDS.iter().filter_map(|kind| table(kind)).filter(|table| table.is_imported).collect();
    prop::sample::select(tables).prop_flat_map(|table| {
        let table =
            if table.has_attributes { table.with_attributes(["origin", "shelf life"]) } else { table };
        let rows = prop::collection::vec(row(&table), 0..20);
        (Just(table), rows)
    })
}

/// What an import sees: columns that the service sets are passed over.
fn without_told(table: &Table, rows: &[Row]) -> Vec<Row> {
    let cell = |(at, value): (usize, &Value)| {
        if table.columns[at].is_told { Value::Absent } else { value.clone() }
    };
    rows.iter().map(|row| row.iter().enumerate().map(cell).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_workbook_reads_back_as_it_was((table, rows) in imported()) {
        let bytes = written(Format::Xlsx, &table, &rows);
        let (read_table, read_rows) = values(&bytes, &larder_exchange::table(table.kind).unwrap());
        prop_assert_eq!(&read_table.columns, &table.columns);
        prop_assert_eq!(read_rows, without_told(&table, &rows));
    }

    #[test]
    fn a_csv_file_reads_back_as_it_was((table, rows) in imported()) {
        let bytes = written(Format::Csv, &table, &rows);
        let (_, read_rows) = values(&bytes, &larder_exchange::table(table.kind).unwrap());
        prop_assert_eq!(read_rows, without_told(&table, &rows));
    }

    #[test]
    fn writing_what_was_read_makes_the_same_file((table, rows) in imported()) {
        let rows = without_told(&table, &rows);
        for format in [Format::Xlsx, Format::Csv] {
            let bytes = written(format, &table, &rows);
            let (read_table, read_rows) = values(&bytes, &larder_exchange::table(table.kind).unwrap());
            prop_assert!(written(format, &read_table, &read_rows) == bytes);
        }
    }
}

#[test]
fn parquet_keeps_types_and_absences() {
    let table = table("transactions").unwrap();
    let rows: Vec<Row> = (0..60_000)
        .map(|number| {
            vec![
                Value::Text(format!("t-{number}")),
                Value::Text("anna".into()),
                Value::Text("apples".into()),
                Value::Decimal(2.5),
                if number % 2 == 0 { Value::Money(3_490_000) } else { Value::Absent },
                if number % 2 == 0 { Value::Text("ZAR".into()) } else { Value::Absent },
                Value::Instant(NOW_US),
            ]
        })
        .collect();
    let bytes = written(Format::Parquet, &table, &rows);
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 60_000);
    assert!(reader.metadata().num_row_groups() > 1, "rows do not wait for the last one");
    let told = reader.metadata().file_metadata().key_value_metadata().unwrap();
    assert!(told.iter().any(|pair| pair.key == "company"), "{told:?}");
    let shown: Vec<String> =
        reader.get_row_iter(None).unwrap().take(2).map(|row| row.unwrap().to_string()).collect();
    assert!(shown[0].contains("amount: 3.490000") && shown[0].contains("2026-11-23 16:28:00"), "{shown:?}");
    assert!(shown[1].contains("amount: null") && shown[1].contains("quantity: 2.5"), "{shown:?}");
}

#[test]
fn a_workbook_tells_whose_it_is_and_sums_up() {
    let table = table("budgets").unwrap();
    let budget = |id: &str, micros: i64, currency: &str| -> Row {
        let mut row = vec![Value::Absent; table.columns.len()];
        row[0] = Value::Text(id.into());
        row[4] = Value::Money(micros);
        row[5] = Value::Text(currency.into());
        row
    };
    let rows = [
        budget("007", 1_234_500_000, "ZAR"),
        budget("=1+1", 65_500_000, "ZAR"),
        budget("c", 10_000_000, "JPY"),
    ];
    let bytes = written(Format::Xlsx, &table, &rows);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes.clone())).unwrap();
    let mut part = |name: &str| {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let styles = part("xl/styles.xml");
    for format in ["&quot;R&quot; #,##0.00", "&quot;¥&quot;#,##0\"", "yyyy\\-mm\\-dd"] {
        assert!(styles.contains(format), "{format}: {styles}");
    }
    let sheet = part("xl/worksheets/sheet1.xml");
    assert!(sheet.contains("<autoFilter ref=\"A4:H7\"/>"), "{sheet}");
    assert!(sheet.contains("ySplit=\"4\"") && sheet.contains("state=\"frozen\""), "{sheet}");
    assert!(sheet.contains("t=\"inlineStr\"><is><t>007</t>"), "ids stay text: {sheet}");
    assert!(!sheet.contains("<f>"), "nothing is a formula: {sheet}");
    let shared = part("xl/sharedStrings.xml");
    assert!(shared.contains("Boer &amp; Söhne &lt;Pty&gt; · Budgets"), "{shared}");
    assert!(shared.contains("Exported 2026-11-23 16:28:00 UTC · category: Fruit"), "{shared}");
    let summary = part("xl/worksheets/sheet2.xml");
    assert!(summary.contains("<v>1300</v>") && summary.contains("<v>10</v>"), "{summary}");
    let seen = read_all(&bytes, &table).unwrap();
    assert_eq!((seen.header.unwrap().line, seen.rows.len()), (4, 3));
}

#[test]
fn a_text_that_no_cell_takes_is_told_and_not_cut() {
    let table = table("promotions").unwrap();
    let mut row = vec![Value::Absent; table.columns.len()];
    row[2] = Value::List((0..1_000).map(|number| format!("{number:0>100}")).collect());
    let heading = larder_exchange::Heading { company: String::new(), exported_at_us: 0, filters: Vec::new() };
    let mut writer = larder_exchange::TableWriter::new(Format::Xlsx, Vec::new(), table, heading).unwrap();
    let refused = writer.write(&[row]).unwrap_err().to_string();
    assert!(refused.contains("row 1, column product_ids") && refused.contains("csv"), "{refused}");
}
