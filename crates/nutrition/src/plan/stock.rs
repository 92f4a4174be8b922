//! Packs that are opened, what is eaten from them and what is left, day by day.

use super::compiled::FoodCard;

/// How a food that is eaten is come by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Provision {
    /// Packs that are bought.
    pub(super) packs: f64,
    /// Grams that are eaten from the pantry.
    pub(super) pantry_g: f64,
    /// Grams that are eaten from packs that are bought.
    pub(super) bought_g: f64,
    /// Grams of opened packs that do not keep until they are eaten.
    pub(super) wasted_g: f64,
}

/// A hair's breadth, in packs: whole packs divided into servings are whole again.
const HAIR: f64 = 1e-9;

/// How these servings by day are come by: from the pantry first, then from what is open, then
/// from new packs.
pub(super) fn provision(card: &FoodCard, servings: &[u16]) -> Provision {
    let eaten_g = servings.iter().map(|&servings| f64::from(servings)).sum::<f64>() * card.serving_g;
    let pantry_g = eaten_g.min(card.pantry_g);
    let bought_g = eaten_g - pantry_g;
    let Some(keeps_days) = card.keeps_days else {
        return Provision {
            packs: (bought_g / card.pack_g - HAIR).ceil().max(0.0),
            pantry_g,
            bought_g,
            wasted_g: 0.0,
        };
    };
    if servings.len() == 1 || keeps_days >= servings.len() {
        let packs = (bought_g / card.pack_g - HAIR).ceil().max(0.0);
        let wasted_g = (packs * card.pack_g - bought_g).max(0.0);
        return Provision { packs, pantry_g, bought_g, wasted_g };
    }
    let mut at_home_g = card.pantry_g;
    let (mut open_g, mut open_until) = (0.0, 0);
    let mut provision = Provision { pantry_g, bought_g, ..Provision::default() };
    for (day, &count) in servings.iter().enumerate() {
        let mut needed_g = f64::from(count) * card.serving_g;
        if needed_g == 0.0 {
            continue;
        }
        let from_home_g = needed_g.min(at_home_g);
        at_home_g -= from_home_g;
        needed_g -= from_home_g;
        if day >= open_until {
            provision.wasted_g += open_g;
            open_g = 0.0;
        }
        let from_open_g = needed_g.min(open_g);
        open_g -= from_open_g;
        needed_g -= from_open_g;
        let packs = (needed_g / card.pack_g - HAIR).ceil().max(0.0);
        if packs > 0.0 {
            provision.packs += packs;
            open_g = packs * card.pack_g - needed_g;
            open_until = day + keeps_days;
        }
    }
    provision.wasted_g += open_g;
    provision
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(pack_g: f64, keeps_days: Option<usize>, pantry_g: f64) -> FoodCard {
        FoodCard {
            place: 0,
            serving_g: 100.0,
            serving_kcal: 100.0,
            gram_cost: 0.0,
            pack_micros: 1.0,
            pack_g,
            keeps_days,
            pantry_g,
            can_be_bought: true,
            most_servings: 3,
            disliking: 0.0,
            category: None,
            is_meat: false,
            is_dairy: false,
        }
    }

    #[test]
    fn a_pack_that_keeps_is_eaten_up_over_the_days() {
        let provision = provision(&card(250.0, None, 0.0), &[1, 0, 1, 0, 1]);
        assert_eq!(provision, Provision { packs: 2.0, pantry_g: 0.0, bought_g: 300.0, wasted_g: 0.0 });
    }

    #[test]
    fn an_open_pack_is_wasted_after_its_days() {
        let kept = provision(&card(300.0, Some(3), 0.0), &[1, 0, 1, 0, 1]);
        assert_eq!((kept.packs, kept.wasted_g), (2.0, 300.0), "100 of the first and 200 of the second");
        let in_time = provision(&card(300.0, Some(3), 0.0), &[1, 1, 1, 0, 0]);
        assert_eq!((in_time.packs, in_time.wasted_g), (1.0, 0.0));
    }

    #[test]
    fn the_pantry_is_eaten_first() {
        let stocked = provision(&card(300.0, Some(2), 150.0), &[1, 1, 0, 0]);
        assert_eq!((stocked.pantry_g, stocked.bought_g, stocked.packs), (150.0, 50.0, 1.0));
        let enough = provision(&card(300.0, None, 900.0), &[1, 2, 3]);
        assert_eq!((enough.packs, enough.pantry_g), (0.0, 600.0));
    }

    #[test]
    fn servings_that_fill_packs_need_no_more_packs() {
        let thirds = FoodCard { serving_g: 100.0 / 3.0, ..card(100.0, None, 0.0) };
        assert_eq!(provision(&thirds, &[3, 3, 3]).packs, 3.0);
    }
}
