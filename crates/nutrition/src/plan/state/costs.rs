//! What the parts of a plan cost, worked out anew from what is on the plates.

use super::State;
use crate::plan::stock::provision;

impl State<'_> {
    pub(super) fn cost_of_person(&self, person: usize) -> f64 {
        let goals = &self.plan.eaters[person % self.plan.eaters.len()].goals;
        goals.iter().zip(self.sums_of(person)).map(|(goal, sum)| goal.cost(*sum)).sum()
    }

    /// Deviation from the meal's share of energy, with what is not liked or known of its foods.
    pub(super) fn cost_of_plate(&self, plate: usize) -> f64 {
        let eater = &self.plan.eaters[self.eater_of(plate)];
        let items = self.plates[plate].items().iter();
        let foods = items.map(|&(food, servings)| {
            self.plan.card(food).disliking + f64::from(servings) * eater.unknown[usize::from(food)]
        });
        foods.sum::<f64>() + self.share_cost(plate, self.plate_kcal[plate])
    }

    /// What it costs that a plate has so much energy.
    pub(in crate::plan) fn share_cost(&self, plate: usize, kcal: f64) -> f64 {
        let eater = &self.plan.eaters[self.eater_of(plate)];
        let due = self.plan.shares[self.meal_of(plate)] * eater.energy_kcal;
        self.plan.share_weight * (kcal - due).abs() / eater.energy_kcal
    }

    /// What plates and people cost that are not among these.
    pub(in crate::plan) fn fixed_cost(&self, free: &[usize], people: &[usize]) -> f64 {
        let plates = (0..self.plates.len()).filter(|plate| !free.contains(plate));
        let others = (0..self.person_cost.len()).filter(|person| !people.contains(person));
        plates.map(|plate| self.plate_cost[plate]).sum::<f64>()
            + others.map(|person| self.person_cost[person]).sum::<f64>()
    }

    /// Money and repetition, as a part of the objective, and the money that is paid.
    pub(super) fn cost_of_food(&self, food: u16) -> (f64, f64) {
        let card = self.plan.card(food);
        let uses = self.uses[usize::from(food)];
        if uses == 0 {
            return (0.0, 0.0);
        }
        let provision = provision(card, self.servings_by_day(food));
        let money = self.plan.money(card, &provision);
        (money + self.plan.repetition * f64::from(uses - 1), provision.packs * card.pack_micros)
    }
}
