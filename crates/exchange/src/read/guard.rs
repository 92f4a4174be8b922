//! What is looked at before a container is opened: that it unpacks to a size that can be read. The sizes
//! it tells of itself are not believed.

use std::borrow::Cow;
use std::io::{Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::Limits;
use crate::error::ExchangeError;

/// More parts no workbook has.
const MOST_PARTS: usize = 10_000;

/// What a container holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packed {
    Xlsx,
    Ods,
}

/// Unpacks every part once, to count its bytes, and tells what the container is.
pub(super) fn look<R: Read + Seek>(file: R, limits: &Limits) -> Result<Packed, ExchangeError> {
    let mut archive = ZipArchive::new(file).map_err(corrupt)?;
    if archive.len() > MOST_PARTS {
        return Err(ExchangeError::refused(format!(
            "the workbook has {} parts; no workbook has",
            archive.len()
        )));
    }
    let names: Vec<String> = archive.file_names().filter_map(Result::ok).map(Cow::into_owned).collect();
    let has = |name: &str| names.iter().any(|there| there == name);
    let packed = if has("xl/workbook.xml") {
        Packed::Xlsx
    } else if has("content.xml") && has("mimetype") {
        Packed::Ods
    } else if has("xl/workbook.bin") {
        return Err(ExchangeError::refused("xlsb is not read; save the workbook as xlsx"));
    } else {
        return Err(ExchangeError::refused(
            "the file is packed and no workbook; send an xlsx, xls, ods or csv file",
        ));
    };
    let mut left = limits.unpacked_bytes;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(corrupt)?;
        let read = std::io::copy(&mut part.take(left + 1), &mut std::io::sink());
        let length = read.map_err(|error| corrupt(ZipError::Io(error)))?;
        left = left.checked_sub(length).ok_or_else(|| {
            ExchangeError::refused(format!(
                "the workbook unpacks to more than {} MB; save it without pictures and unused rows, or send \
                 csv",
                limits.unpacked_bytes / 1_000_000
            ))
        })?;
    }
    Ok(packed)
}

fn corrupt(error: ZipError) -> ExchangeError {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => encrypted(),
        error => ExchangeError::refused(format!("the workbook is damaged ({error}); save it again")),
    }
}

/// The refusal of a workbook with a password.
pub(super) fn encrypted() -> ExchangeError {
    ExchangeError::refused("the workbook is encrypted; save it without a password")
}
