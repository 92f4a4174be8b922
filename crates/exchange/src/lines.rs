//! The lines on which records of separated values stand.

use std::io::{self, Read};

/// A text that remembers what it gave last, so that [`first_line`] can look at how a record ended.
pub struct Remembered<R> {
    text: R,
    last: Vec<u8>,
    last_start: u64,
}

impl<R> Remembered<R> {
    /// Gives what `text` gives.
    pub fn new(text: R) -> Self {
        Self { text, last: Vec::new(), last_start: 0 }
    }

    fn is_newline(&self, offset: u64) -> bool {
        let place = offset.checked_sub(self.last_start).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| self.last.get(place)) == Some(&b'\n')
    }
}

impl<R: Read> Read for Remembered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.text.read(buffer)?;
        if size > 0 {
            self.last_start += self.last.len() as u64;
            self.last.clear();
            self.last.extend_from_slice(&buffer[..size]);
        }
        Ok(size)
    }
}

/// The line, from 1, on which the record begins that was just read; `record` is its letters without separators. The
/// position that the reader itself tells is before the line feed of a CR LF and before empty lines.
pub fn first_line<R: Read>(reader: &csv::Reader<Remembered<R>>, record: &[u8]) -> u64 {
    let end = reader.position();
    let is_past = end.byte().checked_sub(1).is_some_and(|last| reader.get_ref().is_newline(last));
    let within = record.iter().filter(|byte| **byte == b'\n').count() as u64;
    end.line().saturating_sub(u64::from(is_past) + within).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(u64, String)> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(3)
            .from_reader(Remembered::new(text.as_bytes()));
        let (mut record, mut lines) = (csv::ByteRecord::new(), Vec::new());
        while reader.read_byte_record(&mut record).unwrap() {
            let name = String::from_utf8(record[0].to_vec()).unwrap();
            lines.push((first_line(&reader, record.as_slice()), name));
        }
        lines
    }

    #[test]
    fn a_record_stands_on_the_line_that_an_editor_shows() {
        for newline in ["\n", "\r\n"] {
            let rows = ["a,1", "", "b,\"two", "lines\"", "c,3", "", "", "\"d\"", "e,5"];
            for text in [rows.join(newline), rows.join(newline) + newline] {
                let expected = [(1, "a"), (3, "b"), (5, "c"), (8, "d"), (9, "e")]
                    .map(|(line, name)| (line, name.into()));
                assert_eq!(lines(&text), expected, "{text:?}");
            }
        }
    }
}
