//! How near the planner comes, how long it takes and whether anything hard is ever broken.

use std::time::Instant;

use larder_nutrition::matching::FoodTable;
use larder_nutrition::plan::{
    PlanRefusal, PlanRequest, broken_constraints, lower_bound, plan_meals, whole_program,
};

use crate::Asked;
use crate::kitchen::{Chance, foods, four_meals, lunch, member, restrict};
use crate::rows::{Rows, quantile};

pub(crate) fn measure(asked: &Asked, rows: &mut Rows) {
    let table = FoodTable::usda();
    single_meals(&table, asked, rows);
    days(&table, asked, rows);
    weeks(&table, rows);
    family_week(&table, rows);
    households(&table, asked, rows);
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_secs_f64() * 1e3)
}

fn single_meals(table: &FoodTable, asked: &Asked, rows: &mut Rows) {
    let (mut times, mut optimal, mut gaps, mut to_best) = (Vec::new(), 0, Vec::new(), Vec::new());
    for seed in 0..40 {
        let mut chance = Chance(1_000 + seed);
        let mut request = lunch(foods(table, 60, &mut chance), member(0, &mut chance));
        request.effort = 30_000;
        let (plan, ms) = timed(|| plan_meals(&request, &|| false));
        let plan = plan.expect("a lunch without restrictions can be planned");
        times.push(ms);
        if let Some(proof) = plan.proof {
            optimal += usize::from(proof.optimal);
            gaps.push((plan.objective - proof.bound) / plan.objective);
        }
        if let Some(python) = asked.highs.as_ref().filter(|_| seed < 10) {
            let program = whole_program(&request).expect("the request was planned");
            match crate::highs::solve(python, &program, 10.0) {
                Ok((objective, _)) => to_best.push(plan.objective / objective - 1.0),
                Err(error) => rows.remark(&error),
            }
        }
    }
    rows.row("nutrition.plan.meal.p50", quantile(&mut times, 0.5), "ms", None);
    rows.row("nutrition.plan.meal.p95", quantile(&mut times, 0.95), "ms", Some("< 50"));
    rows.row("nutrition.plan.meal.proved_optimal", optimal as f64 / 40.0, "", None);
    rows.row("nutrition.plan.meal.gap_to_bound.p95", quantile(&mut gaps, 0.95), "", None);
    if !to_best.is_empty() {
        rows.row("nutrition.plan.meal.gap_to_highs.worst", quantile(&mut to_best, 1.0), "", None);
    }
}

fn days(table: &FoodTable, asked: &Asked, rows: &mut Rows) {
    let (mut times, mut gaps, mut bounds) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 0..15 {
        let mut chance = Chance(2_000 + seed);
        let foods = foods(table, 60, &mut chance);
        let mut request = PlanRequest::new(1, four_meals(), vec![member(0, &mut chance)], foods);
        request.effort = 700_000;
        let (plan, ms) = timed(|| plan_meals(&request, &|| false));
        let plan = plan.expect("a day without restrictions can be planned");
        times.push(ms);
        if let Some(python) = &asked.highs {
            let program = whole_program(&request).expect("the request was planned");
            match crate::highs::solve(python, &program, 10.0) {
                Ok((objective, bound)) => {
                    rows.remark(&format!(
                        "day {seed}: {:.5}, HiGHS {objective:.5} (bound {bound:.5}), {ms:.0} ms",
                        plan.objective
                    ));
                    gaps.push(plan.objective / objective - 1.0);
                    bounds.push(plan.objective / bound - 1.0);
                }
                Err(error) => rows.remark(&error),
            }
        }
    }
    rows.row("nutrition.plan.day.p50", quantile(&mut times, 0.5), "ms", Some("<= 300"));
    rows.row("nutrition.plan.day.p95", quantile(&mut times, 0.95), "ms", None);
    if !gaps.is_empty() {
        rows.row("nutrition.plan.day.gap_to_highs_10s.p50", quantile(&mut gaps, 0.5), "", Some("<= 0.05"));
        rows.row("nutrition.plan.day.gap_to_highs_10s.worst", quantile(&mut gaps, 1.0), "", None);
        rows.row("nutrition.plan.day.gap_to_bound.p50", quantile(&mut bounds, 0.5), "", None);
    }
}

fn weeks(table: &FoodTable, rows: &mut Rows) {
    let (mut times, mut gaps) = (Vec::new(), Vec::new());
    for seed in 0..5 {
        let mut chance = Chance(3_000 + seed);
        let foods = foods(table, 300, &mut chance);
        let mut request = PlanRequest::new(7, four_meals(), vec![member(0, &mut chance)], foods);
        request.effort = 1_500_000;
        let (plan, ms) = timed(|| plan_meals(&request, &|| false));
        let plan = plan.expect("a week without restrictions can be planned");
        let bound = lower_bound(&request).expect("the request was planned");
        rows.remark(&format!(
            "week {seed}: {:.5}, bound {bound:.5}, {ms:.0} ms, {:?}",
            plan.objective, plan.parts
        ));
        times.push(ms);
        gaps.push(plan.objective - bound);
    }
    rows.row("nutrition.plan.week.p95", quantile(&mut times, 0.95), "ms", Some("< 1000"));
    rows.row("nutrition.plan.week.above_bound.p50", quantile(&mut gaps, 0.5), "objective", None);
}

/// Four people with targets and restrictions of their own, four meals a day for a week.
fn family_week(table: &FoodTable, rows: &mut Rows) {
    let (mut times, mut broken, mut nearness) = (Vec::new(), 0, Vec::new());
    for seed in 0..5 {
        let mut chance = Chance(4_000 + seed);
        let mut request = household(table, 300, 7, 4, &mut chance);
        request.effort = 2_500_000;
        let (plan, ms) = timed(|| plan_meals(&request, &|| false));
        times.push(ms);
        match plan {
            Ok(plan) => {
                broken += broken_constraints(&request, &plan).len();
                nearness.push(plan.parts.targets);
                rows.remark(&format!("family {seed}: {:.5}, {ms:.0} ms, {:?}", plan.objective, plan.parts));
            }
            Err(refusal) => rows.remark(&format!("family {seed}: {refusal}")),
        }
    }
    rows.row("nutrition.plan.family_week.p95", quantile(&mut times, 0.95), "ms", Some("< 3000"));
    rows.row("nutrition.plan.family_week.broken", broken as f64, "", Some("<= 0"));
    rows.row("nutrition.plan.family_week.mean_deviation.p50", quantile(&mut nearness, 0.5), "", None);
}

fn household(
    table: &FoodTable,
    count: usize,
    days: usize,
    people: usize,
    chance: &mut Chance,
) -> PlanRequest {
    let foods = foods(table, count, chance);
    let mut members = (0..people).map(|number| member(number, chance)).collect::<Vec<_>>();
    members.iter_mut().for_each(|member| restrict(member, &foods, chance));
    PlanRequest::new(days, four_meals(), members, foods)
}

/// Random households with little effort each: whatever comes out, nothing hard may be broken.
fn households(table: &FoodTable, asked: &Asked, rows: &mut Rows) {
    let (mut planned, mut refused, mut broken) = (0_u32, 0_u32, 0_usize);
    for seed in 0..asked.households as u64 {
        let mut chance = Chance(1_000_000 + seed);
        let people = 1 + chance.below(5);
        let mut request = household(table, 80 + chance.below(80), 1 + chance.below(2), people, &mut chance);
        request.effort = 6_000;
        if chance.happens(0.3) {
            request.budget_micros = Some((chance.between(2.0, 12.0) * people as f64 * 1e6) as i64);
        }
        match plan_meals(&request, &|| false) {
            Ok(plan) => {
                planned += 1;
                let found = broken_constraints(&request, &plan);
                found.iter().for_each(|each| rows.remark(&format!("household {seed}: {each}")));
                broken += found.len();
            }
            Err(PlanRefusal::Infeasible { .. }) => refused += 1,
            Err(invalid) => rows.remark(&format!("household {seed}: {invalid}")),
        }
    }
    rows.row("nutrition.plan.households.planned", f64::from(planned), "", None);
    rows.row("nutrition.plan.households.infeasible", f64::from(refused), "", None);
    rows.row("nutrition.plan.households.broken", broken as f64, "", Some("<= 0"));
}
