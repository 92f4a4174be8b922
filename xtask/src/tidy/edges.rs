//! Who may depend on whom, read from the manifests: services never on each other, pure
//! crates on nothing that does IO, and xtask on none of Larder's crates. Dependencies of
//! tests are free.

use super::Complaint;
use crate::workspace::Member;

const SERVICES: [&str; 4] = ["larder-recommendation", "larder-gateway", "larder-backup", "larder-alerting"];
const PURE_CRATES: [&str; 5] =
    ["larder-exchange", "larder-ranking", "larder-nutrition", "larder-demand", "larder-oncall"];

/// Runtimes, databases, networks and wire types.
const IMPURE: [&str; 14] = [
    "async-trait",
    "axum",
    "deadpool-redis",
    "futures",
    "hyper",
    "larder-database",
    "larder-proto",
    "larder-settings",
    "prost",
    "redis",
    "reqwest",
    "sqlx",
    "tokio",
    "tonic",
];

/// What the inside of the house is made of.
const OF_THE_HOUSE: [&str; 5] = ["larder-database", "larder-proto", "prost", "sqlx", "tonic"];

pub(super) fn check(members: &[Member]) -> Vec<Complaint> {
    members
        .iter()
        .flat_map(|member| member.dependencies.iter().map(move |dependency| (member, dependency.as_str())))
        .filter_map(|(member, dependency)| {
            refusal(&member.name, dependency)
                .map(|reason| Complaint(format!("{} depends on {dependency}: {reason}", member.name)))
        })
        .collect()
}

fn refusal(member: &str, dependency: &str) -> Option<&'static str> {
    if SERVICES.contains(&dependency) && !matches!(member, "larder" | "larder-testkit") {
        return Some("a service is started by `larder` and spoken to through proto/, nothing else");
    }
    if PURE_CRATES.contains(&member) && IMPURE.contains(&dependency) {
        return Some("a pure crate knows no runtime, no database, no settings and no wire types");
    }
    if member == "larder-connectors" && OF_THE_HOUSE.contains(&dependency) {
        return Some(
            "connectors know the outside world alone; what is kept and what is served is a service's",
        );
    }
    if member == "larder-console" && OF_THE_HOUSE.contains(&dependency) {
        return Some("the console knows what the gateway's JSON routes answer, and nothing behind them");
    }
    if member == "xtask" && dependency.starts_with("larder") {
        return Some("xtask must build before anything else does");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, dependencies: &[&str]) -> Member {
        let dependencies = dependencies.iter().map(|name| (*name).to_owned()).collect();
        Member { name: name.to_owned(), folder: name.into(), dependencies }
    }

    #[test]
    fn forbidden_edges_are_named() {
        let complaints = check(&[
            member("larder", &["larder-gateway", "larder-recommendation", "tokio"]),
            member("larder-gateway", &["larder-proto", "larder-recommendation"]),
            member("larder-ranking", &["jiff", "tokio"]),
            member("larder-connectors", &["larder-demand", "sqlx"]),
            member("xtask", &["anyhow", "larder-database"]),
        ]);
        let texts: Vec<&str> = complaints.iter().map(|Complaint(text)| text.as_str()).collect();
        assert_eq!(texts.len(), 4, "{texts:?}");
        assert!(texts[0].starts_with("larder-gateway depends on larder-recommendation"));
        assert!(texts[1].starts_with("larder-ranking depends on tokio"));
        assert!(texts[2].starts_with("larder-connectors depends on sqlx"));
        assert!(texts[3].starts_with("xtask depends on larder-database"));
    }
}
