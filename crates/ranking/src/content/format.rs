//! The content vectors as bytes of a snapshot.

use super::ContentModel;
use crate::{
    SnapshotError, SparseMatrix,
    snapshot::bytes::{Reader, Writer},
};

impl ContentModel {
    /// The vectors as bytes: features with their rarities, then each product's.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.whole(self.features.len() as u64);
        for (&feature, &rarity) in self.features.iter().zip(&self.rarities) {
            writer.u32(feature);
            writer.f32(rarity);
        }
        writer.whole(self.product_count() as u64);
        for row in self.products.rows() {
            writer.whole(row.len() as u64);
            for (feature, value) in row.iter() {
                writer.whole(u64::from(feature));
                writer.f32(value);
            }
        }
        writer.into_bytes()
    }

    /// Reads what [`ContentModel::encode`] wrote of a shop of so many products.
    ///
    /// # Errors
    /// Bytes that are cut short, contradict themselves or go on after the end.
    pub fn decode(bytes: &[u8], product_count: usize) -> Result<Self, SnapshotError> {
        let mut reader = Reader::new("content", bytes);
        let (mut features, mut rarities) = (Vec::new(), Vec::new());
        for _ in 0..reader.count()? {
            let feature = reader.u32()?;
            if features.last().is_some_and(|before| *before >= feature) {
                return Err(reader.inconsistent("features are not in order"));
            }
            features.push(feature);
            rarities.push(reader.finite()?);
        }
        if reader.count()? != product_count {
            return Err(reader.inconsistent("vectors of another number of products"));
        }
        let mut rows = Vec::with_capacity(product_count);
        for _ in 0..product_count {
            let mut row: Vec<(u32, f32)> = Vec::new();
            for _ in 0..reader.count()? {
                let feature = reader.whole_u32()?;
                if feature as usize >= features.len()
                    || row.last().is_some_and(|(before, _)| *before >= feature)
                {
                    return Err(reader.inconsistent("a vector's features are not there or not in order"));
                }
                row.push((feature, reader.finite()?));
            }
            rows.push(row);
        }
        reader.finish()?;
        let products = SparseMatrix::from_rows(features.len(), &rows);
        let holders = products.transpose();
        Ok(Self { features, rarities, products, holders })
    }
}
