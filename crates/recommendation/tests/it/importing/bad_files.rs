//! Files as people send them: each is read for what it is, or refused with what to do about it, and nothing of
//! a refused one is written.

use std::io::Cursor;

use larder_proto::larder::exchange::v1::*;
use tonic::Code;

use super::{begin, budgets, create, preview, run, upload};
use crate::house::{House, product};

const TITLES: &str = "budget_id,name,amount,currency,starts_on,ends_on\n";

fn encrypted() -> Vec<u8> {
    let mut bytes = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    bytes.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}

#[tokio::test]
async fn what_is_no_table_is_refused_and_another_file_can_take_its_place() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let wide = (0..16_384).map(|at| format!("c{at}")).collect::<Vec<_>>().join(",");
    let id = create(&mut guest, "budgets").await;
    for (file, told) in [
        (encrypted(), "file: the workbook is encrypted; save it without a password"),
        (b"PK\x03\x04 half a workbook".to_vec(), "file: the workbook is damaged"),
        (wide.into_bytes(), "file: the table has 16384 columns; 256 are accepted"),
        (b"%PDF-1.7".to_vec(), "file: the file is a PDF; send an xlsx, xls, ods or csv file"),
        (b"name;price\nBread;3\n".to_vec(), "file: budgets need \"budget_id\""),
        (b"customer_id,birth_date,goal,sex\n".to_vec(), "the file looks like customers"),
        (b"budget_id,name,name\na,b,c\n".to_vec(), "file: budgets need"),
    ] {
        upload(&mut guest, &id, &file).await;
        let request = PreviewImportRequest { import_id: id.clone(), ..PreviewImportRequest::default() };
        let refused = guest.exchange.preview_import(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        assert!(refused.message().contains(told), "{told}: {}", refused.message());
        let ended = run(&mut guest, &id, ImportMode::ValidRows, false).await;
        let outcome = ended.run.unwrap();
        assert_eq!(outcome.outcome(), ImportOutcome::Refused);
        assert!(outcome.message.contains(told), "{told}: {}", outcome.message);
    }
    upload(&mut guest, &id, format!("{TITLES}a,A,1,ZAR,2026-09-01,2026-09-30\n").as_bytes()).await;
    let done = run(&mut guest, &id, ImportMode::AllOrNothing, false).await;
    assert_eq!(done.state(), ImportState::Committed);
    assert_eq!(budgets(&mut guest).await.len(), 1);
}

#[tokio::test]
async fn days_and_amounts_are_read_as_people_write_them() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let german = "budget_id;name;amount;currency;starts_on;ends_on\r\n\
                  a;Käse;1.234,50;EUR;01.09.2026;30 Sep 2026\r\n\
                  b;Brötchen;7,5;EUR;September 2, 2026;2026-09-30\r\n";
    let (windows, _, _) = encoding_rs::WINDOWS_1252.encode(german);
    let marked = [b"\xEF\xBB\xBF", german.as_bytes()].concat();
    let wide: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(german.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for (file, form) in [
        (windows.into_owned(), "csv in windows-1252, parted by ';'"),
        (marked, "csv in UTF-8, parted by ';'"),
        (wide, "csv in UTF-16LE, parted by ';'"),
    ] {
        let id = begin(&mut guest, "budgets", &file).await;
        assert_eq!(preview(&mut guest, &id, None).await.form, form);
        let done = run(&mut guest, &id, ImportMode::AllOrNothing, false).await;
        assert_eq!(done.run.unwrap().outcome(), ImportOutcome::Succeeded, "{form}");
        let kept = budgets(&mut guest).await;
        let told: Vec<_> = kept
            .iter()
            .map(|budget| {
                let (amount, start) = (budget.amount.as_ref().unwrap(), budget.starts_on.as_ref().unwrap());
                (budget.name.as_str(), amount.units, amount.nanos, start.month, start.day)
            })
            .collect();
        assert_eq!(told, [("Käse", 1_234, 500_000_000, 9, 1), ("Brötchen", 7, 500_000_000, 9, 2)], "{form}");
        guest.exchange.undo_import(UndoImportRequest { import_id: id }).await.unwrap();
        assert!(budgets(&mut guest).await.is_empty());
    }
}

#[tokio::test]
async fn what_could_mean_two_things_is_refused_until_somebody_says_which() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let file = format!("{TITLES}a,A,\"1,234\",ZAR,03/04/2026,30/04/2026\n");
    let id = begin(&mut guest, "budgets", file.as_bytes()).await;
    let shown = preview(&mut guest, &id, None).await;
    let told: Vec<_> = shown.verdicts[0].problems.iter().map(|problem| problem.column.as_str()).collect();
    assert_eq!(told, ["amount", "starts_on"], "{shown:?}");
    let answers = ImportAnswers {
        decimal_mark: ".".into(),
        date_order: "day_first".into(),
        ..ImportAnswers::default()
    };
    preview(&mut guest, &id, Some(answers)).await;
    run(&mut guest, &id, ImportMode::AllOrNothing, false).await;
    let kept = budgets(&mut guest).await;
    assert_eq!(kept[0].amount.as_ref().unwrap().units, 1_234);
    assert_eq!(kept[0].starts_on.as_ref().unwrap().month, 4);
    let wrong =
        ImportAnswers { decimal_mark: ";".into(), currency: "rand".into(), ..ImportAnswers::default() };
    for (answers, row_count, told) in [
        (None, 5_000, "row_count: "),
        (Some(wrong.clone()), 0, "decimal_mark: must be . or , or empty"),
        (Some(wrong), 0, "currency: "),
    ] {
        let request = PreviewImportRequest { import_id: id.clone(), answers, row_count, columns_only: false };
        let refused = guest.exchange.preview_import(request).await.unwrap_err();
        assert!(refused.message().contains(told), "{told}: {refused}");
    }
}

#[tokio::test]
async fn merged_titles_and_formulas_are_told_with_their_place() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.merge_range(0, 0, 0, 1, "budget_id", &rust_xlsxwriter::Format::new()).unwrap();
    for (at, title) in (2u16..).zip(["name", "amount", "currency", "starts_on", "ends_on"]) {
        sheet.write(0, at, title).unwrap();
    }
    sheet.write(1, 0, "a").unwrap();
    let id = begin(&mut guest, "budgets", &book.save_to_buffer().unwrap()).await;
    let request = PreviewImportRequest { import_id: id, ..PreviewImportRequest::default() };
    let refused = guest.exchange.preview_import(request).await.unwrap_err();
    assert!(refused.message().contains("columns A to B of row 1 are merged"), "{refused}");

    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (at, title) in (0u16..).zip(["budget_id", "name", "amount", "currency", "starts_on", "ends_on"]) {
        sheet.write(0, at, title).unwrap();
        sheet.write(1, at, ["a", "A", "", "ZAR", "2026-09-01", "2026-09-30"][usize::from(at)]).unwrap();
    }
    sheet.write_formula(1, 2, rust_xlsxwriter::Formula::new("=1+2").set_result("3")).unwrap();
    let id = begin(&mut guest, "budgets", &book.save_to_buffer().unwrap()).await;
    run(&mut guest, &id, ImportMode::AllOrNothing, false).await;
    assert_eq!(budgets(&mut guest).await[0].amount.as_ref().unwrap().units, 3, "its value counts");
}

#[tokio::test]
async fn products_that_are_missing_are_told_and_hold_nothing_up() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.upsert(vec![product("bread", "Bread")]).await;
    let file = "promotion_id,name,product_ids,discount_percent,starts_at,ends_at\n\
                p,Bakery,bread; cake; bun,15,2026-03-01,2026-03-08\n";
    let id = begin(&mut guest, "promotions", file.as_bytes()).await;
    let shown = preview(&mut guest, &id, None).await;
    assert_eq!(shown.verdicts[0].notices, ["not in the catalogue: cake, bun"], "in the order of the file");
    let done = run(&mut guest, &id, ImportMode::AllOrNothing, false).await;
    assert_eq!(done.run.unwrap().accepted_count, 1);
}

#[tokio::test]
async fn rows_of_one_id_are_written_once_and_the_last_one_counts() {
    duplicates(20_000).await;
}

#[tokio::test]
#[ignore = "a million rows take minutes without optimisation"]
async fn a_million_rows_of_one_id_are_written_once() {
    duplicates(1_000_000).await;
}

async fn duplicates(rows: i64) {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let mut file = TITLES.to_owned();
    for number in 1..=rows {
        file.push_str(&format!("a,Name {number},1,ZAR,2026-09-01,2026-09-30\n"));
    }
    let id = begin(&mut guest, "budgets", file.as_bytes()).await;
    let done = run(&mut guest, &id, ImportMode::AllOrNothing, false).await;
    let counts = done.run.unwrap();
    assert_eq!((counts.read_count, counts.accepted_count), (rows, rows), "{counts:?}");
    assert_eq!(counts.duplicate_count, rows - 1, "{counts:?}");
    let kept = budgets(&mut guest).await;
    assert_eq!((kept.len(), kept[0].name.as_str()), (1, format!("Name {rows}").as_str()));
    guest.exchange.undo_import(UndoImportRequest { import_id: id }).await.unwrap();
    assert!(budgets(&mut guest).await.is_empty(), "the row was not there before, however often it came");
}

#[tokio::test]
async fn what_no_table_could_hold_is_told_for_each_cell() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let file = format!(
        "product_id,name,price,currency,attributes.origin\n\
         a b,Bread,1,ZAR,x\n\
         b,{},1,ZAR,x\n\
         c,Bread,1,RAND,x\n\
         d,Bread,1,,x\n\
         e,Bread,1,ZAR,{}\n\
         f,Bread,1.0000001,ZAR,x\n\
         g,=1+1,1,ZAR,x\n",
        "n".repeat(300),
        "o".repeat(300),
    );
    let id = begin(&mut guest, "products", file.as_bytes()).await;
    let shown = preview(&mut guest, &id, None).await;
    let told: Vec<_> = shown
        .verdicts
        .iter()
        .map(|verdict| verdict.problems.first().map_or("", |problem| problem.column.as_str()))
        .collect();
    assert_eq!(told, ["product_id", "name", "currency", "price", "", "price", ""], "{shown:?}");
    let attribute = &shown.verdicts[4].problems[0].description;
    assert!(attribute.contains("attributes[0].value"), "{attribute}");
    assert_eq!(shown.verdicts[6].outcome(), RowOutcome::New, "text is text: {shown:?}");
    let done = run(&mut guest, &id, ImportMode::ValidRows, false).await.run.unwrap();
    assert_eq!((done.accepted_count, done.rejected_count), (1, 6));
    let quantity = "transaction_id,customer_id,product_id,quantity,occurred_at\n\
                    t,ann,bread,0,2026-02-01T10:00:00Z\n\
                    u,ann,bread,,2036-02-01T10:00:00Z\n";
    let id = begin(&mut guest, "transactions", quantity.as_bytes()).await;
    let shown = preview(&mut guest, &id, None).await;
    let told: Vec<_> = shown.verdicts.iter().map(|verdict| verdict.problems[0].column.as_str()).collect();
    assert_eq!(told, ["quantity", "occurred_at"], "nought is not left out: {shown:?}");
}

#[tokio::test]
async fn the_template_goes_in_as_it_is_and_its_example_is_passed_over() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    for kind in ["customers", "products", "promotions", "budgets", "transactions"] {
        for format in ["xlsx", "csv"] {
            let request = GetTemplateRequest { kind: kind.into(), format: format.into() };
            let template = guest.exchange.get_template(request).await.unwrap().into_inner().file.unwrap();
            let id = begin(&mut guest, kind, &template.data).await;
            let shown = preview(&mut guest, &id, None).await;
            let outcomes: Vec<_> = shown.verdicts.iter().map(ImportRowVerdict::outcome).collect();
            assert_eq!(outcomes, [RowOutcome::PassedOver], "{kind} {format}");
            assert!(shown.columns.iter().all(|column| column.is_exact), "{kind} {format}: {shown:?}");
        }
    }
    let request = GetTemplateRequest { kind: "feedback".into(), ..GetTemplateRequest::default() };
    let refused = guest.exchange.get_template(request).await.unwrap_err();
    assert_eq!(refused.message(), "kind: feedback are not imported");
}

/// The cells of the first sheet of a workbook.
fn cells(bytes: Vec<u8>) -> Vec<Vec<String>> {
    use calamine::Reader;
    let mut book = calamine::Xlsx::new(Cursor::new(bytes)).unwrap();
    let name = book.sheet_names()[0].clone();
    let range = book.worksheet_range(&name).unwrap();
    range.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect()
}

#[tokio::test]
async fn the_workbook_to_mend_tells_what_is_wrong_with_each_row() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let file = format!("{TITLES}a,A,1,ZAR,2026-09-01,2026-09-30\nb,,x,ZAR,2026-09-01,2026-09-30\n");
    let id = begin(&mut guest, "budgets", file.as_bytes()).await;
    run(&mut guest, &id, ImportMode::ValidRows, false).await;
    let (_, workbook) = super::problems(&mut guest, ExportImportProblemsRequest { import_id: id }).await;
    let rows = cells(workbook);
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(rows[0][..4], ["!! What is wrong", "!! Row", "budget_id", "name"]);
    assert_eq!(rows[1][0], "name: is empty; amount: \"x\" is no number; write one such as 2.5");
    assert_eq!(rows[1][1..5], ["3", "b", "", "x"]);
}
