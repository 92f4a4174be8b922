//! Sends one batch and puts each verdict beside the line it is about. A service that is
//! away for a moment is asked again: every row has an id, so nothing counts twice.

use std::time::Duration;

use larder_proto::larder::batch::v1::RowVerdict;
use larder_proto::larder::catalog::v1::{
    BatchRecordInteractionsRequest, BatchUpsertBudgetsRequest, BatchUpsertCustomersRequest,
    BatchUpsertProductsRequest, BatchUpsertPromotionsRequest,
};
use tonic::{Code, Status};

use super::kinds::Records;
use super::reader::Batch;
use super::rejections::Rejection;
use crate::client::{Client, call_refused, explain};
use crate::error::CommandError;

pub(super) const ATTEMPTS: u32 = 6;
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// How a batch ended.
pub(super) struct Sent {
    pub(super) accepted: u64,
    pub(super) duplicates: u64,
    pub(super) rejected: Vec<Rejection>,
}

/// Sends a batch, and sends it again while the service is away.
pub(super) async fn send(client: Client, mut batch: Batch) -> Result<Sent, CommandError> {
    let rejected = std::mem::take(&mut batch.rejected);
    if batch.sources.is_empty() {
        return Ok(Sent { accepted: 0, duplicates: 0, rejected });
    }
    let mut pause = FIRST_PAUSE;
    for attempt in 1.. {
        match call(&client, &batch.records).await {
            Ok(answer) => return Ok(judge(batch, answer, rejected)),
            Err(status) if attempt < ATTEMPTS && is_passing(&status) => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            Err(status) => return Err(call_refused(batch.records.rpc())(status)),
        }
    }
    unreachable!("the last attempt returns")
}

pub(super) fn is_passing(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::DeadlineExceeded | Code::Aborted | Code::ResourceExhausted
    )
}

struct Answer {
    verdicts: Vec<RowVerdict>,
    duplicates: i32,
}

async fn call(client: &Client, records: &Records) -> Result<Answer, Status> {
    let mut catalog = client.catalog.clone();
    let (verdicts, duplicates) = match records.clone() {
        Records::Products(products) => {
            let answer = catalog.batch_upsert_products(BatchUpsertProductsRequest { products }).await?;
            (answer.into_inner().verdicts, 0)
        }
        Records::Customers(customers) => {
            let answer = catalog.batch_upsert_customers(BatchUpsertCustomersRequest { customers }).await?;
            (answer.into_inner().verdicts, 0)
        }
        Records::Interactions(interactions) | Records::Transactions(interactions) => {
            let request = BatchRecordInteractionsRequest { interactions };
            let answer = catalog.batch_record_interactions(request).await?.into_inner();
            (answer.verdicts, answer.duplicate_count)
        }
        Records::Promotions(promotions) => {
            let answer = catalog.batch_upsert_promotions(BatchUpsertPromotionsRequest { promotions }).await?;
            (answer.into_inner().verdicts, 0)
        }
        Records::Budgets(budgets) => {
            let answer = catalog.batch_upsert_budgets(BatchUpsertBudgetsRequest { budgets }).await?;
            (answer.into_inner().verdicts, 0)
        }
    };
    Ok(Answer { verdicts, duplicates })
}

fn judge(batch: Batch, answer: Answer, mut rejected: Vec<Rejection>) -> Sent {
    let sent = batch.sources.len() as u64;
    let mut refused = 0;
    for verdict in answer.verdicts {
        let Some(status) = verdict.status.filter(|status| status.code != Code::Ok as i32) else { continue };
        let Some(source) = usize::try_from(verdict.index).ok().and_then(|at| batch.sources.get(at)) else {
            continue;
        };
        refused += 1;
        let (field, reason) = explain(&status);
        let (file, line, text) = (batch.file.clone(), source.line, source.text.clone());
        rejected.push(Rejection { file, line, field, reason, text });
    }
    rejected.sort_by_key(|rejection| rejection.line);
    Sent { accepted: sent - refused, duplicates: answer.duplicates.max(0) as u64, rejected }
}

impl Records {
    fn rpc(&self) -> &'static str {
        match self {
            Self::Products(_) => "BatchUpsertProducts",
            Self::Customers(_) => "BatchUpsertCustomers",
            Self::Interactions(_) | Self::Transactions(_) => "BatchRecordInteractions",
            Self::Promotions(_) => "BatchUpsertPromotions",
            Self::Budgets(_) => "BatchUpsertBudgets",
        }
    }
}
