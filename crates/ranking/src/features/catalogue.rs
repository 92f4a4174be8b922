//! The features by name, and the groups they are explained in. Their order is part of the snapshot
//! format: adding, removing or moving one is a new format version.

macro_rules! features {
    ($($group:ident { $($(#[doc = $doc:literal])* $name:ident,)* })*) => {
        /// One column of what the ranker looks at.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub(crate) enum Feature { $($($(#[doc = $doc])* $name,)*)* }

        impl Feature {
            /// Every feature in the order of columns.
            pub(crate) const ALL: &'static [Self] = &[$($(Self::$name,)*)*];

            /// What it is explained as.
            pub(crate) fn group(self) -> FeatureGroup {
                match self { $($(Self::$name => FeatureGroup::$group,)*)* }
            }
        }
    };
}

/// What features are told as to a shopper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FeatureGroup {
    /// How often the customer bought it.
    OwnPurchases,
    /// How the customer's rhythm of buying it fits today.
    Rhythm,
    /// How much and how often the customer buys at all.
    Household,
    /// How many people buy it, of late and altogether.
    Popularity,
    /// Whether its buyers buy it again.
    Loyalty,
    /// What customers with a similar basket buy.
    SimilarCustomers,
    /// What is bought together with the customer's products.
    SimilarProducts,
    /// How much the customer buys of its category and kind.
    Category,
    /// How much the customer buys of its brand.
    Brand,
    /// It is bought with products the customer does not want.
    Disliked,
}

features! {
    OwnPurchases {
        /// Days it was bought on.
        OwnDays,
        /// Those days, halving every week.
        OwnDecayed7,
        /// Halving every three weeks.
        OwnDecayed21,
        /// Halving every two months.
        OwnDecayed60,
        /// Halving every four months.
        OwnDecayed120,
        /// Halving every ten months.
        OwnDecayed300,
        /// Its rank among the customer's products by the sum halving every four months.
        OwnRank,
        /// Mean pieces at a time.
        OwnQuantity,
        /// Views, carts and likes, halving every three weeks.
        OwnInterest,
        /// How many of the newest five baskets hold it.
        OwnLast5,
        /// Of the newest ten.
        OwnLast10,
        /// Of the newest twenty.
        OwnLast20,
        /// Share of all baskets.
        OwnBasketShare,
        /// Share of the baskets since it was first bought.
        OwnBasketShareSinceFirst,
        /// Share of the baskets, both halving every four months.
        OwnBasketShare120,
        /// Both halving every two months.
        OwnBasketShare60,
        /// The decayed sum times the chance that a buyer of it comes back.
        OwnExpected,
    }
    Rhythm {
        /// Days since the last purchase.
        OwnSince,
        /// Days since the first.
        OwnFirst,
        /// Mean days between purchases.
        OwnGap,
        /// Their standard deviation.
        OwnGapDeviation,
        /// Days between the last two purchases.
        OwnLastGap,
        /// Days since the last purchase by the mean gap.
        OwnOverdue,
        /// Baskets since the last that held it.
        OwnBasketsSince,
    }
    Household {
        /// Baskets.
        Baskets,
        /// Baskets of the last 30 days.
        Baskets30,
        /// Days since the last basket.
        LastBasket,
        /// Days since the first basket.
        FirstBasket,
        /// Mean products in a basket.
        BasketSize,
        /// Different products.
        Products,
        /// Different products of the last 30 days.
        Products30,
        /// Different products by purchases.
        Variety,
    }
    Popularity {
        /// Customers who bought it.
        Buyers,
        /// In the last 7 days.
        Buyers7,
        /// In the last 14 days.
        Buyers14,
        /// In the last 30 days.
        Buyers30,
        /// In the last 60 days.
        Buyers60,
        /// Purchases halving every four months.
        Sold120,
        /// Purchases halving every two weeks.
        Sold14,
        /// Purchases of the last 30 days by those of a month before.
        Trend,
        /// What is sold of its category of late, by what was sold before.
        CategoryTrend,
        /// What is sold of its kind of late, by what was sold before.
        KindTrend,
        /// What its category sold at this time of last year, by the whole year.
        Season,
        /// Days since anybody bought it.
        SoldSince,
        /// Its share of what is sold of its category.
        ShareOfCategory,
        /// Its share of what is sold of its kind.
        ShareOfKind,
        /// Its share of what is sold of its brand.
        ShareOfBrand,
    }
    Loyalty {
        /// Share of buyers who bought it more than once.
        BoughtAgain,
        /// Share of earlier buyers who bought it in the last 30 days.
        CameBack,
        /// Mean days between the purchases of a buyer.
        CommonGap,
        /// Purchases by buyers.
        PurchasesPerBuyer,
    }
    SimilarCustomers {
        /// Decayed purchases of the customers most alike.
        NeighboursLong,
        /// Share of them who bought it in the last 30 days.
        NeighboursRecent,
        /// How the customer's vector fits the product's.
        Factors,
        /// How much more often those have it who say the same of themselves, by the logarithm.
        Foreseen,
    }
    SimilarProducts {
        /// Mean similarity to the customer's products.
        Similarity,
        /// What the customer's products say for it, each beside the others.
        Ease,
        /// How like the customer's products it is by what it is: category, brand, words, nutrition.
        Likeness,
    }
    Category {
        /// Purchases of its category, halving every four months.
        Category120,
        /// Halving every three weeks.
        Category21,
        /// Days since one.
        CategorySince,
        /// Its share of the customer's category.
        OwnShareOfCategory,
        /// The category's share of what the customer buys.
        CategoryShare,
        /// The customer's category, shared out by what everybody buys.
        CategoryExpected,
        /// The same of its kind.
        Kind120,
        /// Halving every three weeks.
        Kind21,
        /// Days since one of its kind was bought.
        KindSince,
        /// Its share of what the customer buys of the kind.
        OwnShareOfKind,
        /// The kind's share of what the customer buys.
        KindShare,
        /// The customer's purchases of the kind, shared out by what everybody buys.
        KindExpected,
        /// Days since the last purchase beyond those since one of its kind: above 0 when another took its place.
        Replaced,
    }
    Brand {
        /// Purchases of its brand within the category, halving every four months.
        Brand120,
        /// Halving every three weeks.
        Brand21,
        /// Days since one.
        BrandSince,
        /// Its share of what the customer buys of the brand.
        OwnShareOfBrand,
        /// The brand's share of what the customer buys.
        BrandShare,
    }
}
