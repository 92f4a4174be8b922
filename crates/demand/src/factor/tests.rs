//! Factors in words.

use super::{Factor, FactorKind};

#[test]
fn factors_read_as_a_vendor_would_say_them() {
    let words = |kind, effect| Factor::new(kind, effect).to_string();
    assert_eq!(words(FactorKind::Rain, 0.8), "rain expected: 20 % fewer");
    assert_eq!(words(FactorKind::Rain, 1.05), "no rain expected: 5 % more");
    assert_eq!(words(FactorKind::Trend, 0.93), "sales have been falling: 7 % fewer");
    assert_eq!(
        words(FactorKind::SoldOut { days: 3, of: 5 }, 1.12),
        "sold out on 3 of the last 5 days: counted as 12 % more"
    );
    assert_eq!(
        words(FactorKind::Pooling { own_days: 4 }, 0.9),
        "only 4 market days of its own, leaning on others: 10 % fewer"
    );
    let festival = Factor::new(FactorKind::Event, 1.15).named("festival nearby");
    assert_eq!(festival.to_string(), "festival nearby: 15 % more");
}

#[test]
fn what_changes_nothing_is_not_worth_a_word() {
    assert!(!Factor::new(FactorKind::Season, 1.004).is_worth_a_word());
    assert!(Factor::new(FactorKind::Season, 0.98).is_worth_a_word());
    assert_eq!(Factor::new(FactorKind::Season, 1.0).to_string(), "time of the year: no change");
}
