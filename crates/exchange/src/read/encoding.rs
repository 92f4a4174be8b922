//! Texts of any encoding as UTF-8, decoded as they are read.

use std::io::{self, Read, Seek, SeekFrom};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, Encoding, UTF_8};

use crate::error::ExchangeError;

const PART: usize = 64 * 1024;

/// The encoding of a text: by its mark, or by all of its bytes.
pub(super) fn detect<R: Read + Seek>(file: &mut R) -> Result<&'static Encoding, ExchangeError> {
    let mut start = [0; 4];
    let length = read_full(file, &mut start)?;
    file.seek(SeekFrom::Start(0))?;
    if let Some((encoding, _)) = Encoding::for_bom(&start[..length]) {
        return Ok(encoding);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut part = vec![0; PART];
    let (mut is_utf8, mut held) = (true, Vec::new());
    loop {
        let length = read_full(file, &mut part)?;
        let bytes = &part[..length];
        if bytes.contains(&0) {
            return Err(ExchangeError::refused(
                "the file is no text and no workbook; send an xlsx, xls, ods or csv file",
            ));
        }
        is_utf8 = is_utf8 && continues_utf8(&mut held, bytes);
        detector.feed(bytes, length == 0);
        if length == 0 {
            break;
        }
    }
    file.seek(SeekFrom::Start(0))?;
    if is_utf8 && held.is_empty() {
        return Ok(UTF_8);
    }
    Ok(detector.guess(None, Utf8Detection::Deny))
}

/// Whether bytes go on a text in UTF-8; the beginning of a letter at their end is held.
fn continues_utf8(held: &mut Vec<u8>, bytes: &[u8]) -> bool {
    held.extend_from_slice(bytes);
    match std::str::from_utf8(held) {
        Ok(_) => held.clear(),
        Err(error) if error.error_len().is_none() => drop(held.drain(..error.valid_up_to())),
        Err(_) => return false,
    }
    true
}

fn read_full<R: Read>(file: &mut R, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match file.read(&mut into[filled..])? {
            0 => break,
            length => filled += length,
        }
    }
    Ok(filled)
}

/// A text on its way to UTF-8.
pub(super) struct Decoded<R> {
    file: R,
    decoder: Decoder,
    part: Vec<u8>,
    text: Vec<u8>,
    /// What of the text was not taken yet.
    left: std::ops::Range<usize>,
    has_ended: bool,
}

impl<R: Read> Decoded<R> {
    pub(super) fn new(file: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        // A byte becomes at most three.
        Self {
            file,
            decoder,
            part: vec![0; PART],
            text: vec![0; PART * 3 + 16],
            left: 0..0,
            has_ended: false,
        }
    }

    fn decode(&mut self) -> io::Result<()> {
        let length = read_full(&mut self.file, &mut self.part)?;
        self.has_ended = length < self.part.len();
        let (_, _, written, _) =
            self.decoder.decode_to_utf8(&self.part[..length], &mut self.text, self.has_ended);
        self.left = 0..written;
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.left.is_empty() && !self.has_ended {
            self.decode()?;
        }
        let length = into.len().min(self.left.len());
        into[..length].copy_from_slice(&self.text[self.left.start..self.left.start + length]);
        self.left.start += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn decoded(bytes: &[u8]) -> (String, &'static str) {
        let mut file = Cursor::new(bytes.to_vec());
        let encoding = detect(&mut file).unwrap();
        let mut text = Vec::new();
        let mut reader = std::io::BufReader::with_capacity(64, Decoded::new(file, encoding));
        std::io::copy(&mut reader, &mut text).unwrap();
        (String::from_utf8(text).unwrap(), encoding.name())
    }

    #[test]
    fn texts_of_every_encoding_are_understood() {
        let words = "name;price\nCrème brûlée;3,50\nKäse;4,20\n";
        let (windows, _, _) = encoding_rs::WINDOWS_1252.encode(words);
        assert_eq!(decoded(&windows), (words.to_owned(), "windows-1252"));
        assert_eq!(decoded(words.as_bytes()), (words.to_owned(), "UTF-8"));
        let marked = [b"\xEF\xBB\xBF", words.as_bytes()].concat();
        assert_eq!(decoded(&marked), (words.to_owned(), "UTF-8"));
        let wide: Vec<u8> =
            [0xFF, 0xFE].into_iter().chain(words.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(decoded(&wide), (words.to_owned(), "UTF-16LE"));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let refused = detect(&mut Cursor::new(b"abc\0def".to_vec())).unwrap_err().to_string();
        assert!(refused.contains("no text"), "{refused}");
    }

    #[test]
    fn letters_across_parts_are_whole() {
        let text = "a".repeat(PART - 1) + "é" + &"b".repeat(10);
        assert_eq!(decoded(text.as_bytes()), (text.clone(), "UTF-8"));
    }
}
