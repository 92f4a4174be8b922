//! `ExchangeService`: files of the tenant's rows.

mod imports;

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use larder_exchange::{Format, Table};
use larder_identity::TenantId;
use larder_proto::google::api::HttpBody;
use larder_proto::larder::exchange::v1::exchange_service_server::ExchangeService;
use larder_proto::larder::exchange::v1::*;
use tonic::{Request, Response, Status};

use crate::error::Error;
use crate::exchange::{self, ExportFilter, Narrowed, check_known, table_of};
use crate::grpc::caller;
use crate::state::State;
use crate::store::market_feedback::FeedbackFilter;
use crate::validate::Fields;

/// Tables out and in over gRPC.
pub(crate) struct ExchangeCalls {
    pub(crate) state: Arc<State>,
}

type Parts<Part> = Pin<Box<dyn Stream<Item = Result<Part, Status>> + Send>>;

#[tonic::async_trait]
impl ExchangeService for ExchangeCalls {
    type ExportTableStream = Parts<ExportTableResponse>;
    type ExportImportProblemsStream = Parts<ExportImportProblemsResponse>;

    async fn export_table(
        &self,
        request: Request<ExportTableRequest>,
    ) -> Result<Response<Self::ExportTableStream>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(export(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn get_template(
        &self,
        request: Request<GetTemplateRequest>,
    ) -> Result<Response<GetTemplateResponse>, Status> {
        caller(&request)?;
        Ok(Response::new(template(&request.into_inner())?))
    }

    async fn create_import(
        &self,
        request: Request<CreateImportRequest>,
    ) -> Result<Response<CreateImportResponse>, Status> {
        let caller = caller(&request)?;
        let response = imports::create_import(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn upload_import_part(
        &self,
        request: Request<UploadImportPartRequest>,
    ) -> Result<Response<UploadImportPartResponse>, Status> {
        let caller = caller(&request)?;
        let response = imports::upload_import_part(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn preview_import(
        &self,
        request: Request<PreviewImportRequest>,
    ) -> Result<Response<PreviewImportResponse>, Status> {
        let caller = caller(&request)?;
        let response = imports::preview_import(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn commit_import(
        &self,
        request: Request<CommitImportRequest>,
    ) -> Result<Response<CommitImportResponse>, Status> {
        let caller = caller(&request)?;
        let response = imports::commit_import(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_import(
        &self,
        request: Request<GetImportRequest>,
    ) -> Result<Response<GetImportResponse>, Status> {
        let caller = caller(&request)?;
        let response = imports::get_import(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_imports(
        &self,
        request: Request<ListImportsRequest>,
    ) -> Result<Response<ListImportsResponse>, Status> {
        let caller = caller(&request)?;
        let response = imports::list_imports(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn cancel_import(
        &self,
        request: Request<CancelImportRequest>,
    ) -> Result<Response<CancelImportResponse>, Status> {
        let caller = caller(&request)?;
        let response = imports::cancel_import(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn undo_import(
        &self,
        request: Request<UndoImportRequest>,
    ) -> Result<Response<UndoImportResponse>, Status> {
        let caller = caller(&request)?;
        let response = imports::undo_import(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn export_import_problems(
        &self,
        request: Request<ExportImportProblemsRequest>,
    ) -> Result<Response<Self::ExportImportProblemsStream>, Status> {
        let caller = caller(&request)?;
        let parts =
            imports::export_import_problems(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(parts))
    }
}

async fn export(
    state: &Arc<State>,
    tenant: &TenantId,
    request: ExportTableRequest,
) -> Result<Parts<ExportTableResponse>, Error> {
    let table = table_of(&request.kind)?;
    let format = format_of(&request.format)?;
    let (filter, narrowed) = filter(&table, &request)?;
    let company = if request.company.is_empty() { tenant.as_str() } else { &request.company };
    let file_name = file_name(&[company, table.kind], Some((state.clock)()), format);
    let heading = (company.to_owned(), narrowed);
    let parts = exchange::begin(state, tenant, (table, format), filter, heading).await?;
    let mut name = Some(file_name);
    Ok(Box::pin(parts.map(move |part| {
        let part = HttpBody {
            content_type: format.content_type().to_owned(),
            data: part.map_err(Status::from)?,
            ..HttpBody::default()
        };
        Ok(ExportTableResponse { part: Some(part), file_name: name.take().unwrap_or_default() })
    })))
}

fn template(request: &GetTemplateRequest) -> Result<GetTemplateResponse, Error> {
    let table = table_of(&request.kind)?;
    let format = format_of(&request.format)?;
    if !table.is_imported {
        return Err(Error::invalid("kind", format!("{} are not imported", table.kind)));
    }
    if format == Format::Parquet {
        return Err(Error::invalid("format", "must be xlsx or csv"));
    }
    let data = larder_exchange::template(&table, format)
        .map_err(|error| Error::Internal(format!("making a template: {error}")))?;
    let file = HttpBody { content_type: format.content_type().to_owned(), data, ..HttpBody::default() };
    Ok(GetTemplateResponse {
        file: Some(file),
        file_name: file_name(&[table.kind, "template"], None, format),
    })
}

fn format_of(name: &str) -> Result<Format, Error> {
    let name = if name.is_empty() { "xlsx" } else { name };
    Format::parse(name).ok_or_else(|| Error::invalid("format", "must be xlsx, csv or parquet"))
}

fn filter(table: &Table, request: &ExportTableRequest) -> Result<(ExportFilter, Vec<Narrowed>), Error> {
    let mut fields = Fields::default();
    let mut narrowed: Vec<Narrowed> = Vec::new();
    let mut told = |name: &str, value: String| narrowed.push((name.to_owned(), value));
    for (name, text) in [
        ("category", &request.category),
        ("customer_id", &request.customer_id),
        ("product_id", &request.product_id),
        ("market_id", &request.market_id),
    ] {
        if !text.is_empty() {
            told(name, text.clone());
        }
    }
    if let Some(in_stock) = request.in_stock {
        told("in_stock", if in_stock { "yes" } else { "no" }.to_owned());
    }
    for (name, at) in
        [("active_at", &request.active_at), ("from_at", &request.from_at), ("until_at", &request.until_at)]
    {
        if let Some(at) = at {
            told(name, at.to_string());
        }
    }
    for (name, day) in [("from_on", &request.from_on), ("until_on", &request.until_on)] {
        if let Some(day) = day {
            told(name, format!("{:04}-{:02}-{:02}", day.year, day.month, day.day));
        }
    }
    fields.text("company", &request.company, 0, 128);
    fields.text("category", &request.category, 0, 128);
    for (name, id) in [
        ("customer_id", &request.customer_id),
        ("product_id", &request.product_id),
        ("market_id", &request.market_id),
    ] {
        fields.optional_id(name, id);
    }
    check_known(&mut fields, table, &narrowed);
    let instant = |fields: &mut Fields, name: &str, at: &Option<prost_types::Timestamp>| {
        at.as_ref().and_then(|at| fields.instant(name, at, None))
    };
    let only = |text: &String| (!text.is_empty()).then(|| text.clone());
    let days = FeedbackFilter {
        market_id: only(&request.market_id),
        product_id: only(&request.product_id),
        from_day: request.from_on.as_ref().and_then(|day| fields.day("from_on", day)),
        until_day: request.until_on.as_ref().and_then(|day| fields.day("until_on", day)),
    };
    let filter = ExportFilter {
        category: only(&request.category),
        in_stock: request.in_stock,
        customer_id: only(&request.customer_id),
        product_id: only(&request.product_id),
        active_at_us: instant(&mut fields, "active_at", &request.active_at),
        from_us: instant(&mut fields, "from_at", &request.from_at),
        until_us: instant(&mut fields, "until_at", &request.until_at),
        days,
    };
    fields.finish((filter, narrowed))
}

/// Such as `corner-shop-products-2026-11-23T162800Z.xlsx`: no character that a file system or a header
/// could stumble over.
fn file_name(parts: &[&str], at_us: Option<i64>, format: Format) -> String {
    let mut name: String = parts.join("-").to_lowercase();
    if let Some(at) = at_us.and_then(|at_us| jiff::Timestamp::from_microsecond(at_us).ok()) {
        name.push_str(&at.strftime("-%Y-%m-%dT%H%M%SZ").to_string());
    }
    let plain: String =
        name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let words: Vec<_> = plain.split('-').filter(|word| !word.is_empty()).collect();
    format!("{}.{}", words.join("-"), format.extension())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_tells_whose_it_is_and_when_and_nothing_strange() {
        let name =
            file_name(&["Boer & Söhne/../\"x\"", "products"], Some(1_795_451_280_000_000), Format::Xlsx);
        assert_eq!(name, "boer-s-hne-x-products-2026-11-23T162800Z.xlsx");
        assert_eq!(file_name(&["budgets", "template"], None, Format::Csv), "budgets-template.csv");
    }

    #[test]
    fn a_filter_of_another_kind_is_refused() {
        let request = ExportTableRequest { category: "Fruit".into(), ..ExportTableRequest::default() };
        assert!(filter(&table_of("products").unwrap(), &request).is_ok());
        let refused = filter(&table_of("budgets").unwrap(), &request).unwrap_err().to_string();
        assert_eq!(refused, "category: is no filter of budgets; they have customer_id");
    }
}
