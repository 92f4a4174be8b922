//! Answers that explore: now and then a place shows a product drawn from the next best ones, with a
//! chance that is known, so that policies can be compared later. What may not be shown is not in the
//! pool to begin with, so no draw can break a constraint.
//!
//! Products are known here by their place in the pool, 0 being the best.

use std::collections::HashSet;

use super::draws::Draws;

/// How a list is drawn from a pool of products in the order of their worth, whose first ones are the
/// plain list. Place by place from the top, with chance `1 - epsilon` the best product not shown yet
/// stands there, otherwise one of the others, each with the same chance.
#[derive(Clone, Debug, PartialEq)]
pub struct Exploration {
    /// The chance that a place explores, 0 to 1; 0 leaves the plain list as it is.
    pub epsilon: f64,
    /// The length of the list; what the pool cannot fill stays empty.
    pub places: usize,
    /// The number of products in the pool.
    pub pool_size: usize,
    /// Places that never explore and always show the product of the same place in the pool, such as
    /// those of pins.
    pub fixed: Vec<usize>,
}

/// What was drawn for a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExploredPlace {
    /// Which product, by its place in the pool.
    pub pool_position: usize,
    /// The chance that it stood here given the places above; above 0, at most 1.
    pub propensity: f64,
}

impl Exploration {
    /// Draws a list. The same seed gives the same list.
    pub fn draw(&self, seed: u64) -> Vec<ExploredPlace> {
        let mut draws = Draws::new(seed);
        let mut free = self.free_positions();
        let draw_place = |place| {
            if self.is_fixed(place) {
                return Some(ExploredPlace { pool_position: place, propensity: 1.0 });
            }
            let others = free.len().checked_sub(1)?;
            let explores = others > 0 && draws.share() < self.epsilon;
            let drawn = if explores { 1 + draws.below(others) } else { 0 };
            Some(ExploredPlace {
                pool_position: free.remove(drawn),
                propensity: self.chance(drawn, free.len()),
            })
        };
        (0..self.places.min(self.pool_size)).map_while(draw_place).collect()
    }

    /// The chance that `shown` stands at the place below the products of `above`. Needs no more than
    /// what is on the screen: it is what [`ExploredPlace::propensity`] records.
    pub fn chance_given_above(&self, above: &[usize], shown: usize) -> f64 {
        let place = above.len();
        if place >= self.places || self.is_fixed(place) {
            return f64::from(u8::from(place < self.places && shown == place));
        }
        let above: HashSet<usize> = above.iter().copied().collect();
        let mut free = self.free_positions();
        free.retain(|position| !above.contains(position));
        free.iter().position(|position| *position == shown).map_or(0.0, |at| self.chance(at, free.len() - 1))
    }

    /// The chance of the product `at` so many places behind the best that is left, with so many
    /// others beside the best.
    fn chance(&self, at: usize, others: usize) -> f64 {
        match (at, others) {
            (0, 0) => 1.0,
            (0, _) => 1.0 - self.epsilon,
            _ => self.epsilon / others as f64,
        }
    }

    fn is_fixed(&self, place: usize) -> bool {
        place < self.places.min(self.pool_size) && self.fixed.contains(&place)
    }

    /// Everything of the pool that is not fixed to a place.
    fn free_positions(&self) -> Vec<usize> {
        (0..self.pool_size).filter(|position| !self.is_fixed(*position)).collect()
    }

    /// For every place and product the chance that the product stands there, whatever stands above:
    /// exact, by following for each product how many better ones are left.
    ///
    /// These are what one policy is weighed against another with, not the chances given the places
    /// above: lists of the other policy have other products above. Weights of this kind are exact
    /// when what a product brings depends on its place and not on its neighbours (the item-position
    /// model of Li et al., "Offline evaluation of ranking policies with click models", KDD 2018).
    pub fn place_chances(&self) -> PlaceChances {
        let places = self.places.min(self.pool_size);
        let mut chances = vec![0.0; places * self.pool_size];
        let free_places: Vec<_> = (0..places).filter(|place| !self.is_fixed(*place)).collect();
        for place in (0..places).filter(|place| self.is_fixed(*place)) {
            chances[place * self.pool_size + place] = 1.0;
        }
        let free = self.free_positions();
        for (better, position) in free.iter().enumerate() {
            let of_one = self.chances_of_one(better, free.len(), free_places.len());
            for (place, chance) in free_places.iter().zip(of_one) {
                chances[place * self.pool_size + position] = chance;
            }
        }
        PlaceChances { pool_size: self.pool_size, chances }
    }

    /// The chance of a product with so many better ones to stand at each of the places.
    fn chances_of_one(&self, better: usize, pool_size: usize, places: usize) -> Vec<f64> {
        // left[i]: the chance that the product is not shown yet and i better ones are left.
        let mut left = vec![0.0; better + 1];
        left[better] = 1.0;
        let mut chances = Vec::with_capacity(places);
        for place in 0..places {
            let others = pool_size - place - 1;
            let (best, explored) = (self.chance(0, others), self.chance(1, others.max(1)));
            let mut next = vec![0.0; better + 1];
            let mut shown = left[0] * best;
            // Another product is drawn although this one is the best left.
            next[0] += left[0] * (1.0 - best);
            for i in 1..=better {
                shown += left[i] * explored;
                // The best goes as the plain choice, or one of the i - 1 between is drawn.
                next[i - 1] += left[i] * (best + explored * (i - 1) as f64);
                // One behind this product is drawn: `others` are i - 1 between, itself, the rest.
                next[i] += left[i] * explored * others.saturating_sub(i) as f64;
            }
            chances.push(shown);
            left = next;
        }
        chances
    }
}

/// The chance of every product of a pool to stand at every place.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaceChances {
    pool_size: usize,
    chances: Vec<f64>,
}

impl PlaceChances {
    /// The chance of a product to stand at a place, both from 0; 0 outside of the list or the pool.
    pub fn of(&self, place: usize, pool_position: usize) -> f64 {
        if pool_position >= self.pool_size {
            return 0.0;
        }
        self.chances.get(place * self.pool_size + pool_position).copied().unwrap_or(0.0)
    }

    /// The products that may stand at a place, each with its chance; they sum to 1.
    pub fn at(&self, place: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let row = self.chances.chunks(self.pool_size.max(1)).nth(place).unwrap_or_default();
        row.iter().copied().enumerate().filter(|(_, chance)| *chance > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exploration(epsilon: f64, places: usize, pool_size: usize, fixed: &[usize]) -> Exploration {
        Exploration { epsilon, places, pool_size, fixed: fixed.to_vec() }
    }

    /// Every list that can be drawn, with its chance.
    fn all_lists(
        exploration: &Exploration,
        above: &[usize],
        chance: f64,
        found: &mut Vec<(Vec<usize>, f64)>,
    ) {
        if above.len() == exploration.places.min(exploration.pool_size) {
            found.push((above.to_vec(), chance));
            return;
        }
        for shown in 0..exploration.pool_size {
            let of_one = exploration.chance_given_above(above, shown);
            if of_one > 0.0 {
                let list: Vec<_> = above.iter().copied().chain([shown]).collect();
                all_lists(exploration, &list, chance * of_one, found);
            }
        }
    }

    #[test]
    fn chances_are_what_was_worked_out_by_hand() {
        let drawn = exploration(0.3, 2, 3, &[]);
        assert_eq!(drawn.chance_given_above(&[], 0), 0.7);
        assert_eq!(drawn.chance_given_above(&[], 2), 0.15);
        assert_eq!(drawn.chance_given_above(&[2], 0), 0.7);
        assert_eq!(drawn.chance_given_above(&[2], 1), 0.3);
        assert_eq!(drawn.chance_given_above(&[2], 2), 0.0);
        // Place 2 shows product 1 after 0 (0.7 * 0.7), and after 2 when exploring (0.15 * 0.3).
        assert!((drawn.place_chances().of(1, 1) - 0.535).abs() < 1e-12);
    }

    #[test]
    fn the_last_product_of_a_pool_is_certain() {
        let drawn = exploration(0.5, 9, 3, &[]);
        for seed in 0..50 {
            let list = drawn.draw(seed);
            assert_eq!((list.len(), list[2].propensity), (3, 1.0));
        }
        assert!(exploration(0.5, 4, 0, &[]).draw(1).is_empty());
    }

    fn any_exploration(most: usize) -> impl Strategy<Value = Exploration> {
        (0.0..=0.5_f64, 0..=most, 0..=most, prop::collection::vec(0..most, 0..3))
            .prop_map(|(epsilon, places, pool_size, fixed)| Exploration { epsilon, places, pool_size, fixed })
    }

    proptest! {
        #[test]
        fn chances_at_places_are_those_of_all_lists_counted_out(drawn in any_exploration(5)) {
            let mut lists = Vec::new();
            all_lists(&drawn, &[], 1.0, &mut lists);
            let chances = drawn.place_chances();
            for place in 0..drawn.places.min(drawn.pool_size) {
                for position in 0..drawn.pool_size {
                    let counted: f64 =
                        lists.iter().filter(|(list, _)| list[place] == position).map(|(_, chance)| chance).sum();
                    let found = chances.of(place, position);
                    prop_assert!((found - counted).abs() < 1e-12, "{place} {position}: {found} {counted}");
                }
                let sum: f64 = chances.at(place).map(|(_, chance)| chance).sum();
                prop_assert!((sum - 1.0).abs() < 1e-9, "{sum}");
            }
            prop_assert_eq!(chances.of(drawn.places, 0), 0.0);
            prop_assert_eq!(chances.of(0, drawn.pool_size), 0.0);
        }

        #[test]
        fn what_is_recorded_is_the_chance_given_the_places_above(drawn in any_exploration(12), seed: u64) {
            let list = drawn.draw(seed);
            prop_assert_eq!(list.len(), drawn.places.min(drawn.pool_size));
            let shown: Vec<_> = list.iter().map(|place| place.pool_position).collect();
            let different: HashSet<_> = shown.iter().collect();
            prop_assert_eq!(different.len(), shown.len());
            for (place, explored) in list.iter().enumerate() {
                let chance = drawn.chance_given_above(&shown[..place], explored.pool_position);
                prop_assert_eq!(explored.propensity, chance);
                prop_assert!(chance > 0.0 && chance <= 1.0);
            }
            prop_assert_eq!(drawn.draw(seed), list);
        }

        #[test]
        fn without_exploration_the_list_is_as_it_was(
            places in 0..20_usize, pool_size in 0..30_usize, fixed in prop::collection::vec(0..20_usize, 0..4), seed: u64,
        ) {
            let list = Exploration { epsilon: 0.0, places, pool_size, fixed }.draw(seed);
            for (place, explored) in list.iter().enumerate() {
                prop_assert_eq!(*explored, ExploredPlace { pool_position: place, propensity: 1.0 });
            }
        }

        #[test]
        fn pins_stay_where_they_are(seed: u64, pin in 0..6_usize) {
            let list = exploration(0.5, 6, 20, &[pin]).draw(seed);
            prop_assert_eq!(list[pin], ExploredPlace { pool_position: pin, propensity: 1.0 });
        }
    }

    #[test]
    fn lists_are_drawn_as_often_as_their_chances_say() {
        let drawn = exploration(0.4, 3, 5, &[1]);
        let chances = drawn.place_chances();
        let mut counts = vec![[0.0_f64; 5]; 3];
        for seed in 0..40_000 {
            for (place, explored) in drawn.draw(seed).iter().enumerate() {
                counts[place][explored.pool_position] += 1.0 / 40_000.0;
            }
        }
        for (place, row) in counts.iter().enumerate() {
            for (position, share) in row.iter().enumerate() {
                assert!((share - chances.of(place, position)).abs() < 0.01, "{place} {position}: {counts:?}");
            }
        }
    }
}
