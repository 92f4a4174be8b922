//! What tests of files share.

use std::io::Cursor;
use std::ops::ControlFlow;

use larder_exchange::{
    Dialect, ExchangeError, Format, Header, Heading, Limits, Mapping, Parser, RawRow, Row, RowSink, Table,
    TableWriter, read,
};

/// 2026-11-23T16:28:00Z.
pub(crate) const NOW_US: i64 = 1_795_451_280_000_000;

/// Everything that a file holds.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) header: Option<Header>,
    pub(crate) rows: Vec<RawRow>,
}

impl RowSink for Seen {
    fn header(&mut self, header: &Header) -> ControlFlow<()> {
        self.header = Some(header.clone());
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: RawRow) -> ControlFlow<()> {
        self.rows.push(row);
        ControlFlow::Continue(())
    }
}

/// Reads a file as rows of `table`.
pub(crate) fn read_all(bytes: &[u8], table: &Table) -> Result<Seen, ExchangeError> {
    let mut seen = Seen::default();
    read(Cursor::new(bytes), table, &Limits::default(), &mut seen)?;
    Ok(seen)
}

/// Why a file is refused.
pub(crate) fn refusal(bytes: &[u8], table: &Table) -> String {
    match read_all(bytes, table) {
        Ok(seen) => format!("not refused: {:?}", seen.header),
        Err(error) => error.to_string(),
    }
}

/// The rows of a file with their values.
pub(crate) fn values(bytes: &[u8], table: &Table) -> (Table, Vec<Row>) {
    let seen = read_all(bytes, table).unwrap();
    let titles = seen.header.unwrap().titles;
    let parser = Parser::new(Mapping::settle(table, &titles, &[]).unwrap(), Dialect::default());
    let rows = seen.rows.iter().map(|row| parser.row(row).unwrap_or_else(|all| panic!("{row:?}: {all:?}")));
    let rows = rows.collect();
    (parser.mapping().table.clone(), rows)
}

/// The bytes of a table.
pub(crate) fn written(format: Format, table: &Table, rows: &[Row]) -> Vec<u8> {
    let heading = Heading {
        company: "Boer & Söhne <Pty>".to_owned(),
        exported_at_us: NOW_US,
        filters: vec![("category".to_owned(), "Fruit".to_owned())],
    };
    let mut bytes = Vec::new();
    let mut writer = TableWriter::new(format, &mut bytes, table.clone(), heading).unwrap();
    for part in rows.chunks(7) {
        writer.write(part).unwrap();
    }
    writer.finish().unwrap();
    bytes
}
