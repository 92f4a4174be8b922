//! Which groups and features a tree sees: a hash of the seed decides, so that nothing has to be
//! drawn in order.

/// Two independent questions of one seed never share their answers.
#[derive(Clone, Copy)]
pub(super) enum Question {
    Group = 1,
    Feature = 2,
}

/// SplitMix64's finalizer (Steele, Lea, Flood, "Fast splittable pseudorandom number generators").
fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A number for one thing of one tree, evenly spread.
pub(super) fn hash(seed: u64, question: Question, tree: usize, thing: usize) -> u64 {
    let stream = mixed(seed.wrapping_add(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(question as u64)));
    mixed(mixed(stream ^ tree as u64).wrapping_add(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(thing as u64 + 1)))
}

/// Whether the tree sees the group; true for about the given share of groups.
pub(super) fn sees_group(seed: u64, tree: usize, group: usize, share: f64) -> bool {
    share >= 1.0 || ((hash(seed, Question::Group, tree, group) >> 11) as f64) < share * (1u64 << 53) as f64
}

/// The features a tree sees, in ascending order: the share rounded up, at least one.
pub(super) fn features_of(seed: u64, tree: usize, features: usize, share: f64) -> Vec<usize> {
    let wanted = ((features as f64 * share).ceil() as usize).clamp(1.min(features), features);
    let mut drawn: Vec<usize> = (0..features).collect();
    drawn.sort_by_key(|&feature| (hash(seed, Question::Feature, tree, feature), feature));
    drawn.truncate(wanted);
    drawn.sort_unstable();
    drawn
}
