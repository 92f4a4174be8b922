//! The proofs of erasures: a report is JSON that names nobody, its digest covers every byte of it, and each follows the one before, so
//! that neither a change nor a gap stays unseen.

use aws_lc_rs::rand;
use larder_identity::TenantId;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::inventory::TABLES;
use crate::error::Error;
use crate::state::State;
use crate::store::erasure_reports::{self, NewReport, ReportRow};
use crate::store::{models, personal_data};

const SALT_BYTES: usize = 16;
const FORMAT: &str = "larder.erasure-report.v1";

/// What a report says; the names in JSON are those of the contract.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) format: String,
    pub(crate) tenant_id: String,
    pub(crate) erasure_id: String,
    pub(crate) erased_at: String,
    pub(crate) erased_by: String,
    pub(crate) reason: String,
    pub(crate) salt: String,
    pub(crate) customer_hash: String,
    pub(crate) removed: Vec<Removed>,
    pub(crate) previous_digest: String,
}

/// Rows of a table.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Removed {
    pub(crate) table: String,
    pub(crate) row_count: u64,
}

/// An erasure that is to be proved.
pub(crate) struct Proved<'a> {
    pub(crate) customer_id: &'a str,
    pub(crate) by: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) erased_at_us: i64,
    pub(crate) removed: &'a [Removed],
}

/// A report as it lies here, with what can be told of it only now.
pub(crate) struct KeptReport {
    pub(crate) row: ReportRow,
    pub(crate) report: Report,
    /// The model that serves and learnt nothing of the customer, with the time of its training.
    pub(crate) forgotten_by: Option<(String, i64)>,
}

/// What came of looking a report over.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) intact: bool,
    pub(crate) follows_previous: bool,
    pub(crate) names_customer: bool,
    pub(crate) found: Vec<Removed>,
    pub(crate) problems: Vec<String>,
}

/// Writes the report of an erasure in the transaction that erases; the caller has the turn.
pub(crate) async fn write(
    db: &mut PgConnection,
    tenant: &TenantId,
    proved: &Proved<'_>,
) -> Result<ReportRow, Error> {
    let mut salt = [0; SALT_BYTES];
    rand::fill(&mut salt).map_err(|_| Error::Internal("the system gives no random bytes".to_owned()))?;
    let previous = erasure_reports::list(db, tenant, None, 1).await?.into_iter().next();
    let customer_hash = hash(&salt, proved.customer_id);
    let erasure_id = Uuid::now_v7().to_string();
    let report = Report {
        format: FORMAT.to_owned(),
        tenant_id: tenant.as_str().to_owned(),
        erasure_id: erasure_id.clone(),
        erased_at: jiff::Timestamp::from_microsecond(proved.erased_at_us)
            .map(|at| at.to_string())
            .unwrap_or_default(),
        erased_by: proved.by.to_owned(),
        reason: proved.reason.to_owned(),
        salt: hex(&salt),
        customer_hash: hex(&customer_hash),
        removed: proved.removed.to_vec(),
        previous_digest: previous.map(|row| hex(&row.digest)).unwrap_or_default(),
    };
    let text = serde_json::to_string_pretty(&report)
        .map_err(|error| Error::Internal(format!("writing a report: {error}")))?;
    let new = NewReport {
        erasure_id: &erasure_id,
        erased_at_us: proved.erased_at_us,
        salt: &salt,
        customer_hash: &customer_hash,
        report: &text,
        digest: &sha256(text.as_bytes()),
    };
    erasure_reports::keep(db, tenant, &new).await?;
    let written = erasure_reports::get(db, tenant, &erasure_id).await?;
    written.ok_or_else(|| Error::Internal("a report that was just written is not there".to_owned()))
}

/// One report.
pub(crate) async fn get(state: &State, tenant: &TenantId, erasure_id: &str) -> Result<KeptReport, Error> {
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let row = erasure_reports::get(&mut transaction, tenant, erasure_id).await?;
    let row = row.ok_or(Error::NotFound { noun: "erasure" })?;
    kept(&mut transaction, tenant, row).await
}

/// A page of reports before a place, the newest first.
pub(crate) async fn list(
    state: &State,
    tenant: &TenantId,
    before: Option<i64>,
    size: i64,
) -> Result<Vec<KeptReport>, Error> {
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let mut reports = Vec::new();
    for row in erasure_reports::list(&mut transaction, tenant, before, size).await? {
        reports.push(kept(&mut transaction, tenant, row).await?);
    }
    Ok(reports)
}

/// A report with what can be told of it only now.
pub(crate) async fn kept(
    db: &mut PgConnection,
    tenant: &TenantId,
    row: ReportRow,
) -> Result<KeptReport, Error> {
    let serving = models::registered(db, tenant, None).await?;
    let forgotten_by = serving
        .filter(|model| model.watermark_xid > row.recorded_xid)
        .map(|model| (model.model_version, model.trained_at_us));
    // One that was changed by hand is shown as far as it can be read; looking it over tells.
    let report = serde_json::from_str(&row.report).unwrap_or_default();
    Ok(KeptReport { row, report, forgotten_by })
}

/// Looks a report over: against its digest, the one before, a copy that was kept elsewhere, and a customer.
pub(crate) async fn verify(
    state: &State,
    tenant: &TenantId,
    (erasure_id, copy, customer_id): (&str, &str, &str),
) -> Result<Verdict, Error> {
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let row = erasure_reports::get(&mut transaction, tenant, erasure_id).await?;
    let row = row.ok_or(Error::NotFound { noun: "erasure" })?;
    let mut verdict = Verdict::default();
    let report: Report = serde_json::from_str(&row.report).unwrap_or_default();
    let is_as_written = sha256(row.report.as_bytes()) == row.digest
        && report.erasure_id == row.erasure_id
        && report.salt == hex(&row.salt)
        && report.customer_hash == hex(&row.customer_hash);
    if !is_as_written {
        verdict.problems.push("what is kept here is not what was written when it was erased".to_owned());
    }
    if !copy.is_empty() && copy.trim_end() != row.report {
        verdict.problems.push("the given report is not the one that was written".to_owned());
    }
    verdict.intact = verdict.problems.is_empty();
    let before = erasure_reports::list(&mut transaction, tenant, Some(row.report_number), 1).await?;
    let previous = before.first().map(|row| hex(&sha256(row.report.as_bytes()))).unwrap_or_default();
    verdict.follows_previous = report.previous_digest == previous;
    if !verdict.follows_previous {
        verdict.problems.push("the report before it is missing or was changed".to_owned());
    }
    if !customer_id.is_empty() {
        verdict.names_customer = hash(&row.salt, customer_id) == row.customer_hash;
        if !verdict.names_customer {
            verdict.problems.push("it is about somebody else than the given customer".to_owned());
        }
        for table in &TABLES {
            let rows = personal_data::count(&mut transaction, tenant, table, customer_id).await?;
            if rows > 0 {
                let row_count = u64::try_from(rows).unwrap_or(0);
                verdict.found.push(Removed { table: table.name.to_owned(), row_count });
            }
        }
        if !verdict.found.is_empty() {
            verdict.problems.push("something about the customer is there now".to_owned());
        }
    }
    Ok(verdict)
}

fn hash(salt: &[u8], customer_id: &str) -> Vec<u8> {
    sha256(&[salt, customer_id.as_bytes()].concat())
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}

/// Bytes as people and programs compare them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_it_was_written_and_hashes_are_salted() {
        let removed = vec![Removed { table: "budgets".into(), row_count: 2 }];
        let report = Report { erasure_id: "e".into(), removed, ..Report::default() };
        let text = serde_json::to_string_pretty(&report).unwrap();
        let read: Report = serde_json::from_str(&text).unwrap();
        assert_eq!((read.erasure_id, read.removed), (report.erasure_id, report.removed));
        assert_ne!(hash(&[1; SALT_BYTES], "ann"), hash(&[2; SALT_BYTES], "ann"));
        assert_eq!(hex(&[0, 255]), "00ff");
    }
}
