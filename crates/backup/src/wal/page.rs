//! The head of each page of the log tells which cluster, timeline and place it belongs to. Checked
//! before a segment is archived and again before it is given back, since recovery takes the first
//! page that does not fit for the end of the log.

use larder_replication::{Lsn, SegmentName, SegmentSize, SystemIdentifier};

/// `XLOG_BLCKSZ` of every build that is shipped.
pub(crate) const PAGE_BYTES: usize = 8192;

/// `xlp_info`: the long head at the beginning of a segment.
const LONG_HEAD: u16 = 0x0002;

/// What a segment must be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    /// The cluster.
    pub(crate) system: SystemIdentifier,
    /// The segment.
    pub(crate) segment: SegmentName,
    /// The cluster's segment size.
    pub(crate) size: SegmentSize,
    /// The major version that wrote it.
    pub(crate) major_version: u32,
}

/// `XLOG_PAGE_MAGIC` of a major version (`access/xlog_internal.h`).
fn magic(major_version: u32) -> Option<u16> {
    match major_version {
        15 => Some(0xD110),
        16 => Some(0xD113),
        17 => Some(0xD116),
        18 => Some(0xD118),
        _ => None,
    }
}

/// Checks the head of every page that begins in `bytes`, which begin at `offset` of the segment.
/// Behind a forced switch the rest of a segment is zeros, and nothing but zeros.
///
/// # Errors
/// The place and what is wrong there.
pub(crate) fn check(expected: &Expected, offset: u64, bytes: &[u8]) -> Result<(), String> {
    let page = PAGE_BYTES as u64;
    let first = usize::try_from(offset.next_multiple_of(page) - offset).unwrap_or(usize::MAX);
    let mut at = first;
    while let Some(head) = bytes.get(at..) {
        // A head that is cut off is checked with the bytes that bring the rest of it.
        if head.len() < 40 {
            return Ok(());
        }
        let place = offset + at as u64;
        if head[..24].iter().all(|byte| *byte == 0) && place > 0 {
            return match head.iter().position(|byte| *byte != 0) {
                None => Ok(()),
                Some(more) => Err(told(expected, place + more as u64, "bytes behind the end of the log")),
            };
        }
        check_head(expected, place, head).map_err(|cause| told(expected, place, &cause))?;
        at += PAGE_BYTES;
    }
    Ok(())
}

fn check_head(expected: &Expected, offset: u64, head: &[u8]) -> Result<(), String> {
    let (found_magic, info) = (u16_at(head, 0), u16_at(head, 2));
    if magic(expected.major_version).is_some_and(|magic| magic != found_magic) {
        return Err(format!("its magic number is {found_magic:04X}"));
    }
    let timeline = u32_at(head, 4);
    // A timeline's first segment begins with what its parent wrote.
    if timeline == 0 || timeline > expected.segment.timeline().get() {
        return Err(format!("it is of timeline {timeline}"));
    }
    let (address, wanted) = (Lsn(u64_at(head, 8)), expected.segment.start(expected.size).plus(offset));
    if address != wanted {
        return Err(format!("it is the page of {address} and not of {wanted}"));
    }
    let is_long = info & LONG_HEAD != 0;
    if is_long != (offset == 0) {
        return Err("the head of a segment is not at its beginning".to_owned());
    }
    if is_long {
        let (system, size) = (SystemIdentifier(u64_at(head, 24)), u32_at(head, 32));
        if system != expected.system {
            return Err(format!("it is of the cluster {system} and not of {}", expected.system));
        }
        if u64::from(size) != expected.size.bytes() {
            return Err(format!("its segments have {size} bytes"));
        }
    }
    Ok(())
}

fn told(expected: &Expected, offset: u64, cause: &str) -> String {
    format!("the page at byte {offset} of {} is not what belongs there: {cause}", expected.segment)
}

// WAL is written in the byte order of the server's machine; all that Larder runs on are little-endian.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
pub(crate) mod tests {
    use larder_replication::TimelineId;

    use super::*;

    pub(crate) const SYSTEM: SystemIdentifier = SystemIdentifier(7_000_000_000_000_000_001);

    pub(crate) fn expected(segment: &str) -> Expected {
        let segment = segment.parse().unwrap();
        Expected { system: SYSTEM, segment, size: SegmentSize::new(1 << 20).unwrap(), major_version: 17 }
    }

    /// A segment whose pages are `fill` under right heads.
    pub(crate) fn segment(expected: &Expected, fill: u8) -> Vec<u8> {
        let size = usize::try_from(expected.size.bytes()).unwrap();
        let mut bytes = vec![fill; size];
        for (number, page) in bytes.chunks_mut(PAGE_BYTES).enumerate() {
            let place = expected.segment.start(expected.size).plus((number * PAGE_BYTES) as u64);
            page[..2].copy_from_slice(&magic(expected.major_version).unwrap().to_le_bytes());
            page[2..4].copy_from_slice(&u16::from(number == 0).wrapping_mul(LONG_HEAD).to_le_bytes());
            page[4..8].copy_from_slice(&expected.segment.timeline().get().to_le_bytes());
            page[8..16].copy_from_slice(&place.0.to_le_bytes());
            page[16..24].fill(0);
            if number == 0 {
                page[24..32].copy_from_slice(&expected.system.0.to_le_bytes());
                page[32..36].copy_from_slice(&u32::from(expected.size).to_le_bytes());
                page[36..40].copy_from_slice(&8192_u32.to_le_bytes());
            }
        }
        bytes
    }

    const NAME: &str = "000000020000000000000005";

    #[test]
    fn a_right_segment_passes_whole_and_in_pieces() {
        let expected = expected(NAME);
        let bytes = segment(&expected, 7);
        check(&expected, 0, &bytes).unwrap();
        for from in [1, 100, 8191, 8192, 8193, 500_000] {
            check(&expected, from, &bytes[usize::try_from(from).unwrap()..]).unwrap();
        }
    }

    #[test]
    fn every_lie_of_a_head_is_found() {
        let expected = expected(NAME);
        let right = segment(&expected, 7);
        // Magic, timeline, address of a page in the middle; cluster and size at the beginning.
        for at in [40_960, 40_960 + 7, 40_960 + 8, 40_960 + 15, 0, 8, 24, 31, 32] {
            let mut wrong = right.clone();
            wrong[at] ^= 0x40;
            let cause = check(&expected, 0, &wrong).unwrap_err();
            assert!(cause.contains(NAME), "{at}: {cause}");
        }
        let older = Expected { segment: expected.segment.on_timeline(TimelineId::FIRST), ..expected };
        assert!(check(&older, 0, &right).is_err(), "a page of a later timeline");
        let other_version = Expected { major_version: 18, ..expected };
        assert!(check(&other_version, 0, &right).is_err());
    }

    #[test]
    fn zeros_are_only_followed_by_zeros() {
        let expected = expected(NAME);
        let mut bytes = segment(&expected, 7);
        bytes[81_920..].fill(0);
        check(&expected, 0, &bytes).unwrap();
        bytes[900_000] = 1;
        assert!(check(&expected, 0, &bytes).unwrap_err().contains("byte 900000"));
        bytes.fill(0);
        assert!(check(&expected, 0, &bytes).is_err(), "a segment has a beginning");
    }
}
