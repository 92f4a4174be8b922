//! What happens to interactions: counted once, durable, known to every replica.

use larder_identity::Scopes;
use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::recommendation::v1::RecommendationSource;
use tonic::{Code, Request};

use crate::house::{House, eventually, purchase};

#[tokio::test]
async fn an_event_counts_once_however_often_it_is_sent() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let event = purchase("ann", "bread", 1);
    let first = guest.record(vec![event.clone(), event.clone()]).await;
    assert_eq!((first.accepted_count, first.duplicate_count, first.rejected_count), (2, 1, 0));
    let again = guest.record(vec![event]).await;
    assert_eq!((again.accepted_count, again.duplicate_count), (1, 1));
    let listed =
        guest.catalog.list_transactions(ListTransactionsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.transactions.len(), 1);
}

#[tokio::test]
async fn a_stream_is_recorded_and_counted() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let rows = (0..2_500).map(|number| StreamInteractionsRequest {
        interaction: Some(Interaction {
            event_id: if number == 1_700 { String::new() } else { format!("e-{number}") },
            ..purchase("ann", "bread", 1)
        }),
    });
    let rows: Vec<_> = rows.collect();
    let summary = guest.catalog.stream_interactions(futures::stream::iter(rows)).await.unwrap().into_inner();
    assert_eq!((summary.accepted_count, summary.rejected_count, summary.duplicate_count), (2_499, 1, 0));
    assert_eq!(summary.refusals[0].index, 1_700);
}

#[tokio::test]
async fn transactions_come_newest_first_and_every_page_is_new() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.record((0..25).map(|day| purchase("ann", "bread", day / 2)).collect()).await;
    let events = (0..25)
        .map(|number| Interaction { event_id: format!("x-{number}"), ..purchase("ann", "milk", number / 3) });
    guest.record(events.collect()).await;
    let (mut token, mut seen) = (String::new(), Vec::new());
    loop {
        let request = ListTransactionsRequest { page_size: 4, page_token: token, ..Default::default() };
        let page = guest.catalog.list_transactions(request).await.unwrap().into_inner();
        seen.extend(page.transactions);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let mut ids: Vec<_> = seen.iter().map(|row| row.transaction_id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), seen.len()), (38, 38));
    let at = |row: &Transaction| row.occurred_at.unwrap().seconds;
    assert!(seen.windows(2).all(|pair| at(&pair[0]) >= at(&pair[1])));
    let request = ListTransactionsRequest { product_id: "milk".into(), ..Default::default() };
    let milk = guest.catalog.list_transactions(request).await.unwrap().into_inner();
    assert_eq!(milk.transactions.len(), 25);
}

#[tokio::test]
async fn another_replica_learns_of_it() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let replica = house.replica().await;
    let other = house.guest_of(&replica, "shop", Scopes::all()).await;
    guest.record(vec![purchase("dora", "cheese", 0)]).await;
    eventually("the replica knows the purchase", || {
        let mut other = other.clone();
        async move {
            let answer = other.recommend("dora").await;
            answer
                .recommendations
                .iter()
                .any(|item| item.product_id == "cheese" && item.source() == RecommendationSource::Personal)
        }
    })
    .await;
    replica.stop().await;
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let mut house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    guest.record(vec![purchase("ann", "cheese", 0), purchase("eve", "butter", 0)]).await;
    let (ann, eve) = (guest.recommend("ann").await, guest.recommend("eve").await);
    house.reopen().await;
    let mut guest = house.guest("shop").await;
    assert_eq!(guest.recommend("ann").await.recommendations, ann.recommendations);
    assert_eq!(guest.recommend("eve").await.recommendations, eve.recommendations);
}

#[tokio::test]
async fn training_changes_no_count() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let before = guest.recommend("ann").await;
    // The second model knows exactly what the first and its overlay knew.
    guest.train_well().await;
    let after = guest.recommend("ann").await;
    assert_eq!(before.recommendations, after.recommendations);
}

#[tokio::test]
async fn an_idempotency_key_makes_a_write_happen_once() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let keyed = |events: Vec<Interaction>| {
        let mut request = Request::new(BatchRecordInteractionsRequest { interactions: events });
        request.metadata_mut().insert("idempotency-key", "once".parse().unwrap());
        request
    };
    let events = vec![purchase("ann", "bread", 1)];
    let first = guest.catalog.batch_record_interactions(keyed(events.clone())).await.unwrap().into_inner();
    let again = guest.catalog.batch_record_interactions(keyed(events)).await.unwrap().into_inner();
    assert_eq!(first, again, "the same answer, not a duplicate count");
    let other = keyed(vec![purchase("ann", "milk", 1)]);
    let refused = guest.catalog.batch_record_interactions(other).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);
    let listed =
        guest.catalog.list_transactions(ListTransactionsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.transactions.len(), 1);
}
