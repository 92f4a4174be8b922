//! What is on the plate of one person at one meal.

use super::check::MOST_ITEMS;

/// What one person eats at one meal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Plate {
    items: [(u16, u8); MOST_ITEMS as usize],
    count: u8,
}

impl Plate {
    /// The foods with their servings.
    pub(super) fn items(&self) -> &[(u16, u8)] {
        &self.items[..usize::from(self.count)]
    }

    pub(super) fn servings_of(&self, food: u16) -> u8 {
        self.items().iter().find(|item| item.0 == food).map_or(0, |item| item.1)
    }

    pub(super) fn set(&mut self, food: u16, servings: u8) {
        let count = usize::from(self.count);
        let place = self.items().iter().position(|item| item.0 == food);
        match (place, servings) {
            (Some(place), 0) => {
                self.items[place] = self.items[count - 1];
                self.count -= 1;
            }
            (Some(place), _) => self.items[place].1 = servings,
            (None, 0) => {}
            (None, _) => {
                self.items[count] = (food, servings);
                self.count += 1;
            }
        }
    }
}
