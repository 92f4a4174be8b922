//! Separated values of any separator and encoding.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use csv::StringRecord;

use super::collect::{Collector, too_wide};
use super::encoding::{Decoded, detect};
use super::{Limits, RawCell, RawRow, RowSink};
use crate::error::ExchangeError;
use crate::injection;
use crate::lines::{Remembered, first_line};
use crate::table::Table;

/// Letters among which the separator is guessed.
const GUESSED_BYTES: u64 = 64 * 1024;
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Reads separated values.
pub(super) fn text<R: Read + Seek>(
    mut file: R,
    table: &Table,
    limits: &Limits,
    sink: &mut dyn RowSink,
) -> Result<(), ExchangeError> {
    let encoding = detect(&mut file)?;
    let mut start = Vec::new();
    BufReader::new(Decoded::new(&mut file, encoding)).take(GUESSED_BYTES).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    let (separator, is_told) = guess_separator(&start);
    let mut text = BufReader::with_capacity(1 << 16, Decoded::new(file, encoding));
    if is_told {
        text.skip_until(b'\n')?;
    }
    let shown = if separator == b'\t' { "tab".to_owned() } else { format!("'{}'", char::from(separator)) };
    let form = format!("csv in {}, parted by {shown}", encoding.name());
    let mut collector = Collector::new(table, limits, sink, form);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(Remembered::new(text));
    let mut record = StringRecord::new();
    loop {
        let more = reader
            .read_record(&mut record)
            .map_err(|error| ExchangeError::refused(format!("the file cannot be read as csv: {error}")))?;
        if !more {
            break;
        }
        if record.len() > limits.columns * 64 {
            return Err(too_wide(record.len(), limits));
        }
        let line = first_line(&reader, record.as_slice().as_bytes()) + u64::from(is_told);
        let cells: Vec<_> = record.iter().map(cell).collect();
        if collector.row(RawRow { line, cells, problem: None })?.is_break() {
            return Ok(());
        }
    }
    if collector.end_sheet()?.is_break() {
        return Ok(());
    }
    collector.finish()
}

fn cell(text: &str) -> RawCell {
    if text.is_empty() { RawCell::Empty } else { RawCell::Text(injection::restored(text).to_owned()) }
}

/// The separator, and whether a first line such as `sep=;` tells it.
fn guess_separator(start: &[u8]) -> (u8, bool) {
    let first = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first = first.strip_suffix(b"\r").unwrap_or(first);
    if let [b's', b'e', b'p', b'=', separator] = first {
        return (*separator, true);
    }
    let even = |separator: &u8| {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(*separator)
            .from_reader(start);
        let widths: Vec<_> =
            reader.byte_records().take(50).map_while(Result::ok).map(|row| row.len()).collect();
        let widest = widths.iter().copied().max().unwrap_or(0);
        let alike = widths.iter().filter(|width| **width == widest).count();
        // Rows of one width speak for a separator, and so does every further column.
        if widest < 2 { 0 } else { alike * 1_000 / widths.len().max(1) + widest }
    };
    let scored = SEPARATORS.iter().rev().map(|separator| (even(separator), *separator));
    (
        scored
            .max_by_key(|(score, _)| *score)
            .filter(|(score, _)| *score > 0)
            .map_or(b',', |(_, separator)| separator),
        false,
    )
}

#[cfg(test)]
mod tests {
    use super::guess_separator;

    #[test]
    fn the_separator_is_the_one_that_makes_rows_alike() {
        assert_eq!(guess_separator(b"a;b;c\n1,5;2,5;3\n"), (b';', false));
        assert_eq!(guess_separator(b"a,b\n\"x;y\",2\n"), (b',', false));
        assert_eq!(guess_separator(b"a\tb\n1\t2\n"), (b'\t', false));
        assert_eq!(guess_separator(b"a|b\n1|2\n"), (b'|', false));
        assert_eq!(guess_separator(b"sep=;\na;b\n"), (b';', true));
        assert_eq!(guess_separator(b"name\nBread\n"), (b',', false));
    }
}
