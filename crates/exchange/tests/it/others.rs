//! Our workbooks in programs of others: openpyxl reads every cell with its type, LibreOffice opens them.

use std::path::Path;
use std::process::{Command, Output};

use larder_exchange::{AnnotatedWorkbook, Format, RawCell, Row, RowProblem, Table, Value, table, template};

use super::support::{NOW_US, written};

/// A Python that has openpyxl, and LibreOffice; `cargo xtask test` names them.
const PYTHON: &str = "LARDER_TEST_SPREADSHEET_PYTHON";
const LIBREOFFICE: &str = "LARDER_TEST_LIBREOFFICE";

fn kept(folder: &Path, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What openpyxl finds in a workbook.
fn cells(bytes: &[u8]) -> String {
    let python =
        std::env::var(PYTHON).unwrap_or_else(|_| panic!("{PYTHON} is not set; run `cargo xtask test`"));
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/read_workbook.py");
    let path = kept(folder.path(), "book.xlsx", bytes);
    told(&Command::new(python).arg(script).arg(path).output().unwrap())
}

fn promotions() -> (Table, Vec<Row>) {
    let promotion = |id: &str, name: &str, percent: f64| -> Row {
        vec![
            Value::Text(id.into()),
            Value::Text(name.into()),
            Value::List(vec!["a;b".into(), "c".into()]),
            Value::Absent,
            Value::Percent(percent),
            Value::Instant(NOW_US),
            Value::Instant(NOW_US + 86_400_000_000),
        ]
    };
    let table = table("promotions").unwrap();
    (table, vec![promotion("007", "=HYPERLINK(\"x\")", 12.5), promotion("1e5", "Äpfel <& Birnen>", 100.0)])
}

fn transactions() -> (Table, Vec<Row>) {
    let row = vec![
        Value::Text("t-1".into()),
        Value::Text("ann".into()),
        Value::Text("0012".into()),
        Value::Decimal(2.5),
        Value::Money(1_234_560_000),
        Value::Text("ZAR".into()),
        Value::Instant(NOW_US),
    ];
    (table("transactions").unwrap(), vec![row])
}

#[test]
fn openpyxl_reads_every_cell_with_its_type() {
    let (table, rows) = promotions();
    let found = cells(&written(Format::Xlsx, &table, &rows));
    for line in [
        "Promotions\tfrozen\tB5\tfilter\tA4:G6",
        "Promotions\tA5\ts\t007\t@",
        "Promotions\tB5\ts\t=HYPERLINK(\"x\")\t@",
        "Promotions\tC5\ts\ta\\;b; c\t@",
        "Promotions\tA6\ts\t1e5\t@",
        "Promotions\tB6\ts\tÄpfel <& Birnen>\t@",
    ] {
        assert!(found.contains(line), "{line}:\n{found}");
    }
    assert!(found.contains("Promotions\tE5\tn\t0.125\t"), "a part of one:\n{found}");
    assert!(found.contains("Promotions\tF5\td\t2026-11-23 16:28:00\t"), "a date:\n{found}");
    assert!(!found.contains("\tf\t"), "no formula but in the summary:\n{found}");
    let (table, rows) = transactions();
    let found = cells(&written(Format::Xlsx, &table, &rows));
    assert!(found.contains("Transactions\tE5\tn\t1234.56\t\"R\" #,##0.00"), "{found}");
    assert!(found.contains("Transactions\tC5\ts\t0012\t"), "ids stay text:\n{found}");
}

#[test]
fn openpyxl_reads_templates_and_workbooks_to_mend() {
    let customers = table("customers").unwrap();
    let found = cells(&template(&customers, Format::Xlsx).unwrap());
    assert!(found.contains("Customers\tA1\ts\tCustomer id *"), "{found}");
    assert!(found.contains("\"female,male\""), "drop-downs:\n{found}");
    assert!(found.contains("Instructions\tA1\ts\tHow to fill in customers"), "{found}");
    let mut book = AnnotatedWorkbook::new(&["name".to_owned(), "price".to_owned()]).unwrap();
    let problem = RowProblem {
        line: 7,
        cells: vec![RawCell::Text("=1+1".into()), RawCell::Number(-3.5)],
        places: vec![1],
        reason: "price: must not be below 0".to_owned(),
    };
    book.push(&problem).unwrap();
    let found = cells(&book.finish().unwrap());
    assert!(found.contains("To mend\tA2\ts\tprice: must not be below 0"), "{found}");
    assert!(found.contains("To mend\tB2\tn\t7") && found.contains("To mend\tD2\tn\t-3.5"), "{found}");
    assert!(found.contains("To mend\tC2\ts\t=1+1"), "text stays text:\n{found}");
}

#[test]
#[ignore = "LibreOffice takes seconds to start, and not every machine has it"]
fn libreoffice_opens_what_we_write() {
    let Ok(program) = std::env::var(LIBREOFFICE) else {
        eprintln!("LibreOffice is not on PATH, so nothing opens here");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let profile = format!("-env:UserInstallation=file://{}/profile", folder.path().display());
    let (table, rows) = promotions();
    for (name, bytes) in [
        ("export", written(Format::Xlsx, &table, &rows)),
        ("template", template(&table, Format::Xlsx).unwrap()),
    ] {
        let path = kept(folder.path(), &format!("{name}.xlsx"), &bytes);
        let mut command = Command::new(&program);
        command.args([&profile, "--headless", "--norestore", "--convert-to", "csv", "--outdir"]);
        told(&command.arg(folder.path()).arg(&path).output().unwrap());
        let text = std::fs::read_to_string(path.with_extension("csv")).unwrap();
        let (title, row) = match name {
            "export" => ("Promotion id,", "007,\"=HYPERLINK(\"\"x\"\")\","),
            _ => ("Promotion id *,", "spring-apples,Apples in spring,"),
        };
        assert!(text.contains(title) && text.contains(row), "{name}: {text}");
    }
}
