//! The laws of the file format, and of taking a customer out.

use std::sync::Arc;

use proptest::prelude::*;

use super::format::FORMAT_VERSION;
use crate::{
    InteractionKind, Serving, Snapshot, SnapshotError, Trainer, TrainingSettings,
    fixtures::{DAY_US, NOW_US, any_events, any_products, ask, bought, event, header, ids, product, trained},
};

const PREAMBLE_LENGTH: usize = 24;
const FRAME_LENGTH: usize = 9;

fn small_shop() -> Snapshot {
    let products = [product("apples", "Fruit"), product("milk", "Dairy"), product("yogurt", "Dairy")];
    let mut events = Vec::new();
    for customer in ["ann", "bob", "cleo"] {
        events.extend([
            bought(customer, "milk", 3),
            bought(customer, "milk", 10),
            bought(customer, "yogurt", 3),
        ]);
    }
    events.push(event("ann", InteractionKind::Dislike, "apples", 1));
    events.push(bought("ann", "a product nobody listed", 2));
    trained(&products, &events)
}

/// Makes every checksum right again, so that what the sections say is read.
fn reseal(bytes: &mut [u8]) {
    let preamble = crc32fast::hash(&bytes[..PREAMBLE_LENGTH - 4]);
    bytes[PREAMBLE_LENGTH - 4..PREAMBLE_LENGTH].copy_from_slice(&preamble.to_le_bytes());
    let mut at = PREAMBLE_LENGTH;
    while at + FRAME_LENGTH + 4 <= bytes.len() {
        let length = u64::from_le_bytes(bytes[at + 1..at + FRAME_LENGTH].try_into().unwrap()) as usize;
        let payload = at + FRAME_LENGTH + 4;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&bytes[at..at + FRAME_LENGTH]);
        hasher.update(&bytes[payload..payload + length]);
        bytes[at + FRAME_LENGTH..payload].copy_from_slice(&hasher.finalize().to_le_bytes());
        at = payload + length;
    }
}

#[test]
fn counts_what_it_was_trained_on() {
    let snapshot = small_shop();
    assert_eq!(snapshot.tenant(), "demo");
    assert_eq!(snapshot.version(), "v1");
    assert_eq!(snapshot.watermark(), header().watermark);
    assert_eq!(snapshot.trained_at_us(), NOW_US);
    assert_eq!(snapshot.product_count(), 3);
    assert_eq!(snapshot.customer_count(), 3);
    assert_eq!(snapshot.interaction_count(), 11);
    assert!(snapshot.contains_customer("ann"));
    assert!(!snapshot.contains_customer("dora"));
}

#[test]
fn a_shop_without_anything_survives_the_file() {
    let empty = Trainer::new(TrainingSettings::default(), NOW_US).finish(header());
    assert_eq!(Snapshot::decode(&empty.encode()), Ok(empty));
}

#[test]
fn refuses_what_is_not_a_whole_snapshot_of_this_version() {
    let bytes = small_shop().encode();
    assert_eq!(Snapshot::decode(b""), Err(SnapshotError::NotASnapshot));
    assert_eq!(Snapshot::decode(b"SQLite format 3\0"), Err(SnapshotError::NotASnapshot));

    let mut newer = bytes.clone();
    newer[8] += 1;
    let refused = SnapshotError::UnsupportedVersion { found: FORMAT_VERSION + 1, supported: FORMAT_VERSION };
    assert_eq!(Snapshot::decode(&newer), Err(refused));

    let mut longer = bytes.clone();
    longer.extend([0, 0]);
    assert_eq!(Snapshot::decode(&longer), Err(SnapshotError::TrailingBytes { count: 2 }));

    let cut = Snapshot::decode(&bytes[..bytes.len() - 1]);
    assert!(matches!(cut, Err(SnapshotError::Truncated { section: "file", .. })), "{cut:?}");

    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(Snapshot::decode(&damaged), Err(SnapshotError::ChecksumMismatch { section: "ranker" }));
}

#[test]
fn every_flipped_byte_and_every_cut_is_noticed() {
    let bytes = small_shop().encode();
    for at in 0..bytes.len() {
        assert!(Snapshot::decode(&bytes[..at]).is_err(), "cut at {at}");
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            assert!(Snapshot::decode(&damaged).is_err(), "byte {at} xor {flip:#x}");
        }
    }
}

#[test]
fn content_that_contradicts_itself_never_panics() {
    let bytes = small_shop().encode();
    for at in PREAMBLE_LENGTH + FRAME_LENGTH + 4..bytes.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut forged = bytes.clone();
            forged[at] = value;
            let frames_hold = std::panic::catch_unwind(move || {
                reseal(&mut forged);
                forged
            });
            let Ok(forged) = frames_hold else { continue };
            if let Ok(snapshot) = Snapshot::decode(&forged) {
                let serving = Serving::new(Arc::new(snapshot));
                for item in ask(&serving, "ann", 10).items {
                    assert!(item.score.is_finite() && item.score >= 0.0, "byte {at} = {value}");
                }
            }
        }
    }
}

#[test]
fn a_huge_count_is_refused_before_memory_is_taken() {
    let mut bytes = small_shop().encode();
    let header =
        u64::from_le_bytes(bytes[PREAMBLE_LENGTH + 1..PREAMBLE_LENGTH + 9].try_into().unwrap()) as usize;
    let products = PREAMBLE_LENGTH + FRAME_LENGTH + 4 + header + FRAME_LENGTH + 4;
    bytes[products..products + 5].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
    reseal(&mut bytes);
    let refused = Snapshot::decode(&bytes);
    assert!(matches!(refused, Err(SnapshotError::Truncated { section: "products", .. })), "{refused:?}");
}

#[test]
fn a_customer_can_be_taken_out_without_a_trace() {
    let products = [product("apples", "Fruit"), product("milk", "Dairy")];
    let mut others = vec![bought("zoe", "apples", 0), bought("zoe", "milk", 0)];
    for customer in ["bob", "cleo"] {
        others.extend([bought(customer, "milk", 3), bought(customer, "apples", 9)]);
    }
    let mut everybody = others.clone();
    everybody.extend([bought("ann", "milk", 1), bought("ann", "apples", 1), bought("ann", "milk", 400)]);

    let with = trained(&products, &everybody);
    let without = with.without_customer("ann").unwrap();
    assert_ne!(with, without);
    assert_eq!(without, trained(&products, &others));
    assert!(!String::from_utf8_lossy(&without.encode()).contains("ann"));
    assert_eq!(without.without_customer("ann"), None);
}

#[test]
fn future_events_count_as_happening_now() {
    let products = [product("milk", "Dairy")];
    let mut future = bought("ann", "milk", 0);
    future.occurred_at_us = i64::MAX;
    let snapshot = trained(&products, &[future]);
    let answer = ask(&Serving::new(Arc::new(snapshot)), "ann", 1);
    assert_eq!(ids(&answer), ["milk"]);
    assert_eq!(answer.items[0].reasons[0], "you bought it once, less than a day ago");
}

#[test]
fn one_customer_with_many_events_is_one_row() {
    let mut trainer = Trainer::new(TrainingSettings::default(), NOW_US);
    for minute in 0..100_000 {
        let mut again = bought("ann", "milk", 0);
        again.occurred_at_us = NOW_US - minute * 60_000_000 % (300 * DAY_US);
        trainer.add_event(&again);
    }
    let snapshot = trainer.finish(header());
    assert_eq!(snapshot.interaction_count(), 100_000);
    assert!(snapshot.encode().len() < 700);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn reading_gives_back_what_was_written(products in any_products(), events in any_events(60)) {
        let snapshot = trained(&products, &events);
        prop_assert_eq!(Snapshot::decode(&snapshot.encode()), Ok(snapshot));
    }

    #[test]
    fn the_order_of_events_does_not_matter(products in any_products(), events in any_events(60)) {
        let backward: Vec<_> = events.iter().rev().cloned().collect();
        prop_assert_eq!(trained(&products, &events).encode(), trained(&products, &backward).encode());
    }

    #[test]
    fn arbitrary_bytes_are_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..300), marked: bool) {
        if marked {
            let start = small_shop().encode();
            bytes.splice(0..0, start[..PREAMBLE_LENGTH].iter().copied());
        }
        prop_assert!(Snapshot::decode(&bytes).is_err());
    }
}
