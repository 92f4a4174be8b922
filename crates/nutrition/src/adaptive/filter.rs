//! The filter itself: state (trend weight, expenditure) with its covariance, a step a day, an
//! update a weigh-in.

use super::Outlier;

/// Energy of a kilogram of body weight, in kcal (Wishnofsky 1958, Am J Clin Nutr 6:542-546).
const KCAL_PER_KG: f64 = 7700.0;
/// How far a formula is from the truth, as a standard deviation in kcal.
const FORMULA_DEVIATION_KCAL: f64 = 300.0;
/// What the scale shows beside the trend, water and food, as a standard deviation in kg.
const SCALE_DEVIATION_KG: f64 = 0.8;
/// What a logged intake is off by on a day, in kcal.
const LOGGED_DEVIATION_KCAL: f64 = 300.0;
/// What the intake of a day that was not logged is off from the usual one by, in kcal. Such days
/// come in rows and are feasts rather than fasts, so it is wide.
const MISSING_DEVIATION_KCAL: f64 = 900.0;
/// Before so many intakes nobody knows a usual one,
const USUAL_AFTER: u32 = 5;
/// and what the trend may move by on a day then, in kcal.
const NOTHING_KNOWN_DEVIATION_KCAL: f64 = 1500.0;
/// How much a new intake weighs in the usual one.
const NEW_INTAKE_WEIGHS: f64 = 0.1;
/// How the trend moves of itself in a day, in kg.
const TREND_DRIFT_KG: f64 = 0.03;
/// How the expenditure moves in a day, in kcal.
const EXPENDITURE_DRIFT_KCAL: f64 = 10.0;
/// A weight so many standard deviations off counts for less the further it is,
const HUBER_AT: f64 = 2.5;
/// and so many off it is told.
const OUTLIER_AT: f64 = 4.0;

pub(super) struct Filter {
    /// `None` until the first weigh-in.
    weight_kg: Option<f64>,
    expenditure_kcal: f64,
    /// Covariance: weight, weight with expenditure, expenditure.
    covariance: [f64; 3],
    /// The usual intake in kcal, and how many it is made of.
    usual_kcal: f64,
    logged: u32,
    pub(super) outliers: Vec<Outlier>,
}

impl Filter {
    pub(super) fn new(formula_kcal: f64, outliers: Vec<Outlier>) -> Self {
        Self {
            weight_kg: None,
            expenditure_kcal: formula_kcal,
            covariance: [SCALE_DEVIATION_KG.powi(2), 0.0, FORMULA_DEVIATION_KCAL.powi(2)],
            usual_kcal: 0.0,
            logged: 0,
            outliers,
        }
    }

    pub(super) fn trend_weight_kg(&self) -> Option<f64> {
        self.weight_kg
    }

    /// Expenditure and its standard deviation, in kcal.
    pub(super) fn expenditure(&self) -> (f64, f64) {
        (self.expenditure_kcal, self.covariance[2].sqrt())
    }

    /// A day passes on which `intake_kcal` were eaten; `None` was not logged.
    pub(super) fn live_a_day(&mut self, intake_kcal: Option<f64>) {
        if let Some(intake_kcal) = intake_kcal {
            self.remember(intake_kcal);
        }
        let Some(weight_kg) = self.weight_kg else {
            // Without a weight to compare with, intake tells nothing.
            let drifted = self.covariance[2] + EXPENDITURE_DRIFT_KCAL.powi(2);
            self.covariance[2] = drifted.min(FORMULA_DEVIATION_KCAL.powi(2));
            return;
        };
        let usual_kcal = (self.logged >= USUAL_AFTER).then_some(self.usual_kcal);
        let (eaten_kcal, deviation_kcal) = match (intake_kcal, usual_kcal) {
            (Some(intake_kcal), _) => (intake_kcal, LOGGED_DEVIATION_KCAL),
            (None, Some(usual_kcal)) => (usual_kcal, MISSING_DEVIATION_KCAL),
            (None, None) => {
                let spread = TREND_DRIFT_KG.powi(2) + (NOTHING_KNOWN_DEVIATION_KCAL / KCAL_PER_KG).powi(2);
                self.covariance[0] += spread;
                self.covariance[2] += EXPENDITURE_DRIFT_KCAL.powi(2);
                return;
            }
        };
        let per_kcal = 1.0 / KCAL_PER_KG;
        let [weight, both, expenditure] = self.covariance;
        self.weight_kg = Some(weight_kg + (eaten_kcal - self.expenditure_kcal) * per_kcal);
        let spread = TREND_DRIFT_KG.powi(2) + (deviation_kcal * per_kcal).powi(2);
        self.covariance = [
            weight - 2.0 * per_kcal * both + per_kcal.powi(2) * expenditure + spread,
            both - per_kcal * expenditure,
            expenditure + EXPENDITURE_DRIFT_KCAL.powi(2),
        ];
    }

    fn remember(&mut self, intake_kcal: f64) {
        self.logged += 1;
        let weighs = NEW_INTAKE_WEIGHS.max(1.0 / f64::from(self.logged));
        self.usual_kcal += weighs * (intake_kcal - self.usual_kcal);
    }

    /// The scale showed `measured_kg`.
    pub(super) fn weigh(&mut self, day: i64, measured_kg: f64) {
        let Some(expected_kg) = self.weight_kg else {
            self.weight_kg = Some(measured_kg);
            return;
        };
        let [weight, both, expenditure] = self.covariance;
        let off_kg = measured_kg - expected_kg;
        let off = off_kg.abs() / (weight + SCALE_DEVIATION_KG.powi(2)).sqrt();
        if off > OUTLIER_AT {
            self.outliers.push(Outlier::Weight { day, weight_kg: measured_kg, expected_kg });
        }
        let noise = SCALE_DEVIATION_KG.powi(2) * (off / HUBER_AT).max(1.0).powi(2);
        let (to_weight, to_expenditure) = (weight / (weight + noise), both / (weight + noise));
        self.weight_kg = Some(expected_kg + to_weight * off_kg);
        self.expenditure_kcal += to_expenditure * off_kg;
        self.covariance = [
            (1.0 - to_weight) * weight,
            (1.0 - to_weight) * both,
            (expenditure - to_expenditure * both).max(1.0),
        ];
    }
}
