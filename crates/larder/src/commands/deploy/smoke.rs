//! The smoke tests: every part is asked once, through the door that callers use. The list is in the order of reports.

mod api;
mod database;
mod edge;
mod recommendation;
mod services;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::outcome::{Finding, Found, Outcome};
use super::stack::Stack;

type Look = for<'a> fn(&'a Stack) -> BoxFuture<'a, Found>;

/// One smoke test.
struct Test {
    name: &'static str,
    checks: &'static str,
    look: Look,
    /// Not repeated while watching: wrong keys are counted, and what is written is one product.
    only_first: bool,
}

/// Which round it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    /// All tests.
    First,
    /// One of a watch.
    Repeated,
}

const fn test(name: &'static str, checks: &'static str, look: Look) -> Test {
    Test { name, checks, look, only_first: false }
}

const fn once(name: &'static str, checks: &'static str, look: Look) -> Test {
    Test { only_first: true, ..test(name, checks, look) }
}

const TESTS: [Test; 25] = [
    test("api.health", "the platform does its job", |stack| api::health(stack).boxed()),
    test("api.contract", "the OpenAPI document is served", |stack| api::contract(stack).boxed()),
    test("api.catalogue", "a product list over HTTP", |stack| api::catalogue(stack).boxed()),
    test("api.grpc", "the same over gRPC", |stack| api::over_grpc(stack).boxed()),
    test("api.problem", "a wrong path is told as a problem document", |stack| api::problem(stack).boxed()),
    test("recommendation.customer", "what a customer is recommended", |stack| {
        recommendation::for_customer(stack).boxed()
    }),
    test("recommendation.popular", "what is liked by all", |stack| recommendation::popular(stack).boxed()),
    test("recommendation.similar", "what is like a product", |stack| recommendation::similar(stack).boxed()),
    test("database.health", "every service reaches PostgreSQL", |stack| database::health(stack).boxed()),
    test("database.reads", "rows that are never kept are read", |stack| database::reads(stack).boxed()),
    once("database.writes", "a product is written, read and deleted", |stack| {
        database::writes(stack).boxed()
    }),
    test("alerting.incidents", "incidents are listed", |stack| services::incidents(stack).boxed()),
    test("alerting.on_call", "who is on call is told", |stack| services::on_call(stack).boxed()),
    test("backup.list", "backups are listed", |stack| services::backups(stack).boxed()),
    test("backup.recovery", "what would be lost is known", |stack| services::recovery(stack).boxed()),
    test("telemetry.correlation", "a correlation id comes back", |stack| {
        services::correlation(stack).boxed()
    }),
    test("telemetry.metrics", "every ops port shows metrics", |stack| services::metrics(stack).boxed()),
    test("ops.gateway", "the gateway is ready", |stack| services::gateway_ready(stack).boxed()),
    test("ops.recommendation", "the recommendation service is ready", |stack| {
        services::recommendation_ready(stack).boxed()
    }),
    test("ops.backup", "the backup service is ready", |stack| services::backup_ready(stack).boxed()),
    test("ops.alerting", "the alerting service is ready", |stack| services::alerting_ready(stack).boxed()),
    test("edge.tls", "TLS, with a certificate for two weeks", |stack| edge::tls(stack).boxed()),
    test("edge.redirect", "plaintext leads to TLS", |stack| edge::redirect(stack).boxed()),
    test("edge.headers", "browsers are told what they may not do", |stack| edge::headers(stack).boxed()),
    once("edge.credentials", "nobody comes in without a good key", |stack| edge::credentials(stack).boxed()),
];

/// Takes all looks of a round, one after the other. Where nobody answers at all the rest is not tried.
pub(super) async fn round(stack: &Stack, round: Round) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let wanted = TESTS.iter().filter(|test| round == Round::First || !test.only_first);
    for test in wanted {
        let is_silent = findings.first().is_some_and(|first| first.outcome.is_silence);
        let look = async {
            match is_silent {
                true => Err(Outcome::skipped("nobody answers, see api.health")),
                false => (test.look)(stack).await,
            }
        };
        findings.push(Finding::measured(test.name, test.checks, look).await);
    }
    findings
}

/// What a smoke test of this round came to.
pub(super) fn outcome(findings: &[Finding], name: &str) -> Outcome {
    let found = findings.iter().find(|finding| finding.name == name);
    found.map_or_else(|| Outcome::skipped(format!("{name} was not run")), |found| found.outcome.clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_every_part_has_its_tests() {
        let names: BTreeSet<&str> = TESTS.iter().map(|test| test.name).collect();
        assert_eq!(names.len(), TESTS.len());
        let count = |part: &str| names.iter().filter(|name| name.split('.').next() == Some(part)).count();
        assert_eq!((count("api"), count("recommendation"), count("database")), (5, 3, 3));
        assert_eq!((count("alerting"), count("backup"), count("telemetry")), (2, 2, 2));
        assert_eq!((count("ops"), count("edge")), (4, 4));
    }
}
