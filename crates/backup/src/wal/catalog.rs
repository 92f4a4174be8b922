//! What the archive holds, and what that means for a server that asks for a segment during recovery.
//! Pure. The one dangerous answer is "this is the end of the archive": a server that hears it ends
//! recovery and begins a new timeline, so it is only given where nothing can be missing.

use std::collections::{BTreeMap, BTreeSet};

use larder_replication::{Lsn, SegmentName, SegmentSize, TimelineHistory, TimelineId};

use super::names::WalItem;

/// The names of everything that the archive holds of a cluster.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    whole: BTreeSet<SegmentName>,
    parts: BTreeMap<SegmentName, BTreeSet<(u32, u32)>>,
    histories: BTreeMap<TimelineId, TimelineHistory>,
    named_histories: BTreeSet<TimelineId>,
    gaps: BTreeSet<(TimelineId, Lsn, Lsn)>,
}

/// What to answer to a request for a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is there.
    Whole,
    /// Its beginning is there, in these parts, and nothing behind it was ever written.
    Beginning {
        /// From and to, one after the other without a hole.
        parts: Vec<(u32, u32)>,
    },
    /// Nothing of it is there and nothing of it can be missing.
    EndOfArchive,
    /// It should be there. The text says why.
    Missing(String),
}

impl Catalog {
    /// Adds one name.
    pub fn add(&mut self, item: WalItem) {
        match item {
            WalItem::Segment(segment) => {
                self.whole.insert(segment);
            }
            WalItem::Part { segment, from, to } => {
                self.parts.entry(segment).or_default().insert((from, to));
            }
            WalItem::History(timeline) => {
                self.named_histories.insert(timeline);
            }
            WalItem::Gap { timeline, from, to } => {
                self.gaps.insert((timeline, from, to));
            }
        }
    }

    /// Adds what a history file says.
    pub fn add_history(&mut self, timeline: TimelineId, history: TimelineHistory) {
        self.named_histories.insert(timeline);
        self.histories.insert(timeline, history);
    }

    /// The timelines whose history file is there.
    pub fn named_histories(&self) -> impl Iterator<Item = TimelineId> + '_ {
        self.named_histories.iter().copied()
    }

    /// The gaps: on which timeline, from where, to where.
    pub fn gaps(&self) -> impl Iterator<Item = (TimelineId, Lsn, Lsn)> + '_ {
        self.gaps.iter().copied()
    }

    /// All whole segments.
    pub fn whole(&self) -> impl Iterator<Item = SegmentName> + '_ {
        self.whole.iter().copied()
    }

    /// Some piece of a timeline, the oldest whole one if there is any.
    pub fn any_piece(&self, timeline: TimelineId) -> Option<WalItem> {
        let whole = self.whole.iter().find(|segment| segment.timeline() == timeline);
        let part = || {
            let (segment, parts) = self.parts.iter().find(|(segment, _)| segment.timeline() == timeline)?;
            parts.first().map(|(from, to)| WalItem::Part { segment: *segment, from: *from, to: *to })
        };
        whole.map(|segment| WalItem::Segment(*segment)).or_else(part)
    }

    /// The newest timeline anything is known of.
    pub fn newest_timeline(&self) -> Option<TimelineId> {
        let of_segments = self.whole.iter().chain(self.parts.keys()).map(|segment| segment.timeline());
        of_segments.chain(self.named_histories.iter().copied()).max()
    }

    /// Up to where a timeline is held: behind its last byte.
    pub fn end_of(&self, timeline: TimelineId, size: SegmentSize) -> Option<Lsn> {
        let whole = self.whole.iter().rfind(|segment| segment.timeline() == timeline);
        let begun = self.parts.keys().rfind(|segment| segment.timeline() == timeline);
        let whole_end = whole.map(|segment| segment.end(size));
        let begun_end = begun.and_then(|segment| {
            let covered = self.covered(*segment).1;
            (covered > 0).then(|| segment.start(size).plus(u64::from(covered)))
        });
        whole_end.max(begun_end)
    }

    /// What to answer to a server that asks for `segment`.
    pub fn answer(&self, segment: SegmentName, size: SegmentSize) -> Answer {
        if self.whole.contains(&segment) {
            return Answer::Whole;
        }
        let (parts, covered) = self.covered(segment);
        let reached = segment.start(size).plus(u64::from(covered));
        if covered > 0 {
            return match self.why_more_is_wanted(segment, reached) {
                None => Answer::Beginning { parts },
                Some(reason) => Answer::Missing(reason),
            };
        }
        if self.belongs_to_parent(segment, size) {
            return Answer::EndOfArchive;
        }
        if !self.knows(segment.timeline()) {
            return self.answer_of_unknown_timeline(segment.timeline());
        }
        match self.why_more_is_wanted(segment, reached) {
            None => Answer::EndOfArchive,
            Some(reason) => Answer::Missing(reason),
        }
    }

    /// Whether a request for the history of a timeline may be answered with "there is none".
    pub fn may_lack_history(&self, timeline: TimelineId) -> bool {
        timeline == TimelineId::FIRST || !self.knows(timeline)
    }

    fn knows(&self, timeline: TimelineId) -> bool {
        self.whole.iter().chain(self.parts.keys()).any(|segment| segment.timeline() == timeline)
    }

    /// With a history and no segment, nothing of the timeline was archived yet: the one before it
    /// goes up to where it began. Without either somebody asks in the wrong archive.
    fn answer_of_unknown_timeline(&self, timeline: TimelineId) -> Answer {
        if self.named_histories.contains(&timeline) {
            return Answer::EndOfArchive;
        }
        Answer::Missing(format!("the archive holds nothing of timeline {timeline}"))
    }

    /// A timeline's own log begins in the segment in which it left its parent.
    fn belongs_to_parent(&self, segment: SegmentName, size: SegmentSize) -> bool {
        let history = self.histories.get(&segment.timeline());
        let left = history.and_then(|history| history.entries.last());
        left.is_some_and(|left| segment.end(size) <= size.start_of(left.end))
    }

    /// Why the timeline should go on behind `reached`, if it should.
    fn why_more_is_wanted(&self, segment: SegmentName, reached: Lsn) -> Option<String> {
        let timeline = segment.timeline();
        let later = self
            .whole
            .range(segment..)
            .next()
            .into_iter()
            .chain(self.parts.range(segment..).map(|(name, _)| name));
        let later = later.filter(|later| later.timeline() == timeline && **later != segment).min();
        if let Some(later) = later {
            return Some(format!("{segment} is missing or not whole, and {later} behind it is there"));
        }
        let lost = self.gaps.iter().find(|(gap, _, to)| *gap == timeline && *to > reached);
        if let Some((_, from, to)) = lost {
            return Some(format!("the log from {from} to {to} was never received"));
        }
        let child = self.histories.iter().find_map(|(child, history)| {
            history.end_of(timeline).filter(|left| *left > reached).map(|left| (child, left))
        });
        child.map(|(child, left)| {
            format!("timeline {child} began at {left}, and {timeline} is held up to {reached} only")
        })
    }

    /// The parts that cover a segment from its beginning on, and how far they go.
    fn covered(&self, segment: SegmentName) -> (Vec<(u32, u32)>, u32) {
        let (mut chosen, mut covered) = (Vec::new(), 0);
        let Some(parts) = self.parts.get(&segment) else { return (chosen, covered) };
        loop {
            // Of those that go on from here the one that goes furthest.
            let next = parts.iter().filter(|(from, to)| *from <= covered && *to > covered);
            let Some(next) = next.max_by_key(|(_, to)| *to) else { return (chosen, covered) };
            chosen.push(*next);
            covered = next.1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: SegmentSize = SegmentSize::DEFAULT;

    fn segment(timeline: u32, number: u64) -> SegmentName {
        let timeline = TimelineId::new(timeline).unwrap();
        SegmentName::containing(timeline, Lsn(number * SIZE.bytes()), SIZE)
    }

    fn catalog(items: impl IntoIterator<Item = WalItem>) -> Catalog {
        let mut catalog = Catalog::default();
        items.into_iter().for_each(|item| catalog.add(item));
        catalog
    }

    fn whole(timeline: u32, numbers: impl IntoIterator<Item = u64>) -> Catalog {
        catalog(numbers.into_iter().map(|number| WalItem::Segment(segment(timeline, number))))
    }

    fn missing(answer: Answer) -> String {
        match answer {
            Answer::Missing(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn behind_the_last_segment_is_the_end() {
        let catalog = whole(1, 3..=5);
        assert_eq!(catalog.answer(segment(1, 5), SIZE), Answer::Whole);
        assert_eq!(catalog.answer(segment(1, 6), SIZE), Answer::EndOfArchive);
        assert_eq!(catalog.end_of(TimelineId::FIRST, SIZE), Some(Lsn(6 * SIZE.bytes())));
    }

    #[test]
    fn a_hole_is_never_the_end() {
        let catalog = whole(1, [3, 5]);
        assert!(missing(catalog.answer(segment(1, 4), SIZE)).contains("000000010000000000000005"));
        assert!(missing(catalog.answer(segment(1, 2), SIZE)).contains("missing"), "before the archive began");
        missing(whole(1, [3]).answer(segment(2, 3), SIZE));
        missing(Catalog::default().answer(segment(1, 3), SIZE));
    }

    #[test]
    fn the_segment_being_written_is_given_as_far_as_it_goes() {
        let mut catalog = whole(1, [3]);
        let part = |from, to| WalItem::Part { segment: segment(1, 4), from, to };
        for (from, to) in [(0, 100), (0, 50), (100, 200), (150, 300), (400, 500)] {
            catalog.add(part(from, to));
        }
        let parts = vec![(0, 100), (100, 200), (150, 300)];
        assert_eq!(catalog.answer(segment(1, 4), SIZE), Answer::Beginning { parts });
        assert_eq!(catalog.answer(segment(1, 5), SIZE), Answer::EndOfArchive);
        catalog.add(WalItem::Segment(segment(1, 5)));
        missing(catalog.answer(segment(1, 4), SIZE));
    }

    #[test]
    fn parts_without_a_beginning_are_none() {
        let part = WalItem::Part { segment: segment(1, 4), from: 10, to: 20 };
        let catalog = catalog([WalItem::Segment(segment(1, 3)), part]);
        assert_eq!(catalog.answer(segment(1, 4), SIZE), Answer::EndOfArchive);
        assert_eq!(catalog.end_of(TimelineId::FIRST, SIZE), Some(Lsn(4 * SIZE.bytes())));
    }

    #[test]
    fn a_gap_at_the_end_is_no_end() {
        let mut catalog = whole(1, [3]);
        let (from, to) = (Lsn(4 * SIZE.bytes()), Lsn(9 * SIZE.bytes()));
        catalog.add(WalItem::Gap { timeline: TimelineId::FIRST, from, to });
        assert!(missing(catalog.answer(segment(1, 4), SIZE)).contains("never received"));
    }

    fn with_child(parent_numbers: std::ops::RangeInclusive<u64>, left: Lsn) -> Catalog {
        let mut catalog = whole(1, parent_numbers);
        catalog.add(WalItem::Segment(segment(2, left.0 / SIZE.bytes())));
        catalog.add_history(TimelineId::new(2).unwrap(), format!("1\t{left}\tpromoted\n").parse().unwrap());
        catalog
    }

    #[test]
    fn a_parent_must_go_as_far_as_its_child_says() {
        let left = Lsn(6 * SIZE.bytes() + 5000);
        let mut catalog = with_child(3..=5, left);
        missing(catalog.answer(segment(1, 6), SIZE));
        catalog.add(WalItem::Part { segment: segment(1, 6), from: 0, to: 4999 });
        missing(catalog.answer(segment(1, 6), SIZE));
        catalog.add(WalItem::Part { segment: segment(1, 6), from: 4999, to: 5000 });
        assert!(matches!(catalog.answer(segment(1, 6), SIZE), Answer::Beginning { .. }));
        assert_eq!(catalog.answer(segment(1, 7), SIZE), Answer::EndOfArchive);
        missing(with_child(3..=4, left).answer(segment(1, 5), SIZE));
    }

    #[test]
    fn what_lies_before_a_timeline_is_asked_of_its_parent() {
        let left = Lsn(6 * SIZE.bytes() + 5000);
        let catalog = with_child(3..=5, left);
        for number in 3..=5 {
            assert_eq!(catalog.answer(segment(2, number), SIZE), Answer::EndOfArchive);
        }
        assert_eq!(catalog.answer(segment(2, 6), SIZE), Answer::Whole);
        assert_eq!(catalog.answer(segment(2, 7), SIZE), Answer::EndOfArchive);
    }

    #[test]
    fn a_history_may_only_be_missing_where_nothing_needs_it() {
        let catalog = whole(2, [6]);
        assert!(catalog.may_lack_history(TimelineId::FIRST));
        assert!(!catalog.may_lack_history(TimelineId::new(2).unwrap()));
        assert!(catalog.may_lack_history(TimelineId::new(3).unwrap()));
    }
}
