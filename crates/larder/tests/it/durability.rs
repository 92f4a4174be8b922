//! What was acknowledged is there after the worst: the process killed in the middle of
//! writing, its PostgreSQL left behind, and started again on the same folder.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::larder::{DataDir, Up};

const WRITERS: usize = 4;
const ROWS_A_CALL: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_loses_no_acknowledged_write() {
    let data = DataDir::new();
    let mut acknowledged = BTreeSet::new();
    for round in 0..2 {
        let up = Arc::new(Up::start(&data.path(), &[]).await);
        let stopped = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| tokio::spawn(write(up.clone(), format!("r{round}-w{writer}"), stopped.clone())))
            .collect();
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        super::larder::signal("KILL", up.pid()).await;
        stopped.store(true, Ordering::SeqCst);
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
        assert!(acknowledged.len() > WRITERS * ROWS_A_CALL * (round + 1), "only {} rows", acknowledged.len());
        let up = Arc::try_unwrap(up).unwrap_or_else(|_| panic!("the writers are done"));
        up.kill().await;
    }

    let up = Up::start(&data.path(), &[]).await;
    let kept = every_transaction(&up).await;
    let lost: Vec<&String> = acknowledged.difference(&kept).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged rows are lost: {lost:?}", lost.len(), acknowledged.len());
    assert_eq!(up.stop().await, Some(0));
    assert!(!data.cluster().join("postmaster.pid").exists(), "no PostgreSQL is left behind");
}

/// Writes until the connection breaks, and returns what was acknowledged.
async fn write(up: Arc<Up>, name: String, stopped: Arc<AtomicBool>) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for call in 0.. {
        if stopped.load(Ordering::SeqCst) {
            break;
        }
        let event_ids: Vec<String> = (0..ROWS_A_CALL).map(|row| format!("{name}-{call}-{row}")).collect();
        let interactions: Vec<Value> = event_ids.iter().map(|id| purchase(id)).collect();
        let body = json!({ "interactions": interactions });
        match up.request("POST", "/v1/interactions:batchRecord", Some(&body)).await {
            Ok((200, answer)) if answer["rejectedCount"] == 0 => acknowledged.extend(event_ids),
            _ => break,
        }
    }
    acknowledged
}

fn purchase(event_id: &str) -> Value {
    json!({
        "eventId": event_id,
        "customerId": "writer",
        "productId": "bread",
        "kind": "INTERACTION_KIND_PURCHASE",
        "quantity": 1,
    })
}

async fn every_transaction(up: &Up) -> BTreeSet<String> {
    let mut kept = BTreeSet::new();
    let mut page_token = String::new();
    loop {
        let page =
            up.get(&format!("/v1/transactions?pageSize=1000&customerId=writer&pageToken={page_token}")).await;
        let transactions = page["transactions"].as_array().cloned().unwrap_or_default();
        kept.extend(transactions.iter().map(|one| one["transactionId"].as_str().unwrap().to_owned()));
        match page["nextPageToken"].as_str() {
            Some(next) if !next.is_empty() => page_token = next.to_owned(),
            _ => return kept,
        }
    }
}
