//! Reads every stored byte of a cluster's log at one target again: each piece as it was written, the
//! heads of all its pages, and no hole between the pieces.

use larder_replication::{Lsn, SegmentName, SegmentSize, TimelineId};

use super::archive::WalArchive;
use super::catalog::{Answer, Catalog};
use super::names::WalItem;
use super::page::{self, Expected};
use crate::error::BackupError;
use crate::pipeline::Identities;
use crate::target::SharedTarget;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckedLog {
    /// Whole segments that were read.
    pub segments: u64,
    /// Bytes of log that were read.
    pub bytes: u64,
    /// Each piece that is damaged, and each hole, in words.
    pub faults: Vec<String>,
    /// From where to where the log is whole, on each timeline.
    pub ranges: Vec<(TimelineId, Lsn, Lsn)>,
}

/// Reads everything from `from` on.
///
/// # Errors
/// When the target cannot be listed. Damage and holes are no error here: they are what is told.
pub async fn verify(
    archive: &WalArchive,
    target: &SharedTarget,
    keys: &Identities,
    from: Lsn,
) -> Result<CheckedLog, BackupError> {
    let only = WalArchive { targets: vec![target.clone()], ..archive.clone() };
    let timelines = only.timelines(target).await?;
    let mut catalog = Catalog::default();
    only.list_into(&mut catalog, target, &timelines).await?;
    only.read_histories(&mut catalog, keys).await?;
    let mut checked = CheckedLog::default();
    for (timeline, from, to) in catalog.gaps() {
        checked.faults.push(format!("timeline {timeline}: the log from {from} to {to} was never received"));
    }
    for timeline in timelines {
        let segments: Vec<SegmentName> =
            catalog.whole().filter(|segment| segment.timeline() == timeline).collect();
        let mut size = None;
        for segment in segments {
            let Some(read) = read_segment(&only, target, keys, segment, from, &mut checked).await? else {
                continue;
            };
            size = Some(read);
        }
        if let Some(size) = size {
            find_holes(&catalog, timeline, size, from, &mut checked);
        }
    }
    Ok(checked)
}

async fn read_segment(
    archive: &WalArchive,
    target: &SharedTarget,
    keys: &Identities,
    segment: SegmentName,
    from: Lsn,
    checked: &mut CheckedLog,
) -> Result<Option<SegmentSize>, BackupError> {
    // The size is known only once one was read; the default one is the smallest guess that is safe.
    if segment.end(SegmentSize::DEFAULT) <= from && segment.fits(SegmentSize::DEFAULT) {
        return Ok(None);
    }
    let (head, content) = match archive.read_from(target, &WalItem::Segment(segment), keys).await {
        Ok(Some(found)) => found,
        // Retention took it away meanwhile.
        Ok(None) => return Ok(None),
        Err(BackupError::Damaged { object, cause, .. }) => {
            checked.faults.push(format!("{object}: {cause}"));
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let expected = Expected {
        system: archive.system,
        segment,
        size: head.segment_bytes,
        major_version: head.major_version,
    };
    if content.len() as u64 != head.segment_bytes.bytes() {
        checked.faults.push(format!("{segment}: it has {} bytes", content.len()));
    } else if let Err(cause) = page::check(&expected, 0, &content) {
        checked.faults.push(cause);
    }
    checked.segments += 1;
    checked.bytes += content.len() as u64;
    Ok(Some(head.segment_bytes))
}

fn find_holes(
    catalog: &Catalog,
    timeline: TimelineId,
    size: SegmentSize,
    from: Lsn,
    checked: &mut CheckedLog,
) {
    let mut segments =
        catalog.whole().filter(|segment| segment.timeline() == timeline && segment.end(size) > from);
    let Some(first) = segments.next() else { return };
    let (mut begin, mut next) = (first.start(size), first.next(size));
    for segment in segments {
        if segment != next {
            checked.ranges.push((timeline, begin, next.start(size)));
            begin = segment.start(size);
            let reason = match catalog.answer(next, size) {
                Answer::Missing(reason) => reason,
                _ => format!("{next} is not there"),
            };
            checked.faults.push(format!("timeline {timeline}: {reason}"));
        }
        next = segment.next(size);
    }
    let end = catalog.end_of(timeline, size).unwrap_or_else(|| next.start(size)).max(next.start(size));
    checked.ranges.push((timeline, begin, end));
}
