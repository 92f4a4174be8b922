//! Calls about alerts.

use larder_identity::Caller;
use larder_identity::page::{self, PageOf};
use larder_oncall::matcher::Matchers;
use larder_proto::larder::alerting::v1::*;
use larder_proto::larder::batch::v1::RowVerdict;

use crate::convert;
use crate::error::Error;
use crate::ingest::Delivery;
use crate::signing::is_source_name;
use crate::state::State;
use crate::store::reading::{self, AlertRow, Wanted};

const ALERTS_MOST: usize = 10_000;
/// So many rows are looked through for one page with matchers.
const LOOKED_AT: i64 = 1_000;

pub(super) async fn send(
    state: &State,
    caller: &Caller,
    request: SendAlertsRequest,
) -> Result<SendAlertsResponse, Error> {
    if request.alerts.is_empty() || request.alerts.len() > ALERTS_MOST {
        return Err(Error::invalid("alerts", format!("must have from 1 to {ALERTS_MOST} rows")));
    }
    if !request.source.is_empty() && !is_source_name(&request.source) {
        return Err(Error::invalid("source", "must be 1 to 64 characters of A-Z a-z 0-9 _ -"));
    }
    let now_us = (state.clock)();
    let mut verdicts = Vec::new();
    let mut alerts = Vec::new();
    for (index, alert) in request.alerts.iter().enumerate() {
        match convert::told(alert, now_us) {
            Ok(told) => alerts.push(told),
            Err(error) => verdicts.push(RowVerdict {
                index: i32::try_from(index).unwrap_or(i32::MAX),
                status: Some(error.row_status()),
            }),
        }
    }
    let accepted_count = i32::try_from(alerts.len()).unwrap_or(i32::MAX);
    let source = if request.source.is_empty() { caller.subject.clone() } else { request.source };
    state.ingest.deliver(Delivery { tenant: caller.tenant.clone(), source, alerts }).await?;
    let rejected_count = i32::try_from(verdicts.len()).unwrap_or(i32::MAX);
    Ok(SendAlertsResponse { accepted_count, rejected_count, verdicts })
}

pub(super) async fn list(
    state: &State,
    caller: &Caller,
    request: ListAlertsRequest,
) -> Result<ListAlertsResponse, Error> {
    let size = page::size(request.page_size)?;
    let matchers = read_matchers(&request.matchers)?;
    let wanted = match request.state() {
        AlertState::Unspecified => Wanted::Unresolved,
        AlertState::Firing => Wanted::Firing,
        AlertState::Resolved => Wanted::Resolved,
        AlertState::SourceLost => Wanted::Lost,
    };
    let filters = format!("{wanted:?} {:?}", request.matchers);
    let of = PageOf { tenant: &caller.tenant, list: "alerts", filters };
    let mut after = state.pages.read(&of, &request.page_token)?.and_then(|place| place.parse().ok());
    let mut found: Vec<AlertRow> = Vec::new();
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, &caller.tenant).await?;
    while found.len() <= size as usize {
        let rows = reading::list(&mut transaction, &caller.tenant, wanted, after, LOOKED_AT).await?;
        let is_last = (rows.len() as i64) < LOOKED_AT;
        after = rows.last().map(|row| row.fingerprint);
        found.extend(rows.into_iter().filter(|row| matchers.matches(&row.labels)));
        if is_last {
            break;
        }
    }
    transaction.commit().await?;
    let next = page::cut(&mut found, size, |row| row.fingerprint.to_string());
    Ok(ListAlertsResponse {
        alerts: found.iter().map(convert::alert).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

fn read_matchers(texts: &[String]) -> Result<Matchers, Error> {
    let mut all = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let matchers: Matchers =
            text.parse().map_err(|error| Error::invalid(format!("matchers[{index}]"), format!("{error}")))?;
        all.extend(matchers.iter().cloned());
    }
    Ok(Matchers::new(all))
}
