//! What lists have in common: filters, pages, and rows that are written one at a time.

use serde_json::{Value, json};

use crate::fields::{segment, target};
use crate::refusal::{Refusal, part};
use crate::visit::Visit;

/// Rows of one page.
const ROWS: &str = "50";

/// One page of a list of the gateway, and the link to the next one. `filters` are the fields of the form and what the
/// gateway calls them.
pub(super) async fn list(visit: &Visit, path: &str, filters: &[(&str, &str)]) -> Result<Value, Refusal> {
    let query = &visit.query;
    let given = || filters.iter().filter_map(|(field, name)| Some((*field, *name, query.given(field)?)));
    let mut asked: Vec<(&str, &str)> = given().map(|(_, name, value)| (name, value)).collect();
    asked.extend([("pageSize", ROWS), ("pageToken", query.get("page"))]);
    let mut answer = part(visit.ask(&target(path, &asked)).await)?;
    let token = answer["nextPageToken"].as_str().unwrap_or_default().to_owned();
    if !token.is_empty() {
        let mut link: Vec<(&str, &str)> = given().map(|(field, _, value)| (field, value)).collect();
        link.push(("page", &token));
        answer["next"] = json!(target(&visit.path, &link));
    }
    Ok(answer)
}

/// Writes one row of a batch; a verdict against it is a refusal.
pub(super) async fn upsert(visit: &Visit, path: &str, field: &str, row: Value) -> Result<(), Refusal> {
    let answer = visit.tell(path, &json!({ (field): [row] })).await?;
    let verdicts = answer["verdicts"].as_array().into_iter().flatten();
    let against =
        verdicts.map(|verdict| &verdict["status"]).find(|status| status["code"].as_i64().unwrap_or(0) != 0);
    match against {
        None => Ok(()),
        Some(status) => Err(of_status(status)),
    }
}

fn of_status(status: &Value) -> Refusal {
    let message = status["message"].as_str().unwrap_or("the row was refused");
    let mut refusal = Refusal::new(400, message);
    let details = status["details"].as_array().into_iter().flatten();
    refusal.errors = details
        .flat_map(|detail| detail["fieldViolations"].as_array().cloned().unwrap_or_default())
        .collect();
    refusal
}

/// A path with an id in its place.
pub(super) fn about(path: &str, id: &str) -> String {
    path.replace("{}", &segment(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_against_a_row_names_its_fields() {
        let status = json!({"code": 3, "message": "name is too long", "details": [
            {"@type": "type.googleapis.com/google.rpc.BadRequest",
             "fieldViolations": [{"field": "name", "description": "at most 256 characters"}]},
        ]});
        let refusal = of_status(&status);
        assert_eq!((refusal.status, refusal.detail.as_str()), (400, "name is too long"));
        assert_eq!(refusal.errors[0]["field"], "name");
    }

    #[test]
    fn an_id_is_one_part_of_a_path() {
        assert_eq!(about("/v1/backups/{}:verify", "a/b"), "/v1/backups/a%2Fb:verify");
    }
}
