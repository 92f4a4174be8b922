//! The nearest known name to an unknown one, for "did you mean".

/// How alike two names must be, from 0 to 1, before one is suggested for the other.
const LEAST_LIKENESS: f64 = 0.6;

/// The name among `known` that `unknown` was most likely meant to be.
pub(crate) fn nearest(unknown: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let mut best: Option<(f64, String)> = None;
    for name in known {
        let likeness = likeness(unknown, &name);
        if likeness >= LEAST_LIKENESS && best.as_ref().is_none_or(|(most, _)| likeness > *most) {
            best = Some((likeness, name));
        }
    }
    best.map(|(_, name)| name)
}

/// The right field in the wrong section is as good as a small slip of the finger.
fn likeness(unknown: &str, known: &str) -> f64 {
    let spelled = strsim::normalized_damerau_levenshtein(unknown, known);
    let same_field = matches!(
        (unknown.rsplit_once('.'), known.rsplit_once('.')),
        (Some((_, unknown)), Some((_, known))) if unknown == known
    );
    if same_field { spelled.max(LEAST_LIKENESS) } else { spelled }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggest(unknown: &str) -> Option<String> {
        let known = ["database.url", "redis.url", "gateway.request_timeout_ms", "database.bootstrap"];
        nearest(unknown, known.into_iter().map(str::to_owned))
    }

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        assert_eq!(suggest("databse.url").as_deref(), Some("database.url"));
        assert_eq!(suggest("gateway.request_timeout").as_deref(), Some("gateway.request_timeout_ms"));
        assert_eq!(suggest("gateway.bootstrap").as_deref(), Some("database.bootstrap"));
        assert_eq!(suggest("colour"), None);
    }
}
