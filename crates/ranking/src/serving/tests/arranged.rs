//! Whole answers under constraints and wishes: nothing that is asked for brings back what may not be
//! shown, and every score is told apart.

use std::{collections::HashSet, sync::Arc};

use crate::{
    Arrangement, Boost, CategoryCap, Expression, Filter, Fit, Impression, Pin, ProductRecord, Promoted,
    Ranked, Ranker, RecommendQuery, RepeatPolicy, Serving, Shortfall, Wish,
    fixtures::{NOW_US, bought, ids, product, serving},
};

const PRODUCTS: u64 = 60;
const CATEGORIES: [&str; 5] = ["", "Dairy", "Fruit", "Bakery", "Fish"];
const ALLERGENS: [&str; 4] = ["milk", "Gluten", "fish", "nuts"];
const DIETS: [&str; 3] = ["vegan", "Halal", "kosher"];

/// Conditions with what they mean, said again in Rust.
type Meaning = fn(&ProductRecord) -> bool;
const EXPRESSIONS: [(&str, Meaning); 4] = [
    ("product.price < 3.0", |product| product.price_micros.is_some_and(|price| price < 3_000_000)),
    ("product.category == 'Dairy' || 'new' in product.tags", |product| {
        product.category == "Dairy" || product.tags.contains(&"new".to_owned())
    }),
    ("!('milk' in product.allergens)", |product| !product.allergens.contains(&"milk".to_owned())),
    ("product.attributes.origin == 'Utah'", |product| {
        product.attributes.get("origin").is_some_and(|origin| origin == "Utah")
    }),
];

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % end
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn share(&mut self) -> f64 {
        self.below(1_001) as f64 / 1_000.0
    }

    fn some<T: Clone>(&mut self, of: &[T], once_in: u64) -> Vec<T> {
        of.iter().filter(|_| self.once_in(once_in)).cloned().collect()
    }

    fn words(&mut self, of: &[&str], once_in: u64) -> Vec<String> {
        self.some(of, once_in).into_iter().map(str::to_owned).collect()
    }

    fn product(&mut self, number: u64) -> ProductRecord {
        let category = CATEGORIES[self.below(5) as usize];
        let priced = !self.once_in(6);
        ProductRecord {
            price_micros: priced.then(|| self.below(6) as i64 * 1_000_000),
            currency: if priced { ["USD", "EUR"][self.below(2) as usize].to_owned() } else { String::new() },
            tags: self.words(&["new", "organic"], 3),
            allergens: self.words(&ALLERGENS, 4),
            allergens_complete: !self.once_in(3),
            diets: self.words(&DIETS, 2),
            attributes: if self.once_in(2) { [("origin".into(), "Utah".into())].into() } else { [].into() },
            in_stock: !self.once_in(5),
            hidden: self.once_in(12),
            ..product(&format!("p{number}"), category)
        }
    }

    fn filter(&mut self, expressions: &[Arc<Expression>]) -> Filter {
        let bounded = self.once_in(4);
        Filter {
            categories: if self.once_in(3) { self.words(&CATEGORIES[1..], 2) } else { Vec::new() },
            exclude_product_ids: (0..self.below(4)).map(|_| format!("p{}", self.below(PRODUCTS))).collect(),
            min_price_micros: (bounded && self.once_in(2)).then(|| self.below(4) as i64 * 1_000_000),
            max_price_micros: bounded.then(|| self.below(6) as i64 * 1_000_000),
            currency: self.once_in(5).then(|| "USD".to_owned()),
            in_stock_only: self.once_in(2),
            exclude_allergens: self.words(&["MILK", "gluten", "fish", "nuts"], 8),
            allow_unknown_allergens: self.once_in(3),
            diets: self.words(&["VEGAN", "halal"], 8),
            expression: self.once_in(3).then(|| expressions[self.below(4) as usize].clone()),
            profile_allergens: self.words(&["Milk", "nuts"], 8),
            profile_diets: self.words(&["kosher"], 8),
        }
    }

    fn arrangement(&mut self, expressions: &[Arc<Expression>], promoted: &Arc<Promoted>) -> Arrangement {
        let boost = |chance: &mut Self| Boost {
            expression: expressions[chance.below(4) as usize].clone(),
            strength: chance.share() * 20.0 - 10.0,
        };
        let pin = |chance: &mut Self| Pin {
            product_id: format!("p{}", chance.below(PRODUCTS + 2)),
            position: 1 + chance.below(8) as usize,
        };
        Arrangement {
            boosts: (0..self.below(3)).map(|_| boost(self)).collect(),
            pins: (0..self.below(4)).map(|_| pin(self)).collect(),
            diversity: if self.once_in(2) { self.share() } else { 0.0 },
            category_caps: self
                .words(&CATEGORIES, 4)
                .into_iter()
                .map(|category| CategoryCap { category, max_count: 1 + self.below(3) as usize })
                .collect(),
            rotation: if self.once_in(2) { self.share() } else { 0.0 },
            min_relevance: if self.once_in(4) { self.share() * 0.3 } else { 0.0 },
            promotion_strength: if self.once_in(2) { self.share() * 10.0 } else { 0.0 },
            promoted: Some(Arc::clone(promoted)),
            fit_strength: if self.once_in(2) { self.share() * 10.0 } else { 0.0 },
            fit: self.once_in(2).then(|| {
                let fits =
                    (0..PRODUCTS).map(|product| (format!("p{product}"), self.share() as f32 * 2.0 - 1.0));
                Arc::new(Fit(fits.collect()))
            }),
            spare: self.below(4) as usize,
        }
    }
}

/// Whether the product may be shown, said again without the checks that are tested.
fn may_be_shown(record: &ProductRecord, filter: &Filter) -> bool {
    let has = |words: &[String], wanted: &String| {
        words.iter().any(|word| word.to_lowercase() == wanted.to_lowercase())
    };
    let mut allergens = filter.exclude_allergens.iter().chain(&filter.profile_allergens).peekable();
    let guarded = allergens.peek().is_some() && !filter.allow_unknown_allergens;
    let bounded =
        filter.min_price_micros.is_some() || filter.max_price_micros.is_some() || filter.currency.is_some();
    let meaning = |expression: &Arc<Expression>| {
        EXPRESSIONS.iter().any(|(text, meaning)| *text == expression.text() && meaning(record))
    };
    !record.hidden
        && (record.allergens_complete || !guarded)
        && !allergens.any(|allergen| has(&record.allergens, allergen))
        && filter.diets.iter().chain(&filter.profile_diets).all(|diet| has(&record.diets, diet))
        && (record.in_stock || !filter.in_stock_only)
        && (filter.categories.is_empty() || filter.categories.contains(&record.category))
        && !filter.exclude_product_ids.contains(&record.product_id)
        && (!bounded || record.price_micros.is_some())
        && filter.currency.as_ref().is_none_or(|currency| *currency == record.currency)
        && record.price_micros.is_none_or(|price| {
            filter.min_price_micros.is_none_or(|lowest| price >= lowest)
                && filter.max_price_micros.is_none_or(|highest| price <= highest)
        })
        && filter.expression.as_ref().is_none_or(meaning)
}

fn check(answer: &Ranked, serving: &Serving, query: &RecommendQuery<'_>, plain: &dyn Fn() -> Ranked) {
    let shown = || answer.items.iter().chain(&answer.spare);
    for item in shown() {
        let record = serving.product(&item.product_id).unwrap();
        assert!(may_be_shown(record, query.filter), "{record:?} breaks {:?}", query.filter);
        assert!(item.score.is_finite() && !item.reasons.is_empty(), "{item:?}");
    }
    let distinct: HashSet<&str> = shown().map(|item| item.product_id.as_str()).collect();
    assert_eq!(distinct.len(), answer.items.len() + answer.spare.len(), "a product twice: {answer:?}");
    assert!(answer.items.len() <= query.limit && answer.spare.len() <= query.arrangement.spare);
    assert_eq!(answer.shortfall.is_some(), answer.items.len() < query.limit, "{answer:?}");
    for pin in &query.arrangement.pins {
        let stands = answer.items.get(pin.position - 1);
        let stands = stands.is_some_and(|item| item.pinned && item.product_id == pin.product_id);
        let given_up = answer.relaxations.iter().any(|given_up| given_up.wish == Wish::Pin);
        let again =
            query.arrangement.pins.iter().filter(|other| other.product_id == pin.product_id).count() > 1;
        assert!(stands || given_up || again, "{pin:?} in {answer:?}");
    }
    if query.arrangement.is_plain() {
        assert_eq!(*answer, plain());
    }
}

fn shop(chance: &mut Chance) -> Serving {
    let products: Vec<ProductRecord> = (0..PRODUCTS).map(|number| chance.product(number)).collect();
    let events: Vec<_> = (0..400)
        .map(|_| {
            let (customer, product) = (chance.below(20), chance.below(PRODUCTS).min(chance.below(PRODUCTS)));
            bought(&format!("c{customer}"), &format!("p{product}"), chance.below(300) as i64)
        })
        .collect();
    serving(&products, &events)
}

/// Asks so many times for anything, while the products change.
fn ask_for_anything(requests: u64, seed: u64) {
    let mut chance = Chance(seed);
    let mut serving = shop(&mut chance);
    let expressions: Vec<Arc<Expression>> =
        EXPRESSIONS.iter().map(|(text, _)| Arc::new(Expression::compile(text).unwrap())).collect();
    let promoted = Promoted { product_ids: ["p3".to_owned()].into(), categories: ["Fish".to_owned()].into() };
    let promoted = Arc::new(promoted);
    let filters: Vec<Filter> = (0..40).map(|_| chance.filter(&expressions)).collect();
    for request in 0..requests {
        if request % 50 == 0 {
            let number = chance.below(PRODUCTS);
            serving.upsert_product(chance.product(number));
        }
        let fresh = chance.filter(&expressions);
        let filter = if chance.once_in(2) { &fresh } else { &filters[chance.below(40) as usize] };
        let arrangement = chance.arrangement(&expressions, &promoted);
        let impressions: Vec<Impression> = (0..chance.below(5))
            .map(|_| Impression {
                product_id: format!("p{}", chance.below(PRODUCTS)).into(),
                times: 1 + chance.below(9) as u32,
                last_shown_us: NOW_US - chance.below(1_000_000_000_000) as i64,
            })
            .collect();
        let customer = format!("c{}", chance.below(22));
        let policies = [RepeatPolicy::Allow, RepeatPolicy::Allow, RepeatPolicy::Exclude, RepeatPolicy::Only];
        let query = RecommendQuery {
            traits: &[],
            customer_id: &customer,
            limit: chance.below(13) as usize,
            filter,
            repeat_policy: policies[chance.below(4) as usize],
            ranker: [Ranker::Learned, Ranker::Linear][chance.below(2) as usize],
            arrangement: &arrangement,
            impressions: &impressions,
        };
        let plain =
            || serving.recommend(&RecommendQuery { arrangement: Arrangement::plain(), ..query }, NOW_US);
        check(&serving.recommend(&query, NOW_US), &serving, &query, &plain);
    }
}

#[test]
fn no_request_brings_what_may_not_be_shown() {
    ask_for_anything(40_000, 1);
}

#[test]
#[ignore = "the same a million times, which takes a minute or two"]
fn a_million_requests_bring_nothing_that_may_not_be_shown() {
    ask_for_anything(1_000_000, 2);
}

fn arranged(serving: &Serving, limit: usize, filter: &Filter, arrangement: &Arrangement) -> Ranked {
    let query = RecommendQuery {
        customer_id: "ann",
        limit,
        filter,
        repeat_policy: RepeatPolicy::Allow,
        ranker: Ranker::Linear,
        arrangement,
        traits: &[],
        impressions: &[],
    };
    serving.recommend(&query, NOW_US)
}

fn small_shop() -> Serving {
    let products: Vec<ProductRecord> = [
        ("milk", "Dairy"),
        ("butter", "Dairy"),
        ("yogurt", "Dairy"),
        ("bread", "Bakery"),
        ("apples", "Fruit"),
        ("pears", "Fruit"),
    ]
    .iter()
    .map(|(id, category)| product(id, category))
    .collect();
    let mut events = Vec::new();
    for (place, record) in products.iter().enumerate() {
        for customer in 0..10 - place {
            events.push(bought(&format!("c{customer}"), &record.product_id, 5));
        }
    }
    serving(&products, &events)
}

#[test]
fn a_pin_gives_way_to_a_constraint_and_says_why() {
    let mut serving = small_shop();
    let wish = |id: &str| Arrangement {
        pins: vec![Pin { product_id: id.to_owned(), position: 2 }],
        ..Arrangement::default()
    };
    let all = Filter::default();
    let answer = arranged(&serving, 3, &all, &wish("pears"));
    assert_eq!(ids(&answer), ["milk", "pears", "butter"]);
    assert_eq!(answer.items.iter().map(|item| item.pinned).collect::<Vec<_>>(), [false, true, false]);
    assert!(answer.relaxations.is_empty());

    serving.upsert_product(ProductRecord { allergens: vec!["nuts".to_owned()], ..product("pears", "Fruit") });
    let careful = Filter {
        profile_allergens: vec!["nuts".to_owned()],
        allow_unknown_allergens: true,
        ..Filter::default()
    };
    let answer = arranged(&serving, 3, &careful, &wish("pears"));
    assert_eq!(ids(&answer), ["milk", "butter", "yogurt"]);
    let told = "pears is not shown: contains nuts, which the profile of the customer excludes";
    assert_eq!(answer.relaxations[0].detail, told);
    let unknown = arranged(&serving, 1, &all, &wish("caviar"));
    assert_eq!(unknown.relaxations[0].detail, "caviar is not shown: not in the catalogue");
}

#[test]
fn a_boost_and_a_promotion_are_in_the_score_by_name() {
    let serving = small_shop();
    let all = Filter::default();
    let plain = arranged(&serving, 6, &all, Arrangement::plain());
    let arrangement = Arrangement {
        boosts: vec![Boost {
            expression: Arc::new(Expression::compile("product.category == 'Fruit'").unwrap()),
            strength: 5.0,
        }],
        promotion_strength: 7.0,
        promoted: Some(Arc::new(Promoted {
            product_ids: ["pears".to_owned()].into(),
            ..Promoted::default()
        })),
        ..Arrangement::default()
    };
    let answer = arranged(&serving, 6, &all, &arrangement);
    assert_eq!(ids(&answer)[..3], ["pears", "apples", "milk"]);
    for item in &answer.items {
        let before = plain.items.iter().find(|other| other.product_id == item.product_id).unwrap();
        let moved: f64 = item.deltas.iter().map(|delta| delta.value).sum();
        assert!((before.score + moved - item.score).abs() < 1e-12, "{item:?}");
    }
    let names: Vec<&str> = answer.items[0].deltas.iter().map(|delta| delta.name).collect();
    assert_eq!(names, ["boost", "promotion"]);
    assert!(answer.items[2].deltas.is_empty());
}

#[test]
fn caps_are_filled_from_other_categories_before_they_give_way() {
    let serving = small_shop();
    let all = Filter::default();
    let caps = |max_count| Arrangement {
        category_caps: vec![CategoryCap { category: String::new(), max_count }],
        ..Arrangement::default()
    };
    let answer = arranged(&serving, 3, &all, &caps(1));
    assert_eq!(ids(&answer), ["milk", "bread", "apples"]);
    assert!(answer.relaxations.is_empty());
    let answer = arranged(&serving, 4, &all, &caps(1));
    assert_eq!(ids(&answer), ["milk", "bread", "apples", "butter"]);
    assert_eq!(answer.relaxations.len(), 1);
    assert_eq!(answer.relaxations[0].wish, Wish::CategoryCap);
}

#[test]
fn too_little_relevance_makes_the_list_short_and_spares_are_told_apart() {
    let serving = small_shop();
    let all = Filter::default();
    let strict = Arrangement { min_relevance: 0.75, ..Arrangement::default() };
    let answer = arranged(&serving, 6, &all, &strict);
    assert_eq!(ids(&answer), ["milk", "butter", "yogurt"]);
    assert_eq!(answer.shortfall, Some(Shortfall::TooLittleRelevance));

    let spare = Arrangement { spare: 2, ..Arrangement::default() };
    let answer = arranged(&serving, 3, &all, &spare);
    assert_eq!(ids(&answer), ["milk", "butter", "yogurt"]);
    let behind: Vec<&str> = answer.spare.iter().map(|item| item.product_id.as_str()).collect();
    assert_eq!(behind, ["bread", "apples"]);
}
