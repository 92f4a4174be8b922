//! Files as they come: each is read for what it is, or refused with what to do about it.

use std::io::{Cursor, Read, Write};

use larder_exchange::{Dialect, Mapping, Parser, RawCell, Table, Value, table};
use rust_xlsxwriter::{Format, Formula, Workbook, Worksheet};
use zip::write::SimpleFileOptions;

use super::support::{read_all, refusal, values};

fn budgets() -> Table {
    table("budgets").unwrap()
}

fn book(fill: impl FnOnce(&mut Worksheet)) -> Vec<u8> {
    let mut workbook = Workbook::new();
    fill(workbook.add_worksheet());
    workbook.save_to_buffer().unwrap()
}

#[test]
fn what_is_no_table_is_refused_by_what_it_is() {
    for (bytes, told) in [
        (&b""[..], "is empty"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "gzip"),
        (b"PAR1....", "Parquet"),
        (b"PK\x03\x04nonsense", "damaged"),
        (b"\x00\x01\x02binary", "no text and no workbook"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 half a file", "damaged"),
        (b"\n\n  \n", "no rows"),
    ] {
        assert!(refusal(bytes, &budgets()).contains(told), "{told}: {}", refusal(bytes, &budgets()));
    }
}

#[test]
fn an_encrypted_workbook_is_known() {
    let mut bytes = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    bytes.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    assert!(refusal(&bytes, &budgets()).contains("is encrypted; save it without a password"));
}

#[test]
fn a_bomb_is_put_down_before_it_unpacks() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    zip.start_file("xl/workbook.xml", options).unwrap();
    zip.write_all(b"<workbook/>").unwrap();
    zip.start_file("xl/worksheets/sheet1.xml", options).unwrap();
    let zeros = vec![b'0'; 1 << 20];
    for _ in 0..64 {
        zip.write_all(&zeros).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    assert!(bytes.len() < 1 << 20);
    let limits = larder_exchange::Limits { unpacked_bytes: 16 << 20, ..Default::default() };
    let mut seen = super::support::Seen::default();
    let refused = larder_exchange::read(Cursor::new(bytes), &budgets(), &limits, &mut seen).unwrap_err();
    assert!(refused.to_string().contains("unpacks to more than 16 MB"), "{refused}");
}

#[test]
fn a_workbook_cut_short_is_damaged() {
    let whole = book(|sheet| {
        for (at, name) in (0u16..).zip(["budget_id", "name", "amount"]) {
            sheet.write(0, at, name).unwrap();
        }
    });
    for length in [whole.len() / 2, whole.len() - 10, 30] {
        let told = refusal(&whole[..length], &budgets());
        assert!(told.contains("damaged"), "{length}: {told}");
    }
}

#[test]
fn sixteen_thousand_columns_are_refused_at_the_first_row() {
    let wide = book(|sheet| {
        for at in 0..16_384 {
            sheet.write(0, at, format!("c{at}")).unwrap();
        }
    });
    let told = refusal(&wide, &budgets());
    assert!(told.contains("columns; 256 are accepted"), "{told}");
    let text = (0..16_384).map(|at| format!("c{at}")).collect::<Vec<_>>().join(",");
    assert!(
        refusal(text.as_bytes(), &budgets()).contains("16384 columns"),
        "{}",
        refusal(text.as_bytes(), &budgets())
    );
}

#[test]
fn merged_titles_are_refused_with_their_place() {
    let merged = book(|sheet| {
        sheet.write(0, 0, "budget_id").unwrap();
        sheet.merge_range(0, 1, 0, 2, "name", &Format::new()).unwrap();
        sheet.write(0, 3, "amount").unwrap();
        sheet.write(1, 0, "a").unwrap();
    });
    let told = refusal(&merged, &budgets());
    assert!(told.contains("columns B to C of row 1 are merged"), "{told}");
}

#[test]
fn formulas_are_read_by_their_values_and_missed_ones_are_told() {
    let bytes = book(|sheet| {
        sheet.write(0, 0, "budget_id").unwrap();
        sheet.write(0, 1, "amount").unwrap();
        sheet.write(1, 0, "a").unwrap();
        sheet.write_formula(1, 1, Formula::new("=1+2").set_result("3")).unwrap();
        sheet.write(2, 0, "b").unwrap();
        sheet.write_formula(2, 1, Formula::new("=1+2").set_result("77")).unwrap();
    });
    let bytes = without(&bytes, "<v>77</v>");
    let seen = read_all(&bytes, &budgets()).unwrap();
    assert_eq!(seen.rows[0].cells[1], RawCell::Number(3.0));
    assert!(
        matches!(&seen.rows[1].cells[1], RawCell::Problem(why) if why.contains("formula")),
        "{:?}",
        seen.rows[1]
    );
}

/// The workbook without a piece of its first sheet, as programs write it that work nothing out.
fn without(book: &[u8], piece: &str) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(book)).unwrap();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).unwrap();
        let name = part.name().unwrap().into_owned();
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        let is_sheet = name.ends_with("sheet1.xml");
        assert!(!is_sheet || text.contains(piece), "{text}");
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        let kept = if is_sheet { text.replace(piece, "") } else { text };
        zip.write_all(kept.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn titles_may_stand_below_a_letterhead_and_on_a_later_sheet() {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("Empty").unwrap();
    let sheet = workbook.add_worksheet();
    sheet.write(0, 0, "My Company").unwrap();
    sheet.write(2, 1, "Budget ID*").unwrap();
    sheet.write(2, 2, "Name").unwrap();
    sheet.write(5, 1, "x").unwrap();
    sheet.write(5, 2, "X").unwrap();
    let seen = read_all(&workbook.save_to_buffer().unwrap(), &budgets()).unwrap();
    assert_eq!(seen.header.unwrap().titles, ["", "Budget ID*", "Name"]);
    assert_eq!((seen.rows.len(), seen.rows[0].line), (1, 6));
}

#[test]
fn csv_of_a_german_office_is_understood() {
    let text = "budget_id;name;amount;currency;starts_on;ends_on\r\n\
                b-1;Müsli & Käse;1.234,50;EUR;01.09.2026;30.09.2026\r\n\
                b-2;\"Brot; grob\";7,5;EUR;2026-09-01;2026-09-30\r\n";
    let (windows, _, _) = encoding_rs::WINDOWS_1252.encode(text);
    let (table, rows) = values(&windows, &budgets());
    let at = |name: &str| table.position(name).unwrap();
    assert_eq!(rows[0][at("amount")], Value::Money(1_234_500_000));
    assert_eq!(rows[0][at("name")], Value::Text("Müsli & Käse".into()));
    assert_eq!(rows[0][at("starts_on")], Value::Date(20_697));
    assert_eq!(rows[1][at("name")], Value::Text("Brot; grob".into()));
    let header = read_all(&windows, &budgets()).unwrap().header.unwrap();
    assert_eq!(header.form, "csv in windows-1252, parted by ';'");
}

#[test]
fn every_problem_of_a_row_is_told_with_its_column() {
    let text = "budget_id,name,amount,currency,starts_on,ends_on,colour\n\
                ,Fruit,much,ZAR,03/04/2026,\n\
                b,Fruit,1,ZAR,2026-01-01,2026-01-02,red,and more\n\
                c,Fruit\n";
    let seen = read_all(text.as_bytes(), &budgets()).unwrap();
    let titles = seen.header.unwrap().titles;
    let parser = Parser::new(Mapping::settle(&budgets(), &titles, &[]).unwrap(), Dialect::default());
    let told: Vec<Vec<String>> = seen
        .rows
        .iter()
        .map(|row| {
            parser
                .row(row)
                .unwrap_err()
                .into_iter()
                .map(|one| format!("{}: {}", one.column, one.reason))
                .collect()
        })
        .collect();
    assert_eq!(seen.rows[0].line, 2);
    assert!(told[1][0].contains("column H, which has no title"), "{told:?}");
    assert!(told[2][0].contains("has 2 cells; the titles are 7"), "{told:?}");
    assert!(told[0][0].contains("has 6 cells"), "{told:?}");
}

#[test]
fn a_million_cells_in_one_line_do_not_fill_memory() {
    let line = "a,".repeat(200_000);
    let told = refusal(line.as_bytes(), &budgets());
    assert!(told.contains("columns; 256 are accepted"), "{told}");
}
