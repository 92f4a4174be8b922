//! The section of customers and what each did, in the order of ids, then of products. Times are
//! written as distances from the reference time, which are short.

use super::super::{
    Customers, HistoryRow,
    bytes::{Reader, Writer},
};
use crate::{
    SnapshotError,
    history::{Facts, NEVER_US},
    occasion::{MOST_DAYS_PER_PAIR, Occasion, day_of},
};

const HAS_OPINION: u8 = 1;
const HAS_PURCHASE: u8 = 2;
const HAS_SIGHTING: u8 = 4;
const SEEN_WHEN_BOUGHT: u8 = 8;

pub(super) fn encode(customers: &Customers, reference_us: i64) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.whole(customers.ids.len() as u64);
    for (customer, id) in customers.ids.iter().enumerate() {
        let rows = customers.rows_of(customer);
        writer.text(id);
        writer.whole(rows.len() as u64);
        let mut next_product = 0;
        for row in rows {
            writer.whole(u64::from(row.product - next_product));
            next_product = row.product + 1;
            writer.f32(row.weight);
            encode_facts(&mut writer, &row.facts, reference_us);
            encode_occasions(&mut writer, customers.occasions_of(row), reference_us);
        }
    }
    writer.into_bytes()
}

fn encode_facts(writer: &mut Writer, facts: &Facts, reference_us: i64) {
    let mut flags = 0;
    let seen_when_bought = facts.last_seen_us == facts.last_purchase_us;
    if facts.opinion_at_us != NEVER_US {
        flags |= HAS_OPINION;
    }
    if facts.last_purchase_us != NEVER_US {
        flags |= HAS_PURCHASE;
    }
    if seen_when_bought {
        flags |= SEEN_WHEN_BOUGHT;
    } else if facts.last_seen_us != NEVER_US {
        flags |= HAS_SIGHTING;
    }
    writer.u8(flags);
    writer.u8(facts.kinds);
    writer.whole(u64::from(facts.events));
    if flags & HAS_OPINION != 0 {
        writer.f32(facts.opinion);
        writer.signed(facts.opinion_at_us.wrapping_sub(reference_us));
    }
    if flags & HAS_PURCHASE != 0 {
        writer.whole(u64::from(facts.purchases));
        writer.signed(facts.last_purchase_us.wrapping_sub(reference_us));
        writer.signed(facts.first_purchase_us.wrapping_sub(facts.last_purchase_us));
    }
    if flags & HAS_SIGHTING != 0 {
        writer.signed(facts.last_seen_us.wrapping_sub(reference_us));
    }
}

pub(super) fn decode(
    mut reader: Reader<'_>,
    reference_us: i64,
    product_count: usize,
) -> Result<Customers, SnapshotError> {
    let count = reader.count()?;
    let mut customers = Customers { offsets: vec![0], ..Customers::default() };
    for _ in 0..count {
        let id = reader.text()?;
        if customers.ids.last().is_some_and(|before| *before >= id) {
            return Err(reader.inconsistent("customer ids are not in order"));
        }
        customers.ids.push(id);
        let rows = reader.count()?;
        let mut next_product = 0u64;
        for _ in 0..rows {
            let product = next_product.saturating_add(reader.whole()?);
            if product >= product_count as u64 {
                return Err(reader.inconsistent("a history names a product that is not there"));
            }
            next_product = product + 1;
            let weight = reader.finite()?;
            let facts = decode_facts(&mut reader, reference_us)?;
            let occasions_begin =
                u32::try_from(customers.occasions.len()).map_err(|_| reader.inconsistent("too many days"))?;
            let occasions_count = decode_occasions(&mut reader, &mut customers.occasions, reference_us)?;
            let product = product as u32;
            customers.rows.push(HistoryRow { product, weight, facts, occasions_begin, occasions_count });
        }
        let end = u32::try_from(customers.rows.len()).map_err(|_| reader.inconsistent("too many rows"))?;
        customers.offsets.push(end);
    }
    reader.finish()?;
    Ok(customers)
}

fn decode_facts(reader: &mut Reader<'_>, reference_us: i64) -> Result<Facts, SnapshotError> {
    let flags = reader.u8()?;
    let mut facts = Facts { kinds: reader.u8()?, events: reader.whole_u32()?, ..Facts::default() };
    if flags & HAS_OPINION != 0 {
        facts.opinion = reader.finite()?;
        facts.opinion_at_us = reader.signed()?.wrapping_add(reference_us);
    }
    if flags & HAS_PURCHASE != 0 {
        facts.purchases = reader.whole_u32()?;
        facts.last_purchase_us = reader.signed()?.wrapping_add(reference_us);
        facts.first_purchase_us = reader.signed()?.wrapping_add(facts.last_purchase_us);
    }
    if flags & SEEN_WHEN_BOUGHT != 0 {
        facts.last_seen_us = facts.last_purchase_us;
    } else if flags & HAS_SIGHTING != 0 {
        facts.last_seen_us = reader.signed()?.wrapping_add(reference_us);
    }
    Ok(facts)
}

/// Days are written from the newest back, as distances that are short.
fn encode_occasions(writer: &mut Writer, occasions: &[Occasion], reference_us: i64) {
    writer.whole(occasions.len() as u64);
    let mut later = i64::from(day_of(reference_us));
    for occasion in occasions.iter().rev() {
        writer.signed(later - i64::from(occasion.day));
        later = i64::from(occasion.day);
        writer.whole(u64::from(occasion.quantity));
        writer.u8(occasion.purchases);
        writer.u8(occasion.interest);
    }
}

fn decode_occasions(
    reader: &mut Reader<'_>,
    into: &mut Vec<Occasion>,
    reference_us: i64,
) -> Result<u32, SnapshotError> {
    let count = reader.count()?;
    if count > MOST_DAYS_PER_PAIR {
        return Err(reader.inconsistent("a history has too many days"));
    }
    let begin = into.len();
    let mut later = i64::from(day_of(reference_us));
    for place in 0..count {
        let day = later.saturating_sub(reader.signed()?);
        let day_is_earlier = place == 0 || day < later;
        let day_number = i32::try_from(day).ok().filter(|_| day_is_earlier);
        let Some(day_number) = day_number else {
            return Err(reader.inconsistent("the days of a history are not in order"));
        };
        later = day;
        let quantity =
            u16::try_from(reader.whole()?).map_err(|_| reader.inconsistent("a quantity is out of range"))?;
        let (purchases, interest) = (reader.u8()?, reader.u8()?);
        into.push(Occasion { day: day_number, quantity, purchases, interest });
    }
    into[begin..].reverse();
    Ok(count as u32)
}
