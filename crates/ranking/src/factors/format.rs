//! The vectors as bytes of a snapshot.

use super::{FactorModel, lanes::LANES};
use crate::{
    SnapshotError,
    snapshot::bytes::{Reader, Writer},
};

impl FactorModel {
    /// The vectors as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.whole(self.factors as u64);
        writer.f32(self.unobserved_weight);
        writer.f32(self.regularization);
        writer.f32(self.frequency_exponent);
        for vectors in [&self.customers, &self.products] {
            writer.whole((vectors.len() / self.factors) as u64);
            vectors.iter().for_each(|&value| writer.f32(value));
        }
        writer.into_bytes()
    }

    /// Reads what [`FactorModel::encode`] wrote of so many customers and products.
    ///
    /// # Errors
    /// Bytes that are cut short, contradict themselves or go on after the end.
    pub fn decode(bytes: &[u8], customer_count: usize, product_count: usize) -> Result<Self, SnapshotError> {
        let mut reader = Reader::new("factors", bytes);
        let factors = reader.whole()? as usize;
        if !(LANES..=256).contains(&factors) || !factors.is_multiple_of(LANES) {
            return Err(reader.inconsistent("vectors of a length that is not supported"));
        }
        let settings = [reader.finite()?, reader.finite()?, reader.finite()?];
        let [unobserved_weight, regularization, frequency_exponent] = settings;
        if unobserved_weight <= 0.0 || regularization <= 0.0 {
            return Err(reader.inconsistent("a weight is not above zero"));
        }
        let customers = read_vectors(&mut reader, factors, customer_count)?;
        let products = read_vectors(&mut reader, factors, product_count)?;
        reader.finish()?;
        let mut model = Self {
            factors,
            unobserved_weight,
            regularization,
            frequency_exponent,
            customers,
            products,
            products_gram: Vec::new(),
        };
        model.derive();
        Ok(model)
    }
}

fn read_vectors(reader: &mut Reader<'_>, factors: usize, expected: usize) -> Result<Vec<f32>, SnapshotError> {
    if reader.count()? != expected {
        return Err(reader.inconsistent("vectors of another number of customers or products"));
    }
    let bytes = reader.raw(4 * factors as u64 * expected as u64)?;
    let values: Vec<f32> =
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect();
    if values.iter().any(|value| !value.is_finite()) {
        return Err(reader.inconsistent("a vector is not finite"));
    }
    Ok(values)
}
