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
