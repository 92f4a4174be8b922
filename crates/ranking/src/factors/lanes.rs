//! Sums over vectors, written lane by lane so that the compiler uses the widest registers that the
//! caller's dispatch allows, and the order of additions is always the same.

/// Vectors are as long as a multiple of this.
pub(super) const LANES: usize = 16;

#[inline(always)]
pub(super) fn dot(one: &[f32], other: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    for (one, other) in one.chunks_exact(LANES).zip(other.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += one[lane] * other[lane];
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

/// `into += scale * values`
#[inline(always)]
pub(super) fn add_scaled(into: &mut [f32], scale: f32, values: &[f32]) {
    for (into, values) in into.chunks_exact_mut(LANES).zip(values.chunks_exact(LANES)) {
        for lane in 0..LANES {
            into[lane] += scale * values[lane];
        }
    }
}

/// Adds to each score the product of the customer's vector and the product's, times `weight`.
pub(super) struct AddDots<'a> {
    pub(super) customer: &'a [f32],
    pub(super) weight: f32,
    pub(super) products: std::slice::ChunksExact<'a, f32>,
    pub(super) scores: &'a mut [f32],
}

impl pulp::NullaryFnOnce for AddDots<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (score, product) in self.scores.iter_mut().zip(self.products) {
            *score += self.weight * dot(self.customer, product);
        }
    }
}
