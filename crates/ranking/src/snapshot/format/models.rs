//! The sections of what is derived of products: popularity, and neighbours.

use super::super::{
    Models, Neighbour,
    bytes::{Reader, Writer},
};
use crate::SnapshotError;

pub(super) fn encode_popularity(models: &Models) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.i64(models.recent_since_us);
    for product in 0..models.popularity.len() {
        writer.f32(models.popularity[product]);
        writer.whole(u64::from(models.buyers[product]));
        writer.whole(u64::from(models.repeat_buyers[product]));
        writer.whole(u64::from(models.recent_buyers[product]));
    }
    writer.into_bytes()
}

pub(super) fn decode_popularity(
    mut reader: Reader<'_>,
    product_count: usize,
) -> Result<Models, SnapshotError> {
    let mut models = Models { recent_since_us: reader.i64()?, ..Models::default() };
    for _ in 0..product_count {
        let popularity = reader.finite()?;
        if popularity < 0.0 {
            return Err(reader.inconsistent("a popularity is negative"));
        }
        models.popularity.push(popularity);
        models.buyers.push(reader.whole_u32()?);
        models.repeat_buyers.push(reader.whole_u32()?);
        models.recent_buyers.push(reader.whole_u32()?);
    }
    reader.finish()?;
    Ok(models)
}

pub(super) fn encode_neighbours(models: &Models) -> Vec<u8> {
    let mut writer = Writer::default();
    for product in 0..models.popularity.len() {
        let neighbours = models.neighbours_of(product as u32);
        writer.whole(neighbours.len() as u64);
        for neighbour in neighbours {
            writer.whole(u64::from(neighbour.product));
            writer.f32(neighbour.similarity);
            writer.whole(u64::from(neighbour.common_buyers));
        }
    }
    writer.into_bytes()
}

pub(super) fn decode_neighbours(mut reader: Reader<'_>, models: &mut Models) -> Result<(), SnapshotError> {
    models.neighbour_offsets.push(0);
    for _ in 0..models.popularity.len() {
        for _ in 0..reader.count()? {
            let neighbour = Neighbour {
                product: reader.whole_u32()?,
                similarity: reader.finite()?,
                common_buyers: reader.whole_u32()?,
            };
            if neighbour.product as usize >= models.popularity.len() {
                return Err(reader.inconsistent("a neighbour is a product that is not there"));
            }
            if !(0.0..=1.0).contains(&neighbour.similarity) {
                return Err(reader.inconsistent("a similarity is not between 0 and 1"));
            }
            models.neighbours.push(neighbour);
        }
        let end = u32::try_from(models.neighbours.len());
        models.neighbour_offsets.push(end.map_err(|_| reader.inconsistent("too many neighbours"))?);
    }
    reader.finish()
}
