//! How good forecasts and quantities were, measured on what was asked for afterwards: of points
//! (WAPE, bias), of quantiles (pinball loss, coverage) and in money (newsvendor cost). Each answers
//! `None` where there is nothing to divide by, never a number that means nothing.

#[cfg(test)]
mod tests;

/// What was forecast and what came, in the product's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// What was asked for.
    pub actual: f64,
    /// What was forecast: a point, or a quantile.
    pub forecast: f64,
}

/// The pinball loss of a forecast of the quantile at `level` (0 to 1), in the product's unit: each unit
/// too low costs `level`, each unit too high `1 - level` (Koenker and Bassett, 1978).
#[must_use]
pub fn pinball(level: f64, judged: Judged) -> f64 {
    let missing = judged.actual - judged.forecast;
    (level * missing).max((level - 1.0) * missing)
}

/// The mean pinball loss over the mean demand: what one unit of demand loses. `None` without demand.
#[must_use]
pub fn scaled_pinball(level: f64, days: &[Judged]) -> Option<f64> {
    over_demand(days, days.iter().map(|&day| pinball(level, day)).sum())
}

/// Weighted absolute percentage error: the sum of the absolute errors over the sum of the demand, 0 at
/// best. `None` without demand.
#[must_use]
pub fn wape(days: &[Judged]) -> Option<f64> {
    over_demand(days, days.iter().map(|day| (day.actual - day.forecast).abs()).sum())
}

/// By which share of the demand the forecasts were too high; negative when they were too low. `None`
/// without demand.
#[must_use]
pub fn bias(days: &[Judged]) -> Option<f64> {
    over_demand(days, days.iter().map(|day| day.forecast - day.actual).sum())
}

/// The share of days, 0 to 1, on which no more was asked for than forecast: near `level` for an honest
/// quantile at `level`. `None` without days.
#[must_use]
pub fn coverage(days: &[Judged]) -> Option<f64> {
    share(days.iter().map(|day| day.actual <= day.forecast))
}

/// The share of days, 0 to 1, on which the demand lay between two quantiles, both included; each item
/// is (lower quantile, demand, upper quantile). `None` without days.
#[must_use]
pub fn interval_coverage(days: &[(f64, f64, f64)]) -> Option<f64> {
    share(days.iter().map(|&(lower, actual, upper)| lower <= actual && actual <= upper))
}

/// What a wrong quantity costs, in the vendor's currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitCosts {
    /// One unit asked for and not there: price less cost, and goodwill.
    pub missing: f64,
    /// One unit left over: cost less salvage, and hauling it back.
    pub left_over: f64,
}

impl UnitCosts {
    /// The probability with which the best quantity suffices, 0 to 1: the critical fractile of the
    /// newsvendor (Arrow, Harris and Marschak, 1951). One half when neither error costs anything.
    #[must_use]
    pub fn critical_fractile(&self) -> f64 {
        let both = self.missing + self.left_over;
        if both > 0.0 { (self.missing / both).clamp(0.0, 1.0) } else { 0.5 }
    }

    /// What bringing `brought` cost against knowing the demand beforehand; 0 at best.
    #[must_use]
    pub fn newsvendor_cost(&self, brought: f64, demand: f64) -> f64 {
        self.missing * (demand - brought).max(0.0) + self.left_over * (brought - demand).max(0.0)
    }
}

fn over_demand(days: &[Judged], total: f64) -> Option<f64> {
    let demand: f64 = days.iter().map(|day| day.actual).sum();
    (demand > 0.0).then(|| total / demand)
}

fn share(hits: impl ExactSizeIterator<Item = bool>) -> Option<f64> {
    let days = hits.len();
    (days > 0).then(|| hits.filter(|&hit| hit).count() as f64 / days as f64)
}
