//! Where the marks of a chart stand: pure arithmetic over numbers. Templates draw them, with a title and a table of the
//! same numbers beside them.

use serde_json::{Value, json};

/// Ends of an axis and the places of its marks, in steps of 1, 2 or 5 times a power of ten.
#[derive(Debug, PartialEq)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// An axis that holds all values, with about so many marks. Without values it goes from 0 to 1.
    pub(crate) fn over(values: impl IntoIterator<Item = f64>, marks: f64) -> Self {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if high - low <= 0.0 {
            high = low + 1.0;
        }
        let raw = (high - low) / marks.max(1.0);
        let power = 10_f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|by| by * power).find(|step| *step >= raw * 0.999);
        let step = step.unwrap_or(10.0 * power);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    /// Where a value stands between 0 and `length`.
    pub(crate) fn at(&self, value: f64, length: f64) -> f64 {
        round((value.clamp(self.low, self.high) - self.low) / (self.high - self.low) * length)
    }

    /// The marks, the lowest first.
    pub(crate) fn marks(&self) -> Vec<f64> {
        let count = ((self.high - self.low) / self.step).round() as usize;
        (0..=count.min(50)).map(|mark| self.low + self.step * mark as f64).collect()
    }
}

/// A value with what it may be otherwise, in a row of its own that is `width` wide.
pub(crate) fn interval(axis: &Axis, low: f64, middle: f64, high: f64, chosen: f64, width: f64) -> Value {
    let (start, end) = (axis.at(low, width), axis.at(high, width));
    json!({
        "start": start,
        "length": round((end - start).max(1.0)),
        "middle": axis.at(middle, width),
        "chosen": axis.at(chosen, width),
    })
}

/// Bars beside each other, each with its label; negative ones hang.
pub(crate) fn bars(bars: &[(String, f64)], width: f64, height: f64) -> Value {
    let axis = Axis::over(bars.iter().map(|(_, value)| *value), 4.0);
    let slot = width / bars.len().max(1) as f64;
    let zero = height - axis.at(0.0, height);
    let drawn = bars.iter().enumerate().map(|(at, (label, value))| {
        let top = height - axis.at(*value, height);
        json!({
            "x": round(at as f64 * slot + slot * 0.15),
            "y": round(top.min(zero)),
            "width": round(slot * 0.7),
            "height": round((top - zero).abs().max(0.5)),
            "middle": round((at as f64 + 0.5) * slot),
            "label": label,
            "value": value,
        })
    });
    let drawn: Vec<Value> = drawn.collect();
    let marks = axis
        .marks()
        .into_iter()
        .map(|mark| json!({"y": round(height - axis.at(mark, height)), "value": mark}));
    // So many labels fit beside each other.
    let every = bars.len().div_ceil(8).max(1);
    json!({
        "width": width,
        "height": height,
        "zero": round(zero),
        "bars": drawn,
        "marks": marks.collect::<Vec<_>>(),
        "label_every": every,
    })
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_holds_everything_in_round_steps() {
        assert_eq!(Axis::over([3.0, 97.0], 4.0), Axis { low: 0.0, high: 100.0, step: 50.0 });
        assert_eq!(Axis::over([0.02, 0.07], 4.0).marks().len(), 5);
        let axis = Axis::over([-30.0, 10.0, f64::NAN], 4.0);
        assert_eq!((axis.low, axis.high), (-30.0, 10.0));
        assert_eq!(Axis::over([], 4.0).marks().first(), Some(&0.0));
        for value in [-30.0, 0.0, 10.0, 1e12] {
            assert!((0.0..=200.0).contains(&axis.at(value, 200.0)));
        }
    }

    #[test]
    fn bars_stand_on_zero() {
        let chart = bars(&[("a".into(), 10.0), ("b".into(), -5.0)], 100.0, 50.0);
        let zero = chart["zero"].as_f64().unwrap();
        let bar = |at: usize, name: &str| chart["bars"][at][name].as_f64().unwrap();
        assert!((bar(0, "y") + bar(0, "height") - zero).abs() < 0.2, "{chart}");
        assert!((bar(1, "y") - zero).abs() < 0.2, "{chart}");
        assert_eq!(bars(&[], 100.0, 50.0)["bars"], json!([]));
    }

    #[test]
    fn an_interval_lies_on_its_axis() {
        let axis = Axis::over([40.0], 4.0);
        let drawn = interval(&axis, 10.0, 20.0, 30.0, 25.0, 100.0);
        assert_eq!(
            (&drawn["start"], &drawn["length"], &drawn["middle"]),
            (&json!(25.0), &json!(50.0), &json!(50.0))
        );
    }
}
