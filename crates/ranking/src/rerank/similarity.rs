//! How alike two products are to somebody who looks at a list: category, brand, words.

use crate::ProductRecord;

/// What the same category, the same brand and the same words make of alike; together 1.
const WEIGHTS: (f32, f32, f32) = (0.5, 0.2, 0.3);

/// What of a product is compared; comparing two takes a few nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Likeness {
    category: u64,
    brand: u64,
    /// One bit for each word of name and tags (a Bloom filter of one hash).
    words: u64,
}

impl Likeness {
    pub(crate) fn of(record: &ProductRecord) -> Self {
        let texts = std::iter::once(&record.name).chain(&record.tags);
        let separate = |character: char| !character.is_alphanumeric();
        let words = texts.flat_map(|text| text.split(separate)).filter(|word| word.len() > 1);
        Self {
            category: hash_of(&record.category),
            brand: hash_of(&record.brand),
            words: words.fold(0, |bits, word| bits | 1 << (hash_of(word) >> 58)),
        }
    }

    /// 0 to 1; a product without a category, brand or words has none in common with any other.
    pub(crate) fn similarity(self, other: Self) -> f32 {
        let same = |one: u64, other: u64| if one != 0 && one == other { 1.0 } else { 0.0 };
        let union = (self.words | other.words).count_ones();
        let shared = (self.words & other.words).count_ones();
        let words = if union == 0 { 0.0 } else { shared as f32 / union as f32 };
        WEIGHTS.0 * same(self.category, other.category)
            + WEIGHTS.1 * same(self.brand, other.brand)
            + WEIGHTS.2 * words
    }
}

/// FNV-1a over lower-case letters, mixed so that the high bits depend on every letter; 0 for nothing.
fn hash_of(text: &str) -> u64 {
    if text.is_empty() {
        return 0;
    }
    let step =
        |hash: u64, byte: u8| (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3);
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, step);
    (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1
}
