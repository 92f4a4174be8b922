//! The snapshot file: a mark, the format's version, the whole length, then sections in a fixed
//! order, each with its length and a CRC-32. A change of layout is a new version number.

use super::{
    Customers, HistoryRow, Models, Neighbour, Products, Snapshot, SnapshotHeader, Tuning,
    bytes::{Reader, Writer},
};
use crate::{
    ProductRecord, SnapshotError, Watermark,
    decay::HalfLife,
    history::{Facts, NEVER_US},
};

const MARK: [u8; 8] = *b"LARDER\x00S";
pub(super) const FORMAT_VERSION: u32 = 1;

/// Mark, version, length of the file, CRC-32 of these three.
const PREAMBLE_LENGTH: u64 = 8 + 4 + 8 + 4;

const SECTIONS: [&str; 5] = ["header", "products", "customers", "popularity", "neighbours"];

const HAS_RECORD: u8 = 1;
const HAS_PRICE: u8 = 2;
const IN_STOCK: u8 = 4;
const HIDDEN: u8 = 8;

const HAS_OPINION: u8 = 1;
const HAS_PURCHASE: u8 = 2;
const HAS_SIGHTING: u8 = 4;
const SEEN_WHEN_BOUGHT: u8 = 8;

pub(super) fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let payloads = [
        encode_header(snapshot),
        encode_products(&snapshot.products),
        encode_customers(&snapshot.customers, snapshot.reference_us),
        encode_popularity(&snapshot.models),
        encode_neighbours(&snapshot.models),
    ];
    let mut body = Writer::default();
    for (number, payload) in (0u8..).zip(&payloads) {
        let mut frame = Writer::default();
        frame.u8(number);
        frame.u64(payload.len() as u64);
        let frame = frame.into_bytes();
        body.raw(&frame);
        body.u32(checksum(&[&frame, payload]));
        body.raw(payload);
    }
    let body = body.into_bytes();
    let mut start = Writer::default();
    start.raw(&MARK);
    start.u32(FORMAT_VERSION);
    start.u64(PREAMBLE_LENGTH + body.len() as u64);
    let start = start.into_bytes();
    let mut file = Writer::default();
    file.raw(&start);
    file.u32(checksum(&[&start]));
    file.raw(&body);
    file.into_bytes()
}

pub(super) fn decode(bytes: &[u8]) -> Result<Snapshot, SnapshotError> {
    let mut file = Reader::new("preamble", bytes);
    if file.raw(MARK.len() as u64).map_err(|_| SnapshotError::NotASnapshot)? != MARK {
        return Err(SnapshotError::NotASnapshot);
    }
    let found = file.u32()?;
    if found != FORMAT_VERSION {
        return Err(SnapshotError::UnsupportedVersion { found, supported: FORMAT_VERSION });
    }
    let length = file.u64()?;
    if file.u32()? != checksum(&[&bytes[..PREAMBLE_LENGTH as usize - 4]]) {
        return Err(SnapshotError::ChecksumMismatch { section: "preamble" });
    }
    let present = bytes.len() as u64;
    if present < length {
        return Err(SnapshotError::Truncated { section: "file", needed: length, left: present });
    }
    if present > length {
        return Err(SnapshotError::TrailingBytes { count: present - length });
    }
    let mut sections = Vec::with_capacity(SECTIONS.len());
    for (number, section) in (0u8..).zip(SECTIONS) {
        sections.push(decode_section(&mut file, number, section)?);
    }
    file.finish()?;
    assemble(sections)
}

fn decode_section<'a>(
    file: &mut Reader<'a>,
    number: u8,
    section: &'static str,
) -> Result<Reader<'a>, SnapshotError> {
    let frame = file.raw(9)?;
    let stored = file.u32()?;
    let mut fields = Reader::new(section, frame);
    let found = fields.u8()?;
    let payload = file.raw(fields.u64()?)?;
    if stored != checksum(&[frame, payload]) || found != number {
        return Err(SnapshotError::ChecksumMismatch { section });
    }
    Ok(Reader::new(section, payload))
}

fn assemble(sections: Vec<Reader<'_>>) -> Result<Snapshot, SnapshotError> {
    let [header, products, customers, popularity, neighbours]: [Reader<'_>; 5] =
        sections.try_into().map_err(|_| SnapshotError::NotASnapshot)?;
    let (header, tuning, trained_at_us, reference_us) = decode_header(header)?;
    let products = decode_products(products)?;
    let customers = decode_customers(customers, reference_us, products.ids.len())?;
    let mut models = decode_popularity(popularity, products.ids.len())?;
    decode_neighbours(neighbours, &mut models)?;
    Ok(Snapshot { header, tuning, trained_at_us, reference_us, products, customers, models })
}

fn checksum(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

fn encode_header(snapshot: &Snapshot) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.text(&snapshot.header.tenant);
    writer.text(&snapshot.header.version);
    writer.u64(snapshot.header.watermark.transaction_id);
    writer.i64(snapshot.header.watermark.sequence);
    writer.i64(snapshot.trained_at_us);
    writer.i64(snapshot.reference_us);
    writer.i64(snapshot.tuning.popularity_half_life.us());
    writer.i64(snapshot.tuning.personal_half_life.us());
    writer.u32(snapshot.tuning.neighbours_per_product);
    writer.into_bytes()
}

fn decode_header(mut reader: Reader<'_>) -> Result<(SnapshotHeader, Tuning, i64, i64), SnapshotError> {
    let tenant = reader.text()?;
    let version = reader.text()?;
    let watermark = Watermark { transaction_id: reader.u64()?, sequence: reader.i64()? };
    let (trained_at_us, reference_us) = (reader.i64()?, reader.i64()?);
    let tuning = Tuning {
        popularity_half_life: HalfLife::from_us(reader.i64()?),
        personal_half_life: HalfLife::from_us(reader.i64()?),
        neighbours_per_product: reader.u32()?,
    };
    reader.finish()?;
    Ok((SnapshotHeader { tenant, version, watermark }, tuning, trained_at_us, reference_us))
}

fn encode_products(products: &Products) -> Vec<u8> {
    let mut writer = Writer::default();
    let mut words = WordsWritten::default();
    writer.whole(products.ids.len() as u64);
    for (id, record) in products.ids.iter().zip(&products.records) {
        writer.text(id);
        let Some(record) = record else {
            writer.u8(0);
            continue;
        };
        let bit = |on: bool, bit: u8| if on { bit } else { 0 };
        let price = bit(record.price_micros.is_some(), HAS_PRICE);
        writer.u8(HAS_RECORD | price | bit(record.in_stock, IN_STOCK) | bit(record.hidden, HIDDEN));
        writer.text(&record.name);
        words.write(&mut writer, &record.category);
        words.write(&mut writer, &record.currency);
        if let Some(price_micros) = record.price_micros {
            writer.signed(price_micros);
        }
    }
    writer.into_bytes()
}

fn decode_products(mut reader: Reader<'_>) -> Result<Products, SnapshotError> {
    let count = reader.count()?;
    let mut products = Products::default();
    let mut words = Vec::new();
    for _ in 0..count {
        let product_id = reader.text()?;
        if products.ids.last().is_some_and(|before| *before >= product_id) {
            return Err(reader.inconsistent("product ids are not in order"));
        }
        let flags = reader.u8()?;
        let record = if flags & HAS_RECORD == 0 {
            None
        } else {
            Some(ProductRecord {
                product_id: product_id.clone(),
                name: reader.text()?,
                category: read_word(&mut reader, &mut words)?,
                currency: read_word(&mut reader, &mut words)?,
                price_micros: if flags & HAS_PRICE == 0 { None } else { Some(reader.signed()?) },
                in_stock: flags & IN_STOCK != 0,
                hidden: flags & HIDDEN != 0,
            })
        };
        products.ids.push(product_id);
        products.records.push(record);
    }
    reader.finish()?;
    Ok(products)
}

/// Texts that come again and again are written once and numbered from then on.
#[derive(Default)]
struct WordsWritten {
    numbers: std::collections::HashMap<String, u64>,
}

impl WordsWritten {
    fn write(&mut self, writer: &mut Writer, word: &str) {
        let next = self.numbers.len() as u64;
        match self.numbers.get(word) {
            Some(&number) => writer.whole(number),
            None => {
                writer.whole(next);
                writer.text(word);
                self.numbers.insert(word.to_owned(), next);
            }
        }
    }
}

fn read_word(reader: &mut Reader<'_>, words: &mut Vec<String>) -> Result<String, SnapshotError> {
    let number = reader.whole()?;
    if number == words.len() as u64 {
        words.push(reader.text()?);
    }
    match usize::try_from(number).ok().and_then(|number| words.get(number)) {
        Some(word) => Ok(word.clone()),
        None => Err(reader.inconsistent("a word is used before it is told")),
    }
}

fn encode_customers(customers: &Customers, reference_us: i64) -> Vec<u8> {
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

fn decode_customers(
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
            customers.rows.push(HistoryRow { product: product as u32, weight, facts });
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

fn encode_popularity(models: &Models) -> Vec<u8> {
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

fn decode_popularity(mut reader: Reader<'_>, product_count: usize) -> Result<Models, SnapshotError> {
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

fn encode_neighbours(models: &Models) -> Vec<u8> {
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

fn decode_neighbours(mut reader: Reader<'_>, models: &mut Models) -> Result<(), SnapshotError> {
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
