//! The audit log as it is shown: listed, exported with its hashes, and checked against them.

use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use larder_identity::TenantId;
use larder_identity::page::{self, PageOf};
use larder_proto::google::api::HttpBody;
use larder_proto::larder::identity::v1::*;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::error::Error;
use super::grpc::Asker;
use super::{State, convert};
use crate::audit::{Chain, csv, ndjson};
use crate::store;

/// Rows that are read at once.
const BATCH: i64 = 1_000;

/// The parts of an export.
pub(super) type Export = Pin<Box<dyn Stream<Item = Result<ExportAuditEventsResponse, Status>> + Send>>;

pub(super) async fn list(
    state: &State,
    asker: &Asker,
    request: ListAuditEventsRequest,
) -> Result<ListAuditEventsResponse, Error> {
    let size = page::size(request.page_size)?;
    let tenant = &asker.caller.tenant;
    let filters = format!("{}\n{}", request.actor, request.action);
    let of = PageOf { tenant, list: "audit events", filters };
    let before = state.pages.read(&of, &request.page_token)?;
    let before = before.map_or(Some(i64::MAX), |place| place.parse().ok());
    let before = before.ok_or_else(|| Error::Internal("a page token of ours has no place".to_owned()))?;
    let filter = (request.actor.as_str(), request.action.as_str());
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let mut rows = store::audit::list(&mut transaction, tenant, before, filter, size + 1).await?;
    let next = page::cut(&mut rows, size, |row| row.sequence.to_string());
    Ok(ListAuditEventsResponse {
        events: rows.into_iter().map(convert::audit_event).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

/// Streams in the background, a batch ahead of the reader.
pub(super) fn export(
    state: Arc<State>,
    asker: &Asker,
    request: ExportAuditEventsRequest,
) -> Result<Export, Error> {
    let format = AuditFormat::try_from(request.format)
        .map_err(|_| Error::invalid("format", "must be AUDIT_FORMAT_NDJSON or AUDIT_FORMAT_CSV"))?;
    if request.after_sequence < 0 {
        return Err(Error::invalid("after_sequence", "must not be negative"));
    }
    let (sender, receiver) = mpsc::channel(1);
    let tenant = asker.caller.tenant.clone();
    tokio::spawn(async move {
        let sent = send(&state, &tenant, format, request.after_sequence, &sender).await;
        if let Err(error) = sent {
            let _ = sender.send(Err(error.into())).await;
        }
    });
    Ok(Box::pin(ReceiverStream::new(receiver)))
}

async fn send(
    state: &State,
    tenant: &TenantId,
    format: AuditFormat,
    mut after: i64,
    sender: &mpsc::Sender<Result<ExportAuditEventsResponse, Status>>,
) -> Result<(), Error> {
    let (content_type, head, write): (_, _, fn(&store::audit::AuditRow) -> String) = match format {
        AuditFormat::Csv => ("text/csv; charset=utf-8; header=present", csv::TITLES, csv::line),
        AuditFormat::Unspecified | AuditFormat::Ndjson => ("application/x-ndjson", "", ndjson::line),
    };
    let mut text = head.to_owned();
    loop {
        let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
        let rows = store::audit::read_on(&mut transaction, tenant, after, BATCH).await?;
        transaction.commit().await?;
        text.extend(rows.iter().map(write));
        let is_last = rows.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
        after = rows.last().map_or(after, |row| row.sequence);
        let data = std::mem::take(&mut text).into_bytes();
        let body = HttpBody { content_type: content_type.to_owned(), data, extensions: Vec::new() };
        let part = ExportAuditEventsResponse { body: Some(body) };
        if sender.send(Ok(part)).await.is_err() || is_last {
            return Ok(());
        }
    }
}

pub(super) async fn verify(
    state: &State,
    asker: &Asker,
    _: VerifyAuditEventsRequest,
) -> Result<VerifyAuditEventsResponse, Error> {
    let tenant = &asker.caller.tenant;
    let mut chain = Chain::of(tenant);
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    loop {
        let rows = store::audit::read_on(&mut transaction, tenant, chain.length(), BATCH).await?;
        if rows.is_empty() {
            break;
        }
        if let Some(broken) = rows.iter().find(|row| !chain.continues_with(row)) {
            return Ok(VerifyAuditEventsResponse {
                event_count: chain.length(),
                intact: false,
                broken_sequence: broken.sequence,
                head_hash: convert::hexadecimal(chain.head()),
            });
        }
    }
    Ok(VerifyAuditEventsResponse {
        event_count: chain.length(),
        intact: true,
        broken_sequence: 0,
        head_hash: convert::hexadecimal(chain.head()),
    })
}
