//! The section of products, in the order of ids.

use std::collections::{BTreeMap, HashMap};

use super::super::{
    Products,
    bytes::{Reader, Writer},
};
use crate::{NutritionPer100g, ProductRecord, SnapshotError};

const HAS_RECORD: u8 = 1;
const HAS_PRICE: u8 = 2;
const IN_STOCK: u8 = 4;
const HIDDEN: u8 = 8;
const ALLERGENS_COMPLETE: u8 = 16;

pub(super) fn encode(products: &Products) -> Vec<u8> {
    let mut writer = Writer::default();
    let mut words = WordsWritten::default();
    writer.whole(products.ids.len() as u64);
    for (id, record) in products.ids.iter().zip(&products.records) {
        writer.text(id);
        let Some(record) = record else {
            writer.u8(0);
            continue;
        };
        encode_record(&mut writer, &mut words, record);
    }
    writer.into_bytes()
}

pub(super) fn decode(mut reader: Reader<'_>) -> Result<Products, SnapshotError> {
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
            Some(decode_record(&mut reader, &mut words, &product_id, flags)?)
        };
        products.ids.push(product_id);
        products.records.push(record);
    }
    reader.finish()?;
    Ok(products)
}

fn encode_record(writer: &mut Writer, words: &mut WordsWritten, record: &ProductRecord) {
    let bit = |on: bool, bit: u8| if on { bit } else { 0 };
    let price = bit(record.price_micros.is_some(), HAS_PRICE);
    let complete = bit(record.allergens_complete, ALLERGENS_COMPLETE);
    writer.u8(HAS_RECORD | price | complete | bit(record.in_stock, IN_STOCK) | bit(record.hidden, HIDDEN));
    writer.text(&record.name);
    words.write(writer, &record.category);
    words.write(writer, &record.brand);
    words.write(writer, &record.currency);
    if let Some(price_micros) = record.price_micros {
        writer.signed(price_micros);
    }
    for list in [&record.tags, &record.allergens, &record.diets] {
        writer.whole(list.len() as u64);
        for word in list {
            words.write(writer, word);
        }
    }
    writer.whole(record.attributes.len() as u64);
    for (key, value) in &record.attributes {
        words.write(writer, key);
        words.write(writer, value);
    }
    encode_nutrition(writer, &record.nutrition);
}

fn decode_record(
    reader: &mut Reader<'_>,
    words: &mut Vec<String>,
    product_id: &str,
    flags: u8,
) -> Result<ProductRecord, SnapshotError> {
    Ok(ProductRecord {
        product_id: product_id.to_owned(),
        name: reader.text()?,
        category: read_word(reader, words)?,
        brand: read_word(reader, words)?,
        currency: read_word(reader, words)?,
        price_micros: if flags & HAS_PRICE == 0 { None } else { Some(reader.signed()?) },
        tags: read_words(reader, words)?,
        allergens: read_words(reader, words)?,
        allergens_complete: flags & ALLERGENS_COMPLETE != 0,
        diets: read_words(reader, words)?,
        attributes: read_attributes(reader, words)?,
        nutrition: decode_nutrition(reader)?,
        in_stock: flags & IN_STOCK != 0,
        hidden: flags & HIDDEN != 0,
    })
}

/// A byte whose bits say which values are known, then those.
fn encode_nutrition(writer: &mut Writer, nutrition: &NutritionPer100g) {
    let values = nutrition.values();
    let known = (0..8).filter(|&place| values[place].is_some()).fold(0u8, |bits, place| bits | 1 << place);
    writer.u8(known);
    for value in values.into_iter().flatten() {
        writer.f32(value);
    }
}

fn decode_nutrition(reader: &mut Reader<'_>) -> Result<NutritionPer100g, SnapshotError> {
    let known = reader.u8()?;
    let mut values = [None; 8];
    for (place, value) in values.iter_mut().enumerate() {
        if known & 1 << place != 0 {
            *value = Some(reader.finite()?);
        }
    }
    Ok(NutritionPer100g::from_values(values))
}

/// Texts that come again and again are written once and numbered from then on.
#[derive(Default)]
struct WordsWritten {
    numbers: HashMap<String, u64>,
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

fn read_words(reader: &mut Reader<'_>, words: &mut Vec<String>) -> Result<Vec<String>, SnapshotError> {
    (0..reader.count()?).map(|_| read_word(reader, words)).collect()
}

fn read_attributes(
    reader: &mut Reader<'_>,
    words: &mut Vec<String>,
) -> Result<BTreeMap<String, String>, SnapshotError> {
    let mut attributes = BTreeMap::new();
    for _ in 0..reader.count()? {
        let key = read_word(reader, words)?;
        let value = read_word(reader, words)?;
        if attributes.last_key_value().is_some_and(|(before, _)| *before >= key) {
            return Err(reader.inconsistent("attributes are not in order"));
        }
        attributes.insert(key, value);
    }
    Ok(attributes)
}
