//! What answers know beside the models: profiles, whose allergens and diets no answer may break,
//! promotions, which may raise products, and what is known of products for nutrition alone.

use std::collections::BTreeMap;

use larder_ranking::{CustomerProfile, Filter};

use crate::followed::Followed;
use crate::nutrition::food_match::FoodMatch;
use crate::nutrition::labels;

const DAY_US: i64 = 24 * 3_600_000_000;

/// What is known of a customer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Profile {
    /// Days since 1970.
    pub(crate) birth_day: Option<i32>,
    /// As the contract numbers them; 0 is not known.
    pub(crate) sex: i16,
    /// As the contract numbers them; 0 is not known.
    pub(crate) goal: i16,
    /// Diets to keep to: hard constraints.
    pub(crate) diets: Vec<String>,
    /// Allergens to stay away from: hard constraints.
    pub(crate) allergens: Vec<String>,
    pub(crate) attributes: BTreeMap<String, String>,
    /// The guideline that targets follow; empty means the tenant's.
    pub(crate) guideline: String,
    /// The goal by which products are scored; empty means the one that `goal` stands for.
    pub(crate) score_goal: String,
    pub(crate) body: Body,
}

/// What energy formulas need beside age and sex.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Body {
    pub(crate) height_cm: Option<f64>,
    pub(crate) weight_kg: Option<f64>,
    /// As the contract numbers them; 0 is not known.
    pub(crate) activity_level: i16,
    pub(crate) body_fat_percent: Option<f64>,
    /// As the contract numbers them; 0 is neither pregnant nor lactating.
    pub(crate) life_stage: i16,
    pub(crate) goal_rate_kg_per_week: Option<f64>,
}

impl Profile {
    /// Adds what the profile forbids to what a request forbids.
    pub(crate) fn constrain(&self, filter: &mut Filter) {
        filter.profile_allergens = labels::with_groups(&self.allergens);
        if !self.allergens.is_empty() {
            // Whoever must stay away from something is shown nothing that may hold it.
            filter.allow_unknown_allergens = false;
        }
        filter.profile_diets.clone_from(&self.diets);
    }

    /// What they say of themselves, as models learn from it.
    pub(crate) fn traits(&self, now_us: i64) -> Vec<String> {
        let age_days = self.birth_day.map(|day| (now_us / DAY_US) as i32 - day);
        let said = |value: i16| if value == 0 { String::new() } else { value.to_string() };
        let profile = CustomerProfile {
            age_years: age_days.and_then(|days| u32::try_from(days / 365).ok()),
            sex: said(self.sex),
            goal: said(self.goal),
            activity: said(self.body.activity_level),
            diets: self.diets.clone(),
            allergens: self.allergens.clone(),
            attributes: self.attributes.clone(),
        };
        profile.traits()
    }
}

/// A price cut for a while; instants in microseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Promotion {
    pub(crate) product_ids: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) starts_at_us: i64,
    pub(crate) ends_at_us: i64,
}

impl Promotion {
    /// Whether it is in force: from its start until just before its end.
    pub(crate) fn runs_at(&self, now_us: i64) -> bool {
        (self.starts_at_us..self.ends_at_us).contains(&now_us)
    }
}

/// What a tenant says of a product that ranking does not keep.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Declaration {
    /// As printed on the package.
    pub(crate) package_size: String,
    /// The allergens it is declared to contain, without what its name says.
    pub(crate) allergens: Vec<String>,
}

/// What is known of one tenant beside its models.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) profiles: Followed<Profile>,
    pub(crate) promotions: Followed<Promotion>,
    /// Which generic food stands for a product.
    pub(crate) matches: Followed<FoodMatch>,
    /// What the tenant says of products for nutrition alone, where it says something.
    pub(crate) declarations: Followed<Declaration>,
    /// Up to when the profiles are those that were kept on disk, in microseconds since 1970;
    /// `None` when none were kept.
    pub(crate) kept_as_of_us: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_says_its_age_and_wishes_and_nothing_that_is_not_known() {
        let now_us = 20_000 * DAY_US;
        assert!(Profile::default().traits(now_us).is_empty());
        let profile = Profile {
            birth_day: Some(20_000 - 30 * 366),
            goal: 1,
            diets: vec!["Vegan".to_owned()],
            ..Profile::default()
        };
        assert_eq!(profile.traits(now_us), ["age about=30", "age=30", "diet=vegan", "goal=1"]);
    }

    #[test]
    fn a_promotion_runs_from_its_start_until_before_its_end() {
        let promotion = Promotion { starts_at_us: 10, ends_at_us: 20, ..Promotion::default() };
        assert_eq!([9, 10, 19, 20].map(|now_us| promotion.runs_at(now_us)), [false, true, true, false]);
    }
}
