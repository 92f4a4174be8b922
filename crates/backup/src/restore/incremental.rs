//! Lays the changes of an incremental backup over the file of the backup before it. The form is that
//! of PostgreSQL 17's `INCREMENTAL.` files: a magic number, how many blocks, the length below which
//! nothing was cut off, the blocks' numbers, then the blocks.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

const MAGIC: u32 = 0xd3ae_1f0d;
const BLOCK_BYTES: u64 = 8192;
/// A segment of a relation has 1 GiB.
const MOST_BLOCKS: u32 = 131_072;

/// Applies `size` bytes of changes to `file`.
pub(super) fn apply(changes: &mut impl Read, size: u64, file: &File) -> Result<(), String> {
    let mut number = || read_number(changes).map_err(|error| error.to_string());
    let magic = number()?;
    if magic != MAGIC {
        return Err(format!("it begins with {magic:#x} and not with {MAGIC:#x}"));
    }
    let (count, kept_blocks) = (number()?, number()?);
    if count > MOST_BLOCKS || kept_blocks > MOST_BLOCKS {
        return Err(format!("{count} blocks of a file that may have {MOST_BLOCKS}"));
    }
    let mut blocks = Vec::with_capacity(count as usize);
    for _ in 0..count {
        blocks.push(number()?);
    }
    if blocks.iter().any(|block| *block >= MOST_BLOCKS) {
        return Err("a block behind the end of a segment".to_owned());
    }
    skip_padding(changes, count, size)?;
    let end = blocks.iter().map(|block| block + 1).max().unwrap_or(0).max(kept_blocks);
    file.set_len(u64::from(end) * BLOCK_BYTES).map_err(|error| error.to_string())?;
    let mut content = vec![0; BLOCK_BYTES as usize];
    for block in blocks {
        changes.read_exact(&mut content).map_err(|error| error.to_string())?;
        file.write_all_at(&content, u64::from(block) * BLOCK_BYTES).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Blocks begin at a multiple of their size, when there are any.
fn skip_padding(changes: &mut impl Read, count: u32, size: u64) -> Result<(), String> {
    let header = 12 + 4 * u64::from(count);
    let begin = if count > 0 { header.next_multiple_of(BLOCK_BYTES) } else { header };
    if begin + u64::from(count) * BLOCK_BYTES != size {
        return Err(format!("{size} bytes do not hold {count} blocks of {BLOCK_BYTES}"));
    }
    let skipped = io::copy(&mut changes.take(begin - header), &mut io::sink());
    skipped.map(drop).map_err(|error| error.to_string())
}

fn read_number(from: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(kept_blocks: u32, blocks: &[(u32, u8)]) -> Vec<u8> {
        let mut bytes: Vec<u8> =
            [MAGIC, blocks.len() as u32, kept_blocks].iter().flat_map(|n| n.to_le_bytes()).collect();
        bytes.extend(blocks.iter().flat_map(|(number, _)| number.to_le_bytes()));
        if !blocks.is_empty() {
            bytes.resize(bytes.len().next_multiple_of(BLOCK_BYTES as usize), 0);
        }
        bytes.extend(blocks.iter().flat_map(|(_, fill)| [*fill; BLOCK_BYTES as usize]));
        bytes
    }

    /// Applies changes to a file of blocks that are filled with one byte each.
    fn applied(before: &[u8], changes: &[u8]) -> Result<Vec<u8>, String> {
        let file = tempfile::tempfile().unwrap();
        for (number, fill) in before.iter().enumerate() {
            file.write_all_at(&[*fill; BLOCK_BYTES as usize], number as u64 * BLOCK_BYTES).unwrap();
        }
        apply(&mut &changes[..], changes.len() as u64, &file)?;
        let length = file.metadata().unwrap().len();
        assert_eq!(length % BLOCK_BYTES, 0);
        let mut after = vec![0; length as usize];
        file.read_exact_at(&mut after, 0).unwrap();
        Ok(after.chunks(BLOCK_BYTES as usize).map(|block| block[0]).collect())
    }

    #[test]
    fn blocks_are_replaced_appended_and_cut_off() {
        assert_eq!(applied(&[1, 2, 3], &changes(3, &[(1, 9)])).unwrap(), [1, 9, 3]);
        assert_eq!(applied(&[1, 2, 3], &changes(3, &[(3, 9), (4, 8)])).unwrap(), [1, 2, 3, 9, 8]);
        assert_eq!(applied(&[1, 2, 3], &changes(1, &[])).unwrap(), [1]);
        assert_eq!(applied(&[1, 2, 3], &changes(1, &[(2, 9)])).unwrap(), [1, 2, 9]);
        assert_eq!(applied(&[1], &changes(3, &[])).unwrap(), [1, 0, 0]);
    }

    #[test]
    fn changes_that_are_none_are_refused() {
        let right = changes(3, &[(1, 9)]);
        for length in [0, 4, 11, 12, right.len() - 1] {
            assert!(applied(&[1, 2, 3], &right[..length]).is_err(), "{length}");
        }
        let mut wrong = right.clone();
        wrong[0] ^= 1;
        assert!(applied(&[1, 2, 3], &wrong).unwrap_err().contains("begins with"));
        assert!(applied(&[1], &changes(MOST_BLOCKS + 1, &[])).is_err());
        assert!(applied(&[1], &changes(1, &[(MOST_BLOCKS, 1)])).is_err());
    }
}
