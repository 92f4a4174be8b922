//! `PrivacyService`: what is kept about customers, and what becomes of it.

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use larder_identity::page::{self, PageOf};
use larder_identity::{Caller, TenantId};
use larder_proto::google::api::HttpBody;
use larder_proto::larder::privacy::v1::privacy_service_server::PrivacyService;
use larder_proto::larder::privacy::v1::*;
use tonic::{Request, Response, Status};

use crate::convert::{privacy as convert, query};
use crate::erase::erase_known_customer;
use crate::error::Error;
use crate::grpc::caller;
use crate::privacy::{documents, export, holds, reports, retention};
use crate::state::State;
use crate::validate::Fields;

/// The longest reason.
const REASON_CHARACTERS: usize = 500;
/// A report has some 2 kB.
const REPORT_CHARACTERS: usize = 100_000;

/// Personal data over gRPC.
pub(crate) struct PrivacyCalls {
    pub(crate) state: Arc<State>,
}

type Parts = Pin<Box<dyn Stream<Item = Result<ExportCustomerResponse, Status>> + Send>>;

#[tonic::async_trait]
impl PrivacyService for PrivacyCalls {
    type ExportCustomerStream = Parts;

    async fn export_customer(
        &self,
        request: Request<ExportCustomerRequest>,
    ) -> Result<Response<Self::ExportCustomerStream>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(export_customer(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn erase_customer_data(
        &self,
        request: Request<EraseCustomerDataRequest>,
    ) -> Result<Response<EraseCustomerDataResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(erase_customer_data(&self.state, &caller, request.into_inner()).await?))
    }

    async fn list_erasures(
        &self,
        request: Request<ListErasuresRequest>,
    ) -> Result<Response<ListErasuresResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(list_erasures(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn get_erasure_report(
        &self,
        request: Request<GetErasureReportRequest>,
    ) -> Result<Response<GetErasureReportResponse>, Status> {
        let caller = caller(&request)?;
        let erasure_id = request.into_inner().erasure_id;
        query::id("erasure_id", &erasure_id)?;
        let kept = reports::get(&self.state, &caller.tenant, &erasure_id).await?;
        let report = convert::report(kept, &self.state.privacy.backups);
        Ok(Response::new(GetErasureReportResponse { report: Some(report) }))
    }

    async fn verify_erasure_report(
        &self,
        request: Request<VerifyErasureReportRequest>,
    ) -> Result<Response<VerifyErasureReportResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        fields.id("erasure_id", &request.erasure_id);
        fields.optional_id("customer_id", &request.customer_id);
        if request.report_json.len() > REPORT_CHARACTERS {
            fields.refuse("report_json", format!("must be at most {REPORT_CHARACTERS} bytes long"));
        }
        fields.finish(())?;
        let asked = (request.erasure_id.as_str(), request.report_json.as_str(), request.customer_id.as_str());
        let verdict = reports::verify(&self.state, &caller.tenant, asked).await?;
        Ok(Response::new(convert::verdict(verdict)))
    }

    async fn set_legal_hold(
        &self,
        request: Request<SetLegalHoldRequest>,
    ) -> Result<Response<SetLegalHoldResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        check_deed("customer_id", &request.customer_id, &request.reason)?;
        let hold = holds::set(&self.state, &caller, &request.customer_id, &request.reason).await?;
        Ok(Response::new(SetLegalHoldResponse { hold: Some(convert::hold(hold)) }))
    }

    async fn release_legal_hold(
        &self,
        request: Request<ReleaseLegalHoldRequest>,
    ) -> Result<Response<ReleaseLegalHoldResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        check_deed("hold_id", &request.hold_id, &request.reason)?;
        let hold = holds::release(&self.state, &caller, &request.hold_id, &request.reason).await?;
        Ok(Response::new(ReleaseLegalHoldResponse { hold: Some(convert::hold(hold)) }))
    }

    async fn list_legal_holds(
        &self,
        request: Request<ListLegalHoldsRequest>,
    ) -> Result<Response<ListLegalHoldsResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        fields.optional_id("customer_id", &request.customer_id);
        fields.finish(())?;
        let of = (!request.customer_id.is_empty()).then_some(request.customer_id.as_str());
        let listed = holds::list(&self.state, &caller.tenant, of, request.include_released).await?;
        Ok(Response::new(ListLegalHoldsResponse { holds: listed.into_iter().map(convert::hold).collect() }))
    }

    async fn preview_data_retention(
        &self,
        request: Request<PreviewDataRetentionRequest>,
    ) -> Result<Response<PreviewDataRetentionResponse>, Status> {
        let caller = caller(&request)?;
        let (periods, applied_at_us) = retention::preview(&self.state, &caller.tenant).await?;
        Ok(Response::new(PreviewDataRetentionResponse {
            periods: periods.iter().map(convert::period).collect(),
            last_applied_at: applied_at_us.map(crate::convert::timestamp),
        }))
    }

    async fn apply_data_retention(
        &self,
        request: Request<ApplyDataRetentionRequest>,
    ) -> Result<Response<ApplyDataRetentionResponse>, Status> {
        let caller = caller(&request)?;
        let periods = retention::apply(&self.state, &caller.tenant).await?;
        Ok(Response::new(ApplyDataRetentionResponse {
            periods: periods.iter().map(convert::period).collect(),
        }))
    }

    async fn get_privacy_document(
        &self,
        request: Request<GetPrivacyDocumentRequest>,
    ) -> Result<Response<GetPrivacyDocumentResponse>, Status> {
        caller(&request)?;
        let document = documents::document(&self.state.privacy, &request.into_inner().kind);
        let document = document.ok_or_else(|| {
            Error::invalid("kind", format!("must be one of {}", documents::KINDS.join(", ")))
        })?;
        Ok(Response::new(convert::document(document)))
    }
}

async fn export_customer(
    state: &State,
    tenant: &TenantId,
    request: ExportCustomerRequest,
) -> Result<Parts, Error> {
    query::id("customer_id", &request.customer_id)?;
    let parts = export::begin(state, tenant, &request.customer_id).await?;
    let mut name = Some(format!("customer-{}.json", request.customer_id));
    Ok(Box::pin(parts.map(move |part| {
        let part = HttpBody {
            content_type: "application/json".to_owned(),
            data: part.map_err(Status::from)?,
            ..HttpBody::default()
        };
        Ok(ExportCustomerResponse { part: Some(part), file_name: name.take().unwrap_or_default() })
    })))
}

async fn erase_customer_data(
    state: &State,
    caller: &Caller,
    request: EraseCustomerDataRequest,
) -> Result<EraseCustomerDataResponse, Error> {
    check_deed("customer_id", &request.customer_id, &request.reason)?;
    if names(&request.reason, &request.customer_id) {
        return Err(Error::invalid("reason", "must not name the customer, since it is kept"));
    }
    let (row, erased_before, snapshot_count) =
        erase_known_customer(state, caller, &request.customer_id, &request.reason).await?;
    let kept = reports::get(state, &caller.tenant, &row.erasure_id).await?;
    let report = Some(convert::report(kept, &state.privacy.backups));
    Ok(EraseCustomerDataResponse { report, erased_before, snapshot_count })
}

async fn list_erasures(
    state: &State,
    tenant: &TenantId,
    request: ListErasuresRequest,
) -> Result<ListErasuresResponse, Error> {
    let size = page::size(request.page_size)?;
    let of = PageOf { tenant, list: "erasures", filters: String::new() };
    let before = state.pages.read(&of, &request.page_token)?.and_then(|place| place.parse().ok());
    let mut listed = reports::list(state, tenant, before, size + 1).await?;
    let next = page::cut(&mut listed, size, |kept| kept.row.report_number.to_string());
    let backups = &state.privacy.backups;
    Ok(ListErasuresResponse {
        erasures: listed.into_iter().map(|kept| convert::report(kept, backups)).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

/// What every deed needs: about what or whom, and why.
fn check_deed(field: &str, id: &str, reason: &str) -> Result<(), Error> {
    let mut fields = Fields::default();
    fields.id(field, id);
    fields.text("reason", reason, 1, REASON_CHARACTERS);
    if reason.chars().all(char::is_whitespace) && !reason.is_empty() {
        fields.refuse("reason", "must say why");
    }
    fields.finish(())
}

/// Whether a text has an id as a word of its own.
fn names(text: &str, id: &str) -> bool {
    let is_of_id = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '~' | '-');
    text.split(|letter: char| !is_of_id(letter)).any(|word| word == id || word.trim_matches('.') == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_names_the_customer_is_seen() {
        assert!(names("letter of ann.smith, by mail", "ann.smith"));
        assert!(names("asked by ann.", "ann"));
        assert!(!names("asked by letter in an anniversary year", "ann"));
    }

    #[test]
    fn a_deed_without_a_reason_is_refused_by_name() {
        for reason in ["", "  ", &"x".repeat(501), "two\nlines"] {
            let refused = check_deed("customer_id", "ann", reason).unwrap_err().to_string();
            assert!(refused.starts_with("reason: must"), "{reason:?}: {refused}");
        }
        assert!(check_deed("customer_id", "a b", "why").unwrap_err().to_string().starts_with("customer_id:"));
    }
}
