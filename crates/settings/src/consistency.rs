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
    problems.extend(shared_addresses(settings));
    problems
}

fn shared_addresses(settings: &Settings) -> Vec<String> {
    let listeners = [
        ("gateway.listen_address", settings.gateway.listen_address),
        ("gateway.ops_address", settings.gateway.ops_address),
        ("recommendation.listen_address", settings.recommendation.listen_address),
        ("recommendation.ops_address", settings.recommendation.ops_address),
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
