//! A linear program with whole variables, as the planner writes it: bounded here by microlp, and
//! written out for other solvers to be compared with.

use std::fmt::Write as _;

/// One variable.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) cost: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) whole: bool,
}

/// What a row's sum is to its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sense {
    AtMost,
    AtLeast,
    Equal,
}

/// One constraint.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) terms: Vec<(usize, f64)>,
    pub(super) sense: Sense,
    pub(super) bound: f64,
}

/// Minimise the cost of the variables, plus a constant, within the rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinearProgram {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    pub(super) constant: f64,
}

impl LinearProgram {
    pub(super) fn add(&mut self, cost: f64, low: f64, high: f64, whole: bool) -> usize {
        self.columns.push(Column { cost, low, high, whole });
        self.columns.len() - 1
    }

    pub(super) fn row(&mut self, terms: Vec<(usize, f64)>, sense: Sense, bound: f64) {
        self.rows.push(Row { terms, sense, bound });
    }

    /// The number of variables.
    #[must_use]
    pub fn variables(&self) -> usize {
        self.columns.len()
    }

    /// What is added to the objective that a solver of [`Self::to_lp_text`] reports.
    #[must_use]
    pub fn constant(&self) -> f64 {
        self.constant
    }

    /// The program in the LP format of CPLEX, which most solvers read.
    #[must_use]
    pub fn to_lp_text(&self) -> String {
        let mut text = String::from("Minimize\n obj:");
        for (number, column) in self.columns.iter().enumerate().filter(|(_, column)| column.cost != 0.0) {
            let _ = writeln!(text, " {:+} x{number}", column.cost);
        }
        text.push_str("Subject To\n");
        for (number, row) in self.rows.iter().enumerate() {
            let _ = write!(text, " r{number}:");
            for (column, factor) in &row.terms {
                let _ = writeln!(text, " {factor:+} x{column}");
            }
            let sense = match row.sense {
                Sense::AtMost => "<=",
                Sense::AtLeast => ">=",
                Sense::Equal => "=",
            };
            let _ = writeln!(text, " {sense} {}", row.bound);
        }
        text.push_str("Bounds\n");
        for (number, column) in self.columns.iter().enumerate() {
            let high = if column.high.is_finite() { format!("<= {}", column.high) } else { String::new() };
            let _ = writeln!(text, " {} <= x{number} {high}", column.low);
        }
        text.push_str("General\n");
        for (number, _) in self.columns.iter().enumerate().filter(|(_, column)| column.whole) {
            let _ = writeln!(text, " x{number}");
        }
        text.push_str("End\n");
        text
    }

    /// The least objective when whole variables may be broken: no plan is better. `None` when the
    /// solver fails.
    pub(super) fn relaxed(&self) -> Option<f64> {
        self.solved(false)
    }

    /// The least objective; `None` when there is no solution or the solver fails.
    #[cfg(test)]
    pub(super) fn whole(&self) -> Option<f64> {
        self.solved(true)
    }

    fn solved(&self, whole: bool) -> Option<f64> {
        let solution = self.problem(whole).solve().ok()?.into_solution().ok()?;
        Some(solution.objective() + self.constant)
    }

    fn problem(&self, whole: bool) -> microlp::Problem {
        let mut problem = microlp::Problem::new(microlp::OptimizationDirection::Minimize);
        let variables = (self.columns.iter())
            .map(|column| {
                if whole && column.whole {
                    problem.add_integer_var(column.cost, (column.low as i32, column.high as i32))
                } else {
                    problem.add_var(column.cost, (column.low, column.high))
                }
            })
            .collect::<Vec<_>>();
        for row in &self.rows {
            let terms =
                row.terms.iter().map(|(column, factor)| (variables[*column], *factor)).collect::<Vec<_>>();
            let sense = match row.sense {
                Sense::AtMost => microlp::ComparisonOp::Le,
                Sense::AtLeast => microlp::ComparisonOp::Ge,
                Sense::Equal => microlp::ComparisonOp::Eq,
            };
            problem.add_constraint(terms.as_slice(), sense, row.bound);
        }
        problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Least 2x + 3y with x + y >= 3.5, x at most 2, both whole.
    fn small() -> LinearProgram {
        let mut program = LinearProgram { constant: 1.0, ..LinearProgram::default() };
        let x = program.add(2.0, 0.0, 2.0, true);
        let y = program.add(3.0, 0.0, 10.0, true);
        program.row(vec![(x, 1.0), (y, 1.0)], Sense::AtLeast, 3.5);
        program
    }

    #[test]
    fn whole_variables_are_whole_and_the_relaxation_is_below() {
        assert!((small().whole().unwrap() - 11.0).abs() < 1e-9);
        assert!((small().relaxed().unwrap() - 9.5).abs() < 1e-9);
    }

    #[test]
    fn the_text_names_every_part() {
        let text = small().to_lp_text();
        for part in ["Minimize", "+2 x0", "+3 x1", "r0: +1 x0", ">= 3.5", "0 <= x0 <= 2", "General", "End"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}
