//! Reads the file of an import: its parts become a file on disk for as long as it is read, and a thread
//! makes checked rows of it.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use larder_exchange::{
    CellProblem, DateOrder, DecimalMark, Dialect, Header, Limits, Mapping, Parser, RawRow, RowSink,
    Suggestion, Table,
};
use larder_identity::TenantId;
use sqlx::PgConnection;

use crate::convert::table::incoming::{Record, record};
use crate::error::Error;
use crate::store::imports::{self, Answers, ImportRow};

/// What a row turned out to be.
#[derive(Debug)]
pub(crate) enum Judged {
    /// It may be written.
    Good(Box<Record>),
    /// It is the template's example.
    Example,
    /// It may not be written.
    Bad(Vec<CellProblem>),
}

/// A row with its verdict.
#[derive(Debug)]
pub(crate) struct JudgedRow {
    pub(crate) raw: RawRow,
    pub(crate) judged: Judged,
}

/// What is known of a file before its rows.
#[derive(Clone, Debug)]
pub(crate) struct KnownFile {
    pub(crate) header: Header,
    pub(crate) columns: Vec<Suggestion>,
    /// Where each column of the table stands in the file.
    pub(crate) places: Vec<(String, usize)>,
}

/// An upload on disk; it is gone when it is dropped.
pub(crate) struct Spooled {
    file: File,
    size_bytes: u64,
    reached: Arc<AtomicU64>,
}

impl Spooled {
    /// Tells, while somebody else reads the file, how much of it is read.
    pub(crate) fn progress(&self) -> Progress {
        Progress { size_bytes: self.size_bytes, reached: self.reached.clone() }
    }
}

impl Read for Spooled {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(into)?;
        self.reached.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

impl Seek for Spooled {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = self.file.seek(to)?;
        self.reached.store(place, Ordering::Relaxed);
        Ok(place)
    }
}

/// How much of a file is read.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    size_bytes: u64,
    reached: Arc<AtomicU64>,
}

impl Progress {
    /// In hundredths of the file.
    pub(crate) fn percent(&self) -> i32 {
        let reached = self.reached.load(Ordering::Relaxed).min(self.size_bytes);
        i32::try_from(reached * 100 / self.size_bytes.max(1)).unwrap_or(100)
    }
}

/// Writes the parts of a file to disk.
pub(crate) async fn spool(
    db: &mut PgConnection,
    tenant: &TenantId,
    import: &ImportRow,
) -> Result<Spooled, Error> {
    let Some(parts) = import.part_count else {
        return Err(Error::NotSetUp("the file of this import is not there as a whole; upload every part"));
    };
    let failed = |error: io::Error| Error::Internal(format!("keeping an upload on disk: {error}"));
    let mut file = tempfile::tempfile().map_err(failed)?;
    let mut size_bytes = 0;
    for part in 0..parts {
        let content = imports::part(db, tenant, &import.import_id, part).await?;
        let content = content
            .ok_or_else(|| Error::invalid("part", format!("part {part} is missing; upload it and go on")))?;
        file.write_all(&content).map_err(failed)?;
        size_bytes += content.len() as u64;
    }
    file.rewind().map_err(failed)?;
    Ok(Spooled { file, size_bytes, reached: Arc::default() })
}

/// Takes rows as they are judged, with what is known of their file. A break ends the reading.
pub(crate) type Take<'a> = &'a mut dyn FnMut(&KnownFile, JudgedRow) -> ControlFlow<()>;

/// Reads a file and hands every row to `take` with its verdict, until that breaks.
pub(crate) fn judge(
    file: Spooled,
    table: &Table,
    answers: &Answers,
    now_us: i64,
    take: Take<'_>,
) -> Result<KnownFile, Error> {
    let mut judge =
        Judge { table, answers, now_us, take, parser: None, known: None, refused: None, seen_example: false };
    let read = larder_exchange::read(file, table, &Limits::default(), &mut judge);
    if let Some(refused) = judge.refused {
        return Err(refused);
    }
    read.map_err(refused)?;
    judge.known.ok_or_else(|| Error::Internal("a file without titles was read".to_owned()))
}

/// What is known of a file before its rows, whatever columns it lacks.
pub(crate) fn titles(file: Spooled, table: &Table, answers: &Answers) -> Result<KnownFile, Error> {
    let mut titles = Titles { table, answers, known: None };
    let read = larder_exchange::read(file, table, &Limits::default(), &mut titles);
    match titles.known {
        Some(known) => Ok(known),
        None => {
            read.map_err(refused)?;
            Err(Error::Internal("a file without titles was read".to_owned()))
        }
    }
}

/// Takes the titles of a file, as they were settled or else as they are suggested, and no row.
struct Titles<'a> {
    table: &'a Table,
    answers: &'a Answers,
    known: Option<KnownFile>,
}

impl RowSink for Titles<'_> {
    fn header(&mut self, header: &Header) -> ControlFlow<()> {
        let told = &self.answers.columns;
        let mut columns = Mapping::suggest(self.table, &header.titles);
        for suggestion in &mut columns {
            if let Some((_, column)) = told.iter().find(|(title, _)| *title == suggestion.title) {
                suggestion.column.clone_from(column);
            } else if told.iter().any(|(_, column)| *column == suggestion.column) {
                suggestion.column.clear();
            }
        }
        self.known = Some(KnownFile { header: header.clone(), columns, places: Vec::new() });
        ControlFlow::Break(())
    }

    fn row(&mut self, _: RawRow) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
}

fn refused(error: larder_exchange::ExchangeError) -> Error {
    match error {
        larder_exchange::ExchangeError::Io(error) => Error::Internal(format!("reading an upload: {error}")),
        error => Error::invalid("file", error.to_string()),
    }
}

struct Judge<'a> {
    table: &'a Table,
    answers: &'a Answers,
    now_us: i64,
    take: Take<'a>,
    parser: Option<Parser>,
    known: Option<KnownFile>,
    refused: Option<Error>,
    seen_example: bool,
}

impl RowSink for Judge<'_> {
    fn header(&mut self, header: &Header) -> ControlFlow<()> {
        match Mapping::settle(self.table, &header.titles, &self.answers.columns) {
            Ok(mapping) => {
                let named = mapping.table.columns.iter().zip(&mapping.places);
                let places: Vec<_> =
                    named.filter_map(|(column, place)| Some((column.name.clone(), (*place)?))).collect();
                let mut columns = Mapping::suggest(self.table, &header.titles);
                for (place, suggestion) in columns.iter_mut().enumerate() {
                    let settled = places.iter().find(|(_, at)| *at == place).map(|(name, _)| name.clone());
                    suggestion.column = settled.unwrap_or_default();
                }
                self.known = Some(KnownFile { header: header.clone(), columns, places });
                self.parser = Some(Parser::new(mapping, dialect(self.answers)));
                ControlFlow::Continue(())
            }
            Err(error) => {
                self.refused = Some(refused(error));
                ControlFlow::Break(())
            }
        }
    }

    fn row(&mut self, raw: RawRow) -> ControlFlow<()> {
        let (Some(parser), Some(known)) = (&self.parser, &self.known) else { return ControlFlow::Break(()) };
        let judged = match parser.row(&raw) {
            Err(problems) => Judged::Bad(problems),
            Ok(row) if !self.seen_example && parser.is_example(&row) => {
                self.seen_example = true;
                Judged::Example
            }
            Ok(row) => match record(&parser.mapping().table, row, self.now_us) {
                Ok(record) => Judged::Good(Box::new(record)),
                Err(problems) => Judged::Bad(problems),
            },
        };
        (self.take)(known, JudgedRow { raw, judged })
    }
}

fn dialect(answers: &Answers) -> Dialect {
    Dialect {
        decimal_mark: match answers.decimal_mark.as_str() {
            "." => Some(DecimalMark::Dot),
            "," => Some(DecimalMark::Comma),
            _ => None,
        },
        date_order: match answers.date_order.as_str() {
            "day_first" => Some(DateOrder::DayFirst),
            "month_first" => Some(DateOrder::MonthFirst),
            _ => None,
        },
        currency: (!answers.currency.is_empty()).then(|| answers.currency.clone()),
    }
}

/// Ids that were met, by hashes alone, so that a million of them stay small.
#[derive(Default)]
pub(crate) struct Met {
    state: RandomState,
    hashes: HashSet<u64>,
}

impl Met {
    /// Whether the id was met before.
    pub(crate) fn again(&mut self, id: &str) -> bool {
        !self.hashes.insert(self.state.hash_one(id))
    }
}
