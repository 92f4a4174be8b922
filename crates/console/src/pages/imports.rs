//! Files in: one is uploaded, its columns are settled, what would become of its rows is shown, and then it is written or
//! left alone. What was written can be taken back.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::listing::about;
use crate::fields::Fields;
use crate::refusal::{Refusal, part};
use crate::room::Answer;
use crate::upload::Upload;
use crate::visit::Visit;

/// What can be brought in.
const KINDS: [&str; 5] = ["products", "customers", "promotions", "budgets", "transactions"];
/// Bytes of a part and parts of a file, as the service takes them.
const PART_BYTES: usize = 1 << 20;
const MOST_PARTS: u32 = 128;
/// Rows that are shown with their verdicts.
const SHOWN_ROWS: u32 = 100;
const DEEDS: &str = "deed must be settle, check, commit, cancel or undo";

/// A form for a file, and the files of before.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    render_list(&visit, None).await
}

async fn render_list(visit: &Visit, refused: Option<Refusal>) -> Answer {
    let imports = part(visit.ask("/v1/imports").await)?;
    visit.page("imports.html", json!({"kinds": KINDS, "imports": imports, "problem": refused})).await
}

/// Takes a file in and goes on to its columns.
pub(crate) async fn upload(visit: Arc<Visit>) -> Answer {
    match send(&visit).await {
        Ok(import) => visit.go(&about("/console/imports/{}", &import), "file_uploaded"),
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => render_list(&visit, Some(refusal)).await,
    }
}

/// Hands the file on while it arrives, and answers with the id of its import.
async fn send(visit: &Visit) -> Result<String, Refusal> {
    let missing = || Refusal::new(400, "file: choose a file of up to 128 MiB that is not empty");
    let mut upload: Upload = visit.take_upload().ok_or_else(missing)?;
    let mut content = upload.part(PART_BYTES).await?;
    if content.is_empty() {
        return Err(missing());
    }
    let begun = json!({"kind": visit.form.get("kind"), "fileName": upload.file_name});
    let answer = visit.tell("/v1/imports", &begun).await?;
    let import = answer["import"]["importId"].as_str().unwrap_or_default().to_owned();
    let path = about("/v1/imports/{}/parts", &import);
    for number in 0..MOST_PARTS {
        let next = upload.part(PART_BYTES).await?;
        let body = json!({"part": number, "isLast": next.is_empty(), "content": STANDARD.encode(&content)});
        visit.tell(&path, &body).await?;
        if next.is_empty() {
            return Ok(import);
        }
        content = next;
    }
    Err(Refusal::new(413, "file: it is larger than 128 MiB; part it into several"))
}

/// One import: its columns and rows while it waits, and what came of it.
pub(crate) async fn one(visit: Arc<Visit>) -> Answer {
    let id = visit.last_segment();
    render_one(&visit, &id, None).await
}

async fn render_one(visit: &Visit, id: &str, refused: Option<Refusal>) -> Answer {
    let import = visit.ask(&about("/v1/imports/{}", id)).await?["import"].clone();
    let mut content = json!({ "problem": refused });
    if import["state"] == "IMPORT_STATE_READY" {
        let path = format!("{}:preview", about("/v1/imports/{}", id));
        let preview = part(visit.tell(&path, &json!({"rowCount": SHOWN_ROWS})).await)?;
        // A file that lacks a column still has its titles, and they can be settled.
        content["file"] = match preview.get("problem") {
            Some(_) => part(visit.tell(&path, &json!({"columnsOnly": true})).await)?,
            None => preview.clone(),
        };
        content["preview"] = preview;
    }
    content["import"] = import;
    visit.page("import.html", content).await
}

/// Settles columns, judges, writes, ends a run or takes it back, as the button says.
pub(crate) async fn act(visit: Arc<Visit>) -> Answer {
    let id = visit.last_segment();
    let (form, nothing) = (&visit.form, json!({}));
    let path = |verb: &str| format!("{}:{verb}", about("/v1/imports/{}", &id));
    let (sent, done) = match form.get("deed") {
        "settle" => (visit.tell(&path("preview"), &answers(form)).await, "columns_settled"),
        "check" => {
            let body = json!({"mode": "IMPORT_MODE_VALID_ROWS", "dryRun": true});
            (visit.tell(&path("commit"), &body).await, "")
        }
        "commit" => (visit.tell(&path("commit"), &json!({"mode": form.get("mode")})).await, ""),
        "cancel" => (visit.tell(&path("cancel"), &nothing).await, "import_cancelled"),
        "undo" => (visit.tell(&path("undo"), &nothing).await, "import_undone"),
        _ => (Err(Refusal::new(400, DEEDS)), ""),
    };
    match sent {
        Ok(_) => visit.go(&about("/console/imports/{}", &id), done),
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => render_one(&visit, &id, Some(refusal)).await,
    }
}

/// How a file is to be read, as it was chosen: every title is told of, also those that are passed over.
fn answers(form: &Fields) -> Value {
    let columns =
        form.under("column.").map(|(title, column)| json!({"title": title, "column": column.trim()}));
    json!({
        "rowCount": 1,
        "answers": {
            "columns": columns.collect::<Vec<_>>(),
            "decimalMark": form.get("decimal_mark"),
            "dateOrder": form.get("date_order"),
            "currency": form.get("currency").to_uppercase(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_title_is_told_of_as_it_stands() {
        let form =
            Fields::parse(b"column.Art.+no.=product_id&column.Remarks=&decimal_mark=,&currency=zar&deed=x");
        let told = answers(&form);
        assert_eq!(
            told["answers"]["columns"],
            json!([{"title": "Art. no.", "column": "product_id"}, {"title": "Remarks", "column": ""}])
        );
        assert_eq!(
            (&told["answers"]["decimalMark"], &told["answers"]["currency"]),
            (&json!(","), &json!("ZAR"))
        );
    }
}
