//! What a new model is compared with. A model that serves has usually been trained on some of the
//! events held out, and would be asked what it has seen: the rules here keep the comparison fair.

use super::{PromotedReference, TrainingParameters};

/// What stands beside the new model.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rival {
    /// Nothing serves yet.
    Nobody,
    /// The snapshot that serves: it was trained before the split. What happened between is laid
    /// over it, as it is when it serves.
    AsItServes,
    /// A model of the same parameters is what this very training yields: there is nothing to compare.
    Alike,
    /// It was trained after the split with other parameters: a model is trained with those on the
    /// events before the split.
    Retrained(TrainingParameters),
    /// The same, with too few customers to tell the two apart.
    NotWorthIt,
    /// It was trained after the split by another program, which cannot be run again.
    Unrepeatable,
}

/// Chooses the rival of a model that is trained with `parameters`.
pub(super) fn choose(
    promoted: Option<&PromotedReference>,
    parameters: &TrainingParameters,
    split_us: i64,
) -> Rival {
    let Some(promoted) = promoted else { return Rival::Nobody };
    if promoted.trained_at_us <= split_us {
        return Rival::AsItServes;
    }
    match &promoted.parameters {
        Some(theirs) if theirs == parameters => Rival::Alike,
        Some(theirs) if theirs.program == parameters.program => Rival::Retrained(theirs.clone()),
        _ => Rival::Unrepeatable,
    }
}

impl Rival {
    /// How it is compared, or why it is not, in words.
    pub(super) fn in_words(&self) -> &'static str {
        match self {
            Self::Nobody => "nothing served before it, and it is not worse than both baselines",
            Self::AsItServes => "as it serves, it was trained before the events held out",
            Self::Alike => {
                "trained as the model that serves was, on newer events, and not worse than both baselines"
            }
            Self::Retrained(_) => "trained again with its parameters on the events before the split",
            Self::NotWorthIt => "not compared: too few customers have events held out",
            Self::Unrepeatable => {
                "the model that serves has seen the events held out, and another program trained it; \
                 not worse than both baselines"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model_settings::file::Training;

    const SPLIT_US: i64 = 1_000;

    fn trained(at_us: i64, parameters: Option<TrainingParameters>) -> PromotedReference {
        PromotedReference {
            model_version: "v".into(),
            checksum_sha256: String::new(),
            trained_at_us: at_us,
            parameters,
        }
    }

    #[test]
    fn no_model_is_asked_for_what_it_has_seen() {
        let days = |personal_half_life_days| {
            let training = Training { personal_half_life_days, ..Training::default() };
            TrainingParameters::of_this_program(&training)
        };
        let (ours, other) = (days(120.0), days(3.0));
        let elsewhere = TrainingParameters { program: "0.0.1".into(), ..ours.clone() };
        let rival = |promoted: PromotedReference| choose(Some(&promoted), &ours, SPLIT_US);
        assert_eq!(choose(None, &ours, SPLIT_US), Rival::Nobody);
        assert_eq!(rival(trained(SPLIT_US, None)), Rival::AsItServes);
        assert_eq!(rival(trained(SPLIT_US + 1, Some(ours.clone()))), Rival::Alike);
        assert_eq!(rival(trained(SPLIT_US + 1, Some(other.clone()))), Rival::Retrained(other));
        assert_eq!(rival(trained(SPLIT_US + 1, Some(elsewhere))), Rival::Unrepeatable);
        assert_eq!(rival(trained(SPLIT_US + 1, None)), Rival::Unrepeatable);
    }
}
