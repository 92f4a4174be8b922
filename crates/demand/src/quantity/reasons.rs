//! Gathers the reasons of one product's quantity, in the order they are told: what the day is like,
//! what the money says, what is left of earlier days, what held the quantity back or up.

use super::answer::ProductPlan;
use super::good::Good;
use super::limits::Limit;
use super::reason::Reason;
use super::request::QuantityRequest;
use super::terms::micros;

pub(super) fn reasons_of(
    request: &QuantityRequest,
    good: &Good<'_>,
    plan: &ProductPlan,
    held_by: &[Limit],
) -> Vec<Reason> {
    let mut factors: Vec<_> =
        good.product.factors.iter().filter(|factor| factor.is_worth_a_word()).cloned().collect();
    // The strongest first; a halving is as strong as a doubling.
    factors.sort_by(|one, other| strength(other.effect).total_cmp(&strength(one.effect)));
    let mut reasons: Vec<Reason> = factors.into_iter().map(Reason::Factor).collect();
    reasons.extend(of_the_money(request, good));
    of_the_stock(request, good, plan, &mut reasons);
    match good.product.set_quantity {
        Some(_) => reasons.push(Reason::SetByVendor { ideal: plan.ideal }),
        None => of_the_bounds(good, plan, held_by, &mut reasons),
    }
    let packing = &good.product.packing;
    let unknown = [
        (Limit::Volume, request.van.volume_litres, packing.volume_litres),
        (Limit::Weight, request.van.weight_kg, packing.weight_kg),
    ];
    for (limit, holds, size) in unknown {
        if holds.is_some() && size.is_none() && plan.quantity > 0.0 {
            reasons.push(Reason::SizeUnknown(limit));
        }
    }
    reasons
}

fn strength(effect: f64) -> f64 {
    effect.max(1e-9).ln().abs()
}

fn of_the_money(request: &QuantityRequest, good: &Good<'_>) -> Option<Reason> {
    let (missing, left_over) = good.missing_and_left_over();
    if good.product.demand.quantile(1.0) <= 0.0 {
        return Some(Reason::NoDemand);
    }
    if missing <= 0.0 {
        return Some(Reason::PriceBelowCost);
    }
    if left_over <= 0.0 {
        return Some(Reason::NothingToLose);
    }
    Some(Reason::Margin {
        missing_micros: micros(missing),
        left_over_micros: micros(left_over),
        fractile: good.critical_fractile(),
        currency: request.currency,
    })
}

fn of_the_stock(request: &QuantityRequest, good: &Good<'_>, plan: &ProductPlan, reasons: &mut Vec<Reason>) {
    if plan.from_stock > 0.0 {
        reasons.push(Reason::FromStock { quantity: plan.from_stock });
    }
    if good.too_old > 0.0 {
        reasons.push(Reason::StockTooOld { quantity: good.too_old });
    }
    if let Some(days) = request.days_until_next
        && good.keeps_for(days)
    {
        reasons.push(Reason::KeepsUntilNext { days });
    }
}

fn of_the_bounds(good: &Good<'_>, plan: &ProductPlan, held_by: &[Limit], reasons: &mut Vec<Reason>) {
    let packing = &good.product.packing;
    let (quantity, ideal) = (plan.quantity, plan.ideal);
    // A pack more or less is rounding, not a bound.
    let pack = packing.pack_size.unwrap_or(0.0);
    if let Some(pack_size) = packing.pack_size
        && pack_size != 1.0
        && plan.fresh > 0.0
    {
        reasons.push(Reason::Packs { pack_size, ideal });
    }
    if quantity + 1e-9 < packing.minimum {
        reasons.push(Reason::MinimumNotMet { minimum: packing.minimum });
    } else if packing.minimum > ideal && quantity > ideal {
        reasons.push(Reason::AtLeast { minimum: packing.minimum });
    }
    let batch = packing.minimum_batch;
    if plan.fresh > 0.0 && good.stock + batch > ideal && quantity > ideal {
        reasons.push(Reason::WholeBatch { batch });
    } else if batch > pack && plan.fresh == 0.0 && ideal > good.stock + pack && held_by.is_empty() {
        reasons.push(Reason::BatchTooLarge { batch });
    }
    if let Some(maximum) = packing.maximum
        && maximum < ideal
        && quantity + pack > maximum
    {
        reasons.push(Reason::AtMost { maximum });
    }
    reasons.extend(held_by.iter().map(|&limit| Reason::HeldBy(limit)));
}
