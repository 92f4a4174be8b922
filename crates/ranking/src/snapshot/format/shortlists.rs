//! The section of what customers alike buy: a shortlist for each customer, by product.

use super::super::bytes::{Reader, Writer};
use crate::{
    SnapshotError,
    neighbours::{ShortlistEntry, Shortlists},
};

pub(super) fn encode(shortlists: &Shortlists) -> Vec<u8> {
    let mut writer = Writer::default();
    let count = shortlists.offsets.len().saturating_sub(1);
    writer.whole(count as u64);
    for customer in 0..count {
        let list = shortlists.of(customer);
        writer.whole(list.len() as u64);
        let mut next_product = 0;
        for entry in list {
            let (long, recent) = entry.steps();
            writer.whole(u64::from(entry.product - next_product));
            next_product = entry.product + 1;
            writer.raw(&long.to_le_bytes());
            writer.raw(&recent.to_le_bytes());
        }
    }
    writer.into_bytes()
}

pub(super) fn decode(
    mut reader: Reader<'_>,
    customers: usize,
    products: usize,
) -> Result<Shortlists, SnapshotError> {
    let count = reader.count()?;
    if count != customers {
        return Err(reader.inconsistent("there are not as many shortlists as customers"));
    }
    let mut shortlists = Shortlists { offsets: vec![0], entries: Vec::new() };
    for _ in 0..count {
        let mut next_product = 0u64;
        for _ in 0..reader.count()? {
            let product = next_product.saturating_add(reader.whole()?);
            if product >= products as u64 {
                return Err(reader.inconsistent("a shortlist names a product that is not there"));
            }
            next_product = product + 1;
            let [long, recent] = [reader.u16()?, reader.u16()?];
            shortlists.entries.push(ShortlistEntry::of_steps(product as u32, long, recent));
        }
        let end = u32::try_from(shortlists.entries.len());
        shortlists.offsets.push(end.map_err(|_| reader.inconsistent("the shortlists are too long"))?);
    }
    reader.finish()?;
    Ok(shortlists)
}
