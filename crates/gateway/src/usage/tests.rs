//! Counting without a database: what is given back, what is over, and what headers say.

use std::sync::Arc;

use super::*;

fn meter(limits: &str) -> Meter {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plans.toml");
    std::fs::write(&file, format!("default_plan = \"p\"\n[plans.p]\n{limits}\n")).unwrap();
    let settings = QuotaSettings { plans_file: Some(file), ..QuotaSettings::default() };
    Meter { is_on: true, ..Meter::new(&settings, None).unwrap() }
}

fn tenant() -> TenantId {
    TenantId::parse("orchard").unwrap()
}

#[test]
fn what_could_not_be_written_is_counted_on() {
    let meter = meter("requests_per_month = 5");
    for _ in 0..3 {
        meter.admit(&tenant(), false).unwrap();
    }
    let told = meter.take();
    assert_eq!((told.len(), told[0].amounts.requests), (1, 3));
    meter.admit(&tenant(), false).unwrap();
    meter.give_back(told);
    let told = meter.take();
    assert_eq!(told[0].amounts.requests, 4);
    let (tenant_id, month) = ("orchard".to_owned(), told[0].month);
    meter.learn(vec![store::usage::Total { tenant_id, month, amounts: told[0].amounts, plan: None }]);
    assert!(meter.take().is_empty(), "nothing is new");
    assert!(meter.admit(&tenant(), false).is_ok());
    assert!(matches!(meter.admit(&tenant(), false), Err(Over::Quota(over)) if over.limit == 5));
    assert!(meter.admit(&tenant(), true).is_ok(), "what is exempt is let in");
}

#[test]
fn what_is_being_written_is_not_forgotten_meanwhile() {
    let meter = meter("requests_per_month = 3");
    for _ in 0..2 {
        meter.admit(&tenant(), false).unwrap();
    }
    let told = meter.take();
    assert_eq!(meter.admit(&tenant(), false).unwrap().unwrap().left, 0);
    assert!(meter.admit(&tenant(), false).is_err());
    meter.give_back(told);
    assert!(meter.admit(&tenant(), false).is_err(), "nor counted twice when it could not be");
    assert_eq!(meter.take()[0].amounts.requests, 3);
}

#[test]
fn many_at_once_are_counted_each_and_none_twice() {
    let meter = Arc::new(meter("requests_per_month = 1000"));
    let let_in: usize = std::thread::scope(|scope| {
        let ask = || (0..400).filter(|_| meter.admit(&tenant(), false).is_ok()).count();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(let_in, 1_000);
}

#[test]
fn a_quota_stands_behind_the_limits_that_are_there() {
    let mut headers = HeaderMap::new();
    headers.insert(POLICY_HEADER, HeaderValue::from_static("\"caller\";q=2;w=1"));
    let standing = QuotaStanding {
        quantity: Quantity::SentBytes,
        limit: 10,
        left: 4,
        resets_in: Duration::from_secs(60),
        window: Duration::from_secs(2_592_000),
    };
    standing.describe(&mut headers);
    assert_eq!(
        headers[&POLICY_HEADER],
        "\"caller\";q=2;w=1, \"sent-bytes-per-month\";q=10;qu=\"content-bytes\";w=2592000"
    );
    assert_eq!(headers[&LEFT_HEADER], "\"sent-bytes-per-month\";r=4;t=60");
}
