//! What products are worth: explained, honest about what is not known, for goals of the tenant's own,
//! and in the recommendations to customers who have a goal.

use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::nutrition::v1::*;
use larder_proto::larder::recommendation::v1::*;
use tonic::Code;

use super::targets::{know, profile};
use crate::house::{Guest, House, ids, product, purchase};

fn told(kcal: f64, protein: f64, fat: f64, saturated: f64, carbohydrate: f64) -> Nutrition {
    Nutrition {
        energy_kcal: Some(kcal),
        protein_g: Some(protein),
        fat_g: Some(fat),
        saturated_fat_g: Some(saturated),
        carbohydrate_g: Some(carbohydrate),
        sugars_g: Some(1.0),
        fibre_g: Some(1.0),
        sodium_mg: Some(50.0),
    }
}

fn with(product_id: &str, nutrition: Nutrition) -> Product {
    Product { nutrition_per_100g: Some(nutrition), ..product(product_id, "Shelf") }
}

/// Quark has much protein and little energy, crisps the contrary, and of soap nothing is known.
async fn stock(guest: &mut Guest) {
    let quark = told(67.0, 12.0, 0.2, 0.1, 4.0);
    let crisps = told(540.0, 6.0, 35.0, 9.0, 50.0);
    let rice = told(130.0, 2.7, 0.3, 0.1, 28.0);
    guest
        .upsert(vec![
            with("quark", quark),
            Product { attributes: [("fruit_percent".into(), "0".into())].into(), ..with("crisps", crisps) },
            with("rice", rice),
            product("soap", "Shelf"),
        ])
        .await;
    let mut events = Vec::new();
    for week in 0..6 {
        for (number, product_id) in ["crisps", "rice", "soap", "quark"].into_iter().enumerate() {
            for buyer in 0..(8 - number) {
                events.push(purchase(&format!("buyer-{buyer}"), product_id, week * 7 + 1));
            }
        }
    }
    guest.record(events).await;
}

async fn score(guest: &mut Guest, request: ScoreProductsRequest) -> ScoreProductsResponse {
    guest.nutrition.score_products(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn scores_are_explained_and_the_unknown_is_never_zero() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    stock(&mut guest).await;
    let product_ids = ["quark", "crisps", "soap", "nothing"].map(str::to_owned).to_vec();
    let request = ScoreProductsRequest { product_ids, goal: "weight_loss".into(), ..Default::default() };
    let answer = score(&mut guest, request).await;
    assert_eq!(answer.missing_product_ids, ["nothing"]);
    let goal = |at: usize| answer.scores[at].goal.clone().unwrap();
    let (quark, crisps, soap) = (goal(0), goal(1), goal(2));
    assert!(quark.score.unwrap() > crisps.score.unwrap() + 30.0, "{quark:?} {crisps:?}");
    let sum: f64 = quark.terms.iter().map(|term| term.points).sum();
    assert!((sum - quark.score.unwrap()).abs() < 1e-4);
    assert!(quark.confidence > 0.9 && soap.confidence < 0.01 && soap.score.is_none(), "{soap:?}");
    assert!(!crisps.improvements.is_empty());
    let letters = answer.scores[0].nutri_score.as_ref().unwrap();
    assert_eq!(letters.best_letter, "A", "{letters:?}");
    let letters = answer.scores[1].nutri_score.as_ref().unwrap();
    assert_eq!(
        (letters.letter.as_str(), letters.points_low, letters.points_high),
        ("D", 14, 14),
        "{letters:?}"
    );
    assert_eq!(answer.scores[2].nutri_score.as_ref().unwrap().letter, "", "nothing decides it");
    assert!(answer.scores[2].doubts.iter().any(|doubt| doubt.kind == "missing"));
    assert!(answer.scores[0].nrf.as_ref().unwrap().score.is_none(), "vitamins are not known");
}

#[tokio::test]
async fn foods_that_cannot_be_are_refused_by_name() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let food = |energy_kcal| Food {
        food_id: "bread".into(),
        name: "Bread".into(),
        nutrients_per_100g: Some(Nutrients {
            energy_kcal: Some(energy_kcal),
            protein_g: Some(8.0),
            carbohydrate_g: Some(40.0),
            fat_g: Some(2.0),
            ..Nutrients::default()
        }),
        ..Food::default()
    };
    let of = |foods| ScoreProductsRequest { foods, ..ScoreProductsRequest::default() };
    let answer = score(&mut guest, of(vec![food(210.0)])).await;
    assert_eq!((answer.goal.as_str(), answer.scores.len()), ("balanced", 1));
    for (energy, why) in
        [(2_000.0, "impossible"), (880.0, "kilojoules as kilocalories"), (-3.0, "must be a number")]
    {
        let refused = guest.nutrition.score_products(of(vec![food(energy)])).await.unwrap_err();
        assert!(refused.message().starts_with("foods[0].nutrients_per_100g.energy_kcal: "), "{refused}");
        assert!(refused.message().contains(why), "{refused}");
    }
    let many = of(vec![Food::default(); 100_000]);
    let refused = guest.nutrition.score_products(many).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::InvalidArgument, "foods: must have at most 1000 entries; this has 100000")
    );
    let nothing = guest.nutrition.score_products(ScoreProductsRequest::default()).await.unwrap_err();
    assert!(nothing.message().starts_with("product_ids: must name something"), "{nothing}");
    let slip = ScoreProductsRequest { goal: "wellness".into(), ..of(vec![food(210.0)]) };
    let refused = guest.nutrition.score_products(slip).await.unwrap_err();
    assert!(refused.message().starts_with("goal: must be one of balanced"), "{refused}");
}

async fn explained(guest: &mut Guest, strength: Option<f64>) -> RecommendResponse {
    let request = RecommendRequest {
        customer_id: "ann".into(),
        explain: true,
        arrangement: strength
            .map(|strength| Arrangement { nutrition_strength: Some(strength), ..Arrangement::default() }),
        ..RecommendRequest::default()
    };
    guest.recommendations.recommend(request).await.unwrap().into_inner()
}

fn goal_part(item: &Recommendation) -> Option<&Contribution> {
    item.contributions.iter().find(|part| part.name == "nutrition")
}

#[tokio::test]
async fn a_goal_moves_recommendations_and_says_why() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    stock(&mut guest).await;
    guest.train_well().await;
    let before = explained(&mut guest, Some(5.0)).await;
    assert!(
        before.recommendations.iter().all(|item| goal_part(item).is_none()),
        "nobody's goal moves nothing"
    );
    know(&mut guest, "ann", CustomerProfile { goal: NutritionGoal::LoseWeight.into(), ..profile() }).await;
    let after = explained(&mut guest, Some(5.0)).await;
    assert_eq!(ids(&after)[0], "quark", "{:?}", ids(&after));
    assert_eq!(ids(&after).last(), Some(&"crisps"));
    for item in &after.recommendations {
        let sum: f64 = item.contributions.iter().map(|part| part.value).sum();
        assert!((sum - item.score).abs() < 1e-4, "{item:?}");
    }
    let quark = &after.recommendations[0];
    assert!(quark.reasons.iter().any(|reason| reason.starts_with("fits your goal: ")), "{quark:?}");
    assert!(goal_part(quark).unwrap().sentence.starts_with("fits your goal: "));
    let soap = after.recommendations.iter().find(|item| item.product_id == "soap").unwrap();
    assert!(goal_part(soap).is_none(), "what is not known neither rises nor falls");
    let usual = explained(&mut guest, None).await;
    let part = |answer: &RecommendResponse| {
        let quark = answer.recommendations.iter().find(|item| item.product_id == "quark").unwrap();
        goal_part(quark).map_or(0.0, |part| part.value)
    };
    assert!(part(&usual) > 0.0 && part(&usual) < part(&after) / 10.0, "modest unless it is asked for");
    let off = explained(&mut guest, Some(0.0)).await;
    assert!(off.recommendations.iter().all(|item| goal_part(item).is_none()));
}

#[tokio::test]
async fn the_goal_a_visitor_tells_moves_what_their_session_is_shown() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    stock(&mut guest).await;
    guest.train_well().await;
    let session = |goal: NutritionGoal| RecommendForSessionRequest {
        profile: Some(CustomerProfile { goal: goal.into(), ..CustomerProfile::default() }),
        explain: true,
        arrangement: Some(Arrangement { nutrition_strength: Some(5.0), ..Arrangement::default() }),
        ..RecommendForSessionRequest::default()
    };
    let mut ask = async |goal| {
        guest.recommendations.recommend_for_session(session(goal)).await.unwrap().into_inner().recommendations
    };
    let without = ask(NutritionGoal::Unspecified).await;
    assert!(!without.is_empty() && without.iter().all(|item| goal_part(item).is_none()));
    let losing = ask(NutritionGoal::LoseWeight).await;
    assert_eq!(losing[0].product_id, "quark", "{losing:?}");
    assert!(losing[0].reasons.iter().any(|reason| reason.starts_with("fits your goal: ")), "{losing:?}");
    for item in &losing {
        let sum: f64 = item.contributions.iter().map(|part| part.value).sum();
        assert!((sum - item.score).abs() < 1e-4, "{item:?}");
    }
}

#[tokio::test]
async fn a_goal_of_the_tenants_own_is_followed_and_the_file_may_turn_it_off() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model-settings.json");
    let settings = serde_json::json!({
        "placements": {"default": {"nutrition_strength": 3.0}},
        "nutrition": {"score_models": [{"name": "carbs", "terms": [
            {"measure": "net_carbohydrate_per_100g", "worst": 0, "best": 30, "weight": 1},
        ]}]},
        "tenants": {"off": {"placements": {"default": {"nutrition_strength": 0}}}},
    });
    std::fs::write(&file, settings.to_string()).unwrap();
    let migrations = larder_recommendation::migrator();
    let database =
        larder_testkit::TestDatabase::create(&[(larder_recommendation::SCHEMA, &migrations)]).await;
    let house = House::open_with(database, |settings| {
        settings.recommendation.model_settings_file = Some(file.clone())
    })
    .await;
    let runner = CustomerProfile { score_goal: "carbs".into(), ..CustomerProfile::default() };
    for (tenant, moves) in [("shop", true), ("off", false)] {
        let mut guest = house.guest(tenant).await;
        stock(&mut guest).await;
        know(&mut guest, "ann", runner.clone()).await;
        let answer = explained(&mut guest, None).await;
        let moved = answer.recommendations.iter().any(|item| goal_part(item).is_some());
        assert_eq!(moved, moves, "{tenant}");
        if moves {
            let quark = answer.recommendations.iter().find(|item| item.product_id == "quark").unwrap();
            assert!(goal_part(quark).unwrap().value < 0.0, "little carbohydrate");
            let request = ScoreProductsRequest {
                product_ids: vec!["rice".into()],
                customer_id: "ann".into(),
                ..Default::default()
            };
            assert_eq!(score(&mut guest, request).await.goal, "carbs");
        }
    }
}

#[tokio::test]
async fn what_a_name_says_of_allergens_tightens_and_never_loosens() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest
        .upsert(vec![
            Product { name: "Cheddar Cheese".into(), ..product("cheddar", "Dairy") },
            Product { name: "Apples, raw".into(), ..product("apples", "Produce") },
        ])
        .await;
    know(&mut guest, "ann", CustomerProfile { allergens: vec!["milk".into()], ..Default::default() }).await;
    assert!(
        guest.recommend("ann").await.recommendations.is_empty(),
        "what a name alone frees stays unknown here"
    );
    let request = RecommendRequest {
        customer_id: "ben".into(),
        filter: Some(RecommendationFilter {
            exclude_allergens: vec!["milk".into()],
            allow_unknown_allergens: true,
            ..RecommendationFilter::default()
        }),
        ..RecommendRequest::default()
    };
    let answer = guest.recommendations.recommend(request).await.unwrap().into_inner();
    assert_eq!(ids(&answer), ["apples"], "cheddar is milk, whoever forgot to say so");
    let describe = DescribeProductRequest { product_id: "cheddar".into() };
    let cheddar = guest.nutrition.describe_product(describe).await.unwrap().into_inner();
    let milk = cheddar.allergens.iter().find(|finding| finding.allergen == "milk").unwrap();
    assert_eq!((milk.presence(), milk.derived), (AllergenPresence::Contains, true));
    let vegan = cheddar.diets.iter().find(|finding| finding.diet == "vegan").unwrap();
    assert_eq!((vegan.verdict(), vegan.derived), (DietVerdict::DoesNotSuit, true));
}
