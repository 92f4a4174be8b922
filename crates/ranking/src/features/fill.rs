//! Writes the features of every candidate into the block, column by column of the catalogue.

use super::{
    Feature, FeatureModels, Scratch,
    customer::Household,
    discovered::Discovered,
    gather::Candidate,
    own::{HALVING_7, HALVING_21, HALVING_60, HALVING_120, HALVING_300, OwnProduct},
    shelves::{BRAND, CATEGORY, KIND, ShelfSum},
    statistics::ProductFacts,
};
use crate::{
    DiscoveryModel,
    forest::{FeatureBlock, LANES},
};

/// The features of so many candidates as are scored side by side. They are put together here and then
/// copied, since neighbouring features of one candidate lie far apart in the block.
type Strip = [[f32; LANES]; FEATURES];

const FEATURES: usize = Feature::ALL.len();

pub(super) fn fill(scratch: &mut Scratch, models: FeatureModels<'_>) {
    let Scratch { candidates, own, block, household, sums, discovered, likeness, foreseen, .. } = scratch;
    if block.features() != FEATURES {
        *block = FeatureBlock::new(FEATURES);
    }
    block.make_room(candidates.len());
    for (place, candidates) in candidates.chunks(LANES).enumerate() {
        let mut strip = [[f32::NAN; LANES]; FEATURES];
        set_household(&mut strip, household);
        for (lane, candidate) in candidates.iter().enumerate() {
            let facts = models.statistics.of(candidate.product);
            let own = candidate.is_own().then(|| &own[candidate.own as usize]);
            let mut columns = Columns { strip: &mut strip, lane };
            columns.own(own, &facts, household);
            columns.product(&facts);
            columns.neighbours(candidate);
            columns.discovered(discovered, models.discovery, candidate.product);
            columns.set(Feature::Foreseen, foreseen.of(candidate.product));
            if let Some(content) = models.content {
                columns.set(Feature::Likeness, likeness.of(content, candidate.product));
            }
            let shelves = models.shelves.of_product(candidate.product);
            let of = |way: usize| shelves[way].map(|shelf| sums.of(way, shelf).unwrap_or_default());
            columns.shelves([of(CATEGORY), of(KIND), of(BRAND)], own, &facts, household);
        }
        block.write_strip(place, &strip);
    }
}

/// What is the same for every candidate.
fn set_household(strip: &mut Strip, household: &Household) {
    let mut set = |feature: Feature, value: f32| strip[feature as usize] = [value; LANES];
    set(Feature::Baskets, household.baskets);
    set(Feature::Baskets30, household.baskets_30);
    set(Feature::LastBasket, household.last_basket);
    set(Feature::FirstBasket, household.first_basket);
    set(Feature::BasketSize, household.basket_size);
    set(Feature::Products, household.products);
    set(Feature::Products30, household.products_30);
    set(Feature::Variety, household.variety);
}

/// One candidate's place in the strip.
struct Columns<'a> {
    strip: &'a mut Strip,
    lane: usize,
}

impl Columns<'_> {
    fn set(&mut self, feature: Feature, value: f32) {
        // Every feature of every candidate passes here: the remainder spares a comparison.
        self.strip[feature as usize][self.lane % LANES] = value;
    }

    fn own(&mut self, own: Option<&OwnProduct>, facts: &ProductFacts, household: &Household) {
        let Some(own) = own else {
            for feature in
                [Feature::OwnDays, Feature::OwnDecayed120, Feature::OwnInterest, Feature::OwnExpected]
            {
                self.set(feature, 0.0);
            }
            return;
        };
        self.set(Feature::OwnDays, own.days);
        self.set(Feature::OwnDecayed7, own.decayed[HALVING_7]);
        self.set(Feature::OwnDecayed21, own.decayed[HALVING_21]);
        self.set(Feature::OwnDecayed60, own.decayed[HALVING_60]);
        self.set(Feature::OwnDecayed120, own.decayed[HALVING_120]);
        self.set(Feature::OwnDecayed300, own.decayed[HALVING_300]);
        self.set(Feature::OwnRank, own.rank);
        self.set(Feature::OwnQuantity, own.quantity);
        self.set(Feature::OwnInterest, own.interest);
        self.set(Feature::OwnLast5, own.last_5);
        self.set(Feature::OwnLast10, own.last_10);
        self.set(Feature::OwnLast20, own.last_20);
        self.set(Feature::OwnBasketShare, own.days / household.baskets.max(1.0));
        self.set(Feature::OwnBasketShareSinceFirst, own.days / own.baskets_since_first);
        let by = |sum: f32, all: f32| sum / all.max(0.01);
        self.set(Feature::OwnBasketShare120, by(own.decayed[HALVING_120], household.baskets_decayed_120));
        self.set(Feature::OwnBasketShare60, by(own.decayed[HALVING_60], household.baskets_decayed_60));
        self.set(Feature::OwnExpected, own.decayed[HALVING_120] * facts.came_back);
        self.set(Feature::OwnSince, own.since);
        self.set(Feature::OwnFirst, own.first);
        self.set(Feature::OwnGap, own.gap);
        self.set(Feature::OwnGapDeviation, own.gap_deviation);
        self.set(Feature::OwnLastGap, own.last_gap);
        self.set(Feature::OwnOverdue, if own.gap.is_nan() { f32::NAN } else { own.since / own.gap.max(1.0) });
        self.set(Feature::OwnBasketsSince, own.baskets_since);
    }

    fn product(&mut self, facts: &ProductFacts) {
        self.set(Feature::Buyers, facts.buyers);
        let [within_7, within_14, within_30, within_60] = facts.buyers_within;
        self.set(Feature::Buyers7, within_7);
        self.set(Feature::Buyers14, within_14);
        self.set(Feature::Buyers30, within_30);
        self.set(Feature::Buyers60, within_60);
        self.set(Feature::Sold120, facts.sold_120);
        self.set(Feature::Sold14, facts.sold_14);
        self.set(Feature::Trend, facts.trend);
        let [category_trend, kind_trend] = facts.trend_of;
        self.set(Feature::CategoryTrend, category_trend);
        self.set(Feature::KindTrend, kind_trend);
        self.set(Feature::Season, facts.season);
        self.set(Feature::SoldSince, facts.sold_since);
        self.set(Feature::ShareOfCategory, facts.share_of[CATEGORY]);
        self.set(Feature::ShareOfKind, facts.share_of[KIND]);
        self.set(Feature::ShareOfBrand, facts.share_of[BRAND]);
        self.set(Feature::BoughtAgain, facts.bought_again);
        self.set(Feature::CameBack, facts.came_back);
        self.set(Feature::CommonGap, facts.common_gap);
        self.set(Feature::PurchasesPerBuyer, facts.purchases_per_buyer);
    }

    fn discovered(&mut self, discovered: &Discovered, model: Option<&DiscoveryModel>, product: u32) {
        let Some(model) = model else { return };
        self.set(Feature::Ease, discovered.ease(product));
        self.set(Feature::Factors, discovered.fit(model, product));
    }

    fn neighbours(&mut self, candidate: &Candidate) {
        self.set(Feature::NeighboursLong, candidate.neighbours_long);
        self.set(Feature::NeighboursRecent, candidate.neighbours_recent);
        self.set(Feature::Similarity, candidate.similarity);
    }

    /// The shelves as the customer buys of them; what the product does not stand on stays missing.
    fn shelves(
        &mut self,
        [category, kind, brand]: [Option<ShelfSum>; 3],
        own: Option<&OwnProduct>,
        facts: &ProductFacts,
        household: &Household,
    ) {
        let own_120 = own.map_or(0.0, |own| own.decayed[HALVING_120]);
        let share = |part: f32, all: f32| if all > 0.0 { part / all } else { 0.0 };
        if let Some(sum) = category {
            self.sums([Feature::Category120, Feature::Category21, Feature::CategorySince], sum);
            self.set(Feature::OwnShareOfCategory, share(own_120, sum.decayed_120));
            self.set(Feature::CategoryShare, share(sum.decayed_120, household.decayed_120));
            self.set(Feature::CategoryExpected, sum.decayed_120 * facts.share_of[CATEGORY]);
        }
        if let Some(sum) = kind {
            self.sums([Feature::Kind120, Feature::Kind21, Feature::KindSince], sum);
            self.set(Feature::OwnShareOfKind, share(own_120, sum.decayed_120));
            self.set(Feature::KindShare, share(sum.decayed_120, household.decayed_120));
            self.set(Feature::KindExpected, sum.decayed_120 * facts.share_of[KIND]);
            self.set(Feature::Replaced, own.map_or(f32::NAN, |own| own.since - sum.since));
        }
        if let Some(sum) = brand {
            self.sums([Feature::Brand120, Feature::Brand21, Feature::BrandSince], sum);
            self.set(Feature::OwnShareOfBrand, share(own_120, sum.decayed_120));
            self.set(Feature::BrandShare, share(sum.decayed_120, household.decayed_120));
        }
    }

    fn sums(&mut self, [of_120, of_21, since]: [Feature; 3], sum: ShelfSum) {
        self.set(of_120, sum.decayed_120);
        self.set(of_21, sum.decayed_21);
        self.set(since, if sum.decayed_120 > 0.0 { sum.since } else { f32::NAN });
    }
}
