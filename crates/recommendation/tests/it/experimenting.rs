//! Experiments: who is in which arm, what is written down of what was shown, what the arms
//! brought, and what a policy that was never shown would have brought.

use std::collections::HashMap;

use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::recommendation::v1::*;
use larder_recommendation::SCHEMA;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::house::{Guest, House, NOW_S, eventually, ids, product, purchase};

fn arm(arm: &str, share: f64) -> ExperimentArm {
    ExperimentArm { arm: arm.into(), share, ..ExperimentArm::default() }
}

fn experiment(experiment_id: &str, placement: &str) -> Experiment {
    Experiment {
        experiment_id: experiment_id.into(),
        name: "More varied".into(),
        placement: placement.into(),
        arms: vec![arm("plain", 0.5), arm("varied", 0.5)],
        ..Experiment::default()
    }
}

fn fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    violations.into_iter().map(|violation| violation.field).collect()
}

impl Guest {
    async fn create(&mut self, experiment: Experiment) -> Result<Experiment, Status> {
        let request = CreateExperimentRequest { experiment: Some(experiment) };
        let response = self.experiments.create_experiment(request).await?;
        Ok(response.into_inner().experiment.unwrap())
    }

    async fn recommend_at(
        &mut self,
        placement: &str,
        customer_id: &str,
        exploration: f64,
    ) -> RecommendResponse {
        let arrangement = Arrangement { exploration: Some(exploration), ..Arrangement::default() };
        let request = RecommendRequest {
            customer_id: customer_id.into(),
            limit: 2,
            placement: placement.into(),
            arrangement: Some(arrangement),
            ..RecommendRequest::default()
        };
        self.recommendations.recommend(request).await.unwrap().into_inner()
    }

    /// The arm of each of fifty customers; empty without an experiment.
    async fn arms(&mut self, placement: &str) -> Vec<String> {
        let mut arms = Vec::new();
        for number in 0..50 {
            let answer = self.recommend_at(placement, &format!("c{number}"), 0.0).await;
            arms.push(answer.experiment.map(|experiment| experiment.arm).unwrap_or_default());
        }
        arms
    }

    async fn results(&mut self, experiment_id: &str, window_hours: i32) -> GetExperimentResultsResponse {
        let request = GetExperimentResultsRequest {
            experiment_id: experiment_id.into(),
            window_hours,
            ..GetExperimentResultsRequest::default()
        };
        self.experiments.get_experiment_results(request).await.unwrap().into_inner()
    }

    /// Buys a product because of an answer, so many hours after it.
    async fn buy(&mut self, customer_id: &str, product_id: &str, answer: &RecommendResponse, hours: i64) {
        let bought = Interaction {
            event_id: format!("{}-{product_id}-{hours}", answer.recommendation_id),
            recommendation_id: answer.recommendation_id.clone(),
            occurred_at: Some(prost_types::Timestamp { seconds: NOW_S + hours * 3_600, nanos: 0 }),
            ..purchase(customer_id, product_id, 0)
        };
        let response = self.record(vec![bought]).await;
        assert_eq!(response.accepted_count, 1, "{response:?}");
    }
}

async fn count(house: &House, table_and_condition: &str) -> i64 {
    let query = format!("select count(*) from {SCHEMA}.{table_and_condition}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&house.database.admin_pool()).await.unwrap()
}

async fn run(house: &House, statement: &str) {
    sqlx::query(sqlx::AssertSqlSafe(statement.to_owned()))
        .execute(&house.database.admin_pool())
        .await
        .unwrap();
}

async fn wait_for_exposures(house: &House, expected: i64) {
    eventually("exposures are written", || async { count(house, "exposures").await == expected }).await;
}

#[tokio::test]
async fn a_customer_stays_in_one_arm_on_every_replica_and_after_a_restart() {
    let mut house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    assert!(guest.arms("home").await.iter().all(String::is_empty));
    let created = guest.create(experiment("varied-home", "home")).await.unwrap();
    assert_eq!(created.state(), ExperimentState::Running);
    let arms = guest.arms("home").await;
    let varied = arms.iter().filter(|arm| *arm == "varied").count();
    assert!((10..=40).contains(&varied) && !arms.contains(&String::new()), "{arms:?}");
    assert!(guest.arms("cart").await.iter().all(String::is_empty), "another placement");

    let replica = house.replica().await;
    let mut elsewhere = house.guest_of(&replica, "shop", larder_identity::Scopes::all()).await;
    assert_eq!(elsewhere.arms("home").await, arms);
    house.reopen().await;
    let mut guest = house.guest("shop").await;
    assert_eq!(guest.arms("home").await, arms);

    let request = StopExperimentRequest { experiment_id: "varied-home".into() };
    let stopped = guest.experiments.stop_experiment(request.clone()).await.unwrap().into_inner();
    let stopped = stopped.experiment.unwrap();
    assert_eq!(stopped.state(), ExperimentState::Stopped);
    assert!(stopped.stopped_at.is_some());
    assert!(guest.arms("home").await.iter().all(String::is_empty));
    for _ in 0..250 {
        if elsewhere.recommend_at("home", "c0", 0.0).await.experiment.is_none() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(elsewhere.arms("home").await.iter().all(String::is_empty), "the replica follows");
    let again = guest.experiments.stop_experiment(request).await.unwrap().into_inner();
    assert_eq!(again.experiment.unwrap(), stopped);
    guest.create(experiment("varied-home-2", "home")).await.unwrap();
    replica.stop().await;
}

#[tokio::test]
async fn an_arm_overrides_what_the_request_says() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let mut explores = experiment("exploring", "home");
    for arm in &mut explores.arms {
        arm.arrangement = Some(Arrangement { exploration: Some(0.5), ..Arrangement::default() });
    }
    let created = guest.create(explores.clone()).await.unwrap();
    assert_eq!(created.arms, explores.arms);
    let mut explored = 0;
    for number in 0..40 {
        let answer = guest.recommend_at("home", &format!("c{number}"), 0.0).await;
        explored += answer.recommendations.iter().filter(|item| item.propensity < 0.5).count();
    }
    assert!(explored > 10, "{explored} of 80 places explored");
}

#[tokio::test]
async fn what_is_shown_is_written_down_with_its_chances() {
    let mut house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.recommend_at("home", "ann", 0.0).await;
    let mut answers = HashMap::new();
    for _ in 0..30 {
        let answer = guest.recommend_at("home", "ann", 0.5).await;
        assert!(ids(&answer)[0] != ids(&answer)[1]);
        answers.insert(answer.recommendation_id.clone(), answer);
    }
    // Stopping writes what is still waiting.
    house.stop().await;
    type Row = (String, String, f64, Vec<f64>, Vec<String>, Vec<i32>, Vec<String>, Vec<bool>);
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select recommendation_id, subject, exploration, propensities, product_ids, shown_positions,
                pool_product_ids, pool_repeats
         from {SCHEMA}.exposures"
    )))
    .fetch_all(&house.database.admin_pool())
    .await
    .unwrap();
    assert_eq!(rows.len(), 30, "the answer that did not explore is not logged");
    for (id, subject, exploration, propensities, product_ids, positions, pool, repeats) in rows {
        let answer = &answers[&id];
        assert_eq!((subject.as_str(), exploration), ("ann", 0.5));
        assert_eq!(product_ids, ids(answer));
        assert_eq!(propensities, answer.recommendations.iter().map(|of| of.propensity).collect::<Vec<_>>());
        let of_pool: Vec<_> =
            positions.iter().map(|at| pool[usize::try_from(*at).unwrap()].clone()).collect();
        assert_eq!(of_pool, product_ids);
        assert_eq!(pool.len(), 6, "the whole shop");
        assert_eq!(repeats[..2], [true, true], "she buys bread and milk");
    }
}

#[tokio::test]
async fn arms_are_measured_by_what_was_bought_because_of_them() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.create(experiment("exp", "home")).await.unwrap();
    let (mut of_varied, mut of_plain) = (0, 0);
    for number in 0..60 {
        let customer = format!("c{number}");
        let answer = guest.recommend_at("home", &customer, 0.0).await;
        let first = ids(&answer)[0].to_owned();
        match answer.experiment.as_ref().unwrap().arm.as_str() {
            "varied" => {
                of_varied += 1;
                guest.buy(&customer, &first, &answer, 1).await;
                guest.buy(&customer, &first, &answer, 3).await;
            }
            _ => {
                of_plain += 1;
                // Nothing of this counts: not shown, or too late.
                guest.buy(&customer, "never-shown", &answer, 1).await;
                guest.buy(&customer, &first, &answer, 20).await;
            }
        }
    }
    wait_for_exposures(&house, 60).await;
    let found = guest.results("exp", 2).await;
    let (plain, varied) = (&found.arms[0], &found.arms[1]);
    assert_eq!((plain.arm.as_str(), varied.arm.as_str()), ("plain", "varied"));
    assert_eq!((plain.customer_count, plain.outcome_count), (of_plain, 0));
    assert_eq!((varied.customer_count, varied.outcome_count), (of_varied, of_varied));
    let conversion = varied.conversion.unwrap();
    assert!(conversion.value == 1.0 && conversion.high == 1.0 && conversion.low > 0.8, "{conversion:?}");
    let lift = varied.conversion_lift.unwrap();
    assert!(lift.value == 1.0 && lift.low > 0.7 && varied.p_value < 1e-9, "{lift:?}");
    assert_eq!(plain.conversion_lift, None);
    let ratio = found.sample_ratio.unwrap();
    assert!(!ratio.mismatch && ratio.p_value > 0.001, "{ratio:?}");
    assert_eq!(found.lost_exposure_count, 0);

    let longer = guest.results("exp", 0).await;
    assert_eq!((longer.arms[0].outcome_count, longer.arms[1].outcome_count), (of_plain, 2 * of_varied));
    assert_eq!(longer.arms[1].outcomes_per_customer.unwrap().value, 2.0);
    let views = GetExperimentResultsRequest {
        experiment_id: "exp".into(),
        outcome: InteractionKind::View.into(),
        ..Default::default()
    };
    let views = guest.experiments.get_experiment_results(views).await.unwrap().into_inner();
    assert_eq!(views.arms[1].outcome_count, 0);
}

#[tokio::test]
async fn a_split_that_is_not_as_the_shares_say_is_a_mismatch() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.create(experiment("exp", "home")).await.unwrap();
    guest.arms("home").await;
    wait_for_exposures(&house, 50).await;
    assert!(!guest.results("exp", 0).await.sample_ratio.unwrap().mismatch);
    // Something loses the answers of one arm.
    run(&house, &format!("delete from {SCHEMA}.exposures where arm = 'varied'")).await;
    let ratio = guest.results("exp", 0).await.sample_ratio.unwrap();
    assert!(ratio.mismatch && ratio.p_value < 0.001, "{ratio:?}");
}

#[tokio::test]
async fn a_policy_that_was_never_shown_is_estimated_from_answers_that_explored() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let version = guest.train_well().await;
    // The clock of this house stands still; the model is from yesterday.
    run(&house, &format!("update {SCHEMA}.models set trained_at = trained_at - interval '1 day'")).await;
    let plain = guest.recommend_at("home", "nobody", 0.0).await;
    let plain: Vec<_> = ids(&plain).into_iter().map(str::to_owned).collect();
    let wanted = [plain[0].as_str(), "bagels"];
    assert!(!plain.contains(&"bagels".to_owned()), "{plain:?}");
    let mut answers = Vec::new();
    for number in 0..150 {
        let customer = format!("c{number}");
        answers.push((guest.recommend_at("home", &customer, 0.5).await, customer));
    }
    // Nobody buys before all have their answer: what others buy would change what is popular.
    let mut bought = 0;
    for (answer, customer) in &answers {
        for product_id in ids(answer).into_iter().filter(|id| wanted.contains(id)) {
            guest.buy(customer, product_id, answer, 1).await;
            bought += 1;
        }
    }
    wait_for_exposures(&house, 150).await;
    // By its version: the outcomes are enough for a newer model to be trained at any moment.
    let request =
        EstimatePolicyRequest { placement: "home".into(), model_version: version, ..Default::default() };
    let found = guest.experiments.estimate_policy(request.clone()).await.unwrap().into_inner();
    assert_eq!(found.exposure_count, 150);
    assert_eq!(found.logged.unwrap().value, f64::from(bought) / 150.0);
    // Shown as it is, the model's list has one of the two in it. What is drawn differs from run to
    // run, so the estimates get five standard errors of room.
    for estimate in [found.inverse_propensity, found.self_normalised, found.doubly_robust] {
        let estimate = estimate.unwrap();
        let width = estimate.high - estimate.low;
        assert!((estimate.value - 1.0).abs() < 1.3 * width, "{found:?}");
        assert!(0.0 < width && width < 0.8, "{found:?}");
    }
    assert!((0.1..0.6).contains(&found.overlap) && found.effective_sample_size > 20.0, "{found:?}");

    // The policy that answered brings what it brought.
    let same = EstimatePolicyRequest {
        arrangement: Some(Arrangement { exploration: Some(0.5), ..Arrangement::default() }),
        ..request.clone()
    };
    let same = guest.experiments.estimate_policy(same).await.unwrap().into_inner();
    assert!((same.inverse_propensity.unwrap().value - same.logged.unwrap().value).abs() < 1e-9, "{same:?}");
    assert_eq!(same.overlap, 1.0);

    // A model that may have learnt from the outcomes is not judged by them.
    guest.train_well().await;
    let request = EstimatePolicyRequest { model_version: String::new(), ..request };
    let newer = guest.experiments.estimate_policy(request).await.unwrap().into_inner();
    assert_eq!((newer.exposure_count, newer.inverse_propensity), (0, None));
}

#[tokio::test]
async fn another_tenants_experiment_is_not_there() {
    let house = House::open().await;
    let (mut owner, mut other) = (house.guest("owner").await, house.guest("other").await);
    owner.stock_shop().await;
    other.stock_shop().await;
    owner.create(experiment("exp", "home")).await.unwrap();
    owner.recommend_at("home", "ann", 0.5).await;
    wait_for_exposures(&house, 1).await;
    assert!(other.arms("home").await.iter().all(String::is_empty));
    let mut refusals = Vec::new();
    for id in ["exp", "missing"] {
        let get = GetExperimentRequest { experiment_id: id.into() };
        let results = GetExperimentResultsRequest { experiment_id: id.into(), ..Default::default() };
        let stop = StopExperimentRequest { experiment_id: id.into() };
        refusals.push(other.experiments.get_experiment(get).await.unwrap_err());
        refusals.push(other.experiments.get_experiment_results(results).await.unwrap_err());
        refusals.push(other.experiments.stop_experiment(stop).await.unwrap_err());
    }
    for refused in &refusals {
        assert_eq!((refused.code(), refused.message()), (Code::NotFound, "experiment not found"));
    }
    let listed = other.experiments.list_experiments(ListExperimentsRequest::default()).await.unwrap();
    assert!(listed.into_inner().experiments.is_empty());
    other.create(experiment("exp", "home")).await.unwrap();
    assert_eq!(other.results("exp", 0).await.arms[0].exposure_count, 0);
    assert_eq!(count(&house, "exposures where tenant_id = 'owner'").await, 1);
}

#[tokio::test]
async fn experiments_are_listed_page_by_page_the_newest_first() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    for placement in ["one", "two", "three"] {
        guest.create(experiment(&format!("exp-{placement}"), placement)).await.unwrap();
    }
    let unnamed = guest.create(experiment("", "four")).await.unwrap();
    assert_eq!(unnamed.experiment_id.len(), 36, "{unnamed:?}");
    let (mut listed, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListExperimentsRequest { page_size: 3, page_token };
        let page = guest.experiments.list_experiments(request).await.unwrap().into_inner();
        listed.extend(page.experiments.into_iter().map(|experiment| experiment.placement));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, ["four", "three", "two", "one"]);
}

#[tokio::test]
async fn what_cannot_be_an_experiment_is_refused_by_name() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.upsert(vec![product("bread", "Bakery")]).await;
    let mut shares = experiment("exp", "home");
    shares.arms[0].share = 0.6;
    assert_eq!(fields(&guest.create(shares).await.unwrap_err()), ["experiment.arms"]);
    let mut model = experiment("exp", "home");
    model.arms[1].model_version = "20200101T000000.000000Z-none".into();
    assert_eq!(fields(&guest.create(model).await.unwrap_err()), ["experiment.arms[1].model_version"]);
    guest.create(experiment("exp", "home")).await.unwrap();
    let taken = guest.create(experiment("other", "home")).await.unwrap_err();
    assert_eq!(taken.code(), Code::AlreadyExists);
    assert!(taken.message().starts_with("experiment.placement: another experiment runs"), "{taken:?}");
    let twice = guest.create(experiment("exp", "cart")).await.unwrap_err();
    assert_eq!(twice.code(), Code::AlreadyExists);
    assert!(twice.message().starts_with("experiment.experiment_id: already taken"), "{twice:?}");

    let results =
        GetExperimentResultsRequest { experiment_id: "exp".into(), outcome: 9, window_hours: 2_161 };
    let refused = guest.experiments.get_experiment_results(results).await.unwrap_err();
    assert_eq!(fields(&refused), ["outcome", "window_hours"]);
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let estimate = EstimatePolicyRequest {
        placement: "Home".into(),
        arrangement: Some(Arrangement { exploration: Some(0.6), ..Arrangement::default() }),
        from_at: at(NOW_S),
        until_at: at(NOW_S),
        ..Default::default()
    };
    let refused = guest.experiments.estimate_policy(estimate).await.unwrap_err();
    assert_eq!(fields(&refused), ["placement", "arrangement.exploration", "until_at"]);
    let without_model = EstimatePolicyRequest { placement: "home".into(), ..Default::default() };
    assert_eq!(guest.experiments.estimate_policy(without_model).await.unwrap_err().code(), Code::NotFound);
    let arrangement = Some(Arrangement { exploration: Some(0.6), ..Arrangement::default() });
    let request = RecommendRequest { customer_id: "ann".into(), arrangement, ..RecommendRequest::default() };
    assert_eq!(
        fields(&guest.recommendations.recommend(request).await.unwrap_err()),
        ["arrangement.exploration"]
    );
}

#[tokio::test]
async fn what_was_shown_to_an_erased_customer_goes_too() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    for customer in ["ann", "ben"] {
        guest.recommend_at("home", customer, 0.5).await;
    }
    wait_for_exposures(&house, 2).await;
    let request = EraseCustomerRequest { customer_id: "ann".into() };
    guest.catalog.erase_customer(request).await.unwrap();
    assert_eq!(count(&house, "exposures where subject = 'ann'").await, 0);
    assert_eq!(count(&house, "exposures where subject = 'ben'").await, 1);
    // The clock of this house is behind the database's: to it, this was shown before.
    guest.recommend_at("home", "ann", 0.5).await;
    guest.recommend_at("home", "ben", 0.5).await;
    wait_for_exposures(&house, 2).await;
    assert_eq!(count(&house, "exposures where subject = 'ann'").await, 0, "a late one is not written");
}

#[tokio::test]
async fn the_model_of_an_arm_is_kept_while_the_experiment_runs() {
    let mut house = House::open().await;
    house.stop().await;
    house.start_with(|settings| settings.recommendation.snapshots_kept = 1).await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let of_arm = guest.train_well().await;
    let mut compared = experiment("exp", "home");
    compared.arms[1].model_version = of_arm.clone();
    guest.create(compared).await.unwrap();
    for _ in 0..3 {
        guest.train_well().await;
    }
    let request = GetModelRequest { model_version: of_arm.clone() };
    let kept = guest.recommendations.get_model(request.clone()).await;
    assert!(kept.is_ok(), "an arm answers by it");
    assert!(house.folder.path().join(format!("snapshots/shop/{of_arm}.snapshot")).exists());
    let stop = StopExperimentRequest { experiment_id: "exp".into() };
    guest.experiments.stop_experiment(stop).await.unwrap();
    guest.train_well().await;
    let gone = guest.recommendations.get_model(request).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound, "nobody needs it any more");
}
