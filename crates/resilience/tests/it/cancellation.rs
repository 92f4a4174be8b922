//! A caller that goes away leaves nothing behind.

use super::*;
use std::future::pending;
use tokio::time::timeout;

#[tokio::test(start_paused = true)]
async fn a_dropped_call_gives_its_place_back() {
    let policy = policy(&settings());
    for _ in 0..20 {
        let call = policy.call(None, true, |_| pending::<Result<(), Fault>>(), classify);
        assert!(timeout(ms(5), call).await.is_err());
    }
    let answer = policy.call(None, true, |_| async { Ok::<_, Fault>("bread") }, classify).await;
    assert_eq!(answer, Ok("bread"));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_operation_gives_its_place_back() {
    let policy = policy(&settings());
    for _ in 0..20 {
        let task = tokio::spawn({
            let policy = policy.clone();
            async move {
                let operation = |_| async { if true { panic!("spilled") } else { Ok::<(), Fault>(()) } };
                policy.call(None, true, operation, classify).await
            }
        });
        assert!(task.await.unwrap_err().is_panic());
    }
    let answer = policy.call(None, true, |_| async { Ok::<_, Fault>("bread") }, classify).await;
    assert_eq!(answer, Ok("bread"));
}
