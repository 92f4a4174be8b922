//! Two alerting services on one database: they share the work, and one that was frozen and wakes up as if nothing
//! had happened does no harm.

use std::sync::Arc;
use std::time::Duration;

use crate::process::{Deployment, Receivers, alert, eventually};

const LIMIT: Duration = Duration::from_secs(60);
const WAITING: &str = "select count(*) from alerting.notifications where state = 'waiting'";

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_frozen_is_replaced_and_wakes_up_without_harm() {
    let receivers = Arc::new(Receivers::start().await);
    let deployment = Deployment::new(&receivers.on_call()).await;
    let (one, other) = (deployment.place("one"), deployment.place("other"));
    let client = reqwest::Client::new();
    let first = deployment.serve(&one).await;
    let second = deployment.serve(&other).await;
    let mut wanted = Vec::new();
    for round in 0..4 {
        // The first is stopped in the middle of whatever it does with these.
        let fresh = names(&format!("Round{round}x"), 60);
        let alerts: Vec<_> = fresh.iter().map(|name| alert(name, false)).collect();
        assert!(one.post(&client, &alerts).await);
        wanted.extend(fresh);
        tokio::time::sleep(Duration::from_millis(30 * round)).await;
        first.signal("STOP").await;
        let more = names(&format!("Meanwhile{round}x"), 20);
        let alerts: Vec<_> = more.iter().map(|name| alert(name, false)).collect();
        // What the frozen one had begun may stand in the way for a while; sources come back.
        let insisting = async {
            while !other.post(&client, &alerts).await {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(LIMIT, insisting).await.expect("the other takes alerts");
        wanted.extend(more);
        let is_told = || {
            let told = receivers.taken().told("open");
            wanted.iter().all(|name| told.contains(name))
        };
        eventually("the other tells of everything", LIMIT, is_told).await;
        first.signal("CONT").await;
    }
    let settled = async {
        while deployment.count(WAITING).await > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(LIMIT, settled).await.expect("nothing waits any more");
    // A zombie would speak within a breath.
    tokio::time::sleep(Duration::from_secs(1)).await;
    {
        let taken = receivers.taken();
        assert_eq!(taken.titles.len(), wanted.len());
        assert!(taken.titles.values().chain(taken.messages.values()).all(|names| names.len() == 1));
        assert!(taken.pages.len() == wanted.len() && taken.pages.values().all(|keys| keys.len() == 1));
    }
    let told_twice = "select count(*) from (select incident_id, text from alerting.timeline \
        where kind = 'notified' group by incident_id, text having count(*) > 1) as told_twice";
    assert_eq!(deployment.count(told_twice).await, 0, "histories tell of each message once");
    drop((first, second));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_share_the_work() {
    let receivers = Arc::new(Receivers::start().await);
    let deployment = Deployment::new(&receivers.on_call()).await;
    let (one, other) = (deployment.place("one"), deployment.place("other"));
    let replicas = [deployment.serve(&one).await, deployment.serve(&other).await];
    let client = reqwest::Client::new();
    let wanted = names("Oven", 200);
    for (number, part) in wanted.chunks(10).enumerate() {
        let alerts: Vec<_> = part.iter().map(|name| alert(name, false)).collect();
        let place = [&one, &other][number % 2];
        assert!(place.post(&client, &alerts).await);
    }
    eventually("all of them", LIMIT, || receivers.taken().told("open").len() == wanted.len()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    {
        let taken = receivers.taken();
        assert!(taken.deliveries.values().all(|times| *times == 1), "no message came twice");
        assert!(taken.titles.values().all(|incidents| incidents.len() == 1));
    }
    let [first, second] = replicas;
    // One goes, the other does all of it.
    drop(first);
    let alerts: Vec<_> = names("Later", 20).iter().map(|name| alert(name, false)).collect();
    assert!(second.place.post(&client, &alerts).await);
    eventually("the rest", LIMIT, || receivers.taken().told("open").len() == wanted.len() + 20).await;
}
