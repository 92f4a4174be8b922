//! A set of products by their numbers, a bit for each.

/// Products by number; what is beyond the last bit is not in the set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProductSet {
    words: Vec<u64>,
}

impl ProductSet {
    /// The products of `0..count` that are let in.
    pub(crate) fn of(count: u32, mut lets_in: impl FnMut(u32) -> bool) -> Self {
        let mut words = vec![0; count.div_ceil(64) as usize];
        for (place, word) in words.iter_mut().enumerate() {
            let first = place as u32 * 64;
            for product in first..count.min(first + 64) {
                *word |= u64::from(lets_in(product)) << (product % 64);
            }
        }
        Self { words }
    }

    pub(crate) fn contains(&self, product: u32) -> bool {
        self.words.get(product as usize / 64).is_some_and(|word| word >> (product % 64) & 1 == 1)
    }

    pub(crate) fn set(&mut self, product: u32, is_in: bool) {
        let place = product as usize / 64;
        if place >= self.words.len() {
            self.words.resize(place + 1, 0);
        }
        let bit = 1 << (product % 64);
        if is_in {
            self.words[place] |= bit;
        } else {
            self.words[place] &= !bit;
        }
    }

    /// The products in the set, in the order of their numbers.
    pub(crate) fn products(&self) -> impl Iterator<Item = u32> {
        self.words.iter().enumerate().flat_map(|(place, &word)| {
            let bits = std::iter::successors(Some(word), |bits| Some(bits & bits.wrapping_sub(1)));
            bits.take_while(|&bits| bits != 0).map(move |bits| place as u32 * 64 + bits.trailing_zeros())
        })
    }
}
