//! Customers in and out, with the profile that nutrition needs.

use larder_proto::larder::catalog::v1::{
    ActivityLevel, Customer, CustomerProfile, LifeStage, NutritionGoal, Sex,
};

use crate::convert::{date, timestamp};
use crate::error::Error;
use crate::profile::{Body, Profile};
use crate::store::customers::{CustomerRow, NewCustomer};
use crate::validate::Fields;

/// Checks a customer and makes the row of it.
pub(crate) fn from_wire(customer: Customer) -> Result<NewCustomer, Error> {
    let mut fields = Fields::default();
    fields.id("customer_id", &customer.customer_id);
    fields.text("name", &customer.name, 0, 256);
    fields.attributes("attributes", &customer.attributes);
    let profile = profile_from_wire(&mut fields, "profile", customer.profile.unwrap_or_default());
    fields.finish(NewCustomer {
        customer_id: customer.customer_id,
        name: customer.name,
        birth_day: profile.birth_day,
        sex: profile.sex,
        height_cm: profile.body.height_cm,
        weight_kg: profile.body.weight_kg,
        activity_level: profile.body.activity_level,
        goal: profile.goal,
        diets: profile.diets,
        allergens: profile.allergens,
        attributes: customer.attributes,
        body_fat_percent: profile.body.body_fat_percent,
        guideline: profile.guideline,
        life_stage: profile.body.life_stage,
        goal_rate_kg_per_week: profile.body.goal_rate_kg_per_week,
        score_goal: profile.score_goal,
    })
}

/// Checks a profile that stands in `at`.
pub(crate) fn profile_from_wire(fields: &mut Fields, at: &str, profile: CustomerProfile) -> Profile {
    let field = |name: &str| format!("{at}.{name}");
    let birth_day = profile.birth_date.as_ref().and_then(|day| fields.day(&field("birth_date"), day));
    fields.optional_number(&field("height_cm"), profile.height_cm, 30.0, 300.0);
    fields.optional_number(&field("weight_kg"), profile.weight_kg, 1.0, 700.0);
    fields.optional_number(&field("body_fat_percent"), profile.body_fat_percent, 2.0, 75.0);
    fields.optional_number(&field("goal_rate_kg_per_week"), profile.goal_rate_kg_per_week, 0.0, 2.0);
    fields.texts(&field("diets"), &profile.diets, 32, 64);
    fields.texts(&field("allergens"), &profile.allergens, 32, 64);
    fields.optional_id(&field("guideline"), &profile.guideline);
    fields.optional_id(&field("score_goal"), &profile.score_goal);
    let is_known = Sex::try_from(profile.sex).is_ok();
    let sex = known(fields, &field("sex"), profile.sex, is_known, "SEX_FEMALE, SEX_MALE");
    let is_known = ActivityLevel::try_from(profile.activity_level).is_ok();
    let accepted = "ACTIVITY_LEVEL_SEDENTARY, _LIGHT, _MODERATE, _ACTIVE, _VERY_ACTIVE";
    let activity_level = known(fields, &field("activity_level"), profile.activity_level, is_known, accepted);
    let is_known = NutritionGoal::try_from(profile.goal).is_ok();
    let accepted = "NUTRITION_GOAL_LOSE_WEIGHT, _MAINTAIN, _GAIN_MUSCLE";
    let goal = known(fields, &field("goal"), profile.goal, is_known, accepted);
    let is_known = LifeStage::try_from(profile.life_stage).is_ok();
    let accepted = "LIFE_STAGE_PREGNANT, LIFE_STAGE_LACTATING";
    let life_stage = known(fields, &field("life_stage"), profile.life_stage, is_known, accepted);
    Profile {
        birth_day,
        sex,
        goal,
        diets: profile.diets,
        allergens: profile.allergens,
        guideline: profile.guideline,
        score_goal: profile.score_goal,
        body: Body {
            height_cm: profile.height_cm,
            weight_kg: profile.weight_kg,
            activity_level,
            body_fat_percent: profile.body_fat_percent,
            life_stage,
            goal_rate_kg_per_week: profile.goal_rate_kg_per_week,
        },
        ..Profile::default()
    }
}

/// The number of a value the enum knows; refuses any other.
fn known(fields: &mut Fields, field: &str, value: i32, is_known: bool, accepted: &str) -> i16 {
    match i16::try_from(value) {
        Ok(value) if is_known => value,
        _ => {
            fields.refuse(field, format!("must be one of {accepted}"));
            0
        }
    }
}

/// What answers need to know of a customer who was just written.
pub(crate) fn to_profile(row: &NewCustomer) -> Profile {
    Profile {
        birth_day: row.birth_day,
        sex: row.sex,
        goal: row.goal,
        diets: row.diets.clone(),
        allergens: row.allergens.clone(),
        attributes: row.attributes.clone(),
        guideline: row.guideline.clone(),
        score_goal: row.score_goal.clone(),
        body: Body {
            height_cm: row.height_cm,
            weight_kg: row.weight_kg,
            activity_level: row.activity_level,
            body_fat_percent: row.body_fat_percent,
            life_stage: row.life_stage,
            goal_rate_kg_per_week: row.goal_rate_kg_per_week,
        },
    }
}

/// The message of a stored customer.
pub(crate) fn to_wire(row: CustomerRow) -> Customer {
    let profile = CustomerProfile {
        birth_date: row.birth_day.map(date),
        sex: row.sex.into(),
        height_cm: row.height_cm,
        weight_kg: row.weight_kg,
        activity_level: row.activity_level.into(),
        goal: row.goal.into(),
        diets: row.diets,
        allergens: row.allergens,
        body_fat_percent: row.body_fat_percent,
        guideline: row.guideline,
        life_stage: row.life_stage.into(),
        goal_rate_kg_per_week: row.goal_rate_kg_per_week,
        score_goal: row.score_goal,
    };
    Customer {
        customer_id: row.customer_id,
        name: row.name,
        profile: (profile != CustomerProfile::default()).then_some(profile),
        attributes: row.attributes.0,
        created_at: Some(timestamp(row.created_at_us)),
        updated_at: Some(timestamp(row.updated_at_us)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_goal_names_the_known_ones() {
        let profile = CustomerProfile { goal: 99, weight_kg: Some(-4.0), ..CustomerProfile::default() };
        let customer = Customer { customer_id: "c".into(), profile: Some(profile), ..Customer::default() };
        let error = from_wire(customer).unwrap_err().to_string();
        assert!(error.contains("profile.goal: must be one of NUTRITION_GOAL_LOSE_WEIGHT"), "{error}");
        assert!(error.contains("profile.weight_kg: must be a number from 1 to 700"), "{error}");
    }
}
