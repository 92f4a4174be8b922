//! `larder import` against a running Larder, and what it refuses by itself.

use std::fs;

use super::larder::{DataDir, Up, finish, run};

const BAD_AND_GOOD: &str = "\
event_id,customer_id,product_id,kind,quantity,occurred_at
import-1,importer,1082185,purchase,2,2026-01-05T10:00:00Z
import-2,importer,1082185,bought,1,2026-01-06T10:00:00Z
import-3,importer,1082185,purchase,-4,2026-01-07T10:00:00Z
import-4,importer,1082185,purchase,1,tomorrow
import-5,importer,1082185
import-6,importer,1029743,INTERACTION_KIND_LIKE,,2026-01-09
,importer,1029743,view,,
";

/// Part of the story of `end_to_end`.
pub(crate) async fn bad_rows_are_told_and_good_ones_go_in(up: &Up, data: &DataDir) {
    let (file, rejects) = (data.beside("bad.csv"), data.beside("rejects.csv"));
    fs::write(&file, BAD_AND_GOOD).unwrap();
    let (file, rejects) = (file.to_str().unwrap(), rejects.to_str().unwrap());
    let arguments = ["import", "--kind", "interactions", file, "--rejects", rejects];
    let outcome = finish(&mut up.command(&arguments)).await.expect_code(3);
    assert!(outcome.stdout.contains("7 rows read, 2 went in, 5 refused"), "{outcome:?}");
    for (line, field, reason) in [
        (3, "kind", "purchase"),
        (4, "quantity", ""),
        (5, "occurred_at", "2026-03-31T12:00:00Z"),
        (6, "the row", "3 cells"),
        (8, "event_id", "empty"),
    ] {
        let told = outcome.stderr.lines().find(|told| told.contains(&format!("bad.csv:{line}: {field}")));
        assert!(told.is_some_and(|told| told.contains(reason)), "line {line}: {}", outcome.stderr);
    }

    let json = finish(up.command(&arguments).arg("--json")).await.expect_code(3).json();
    assert_eq!(json["duplicate_count"], 2, "a second time nothing is doubled: {json}");
    assert_eq!(json["rejections"][0]["line"], 3, "{json}");
    let listed = up.get("/v1/transactions?customerId=importer").await;
    assert_eq!(listed["transactions"].as_array().unwrap().len(), 1, "{listed}");

    mended_rejects_can_be_imported(up, rejects).await;
}

async fn mended_rejects_can_be_imported(up: &Up, rejects: &str) {
    let refused = fs::read_to_string(rejects).unwrap();
    assert_eq!(refused.lines().count(), 6, "{refused}");
    let one = refused.lines().enumerate().filter(|(number, line)| *number == 0 || line.contains("import-2"));
    let mended: Vec<String> = one.map(|(_, line)| line.replace(",bought,", ",purchase,")).collect();
    fs::write(rejects, mended.join("\n")).unwrap();
    finish(&mut up.command(&["import", "--kind", "interactions", rejects])).await.expect_code(0);
}

/// Part of the story of `end_to_end`.
pub(crate) async fn files_go_out_and_come_in_as_a_whole(up: &Up, data: &DataDir) {
    let (status, content_type, template) = up.page("/v1/templates/budgets?format=csv").await;
    assert_eq!((status, content_type.as_str()), (200, "text/csv; charset=utf-8; header=present"));
    let file = data.beside("budgets.csv");
    let bad = "bad,Bad,,,-1,ZAR,2026-09-01,2026-09-30\r\n";
    fs::write(&file, template.replace("september-fruit", "of-the-file") + bad).unwrap();
    let path = file.to_str().unwrap();
    let whole = ["import", "--kind", "budgets", path, "--all-or-nothing"];
    let refused = finish(&mut up.command(&whole)).await.expect_code(1);
    assert!(refused.stderr.contains("1 of 2 rows are refused"), "{refused:?}");
    assert!(refused.stderr.contains("budgets.csv:3: amount: "), "{refused:?}");
    let (_, _, exported) = up.page("/v1/exports/budgets?format=csv").await;
    assert!(!exported.contains("of-the-file"), "{exported}");

    fs::write(&file, template.replace("september-fruit", "of-the-file")).unwrap();
    let dry = ["import", "--kind", "budgets", path, "--dry-run", "--json"];
    let judged = finish(&mut up.command(&dry)).await.expect_code(0).json();
    assert_eq!((&judged["accepted_count"], &judged["dry_run"]), (&1.into(), &true.into()), "{judged}");
    let done = finish(up.command(&whole).arg("--json")).await.expect_code(0).json();
    let (status, _, exported) = up.page("/v1/exports/budgets?format=csv").await;
    assert_eq!(status, 200);
    assert!(exported.contains("of-the-file,Fruit in September"), "{exported}");
    workbooks_come_back_to_mend(up, data).await;

    let import_id = done["import_id"].as_str().unwrap();
    let undone = finish(&mut up.command(&["import", "--undo", import_id])).await.expect_code(0);
    assert!(undone.stdout.contains("is taken back"), "{undone:?}");
    let (_, _, exported) = up.page("/v1/exports/budgets?format=csv").await;
    assert!(!exported.contains("of-the-file"), "{exported}");
}

/// What an export wrote goes in as it is, and what is refused comes back as a workbook.
async fn workbooks_come_back_to_mend(up: &Up, data: &DataDir) {
    let (book, rejects) = (data.beside("budgets.xlsx"), data.beside("rejects.xlsx"));
    let (_, _, bytes) = up.file("/v1/exports/budgets?format=xlsx").await;
    fs::write(&book, bytes).unwrap();
    let judged = ["import", "--kind", "budgets", book.to_str().unwrap(), "--dry-run", "--json"];
    let judged = finish(&mut up.command(&judged)).await.expect_code(0).json();
    assert_eq!(judged["rejected_count"], 0, "{judged}");
    assert!(judged["accepted_count"].as_u64() > Some(0), "{judged}");

    let file = data.beside("german.csv");
    fs::write(&file, "Nr.;name;amount;currency;starts_on;ends_on\nx;X;much;EUR;01.09.2026;02.09.2026\n")
        .unwrap();
    let (file, rejects) = (file.to_str().unwrap(), rejects.to_str().unwrap());
    let arguments = ["import", "--kind", "budgets", file, "--map", "Nr.=budget_id", "--rejects", rejects];
    let refused = finish(&mut up.command(&arguments)).await.expect_code(3);
    assert!(refused.stderr.contains("german.csv:2: amount: "), "{refused:?}");
    assert!(fs::read(rejects).unwrap().starts_with(b"PK"), "{refused:?}");
    let again = ["import", "--kind", "budgets", rejects, "--map", "Nr.=budget_id", "--dry-run"];
    let again = finish(&mut up.command(&again)).await.expect_code(3);
    assert!(again.stderr.contains("1 of 1 rows would be refused"), "{again:?}");
}

#[tokio::test]
async fn a_bad_header_is_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("products.csv");
    fs::write(&file, "product_id,nmae\n1,Bread\n").unwrap();
    let refused = run(&["import", "--kind", "products", file.to_str().unwrap()]).await.expect_code(1);
    assert!(refused.stderr.contains("\"nmae\"") && refused.stderr.contains("\"name\""), "{refused:?}");
    let refused = run(&["import", "--kind", "products", "/nowhere/products.csv"]).await.expect_code(1);
    assert!(refused.stderr.contains("/nowhere/products.csv"), "{refused:?}");
}
