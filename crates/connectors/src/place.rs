//! A point on the globe, and how far two of them are apart.

use serde::{Deserialize, Serialize};

/// Mean radius of the Earth, km (IUGG).
const EARTH_RADIUS_KM: f64 = 6_371.008_8;

/// A latitude and a longitude that exist.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    latitude: f64,
    longitude: f64,
}

/// Why two numbers are no place.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("is no place; accepted is a latitude from -90 to 90 and a longitude from -180 to 180, in degrees")]
pub struct NoSuchPlace;

impl Place {
    /// The place at these degrees, north and east counting up.
    ///
    /// # Errors
    /// [`NoSuchPlace`] when either is out of range or no number.
    pub fn new(latitude: f64, longitude: f64) -> Result<Self, NoSuchPlace> {
        let exists = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        if exists { Ok(Self { latitude, longitude }) } else { Err(NoSuchPlace) }
    }

    /// Degrees north.
    pub fn latitude(&self) -> f64 {
        self.latitude
    }

    /// Degrees east.
    pub fn longitude(&self) -> f64 {
        self.longitude
    }

    /// Distance along the surface, km (haversine; R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope, 1984).
    pub fn distance_km(&self, other: &Self) -> f64 {
        let (north, south) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
        let haversine = half(other.latitude - self.latitude)
            + north.cos() * south.cos() * half(other.longitude - self.longitude);
        2.0 * EARTH_RADIUS_KM * haversine.clamp(0.0, 1.0).sqrt().asin()
    }

    /// A key for what is the same within about a kilometre.
    pub(crate) fn neighbourhood(&self) -> String {
        format!("{:.2},{:.2}", self.latitude, self.longitude)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_distances() {
        let km = |a: (f64, f64), b: (f64, f64)| {
            Place::new(a.0, a.1).unwrap().distance_km(&Place::new(b.0, b.1).unwrap())
        };
        // One degree along the equator is a 360th of the circumference.
        assert!((km((0.0, 0.0), (0.0, 1.0)) - 111.195).abs() < 0.001);
        assert!((km((0.0, 0.0), (0.0, 180.0)) - 20_015.1).abs() < 0.1);
        // Berlin to Paris is 878 km.
        assert!((km((52.52, 13.405), (48.8566, 2.3522)) - 878.0).abs() < 2.0);
        assert!((km((10.0, 179.5), (10.0, -179.5)) - 109.5).abs() < 0.1, "over the date line");
    }

    #[test]
    fn places_that_do_not_exist_are_refused() {
        for (latitude, longitude) in [(90.1, 0.0), (0.0, 180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert_eq!(Place::new(latitude, longitude), Err(NoSuchPlace));
        }
    }

    proptest! {
        #[test]
        fn distance_is_the_same_both_ways(a in -90.0..90.0, b in -180.0..180.0, c in -90.0..90.0, d in -180.0..180.0) {
            let (one, other) = (Place::new(a, b).unwrap(), Place::new(c, d).unwrap());
            let there = one.distance_km(&other);
            prop_assert!((there - other.distance_km(&one)).abs() < 1e-6);
            prop_assert!((0.0..=20_016.0).contains(&there));
        }
    }
}
