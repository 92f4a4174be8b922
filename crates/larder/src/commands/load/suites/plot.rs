//! Plots as SVG that stands in a page by itself: no script, no font, no file beside it.

use std::fmt::Write;

const WIDTH: f64 = 880.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 26.0;
const GRID_LINES: u32 = 4;

/// A line; where there is no value there is a gap.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, Option<f64>)>,
}

/// A stretch of time that is shaded.
pub(crate) struct Band {
    pub(crate) name: String,
    pub(crate) from_s: f64,
    pub(crate) to_s: f64,
}

/// Lines over the seconds of a run.
pub(crate) struct Plot {
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    pub(crate) length_s: f64,
    pub(crate) lines: Vec<Line>,
    pub(crate) bands: Vec<Band>,
}

impl Plot {
    /// The figure, with a legend.
    pub(crate) fn figure(&self) -> String {
        let mut out = String::new();
        let _ =
            write!(out, "<figure><figcaption>{} <small>{}</small>", escaped(&self.title), escaped(self.unit));
        for (place, line) in self.lines.iter().enumerate() {
            let _ = write!(out, " <span class=\"key c{}\">{}</span>", place % 6, escaped(&line.name));
        }
        let _ = write!(
            out,
            "</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
            escaped(&self.title)
        );
        let most = nice(self.most());
        self.draw_bands(&mut out);
        self.draw_grid(&mut out, most);
        for (place, line) in self.lines.iter().enumerate() {
            let _ = write!(out, "<path class=\"line c{}\" d=\"{}\"/>", place % 6, self.path(line, most));
        }
        out.push_str("</svg></figure>");
        out
    }

    fn most(&self) -> f64 {
        let values = self.lines.iter().flat_map(|line| &line.points).filter_map(|(_, value)| *value);
        values.fold(0.0, f64::max)
    }

    fn x(&self, at_s: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (at_s / self.length_s.max(f64::EPSILON)).clamp(0.0, 1.0)
    }

    fn path(&self, line: &Line, most: f64) -> String {
        let mut path = String::new();
        let mut is_drawing = false;
        for (at_s, value) in &line.points {
            let Some(value) = value else {
                is_drawing = false;
                continue;
            };
            let _ = write!(
                path,
                "{}{:.1} {:.1}",
                if is_drawing { 'L' } else { 'M' },
                self.x(*at_s),
                y(*value, most)
            );
            is_drawing = true;
        }
        path
    }

    fn draw_bands(&self, out: &mut String) {
        for band in &self.bands {
            let (from, to) = (self.x(band.from_s), self.x(band.to_s));
            let _ = write!(
                out,
                "<rect class=\"band\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
                (to - from).max(1.0),
                HEIGHT - TOP - BOTTOM,
                escaped(&band.name)
            );
        }
    }

    fn draw_grid(&self, out: &mut String, most: f64) {
        for step in 0..=GRID_LINES {
            let share = f64::from(step) / f64::from(GRID_LINES);
            let (value, height) = (most * share, y(most * share, most));
            let _ = write!(
                out,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{height:.1}\" y2=\"{height:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                height + 4.0,
                short(value)
            );
            let at_s = self.length_s * share;
            let anchor = if step == GRID_LINES { "end" } else { "middle" };
            let _ = write!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                self.x(at_s),
                HEIGHT - 8.0,
                moment(at_s)
            );
        }
    }
}

fn y(value: f64, most: f64) -> f64 {
    HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value / most).clamp(0.0, 1.0)
}

/// The next number above that is easily read: 1, 2, 2.5 or 5 times a power of ten.
fn nice(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(most.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|step| *step >= most).unwrap_or(most)
}

fn short(value: f64) -> String {
    format!("{}", (value * 100.0).round() / 100.0)
}

fn moment(at_s: f64) -> String {
    let seconds = at_s.round() as u64;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h", seconds / 3_600, seconds / 60 % 60),
    }
}

/// Text that cannot end or begin an element or an attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<(f64, Option<f64>)>) -> Plot {
        Plot {
            title: "times <b>".into(),
            unit: "ms",
            length_s: 100.0,
            lines: vec![Line { name: "p50".into(), points }],
            bands: vec![Band { name: "a fault".into(), from_s: 25.0, to_s: 50.0 }],
        }
    }

    #[test]
    fn a_line_goes_from_the_left_edge_to_the_right_and_has_gaps_where_nothing_is_known() {
        let plot = plot(vec![(0.0, Some(0.0)), (25.0, Some(5.0)), (50.0, None), (100.0, Some(10.0))]);
        let (bottom, top) = (HEIGHT - BOTTOM, TOP);
        let path = plot.path(&plot.lines[0], 10.0);
        let middle = (top + bottom) / 2.0;
        let quarter = LEFT + (WIDTH - LEFT - RIGHT) / 4.0;
        let right = WIDTH - RIGHT;
        assert_eq!(path, format!("M{LEFT:.1} {bottom:.1}L{quarter:.1} {middle:.1}M{right:.1} {top:.1}"));
    }

    #[test]
    fn nothing_in_a_figure_is_taken_for_markup() {
        let figure = plot(vec![]).figure();
        assert!(figure.contains("times &lt;b&gt;") && !figure.contains("<b>"), "{figure}");
        assert!(figure.contains("<title>a fault</title>"), "{figure}");
    }

    #[test]
    fn scales_end_with_a_number_that_is_easily_read() {
        for (most, expected) in
            [(0.0, 1.0), (0.7, 1.0), (3.0, 5.0), (21.0, 25.0), (100.0, 100.0), (101.0, 200.0)]
        {
            assert!((nice(most) - expected).abs() < 1e-9, "{most}: {}", nice(most));
        }
        assert_eq!([moment(90.0), moment(150.0), moment(43_200.0)], ["90 s", "2:30 min", "12:00 h"]);
    }
}
