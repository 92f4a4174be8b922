//! When a caller gets the last good answer instead of a new one.

use super::*;

fn kept(message: &'static str) -> Arc<Kept> {
    Arc::new(Kept::new(message.into(), None, Instant::now()))
}

/// A question that is answered after a while.
fn asking(millis: u64, failing: &watch::Receiver<bool>) -> Flight {
    let answer = async move {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        Ok(kept("new"))
    };
    Flight { landing: answer.boxed().shared(), failing: failing.clone() }
}

async fn wait(flight: Flight, patience_ms: Option<u64>, time_ms: u64) -> (Source, Duration) {
    let started = Instant::now();
    let deadline = started + Duration::from_millis(time_ms);
    let patience = patience_ms.map(Duration::from_millis);
    let found = wait_with_last_good(flight, kept("old"), patience, started, deadline).await.unwrap();
    (found.source, started.elapsed())
}

#[tokio::test]
async fn a_slow_service_is_waited_for_unless_nothing_has_changed() {
    let (_teller, failing) = watch::channel(false);
    let (source, took) = wait(asking(600, &failing), Some(40), 5_000).await;
    assert_eq!(source, Source::LastGood(IS_SLOW));
    assert!(took < Duration::from_millis(400), "{took:?}");
    assert_eq!(wait(asking(600, &failing), None, 5_000).await.0, Source::Service);
    assert_eq!(wait(asking(1, &failing), Some(40), 5_000).await.0, Source::Service);
}

#[tokio::test]
async fn who_has_no_more_time_gets_what_there_is() {
    let (_teller, failing) = watch::channel(false);
    let (source, took) = wait(asking(5_000, &failing), None, 200).await;
    assert_eq!(source, Source::LastGood(IS_SLOW));
    assert!(took < Duration::from_millis(200), "{took:?}");
}

#[tokio::test]
async fn a_failing_service_is_not_waited_for() {
    let (_teller, failing) = watch::channel(true);
    let (source, took) = wait(asking(5_000, &failing), None, 10_000).await;
    assert_eq!(source, Source::LastGood(IS_FAILING));
    assert!(took < Duration::from_secs(1), "{took:?}");
    let refused = async { Err(Status::not_found("no such customer")) };
    let refused = Flight { landing: refused.boxed().shared(), failing };
    let started = Instant::now();
    let answer =
        wait_with_last_good(refused, kept("old"), None, started, started + Duration::from_secs(1)).await;
    assert_eq!(answer.err().map(|status| status.code()), Some(Code::NotFound), "a refusal is an answer");
}
