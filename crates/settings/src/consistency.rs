//! What must hold between settings in every environment, whatever each accepts by itself.

use crate::Settings;

/// Everything about `settings` that contradicts itself, one sentence each.
pub(crate) fn problems(settings: &Settings) -> Vec<String> {
    let mut problems = Vec::new();
    let resilience = &settings.resilience;
    if resilience.attempt_timeout > resilience.total_timeout {
        problems.push(
            "`resilience.attempt_timeout_ms` is longer than `resilience.total_timeout_ms`; accepted is at most as long"
                .to_owned(),
        );
    }
    if resilience.backoff_base > resilience.backoff_cap {
        problems.push(
            "`resilience.backoff_base_ms` is longer than `resilience.backoff_cap_ms`; accepted is at most as long"
                .to_owned(),
        );
    }
    problems.extend(certificates(settings));
    problems.extend(connectors(settings));
    problems.extend(shared_addresses(settings));
    problems
}

/// What certificates need to be of use.
fn certificates(settings: &Settings) -> Vec<String> {
    let (gateway, tls) = (&settings.gateway, &settings.tls);
    let mut problems = Vec::new();
    if gateway.tls_certificate_file.is_some() != gateway.tls_key_file.is_some() {
        problems.push(
            "`gateway.tls_certificate_file` and `gateway.tls_key_file` go together; accepted are both or neither"
                .to_owned(),
        );
    }
    if !gateway.acme_domains.is_empty() && gateway.tls_certificate_file.is_some() {
        problems.push(
            "`gateway.acme_domains` and `gateway.tls_certificate_file` are both set; accepted is one of them"
                .to_owned(),
        );
    }
    if !gateway.acme_domains.is_empty() && gateway.replicas > 1 {
        problems.push(
            "`gateway.acme_domains` is set and `gateway.replicas` is more than 1: another gateway would be asked for the \
             proof; accepted are files that something else renews (`gateway.tls_certificate_file`)"
                .to_owned(),
        );
    }
    let files = [
        ("tls.authority_file", tls.authority_file.is_some()),
        ("tls.certificate_file", tls.certificate_file.is_some()),
        ("tls.key_file", tls.key_file.is_some()),
    ];
    let some_are_set = files.iter().any(|(_, is_set)| *is_set);
    for (name, _) in files.iter().filter(|(_, is_set)| some_are_set && !is_set) {
        problems
            .push(format!("`{name}` is not set and others of `[tls]` are; accepted are all three or none"));
    }
    problems
}

/// What a connector needs when it is there at all.
fn connectors(settings: &Settings) -> Vec<String> {
    let connectors = &settings.connectors;
    let mut problems = Vec::new();
    if connectors.attempt_timeout > connectors.total_timeout {
        problems.push(
            "`connectors.attempt_timeout_ms` is longer than `connectors.total_timeout_ms`; accepted is at most as long"
                .to_owned(),
        );
    }
    let needed = [
        ("square_client_secret", connectors.square_client_secret.is_some()),
        ("square_redirect_url", connectors.square_redirect_url.is_some()),
        ("secret_keys", connectors.secret_keys.is_some()),
    ];
    for (name, _) in needed.iter().filter(|(_, is_set)| connectors.square_client_id.is_some() && !is_set) {
        problems.push(format!(
            "`connectors.{name}` is not set and `connectors.square_client_id` is; accepted are both or neither"
        ));
    }
    if connectors.square_webhook_url.is_some() != connectors.square_webhook_keys.is_some() {
        problems.push(
            "`connectors.square_webhook_url` and `connectors.square_webhook_keys` go together; accepted are both or neither"
                .to_owned(),
        );
    }
    problems
}

fn shared_addresses(settings: &Settings) -> Vec<String> {
    let listeners = [
        ("gateway.listen_address", settings.gateway.listen_address),
        ("gateway.ops_address", settings.gateway.ops_address),
        ("gateway.acme_listen_address", settings.gateway.acme_listen_address),
        ("recommendation.listen_address", settings.recommendation.listen_address),
        ("recommendation.ops_address", settings.recommendation.ops_address),
        ("backup.listen_address", settings.backup.listen_address),
        ("backup.ops_address", settings.backup.ops_address),
        ("alerting.listen_address", settings.alerting.listen_address),
        ("alerting.ops_address", settings.alerting.ops_address),
    ];
    let mut problems = Vec::new();
    for (position, (name, address)) in listeners.iter().enumerate() {
        for (other_name, other) in &listeners[position + 1..] {
            if address == other && address.port() != 0 {
                problems.push(format!(
                    "`{name}` and `{other_name}` are both {address}; accepted are different addresses"
                ));
            }
        }
    }
    problems
}
