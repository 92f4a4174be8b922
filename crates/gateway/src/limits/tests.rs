//! Each limit by itself: what it counts, what it tells, and what holds without Redis.

use larder_identity::{Scopes, TenantId};

use super::*;

fn limits(change: impl FnOnce(&mut Settings)) -> RateLimits {
    let mut settings = Settings::default();
    settings.limits.burst = Duration::from_secs(1);
    change(&mut settings);
    RateLimits::new(&settings)
}

fn caller(tenant: &str, subject: &str) -> Caller {
    Caller {
        tenant: TenantId::parse(tenant).unwrap(),
        subject: subject.to_owned(),
        scopes: Scopes::parse("").unwrap(),
    }
}

fn header(limits: &RateLimits, standing: Option<Standing>, name: HeaderName) -> Option<String> {
    let mut headers = HeaderMap::new();
    limits.describe(standing, &mut headers);
    headers.get(name).map(|value| value.to_str().unwrap().to_owned())
}

#[test]
fn nothing_but_guessing_is_limited_unless_it_is_set() {
    assert!(limits(|_| ()).is_any_set());
    let limits = limits(|settings| {
        settings.limits.wrong_credentials_per_min = 0;
        settings.limits.wrong_passwords_per_h = 0;
    });
    for _ in 0..10_000 {
        assert_eq!(limits.enter("203.0.113.1".parse().unwrap()), Ok(()));
        assert!(limits.admit(&caller("shop", "key"), "/rpc").unwrap().is_none());
    }
    assert!(!limits.is_any_set());
    assert_eq!(header(&limits, None, POLICY_HEADER), None);
}

#[test]
fn each_limit_counts_by_itself() {
    let limits = limits(|settings| {
        settings.limits.caller_per_s = 3.0;
        settings.limits.tenant_per_s = 5.0;
        settings.limits.rpc_per_s = 4.0;
    });
    let asks = |subject: &str, rpc: &str| limits.admit(&caller("shop", subject), rpc).map(|_| ());
    for _ in 0..3 {
        assert_eq!(asks("one", "/a"), Ok(()));
    }
    let over = |asked: Result<(), Over>| match asked {
        Err(Over::Limit(name, wait)) if wait > Duration::ZERO => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(over(asks("one", "/b")), "caller");
    assert_eq!(asks("two", "/a"), Ok(()));
    assert_eq!(over(asks("two", "/a")), "rpc");
    assert_eq!(over(asks("three", "/b")), "tenant");
    // Another tenant has its own.
    assert!(limits.admit(&caller("other", "one"), "/a").is_ok());
}

#[test]
fn the_nearest_limit_is_told() {
    let limits = limits(|settings| {
        settings.limits.caller_per_s = 10.0;
        settings.limits.tenant_per_s = 1_000.0;
    });
    let standing = limits.admit(&caller("shop", "key"), "/rpc").unwrap();
    let policy = header(&limits, standing, POLICY_HEADER).unwrap();
    assert_eq!(policy, "\"caller\";q=10;w=1, \"tenant\";q=1000;w=1");
    assert_eq!(header(&limits, standing, LEFT_HEADER).unwrap(), "\"caller\";r=9;t=1");
}

#[test]
fn an_address_is_limited_before_anybody_is_known_and_ipv6_by_its_network() {
    let limits = limits(|settings| settings.limits.address_per_s = 2.0);
    let from = |address: &str| limits.enter(address.parse().unwrap());
    assert_eq!(from("2001:db8::1"), Ok(()));
    assert_eq!(from("2001:db8::2"), Ok(()));
    assert!(from("2001:db8::3").is_err());
    assert_eq!(from("2001:db8:0:1::1"), Ok(()));
    assert_eq!(from("::ffff:192.0.2.1"), Ok(()));
    assert_eq!(from("192.0.2.1"), Ok(()));
    assert!(from("192.0.2.1").is_err());
}

#[test]
fn guessing_is_slowed_down_and_nobody_else_notices() {
    let limits = limits(|settings| settings.limits.wrong_credentials_per_min = 3);
    let (guesser, other) = ("203.0.113.1".parse().unwrap(), "203.0.113.2".parse().unwrap());
    for _ in 0..3 {
        assert_eq!(limits.may_show_credentials(guesser), Ok(()));
        limits.count_wrong_credentials(guesser);
    }
    assert!(matches!(limits.may_show_credentials(guesser), Err(Over::Limit("wrong-credentials", _))));
    assert_eq!(limits.may_show_credentials(other), Ok(()));
}

#[test]
fn while_redis_is_away_the_settings_decide() {
    let away = |on_failure| {
        limits(|settings| {
            settings.redis.url = Some("redis://127.0.0.1:1".to_owned().into());
            settings.gateway.replicas = 4;
            settings.limits.caller_per_s = 40.0;
            settings.limits.on_redis_failure = on_failure;
        })
    };
    let asked = caller("shop", "key");
    let local = away(OnRedisFailure::Local);
    assert_eq!((0..40).filter(|_| local.admit(&asked, "/rpc").is_ok()).count(), 10);
    let open = away(OnRedisFailure::Open);
    assert!((0..1_000).all(|_| open.admit(&asked, "/rpc").is_ok()));
    assert!(matches!(away(OnRedisFailure::Closed).admit(&asked, "/rpc"), Err(Over::Unknown)));
}
