//! The inverse of a symmetric positive definite matrix in place: Cholesky (LLᵀ), then L⁻¹, then
//! L⁻ᵀL⁻¹, each over the one before it in the same n×n single-precision numbers. The work is
//! always cut in the same pieces, so that the number of threads changes no bit.

use faer::{
    Accum, Mat, MatMut, Par, Scale,
    dyn_stack::{MemBuffer, MemStack},
    linalg::{
        cholesky::llt::factor::{LltRegularization, cholesky_in_place, cholesky_in_place_scratch},
        matmul::triangular::{BlockStructure, matmul},
        triangular_inverse::invert_lower_triangular,
        triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place},
    },
    prelude::{Reborrow, ReborrowMut},
};

/// In how many pieces the dense algebra is cut, whatever the number of threads.
const PIECES: usize = 8;

/// Triangles up to this size are worked on with a copy beside them.
const SMALL: usize = 256;

/// So many columns are multiplied at a time.
const PANEL: usize = 256;

/// A square of values is mirrored at a time, small enough to stay in the cache.
const TILE: usize = 64;

/// Turns a positive definite matrix, of which the lower triangle is given by columns, into the
/// whole of its inverse; `None` when it has none in single precision.
pub(super) fn invert_in_place(values: &mut [f32], size: usize) -> Option<()> {
    let par = Par::rayon(PIECES);
    let mut matrix = MatMut::from_column_major_slice_mut(values, size, size);
    let mut memory = MemBuffer::new(cholesky_in_place_scratch::<f32>(size, par, Default::default()));
    let stack = MemStack::new(&mut memory);
    let regularization = LltRegularization::default();
    cholesky_in_place(matrix.rb_mut(), regularization, par, stack, Default::default()).ok()?;
    invert_triangle(matrix.rb_mut(), par);
    multiply_by_own_transpose(matrix, par);
    mirror(values, size);
    values.iter().step_by(size + 1).all(|value| value.is_finite() && *value > 0.0).then_some(())
}

/// L becomes L⁻¹; what is above the diagonal is neither read nor written.
fn invert_triangle(mut triangle: MatMut<'_, f32>, par: Par) {
    let size = triangle.nrows();
    if size <= SMALL {
        let mut inverse = Mat::zeros(size, size);
        invert_lower_triangular(inverse.as_mut(), triangle.rb(), par);
        triangle.copy_from_triangular_lower(&inverse);
        return;
    }
    let (mut upper, _, mut between, mut lower) = triangle.split_at_mut(size / 2, size / 2);
    solve_lower_triangular_in_place(lower.rb(), between.rb_mut(), par);
    solve_upper_triangular_in_place(upper.rb().transpose(), between.rb_mut().transpose_mut(), par);
    between *= Scale(-1.0);
    invert_triangle(upper.rb_mut(), par);
    invert_triangle(lower.rb_mut(), par);
}

/// The lower triangle W becomes the lower triangle of WᵀW.
fn multiply_by_own_transpose(mut triangle: MatMut<'_, f32>, par: Par) {
    use BlockStructure::{Rectangular, TriangularLower, TriangularUpper};
    let size = triangle.nrows();
    if size <= SMALL {
        let own = triangle.rb();
        let mut product = Mat::zeros(size, size);
        let (into, transposed) = (product.as_mut(), own.transpose());
        matmul(
            into,
            TriangularLower,
            Accum::Replace,
            transposed,
            TriangularUpper,
            own,
            TriangularLower,
            1.0,
            par,
        );
        triangle.copy_from_triangular_lower(&product);
        return;
    }
    let (mut upper, _, mut between, mut lower) = triangle.split_at_mut(size / 2, size / 2);
    multiply_by_own_transpose(upper.rb_mut(), par);
    let own = between.rb();
    matmul(upper, TriangularLower, Accum::Add, own.transpose(), Rectangular, own, Rectangular, 1.0, par);
    for begin in (0..between.ncols()).step_by(PANEL) {
        let width = PANEL.min(between.ncols() - begin);
        let into = between.rb_mut().subcols_mut(begin, width);
        let panel = into.rb().to_owned();
        let transposed = lower.rb().transpose();
        matmul(into, Rectangular, Accum::Replace, transposed, TriangularUpper, panel, Rectangular, 1.0, par);
    }
    multiply_by_own_transpose(lower.rb_mut(), par);
}

/// Copies what is below the diagonal to above it.
fn mirror(values: &mut [f32], size: usize) {
    for left in (0..size).step_by(TILE) {
        for top in (left..size).step_by(TILE) {
            for column in left..size.min(left + TILE) {
                for row in top.max(column + 1)..size.min(top + TILE) {
                    values[row * size + column] = values[column * size + row];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Positive definite, by the size and a pattern without any symmetry of its own.
    fn matrix(size: usize) -> Vec<f32> {
        let mut values = vec![0.0; size * size];
        for column in 0..size {
            for row in column..size {
                values[column * size + row] = ((row * 7 + column * 13) % 11) as f32 / 11.0;
            }
            values[column * size + column] += size as f32;
        }
        values
    }

    fn largest_error(size: usize) -> f32 {
        let given = matrix(size);
        let mut inverse = given.clone();
        invert_in_place(&mut inverse, size).unwrap();
        let whole = |row: usize, column: usize| given[row.min(column) * size + row.max(column)];
        let mut largest = 0.0f32;
        for row in (0..size).step_by(size.div_ceil(29)) {
            for column in 0..size {
                let sum: f32 = (0..size).map(|k| whole(row, k) * inverse[column * size + k]).sum();
                largest = largest.max((sum - f32::from(u8::from(row == column))).abs());
            }
        }
        largest
    }

    #[test]
    fn a_matrix_times_its_inverse_is_one() {
        for size in [1, 2, 3, 64, 256, 257, 700] {
            assert!(largest_error(size) < 1e-4, "size {size}: {}", largest_error(size));
        }
    }

    #[test]
    fn a_matrix_without_an_inverse_is_refused() {
        assert_eq!(invert_in_place(&mut [1.0, 1.0, 1.0, 1.0], 2), None);
        assert_eq!(invert_in_place(&mut [1.0, 2.0, 2.0, 1.0], 2), None);
        assert_eq!(invert_in_place(&mut [f32::NAN], 1), None);
    }

    #[test]
    fn threads_change_no_bit() {
        let with_threads = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut values = matrix(600);
            pool.install(|| invert_in_place(&mut values, 600)).unwrap();
            values.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
        };
        assert_eq!(with_threads(1), with_threads(3));
    }
}
