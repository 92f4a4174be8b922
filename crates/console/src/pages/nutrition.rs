//! Nutrition: what a person should eat in a day, where each number comes from, and a plan of meals with its shopping
//! list, to print.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::fields::Fields;
use crate::figures;
use crate::refusal::part;
use crate::room::Answer;
use crate::visit::Visit;

/// The longest plan the gateway makes.
const MOST_DAYS: f64 = 14.0;

/// The person, the targets once there is one, and the plan once it is asked for.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    let query = &visit.query;
    let customers = part(visit.ask("/v1/customers?pageSize=25").await)?;
    let mut content = json!({ "customers": customers["customers"] });
    if query.given("customer").is_none() && query.given("weight").is_none() {
        return visit.page("nutrition.html", content).await;
    }
    let person = json!({"customerId": query.get("customer"), "profile": profile(query)});
    let targets = visit.tell("/v1/nutrition/targets:calculate", &person);
    let planned = async {
        match query.number("days") {
            Some(days) => Some(visit.tell("/v1/nutrition/plans:plan", &plan(query, &person, days)).await),
            None => None,
        }
    };
    let (targets, planned) = tokio::join!(targets, planned);
    content["targets"] = part(targets)?;
    if let Some(planned) = planned {
        let planned = part(planned)?;
        content["days"] = json!(by_day(&planned));
        content["planned"] = planned;
    }
    visit.page("nutrition.html", content).await
}

/// What was typed of a person; it is laid over what is known of the customer.
fn profile(query: &Fields) -> Value {
    let mut profile = Map::new();
    for (field, name) in [("height", "heightCm"), ("weight", "weightKg"), ("body_fat", "bodyFatPercent")] {
        if let Some(value) = query.number(field) {
            profile.insert(name.into(), value);
        }
    }
    for (field, name) in [("sex", "sex"), ("activity", "activityLevel"), ("goal", "goal")] {
        if let Some(value) = query.given(field) {
            profile.insert(name.into(), json!(value));
        }
    }
    for (field, name) in [("diets", "diets"), ("allergens", "allergens")] {
        let words = query.words(field);
        if !words.is_empty() {
            profile.insert(name.into(), json!(words));
        }
    }
    if let Some(born) = query.given("born") {
        profile.insert("birthDate".into(), born.parse().map_or(json!(born), figures::to_day));
    }
    Value::Object(profile)
}

fn plan(query: &Fields, person: &Value, days: Value) -> Value {
    let mut member = person.clone();
    if query.given("customer").is_none() {
        member["memberId"] = json!("person");
    }
    if query.get("unknown_allergens") == "true" {
        member["acceptUnknownAllergens"] = json!(true);
    }
    let days = days
        .as_f64()
        .filter(|days| (1.0..=MOST_DAYS).contains(days))
        .map_or(days, |days| json!(days.round()));
    json!({"days": days, "members": [member]})
}

/// The meals of each day.
fn by_day(planned: &Value) -> Vec<Value> {
    let mut days: Vec<(i64, Vec<Value>)> = Vec::new();
    for meal in planned["meals"].as_array().into_iter().flatten() {
        let day = meal["day"].as_i64().unwrap_or(0);
        match days.last_mut() {
            Some((last, meals)) if *last == day => meals.push(meal.clone()),
            _ => days.push((day, vec![meal.clone()])),
        }
    }
    days.into_iter().map(|(day, meals)| json!({"number": day + 1, "meals": meals})).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_what_was_typed() {
        let query = Fields::parse(b"weight=70,5&sex=SEX_FEMALE&born=1990-02-03&diets=vegan,+&height=");
        let expected = json!({
            "weightKg": 70.5, "sex": "SEX_FEMALE", "diets": ["vegan"], "birthDate": {"year": 1990, "month": 2, "day": 3},
        });
        assert_eq!(profile(&query), expected);
        assert_eq!(
            profile(&Fields::parse(b"born=soon"))["birthDate"],
            "soon",
            "the service says what a day is"
        );
    }

    #[test]
    fn meals_stand_under_their_days() {
        let planned = json!({"meals": [{"day": 0, "meal": 0}, {"day": 0, "meal": 1}, {"day": 1, "meal": 0}]});
        let days = by_day(&planned);
        assert_eq!(
            (days.len(), days[0]["meals"].as_array().unwrap().len(), &days[1]["number"]),
            (2, 2, &json!(2))
        );
    }
}
