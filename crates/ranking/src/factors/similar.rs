//! Who is like whom, and what is like what: the cosine of vectors, compared with every other.

use std::cmp::Ordering;

use super::{FactorModel, lanes::dot};

impl FactorModel {
    /// The customers whose vectors point most in this direction, each with the cosine, which is
    /// above 0; at most `count`, by falling cosine, without those `except` says.
    pub fn similar_customers(
        &self,
        vector: &[f32],
        count: usize,
        except: impl Fn(u32) -> bool,
    ) -> Vec<(u32, f32)> {
        nearest(&self.customers, self.factors, vector, count, except)
    }

    /// The products whose vectors point most in the direction of this one's, each with the
    /// cosine, which is above 0; at most `count`, by falling cosine.
    pub fn similar_products(&self, product: u32, count: usize) -> Vec<(u32, f32)> {
        match self.product(product) {
            Some(vector) => nearest(&self.products, self.factors, vector, count, |other| other == product),
            None => Vec::new(),
        }
    }
}

fn nearest(
    vectors: &[f32],
    factors: usize,
    wanted: &[f32],
    count: usize,
    except: impl Fn(u32) -> bool,
) -> Vec<(u32, f32)> {
    let mut cosines = vec![0.0f32; vectors.len() / factors];
    pulp::Arch::new().dispatch(|| {
        let own_square = dot(wanted, wanted);
        for (cosine, vector) in cosines.iter_mut().zip(vectors.chunks_exact(factors)) {
            let squares = own_square * dot(vector, vector);
            *cosine = if squares > 0.0 { dot(wanted, vector) / squares.sqrt() } else { 0.0 };
        }
    });
    let mut found: Vec<(u32, f32)> =
        (0u32..).zip(cosines).filter(|&(number, cosine)| cosine > 0.0 && !except(number)).collect();
    if count == 0 {
        return Vec::new();
    }
    if found.len() > count {
        found.select_nth_unstable_by(count - 1, by_cosine);
        found.truncate(count);
    }
    found.sort_unstable_by(by_cosine);
    found
}

fn by_cosine(one: &(u32, f32), other: &(u32, f32)) -> Ordering {
    other.1.total_cmp(&one.1).then(one.0.cmp(&other.0))
}
