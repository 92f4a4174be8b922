//! Writing and reading the plain values of the snapshot format: little-endian numbers, LEB128
//! whole numbers, strings with their length. The reader never trusts a length.

use crate::SnapshotError;

#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn f32(&mut self, value: f32) {
        self.u32(value.to_bits());
    }

    /// LEB128: small numbers take one byte.
    pub(crate) fn whole(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.u8(value as u8);
    }

    /// Zigzag, then LEB128: numbers near zero take one byte.
    pub(crate) fn signed(&mut self, value: i64) {
        self.whole(((value << 1) ^ (value >> 63)) as u64);
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.whole(value.len() as u64);
        self.raw(value.as_bytes());
    }

    pub(crate) fn raw(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
    }
}

pub(crate) struct Reader<'a> {
    section: &'static str,
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(section: &'static str, bytes: &'a [u8]) -> Self {
        Self { section, left: bytes }
    }

    /// The error that the content contradicts itself.
    pub(crate) fn inconsistent(&self, detail: &'static str) -> SnapshotError {
        SnapshotError::Inconsistent { section: self.section, detail }
    }

    /// Refuses bytes after the last value.
    pub(crate) fn finish(self) -> Result<(), SnapshotError> {
        if self.left.is_empty() { Ok(()) } else { Err(self.inconsistent("bytes are left over")) }
    }

    pub(crate) fn raw(&mut self, count: u64) -> Result<&'a [u8], SnapshotError> {
        let fits = usize::try_from(count).ok().and_then(|count| self.left.split_at_checked(count));
        let Some((taken, left)) = fits else {
            return Err(SnapshotError::Truncated {
                section: self.section,
                needed: count,
                left: self.left.len() as u64,
            });
        };
        self.left = left;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let taken = self.raw(N as u64)?;
        Ok(taken.try_into().expect("raw gives as many bytes as asked"))
    }

    pub(crate) fn u8(&mut self) -> Result<u8, SnapshotError> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16, SnapshotError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, SnapshotError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, SnapshotError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, SnapshotError> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn finite(&mut self) -> Result<f32, SnapshotError> {
        let value = f32::from_bits(self.u32()?);
        if value.is_finite() { Ok(value) } else { Err(self.inconsistent("a weight is not a finite number")) }
    }

    pub(crate) fn whole(&mut self) -> Result<u64, SnapshotError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.inconsistent("a number has more than 64 bits"))
    }

    pub(crate) fn whole_u32(&mut self) -> Result<u32, SnapshotError> {
        u32::try_from(self.whole()?).map_err(|_| self.inconsistent("a number has more than 32 bits"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, SnapshotError> {
        let zigzag = self.whole()?;
        Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    pub(crate) fn text(&mut self) -> Result<String, SnapshotError> {
        let length = self.whole()?;
        let bytes = self.raw(length)?;
        let text = std::str::from_utf8(bytes).map_err(|_| self.inconsistent("a text is not UTF-8"))?;
        Ok(text.to_owned())
    }

    /// A count of things that take at least a byte each, so that it bounds what is allocated.
    pub(crate) fn count(&mut self) -> Result<usize, SnapshotError> {
        let count = self.whole()?;
        if count > self.left.len() as u64 {
            return Err(SnapshotError::Truncated {
                section: self.section,
                needed: count,
                left: self.left.len() as u64,
            });
        }
        Ok(count as usize)
    }
}
