//! The weights as bytes of a snapshot.

use super::{EaseMethod, EaseModel};
use crate::{
    SnapshotError,
    snapshot::bytes::{Reader, Writer},
};

impl EaseModel {
    /// The weights as bytes: per product their number, then target and weight of each.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u8(match self.method {
            EaseMethod::Primal => 0,
            EaseMethod::Dual => 1,
            EaseMethod::Blocks => 2,
        });
        writer.whole(self.product_count() as u64);
        for product in 0..self.product_count() as u32 {
            let neighbours = self.neighbours_of(product);
            writer.whole(neighbours.len() as u64);
            for (target, weight) in neighbours {
                writer.whole(u64::from(target));
                writer.f32(weight);
            }
        }
        writer.into_bytes()
    }

    /// Reads what [`EaseModel::encode`] wrote of a shop of so many products.
    ///
    /// # Errors
    /// Bytes that are cut short, contradict themselves or go on after the end.
    pub fn decode(bytes: &[u8], product_count: usize) -> Result<Self, SnapshotError> {
        let mut reader = Reader::new("ease", bytes);
        let method = match reader.u8()? {
            0 => EaseMethod::Primal,
            1 => EaseMethod::Dual,
            2 => EaseMethod::Blocks,
            _ => return Err(reader.inconsistent("a method that is not known")),
        };
        if reader.count()? != product_count {
            return Err(reader.inconsistent("weights of another number of products"));
        }
        let mut model = Self { method, offsets: vec![0], targets: Vec::new(), weights: Vec::new() };
        for _ in 0..product_count {
            for _ in 0..reader.count()? {
                let target = reader.whole_u32()?;
                if target as usize >= product_count {
                    return Err(reader.inconsistent("a weight for a product that is not there"));
                }
                model.targets.push(target);
                model.weights.push(reader.finite()?);
            }
            let end = u32::try_from(model.targets.len());
            model.offsets.push(end.map_err(|_| reader.inconsistent("too many weights"))?);
        }
        reader.finish()?;
        Ok(model)
    }
}
