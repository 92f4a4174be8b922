//! Whom an answer is about: the customer's profile as it is kept in memory, with what the request
//! tells laid over it.

use std::sync::Arc;

use larder_identity::TenantId;

use crate::error::Error;
use crate::profile::{Body, Profile};
use crate::served::Served;

/// A profile with what was missing of it.
pub(crate) struct Somebody {
    pub(crate) profile: Profile,
    /// Why the customer's own profile is not in it, if it is not.
    pub(crate) missing: Option<String>,
}

/// What is known of a customer, with what was told laid over it. An empty id names nobody.
pub(crate) fn somebody(
    served: &Served,
    tenant: &TenantId,
    customer_id: &str,
    told: Option<Profile>,
) -> Result<Somebody, Error> {
    if customer_id.is_empty() {
        return Ok(Somebody { profile: told.unwrap_or_default(), missing: None });
    }
    if !served.profiles_read() {
        let Some(profile) = told else { return Err(Error::ProfilesUnknown) };
        let missing = "the customer's profile is not known until the database is back: only what the request tells was used";
        return Ok(Somebody { profile, missing: Some(missing.to_owned()) });
    }
    let known = served.profile(tenant, customer_id);
    let known = known.as_deref().cloned().unwrap_or_default();
    Ok(Somebody { profile: told.map_or_else(|| known.clone(), |told| over(told, &known)), missing: None })
}

impl Served {
    /// The profile of a customer that is not hidden.
    pub(crate) fn profile(&self, tenant: &TenantId, customer_id: &str) -> Option<Arc<Profile>> {
        let served = self.find(tenant.as_str())?;
        let facts = served.facts();
        facts.profiles.get(customer_id).cloned()
    }
}

/// What was told, and where nothing was, what is known. What must be stayed away from adds up.
fn over(told: Profile, known: &Profile) -> Profile {
    let number = |told: i16, known: i16| if told == 0 { known } else { told };
    let text = |told: String, known: &String| if told.is_empty() { known.clone() } else { told };
    Profile {
        birth_day: told.birth_day.or(known.birth_day),
        sex: number(told.sex, known.sex),
        goal: number(told.goal, known.goal),
        diets: both(told.diets, &known.diets),
        allergens: both(told.allergens, &known.allergens),
        attributes: known.attributes.clone(),
        guideline: text(told.guideline, &known.guideline),
        score_goal: text(told.score_goal, &known.score_goal),
        body: Body {
            height_cm: told.body.height_cm.or(known.body.height_cm),
            weight_kg: told.body.weight_kg.or(known.body.weight_kg),
            activity_level: number(told.body.activity_level, known.body.activity_level),
            body_fat_percent: told.body.body_fat_percent.or(known.body.body_fat_percent),
            life_stage: number(told.body.life_stage, known.body.life_stage),
            goal_rate_kg_per_week: told.body.goal_rate_kg_per_week.or(known.body.goal_rate_kg_per_week),
        },
    }
}

fn both(mut told: Vec<String>, known: &[String]) -> Vec<String> {
    for word in known {
        if !told.contains(word) {
            told.push(word.clone());
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_counts_and_what_is_forbidden_adds_up() {
        let known = Profile {
            birth_day: Some(7),
            goal: 1,
            allergens: vec!["nuts".into()],
            body: Body { weight_kg: Some(80.0), height_cm: Some(180.0), ..Body::default() },
            ..Profile::default()
        };
        let told = Profile {
            goal: 2,
            allergens: vec!["milk".into()],
            body: Body { weight_kg: Some(78.0), ..Body::default() },
            ..Profile::default()
        };
        let whole = over(told, &known);
        assert_eq!((whole.birth_day, whole.goal), (Some(7), 2));
        assert_eq!((whole.body.weight_kg, whole.body.height_cm), (Some(78.0), Some(180.0)));
        assert_eq!(whole.allergens, ["milk", "nuts"], "a request never takes an allergy away");
    }
}
