//! Holds, reports, periods and documents on their way out.

use larder_proto::larder::privacy::v1::{
    BackupHorizon, DocumentRow, DocumentSection, ErasureReport, GetPrivacyDocumentResponse, LegalHold,
    RemovedRows, RetentionPeriod, VerifyErasureReportResponse,
};

use super::timestamp;
use crate::days::DAY_US;
use crate::privacy::BackupPeriod;
use crate::privacy::documents::Document;
use crate::privacy::reports::{KeptReport, Removed, Verdict, hex};
use crate::privacy::retention::Kept;
use crate::store::legal_holds::HoldRow;

/// The message of a hold.
pub(crate) fn hold(row: HoldRow) -> LegalHold {
    LegalHold {
        hold_id: row.hold_id,
        customer_id: row.customer_id,
        reason: row.reason,
        set_by: row.set_by,
        set_at: Some(timestamp(row.set_at_us)),
        released_by: row.released_by.unwrap_or_default(),
        release_reason: row.release_reason.unwrap_or_default(),
        released_at: row.released_at_us.map(timestamp),
    }
}

/// The message of a report, with what backups may hold by the periods in force.
pub(crate) fn report(kept: KeptReport, backups: &[BackupPeriod]) -> ErasureReport {
    let KeptReport { row, report, forgotten_by } = kept;
    let erased_at_us = report.erased_at.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond);
    let (model_version, trained_at_us) = forgotten_by.unzip();
    ErasureReport {
        erasure_id: row.erasure_id,
        erased_at: erased_at_us.map(timestamp),
        erased_by: report.erased_by,
        reason: report.reason,
        customer_hash: report.customer_hash,
        salt: report.salt,
        removed: report.removed.iter().map(removed).collect(),
        previous_digest: report.previous_digest,
        report_json: row.report,
        digest: hex(&row.digest),
        backups: backups.iter().map(|backup| horizon(backup, erased_at_us)).collect(),
        forgotten_by_model_version: model_version.unwrap_or_default(),
        forgotten_at: trained_at_us.map(timestamp),
    }
}

fn removed(removed: &Removed) -> RemovedRows {
    RemovedRows {
        table: removed.table.clone(),
        row_count: i64::try_from(removed.row_count).unwrap_or(i64::MAX),
    }
}

fn horizon(backup: &BackupPeriod, erased_at_us: Option<i64>) -> BackupHorizon {
    let until = erased_at_us.zip(backup.days).map(|(at_us, days)| at_us + i64::from(days) * DAY_US);
    BackupHorizon {
        target: backup.target.clone(),
        held_until: until.map(timestamp),
        newest_kept: i32::try_from(backup.newest_kept).unwrap_or(i32::MAX),
    }
}

/// The message of what looking a report over found.
pub(crate) fn verdict(verdict: Verdict) -> VerifyErasureReportResponse {
    VerifyErasureReportResponse {
        intact: verdict.intact,
        follows_previous: verdict.follows_previous,
        names_customer: verdict.names_customer,
        found: verdict.found.iter().map(removed).collect(),
        problems: verdict.problems,
    }
}

/// The message of a kind of rows with its period.
pub(crate) fn period(kept: &Kept) -> RetentionPeriod {
    RetentionPeriod {
        kind: kept.table.name.to_owned(),
        setting: format!("privacy.{}", kept.period.setting),
        counted_from: kept.period.counted_from.to_owned(),
        days: i32::try_from(kept.days).unwrap_or(i32::MAX),
        older_than: kept.before_us.map(timestamp),
        row_count: kept.row_count,
        held_count: kept.held_count,
    }
}

/// The message of a document.
pub(crate) fn document(document: Document) -> GetPrivacyDocumentResponse {
    let markdown = document.markdown();
    let sections = document.sections.into_iter().map(|section| DocumentSection {
        heading: section.heading,
        paragraphs: section.paragraphs,
        columns: section.columns.into_iter().map(str::to_owned).collect(),
        rows: section.rows.into_iter().map(|cells| DocumentRow { cells }).collect(),
    });
    GetPrivacyDocumentResponse {
        title: document.title.to_owned(),
        sections: sections.collect(),
        missing_settings: document.missing.into_iter().map(str::to_owned).collect(),
        markdown,
    }
}
