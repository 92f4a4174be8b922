//! EASE where its inverse would be too large: each product is regressed on the products nearest to
//! it by cosine alone. It is the exact solution over that support (as SANSA, RecSys 2023, is over
//! another), so it nears EASE as the support grows; weights outside it are lost.

use faer::{
    MatMut, Par,
    dyn_stack::{MemBuffer, MemStack},
    linalg::cholesky::llt::{
        factor::{LltRegularization, cholesky_in_place, cholesky_in_place_scratch},
        solve::{solve_in_place, solve_in_place_scratch},
    },
    prelude::{Reborrow, ReborrowMut},
};
use rayon::prelude::*;

use super::{EaseSettings, Problem, WeightRow, strongest::Strongest};

/// Products solved between two rounds of handing the weights to their sources, so that memory
/// does not hold all weights twice.
const ROUND: usize = 4_096;

/// The strongest weights of each product.
pub(super) fn solve(problem: &Problem, settings: &EaseSettings) -> Vec<WeightRow> {
    let count = problem.product_count();
    let squares: Vec<f32> =
        problem.products.rows().map(|row| row.values.iter().map(|value| value * value).sum()).collect();
    let mut strongest: Vec<Strongest> = (0..count).map(|_| Strongest::new(settings.neighbours)).collect();
    let targets: Vec<u32> = (0u32..).take(count).collect();
    for round in targets.chunks(ROUND) {
        let columns: Vec<(u32, WeightRow)> = round
            .par_iter()
            .map_init(
                || Workbench::new(problem),
                |workbench, &target| (target, workbench.regress(problem, &squares, target, settings)),
            )
            .collect();
        for (target, column) in columns {
            for (source, weight) in column {
                strongest[source as usize].offer(target, weight);
            }
        }
    }
    strongest.iter_mut().map(Strongest::take).collect()
}

/// What a thread needs, made once.
struct Workbench {
    /// By product: its Gram entry with the target, or its place in the support; all zero between.
    by_product: Vec<f32>,
    /// By customer: where their products of the support begin; all zero between.
    by_customer: Vec<u32>,
    touched: Vec<u32>,
    members: Vec<(u32, f32)>,
    gram: Vec<f32>,
}

impl Workbench {
    fn new(problem: &Problem) -> Self {
        Self {
            by_product: vec![0.0; problem.product_count()],
            by_customer: vec![0; problem.customer_count()],
            touched: Vec::new(),
            members: Vec::new(),
            gram: Vec::new(),
        }
    }

    /// The weights of the support for the target.
    fn regress(
        &mut self,
        problem: &Problem,
        squares: &[f32],
        target: u32,
        settings: &EaseSettings,
    ) -> WeightRow {
        let mut support = self.nearest(problem, squares, target, settings.block_neighbours);
        support.sort_unstable_by_key(|&(product, _)| product);
        if support.is_empty() {
            return support;
        }
        self.fill_gram(problem, &support);
        for (place, &(product, _)) in support.iter().enumerate() {
            self.gram[place * support.len() + place] += problem.ridges[product as usize];
        }
        let mut weights: Vec<f32> = support.iter().map(|&(_, entry)| entry).collect();
        if solve_symmetric(&mut self.gram, &mut weights).is_none() {
            return WeightRow::new();
        }
        support.iter().zip(weights).map(|(&(product, _), weight)| (product, weight)).collect()
    }

    /// The products of largest cosine with the target, each with its Gram entry.
    fn nearest(&mut self, problem: &Problem, squares: &[f32], target: u32, most: usize) -> WeightRow {
        for (customer, value) in problem.products.row(target as usize).iter() {
            for (product, other_value) in problem.customers.row(customer as usize).iter() {
                let entry = &mut self.by_product[product as usize];
                if *entry == 0.0 {
                    self.touched.push(product);
                }
                *entry += value * other_value;
            }
        }
        // An entry that came back to zero on the way was noted twice.
        self.touched.sort_unstable();
        self.touched.dedup();
        let mut nearest: Vec<(f32, u32, f32)> = Vec::with_capacity(self.touched.len());
        for product in self.touched.drain(..) {
            let entry = std::mem::take(&mut self.by_product[product as usize]);
            if product != target && entry != 0.0 {
                nearest.push((entry.abs() / squares[product as usize].sqrt(), product, entry));
            }
        }
        if nearest.len() > most && most > 0 {
            nearest.select_nth_unstable_by(most - 1, |one, other| {
                other.0.total_cmp(&one.0).then(one.1.cmp(&other.1))
            });
        }
        nearest.truncate(most);
        nearest.into_iter().map(|(_, product, entry)| (product, entry)).collect()
    }

    /// The lower triangle of the Gram matrix of the support, by columns.
    fn fill_gram(&mut self, problem: &Problem, support: &[(u32, f32)]) {
        let size = support.len();
        self.gram.clear();
        self.gram.resize(size * size, 0.0);
        let rows = || support.iter().map(|&(product, _)| problem.products.row(product as usize));
        for customer in rows().flat_map(|row| row.columns) {
            let count = &mut self.by_customer[*customer as usize];
            if *count == 0 {
                self.touched.push(*customer);
            }
            *count += 1;
        }
        let mut end = 0;
        for &customer in &self.touched {
            let count = std::mem::replace(&mut self.by_customer[customer as usize], end);
            end += count;
        }
        self.members.clear();
        self.members.resize(end as usize, (0, 0.0));
        for (place, row) in (0u32..).zip(rows()) {
            for (customer, value) in row.iter() {
                let free = &mut self.by_customer[customer as usize];
                self.members[*free as usize] = (place, value);
                *free += 1;
            }
        }
        let mut begin = 0;
        for customer in self.touched.drain(..) {
            let end = std::mem::take(&mut self.by_customer[customer as usize]) as usize;
            let own = &self.members[begin..end];
            for (nth, &(place, value)) in own.iter().enumerate() {
                let column = &mut self.gram[place as usize * size..(place as usize + 1) * size];
                own[nth..]
                    .iter()
                    .for_each(|&(other, other_value)| column[other as usize] += value * other_value);
            }
            begin = end;
        }
    }
}

/// Solves for a positive definite matrix, of which the lower triangle is given by columns.
fn solve_symmetric(matrix: &mut [f32], values: &mut [f32]) -> Option<()> {
    let size = values.len();
    let mut matrix = MatMut::from_column_major_slice_mut(matrix, size, size);
    let scratch = cholesky_in_place_scratch::<f32>(size, Par::Seq, Default::default())
        .or(solve_in_place_scratch::<f32>(size, 1, Par::Seq));
    let mut memory = MemBuffer::new(scratch);
    let stack = MemStack::new(&mut memory);
    let regularization = LltRegularization::default();
    cholesky_in_place(matrix.rb_mut(), regularization, Par::Seq, stack, Default::default()).ok()?;
    solve_in_place(matrix.rb(), MatMut::from_column_major_slice_mut(values, size, 1), Par::Seq, stack);
    Some(())
}
