//! When a model should learn again. A trigger only asks for a challenger: whether the challenger takes
//! over is decided on forecasts alone, so a false alarm costs a training and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;

use super::judged::{DemandBasis, JudgedRecord};
use super::signals::{Drift, FEWEST_ERRORS, PageHinkley, binomial_band, smoothed_signal, tracking_signal};
use super::statistics::{CALIBRATION_LEVELS, calibration};

/// P10 to P90 of a normal demand, in standard deviations.
const P10_TO_P90: f64 = 2.563;
/// An error beyond so many standard deviations tells no more than one of so many.
const MOST_DEVIATIONS: f64 = 4.0;

/// Where the model stands.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingStand {
    /// The version that forecasts now; errors of others are not its fault.
    pub model_version: String,
    /// The last day it has learnt from.
    pub trained_through: Option<Date>,
    /// Products it has learnt of.
    pub known_products: BTreeSet<String>,
}

/// When to call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TriggerSettings {
    /// Beyond this either way the tracking signal calls: 3 to 8 in use.
    pub tracking_limit: f64,
    /// Over so many last errors of a product at a market; 6 or more.
    pub tracking_window: usize,
    /// Weight of the newest error in the smoothed signal.
    pub smoothing: f64,
    /// Beyond this either way the smoothed signal calls.
    pub smoothed_limit: f64,
    /// See [`PageHinkley::allowed`].
    pub drift_allowed: f64,
    /// See [`PageHinkley::limit`].
    pub drift_limit: f64,
    /// Quantiles call when what came is less likely than this.
    pub calibration_doubt: f64,
    /// How alike the products of one day come out, 0 to 1: a hundred products on one day are far fewer
    /// than a hundred days (Kish's design effect).
    pub alike_on_a_day: f64,
    /// So many market days it has not learnt from call.
    pub new_days: usize,
}

impl Default for TriggerSettings {
    fn default() -> Self {
        Self {
            tracking_limit: 4.0,
            tracking_window: 8,
            smoothing: 0.1,
            smoothed_limit: 0.6,
            drift_allowed: 0.35,
            drift_limit: 8.0,
            calibration_doubt: 0.01,
            alike_on_a_day: 0.3,
            new_days: 4,
        }
    }
}

/// Why a model should learn again.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The errors of a product at a market lean to one side.
    Bias {
        /// Which product,
        product_id: String,
        /// at which market.
        market_id: String,
        /// The tracking signal; above 0 when more was asked for.
        tracking_signal: f64,
        /// The smoothed signal, -1 to 1.
        smoothed_signal: f64,
    },
    /// The errors of all products together have moved.
    Drift {
        /// Which way.
        direction: Drift,
        /// On which day it was sure.
        on: Date,
    },
    /// A quantile holds too often or too seldom.
    Calibration {
        /// Of the quantile.
        level: f64,
        /// Which share of the days held.
        share: f64,
        /// How many independent days that is worth.
        days: usize,
        /// The lowest and highest share that may be chance.
        band: (f64, f64),
    },
    /// There are days it has not learnt from.
    NewDays {
        /// How many market days.
        days: usize,
    },
    /// A product it has not learnt of was sold.
    NewProduct {
        /// Which.
        product_id: String,
    },
}

impl fmt::Display for Trigger {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bias { product_id, market_id, tracking_signal, .. } => {
                let side = if *tracking_signal > 0.0 { "low" } else { "high" };
                write!(
                    out,
                    "forecasts of {product_id} at {market_id} are too {side} (tracking signal {tracking_signal:.1})"
                )
            }
            Self::Drift { direction: Drift::Up, on } => {
                write!(out, "more is asked for than forecast, sure on {on}")
            }
            Self::Drift { direction: Drift::Down, on } => {
                write!(out, "less is asked for than forecast, sure on {on}")
            }
            Self::Calibration { level, share, days, band } => write!(
                out,
                "the {:.0} % quantile held on {:.0} % of {days} days, outside of {:.0} to {:.0} %",
                level * 100.0,
                share * 100.0,
                band.0 * 100.0,
                band.1 * 100.0
            ),
            Self::NewDays { days } => write!(out, "{days} market days are new"),
            Self::NewProduct { product_id } => write!(out, "{product_id} is new"),
        }
    }
}

/// One error of the model's median, in the spread it gave itself.
struct StandardisedError<'records> {
    product: &'records str,
    market: &'records str,
    date: Date,
    deviations: f64,
}

/// What calls for training, by the judged records of all days; none when nothing does.
#[must_use]
pub fn retraining_triggers(
    judged: &[JudgedRecord<'_>],
    stand: &TrainingStand,
    settings: &TriggerSettings,
) -> Vec<Trigger> {
    let counted: Vec<&JudgedRecord<'_>> =
        judged.iter().filter(|one| !one.is_replaced() && one.sold.is_some()).collect();
    let of_the_model: Vec<&JudgedRecord<'_>> = counted
        .iter()
        .copied()
        .filter(|one| {
            one.record.forecast.as_ref().is_some_and(|given| given.model_version == stand.model_version)
        })
        .collect();
    let mut errors: Vec<StandardisedError<'_>> =
        of_the_model.iter().filter_map(|one| standardised_error(one)).collect();
    errors.sort_by_key(|error| error.date);
    let mut triggers = biases(&errors, settings);
    triggers.extend(drift(&errors, settings));
    triggers.extend(
        CALIBRATION_LEVELS.into_iter().filter_map(|level| out_of_band(&of_the_model, level, settings)),
    );
    triggers.extend(news(&counted, stand, settings));
    triggers
}

fn standardised_error<'records>(one: &JudgedRecord<'records>) -> Option<StandardisedError<'records>> {
    let (forecast, demand) = one.forecast_and_demand()?;
    // The mean of the forecast above what was sold is what an honest forecast expects of such a day: it
    // leans to no side. That no less than so much was asked for does.
    if demand.basis == DemandBasis::AtLeast {
        return None;
    }
    let median = forecast.quantile(0.5);
    let spread = (forecast.quantile(0.9) - forecast.quantile(0.1)) / P10_TO_P90;
    let deviation = spread.max(0.05 * median).max(if one.record.whole_units { 0.5 } else { 1e-6 });
    // Held against the mean: of a skewed demand the errors of the median do not add up to nothing.
    let deviations = (demand.estimate - forecast.mean()) / deviation;
    Some(StandardisedError {
        product: &one.record.product_id,
        market: &one.record.market_id,
        date: one.record.date,
        deviations: deviations.clamp(-MOST_DEVIATIONS, MOST_DEVIATIONS),
    })
}

/// A bias is called when both signals say so: the sum alone is beyond its limit by chance too often.
fn biases(errors: &[StandardisedError<'_>], settings: &TriggerSettings) -> Vec<Trigger> {
    let mut of_series: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for error in errors {
        of_series.entry((error.product, error.market)).or_default().push(error.deviations);
    }
    let mut triggers = Vec::new();
    for ((product, market), errors) in of_series {
        let window = settings.tracking_window.max(FEWEST_ERRORS);
        let last = &errors[errors.len().saturating_sub(window)..];
        let (Some(sum), Some(smoothed)) =
            (tracking_signal(last), smoothed_signal(&errors, settings.smoothing))
        else {
            continue;
        };
        if sum.abs() > settings.tracking_limit && smoothed * sum.signum() > settings.smoothed_limit {
            triggers.push(Trigger::Bias {
                product_id: product.to_owned(),
                market_id: market.to_owned(),
                tracking_signal: sum,
                smoothed_signal: smoothed,
            });
        }
    }
    triggers
}

/// The mean error of each day, all products together, in standard deviations of such means.
fn drift(errors: &[StandardisedError<'_>], settings: &TriggerSettings) -> Option<Trigger> {
    let mut of_days: BTreeMap<Date, (f64, f64)> = BTreeMap::new();
    for error in errors {
        let (sum, count) = of_days.entry(error.date).or_default();
        *sum += error.deviations;
        *count += 1.0;
    }
    let mut test = PageHinkley::new(settings.drift_allowed, settings.drift_limit);
    for (on, (sum, count)) in of_days {
        let alike = settings.alike_on_a_day;
        let deviation_of_the_mean = ((1.0 + (count - 1.0) * alike) / count).sqrt();
        if let Some(direction) = test.take(sum / count / deviation_of_the_mean) {
            return Some(Trigger::Drift { direction, on });
        }
    }
    None
}

fn out_of_band(
    of_the_model: &[&JudgedRecord<'_>],
    level: f64,
    settings: &TriggerSettings,
) -> Option<Trigger> {
    let dates: BTreeSet<Date> = of_the_model
        .iter()
        .filter(|one| one.forecast_and_demand().is_some())
        .map(|one| one.record.date)
        .collect();
    let calibration = calibration(of_the_model, level);
    let share = calibration.share()?;
    let on_a_day = calibration.days as f64 / dates.len() as f64;
    let days =
        (calibration.days as f64 / (1.0 + (on_a_day - 1.0) * settings.alike_on_a_day)).floor() as usize;
    if days < FEWEST_ERRORS {
        return None;
    }
    let (lowest, highest) = binomial_band(level, days, settings.calibration_doubt);
    let band = (lowest as f64 / days as f64, highest as f64 / days as f64);
    // Within a day of the band's end is within the band: the share is of other days than the band.
    let slack = 0.5 / days as f64;
    (share < band.0 - slack || share > band.1 + slack).then_some(Trigger::Calibration {
        level,
        share,
        days,
        band,
    })
}

fn news(counted: &[&JudgedRecord<'_>], stand: &TrainingStand, settings: &TriggerSettings) -> Vec<Trigger> {
    let is_new = |date: Date| stand.trained_through.is_none_or(|through| date > through);
    let days: BTreeSet<(&str, Date)> = counted
        .iter()
        .map(|one| (one.record.market_id.as_str(), one.record.date))
        .filter(|(_, date)| is_new(*date))
        .collect();
    let products: BTreeSet<&str> = counted.iter().map(|one| one.record.product_id.as_str()).collect();
    let mut triggers = Vec::new();
    if days.len() >= settings.new_days.max(1) {
        triggers.push(Trigger::NewDays { days: days.len() });
    }
    triggers.extend(
        products
            .into_iter()
            .filter(|product| !stand.known_products.contains(*product))
            .map(|product| Trigger::NewProduct { product_id: product.to_owned() }),
    );
    triggers
}
