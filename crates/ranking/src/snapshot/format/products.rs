//! The section of products, in the order of ids.

use std::collections::HashMap;

use super::super::{
    Products,
    bytes::{Reader, Writer},
};
use crate::{ProductRecord, SnapshotError};

const HAS_RECORD: u8 = 1;
const HAS_PRICE: u8 = 2;
const IN_STOCK: u8 = 4;
const HIDDEN: u8 = 8;

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
