//! Customers in and out, with the profile that nutrition needs.

use larder_proto::larder::catalog::v1::{ActivityLevel, Customer, CustomerProfile, NutritionGoal, Sex};

use crate::convert::{date, timestamp};
use crate::error::Error;
use crate::profile::Profile;
use crate::store::customers::{CustomerRow, NewCustomer};
use crate::validate::Fields;

/// Checks a customer and makes the row of it.
pub(crate) fn from_wire(customer: Customer) -> Result<NewCustomer, Error> {
    let mut fields = Fields::default();
    fields.id("customer_id", &customer.customer_id);
    fields.text("name", &customer.name, 0, 256);
    fields.attributes("attributes", &customer.attributes);
    let profile = customer.profile.unwrap_or_default();
    let birth_date = profile.birth_date.as_ref().and_then(|day| fields.day("profile.birth_date", day));
    fields.optional_number("profile.height_cm", profile.height_cm, 30.0, 300.0);
    fields.optional_number("profile.weight_kg", profile.weight_kg, 1.0, 700.0);
    fields.texts("profile.diets", &profile.diets, 32, 64);
    fields.texts("profile.allergens", &profile.allergens, 32, 64);
    let sex = known(
        &mut fields,
        "profile.sex",
        profile.sex,
        Sex::try_from(profile.sex).is_ok(),
        "SEX_FEMALE, SEX_MALE",
    );
    let activity_level = known(
        &mut fields,
        "profile.activity_level",
        profile.activity_level,
        ActivityLevel::try_from(profile.activity_level).is_ok(),
        "ACTIVITY_LEVEL_SEDENTARY, _LIGHT, _MODERATE, _ACTIVE, _VERY_ACTIVE",
    );
    let goal = known(
        &mut fields,
        "profile.goal",
        profile.goal,
        NutritionGoal::try_from(profile.goal).is_ok(),
        "NUTRITION_GOAL_LOSE_WEIGHT, _MAINTAIN, _GAIN_MUSCLE",
    );
    fields.finish(NewCustomer {
        customer_id: customer.customer_id,
        name: customer.name,
        birth_day: birth_date,
        sex,
        height_cm: profile.height_cm,
        weight_kg: profile.weight_kg,
        activity_level,
        goal,
        diets: profile.diets,
        allergens: profile.allergens,
        attributes: customer.attributes,
    })
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
