//! An export on its way: one task reads pages, a thread writes the file, and neither runs ahead of the
//! reader by more than a few parts.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use larder_exchange::{Format, Heading, Row, Table, TableWriter};
use larder_identity::TenantId;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::pages::{self, Pages};
use super::{ExportFilter, Narrowed};
use crate::error::Error;
use crate::metrics;
use crate::state::State;

/// Bytes of a part.
const PART_BYTES: usize = 64 * 1024;
/// Parts and pages that wait for whoever takes them.
const PARTS_AHEAD: usize = 4;
const PAGES_AHEAD: usize = 1;
/// A reader that takes nothing for so long has gone; its snapshot of the database must not stay.
const PATIENCE: Duration = Duration::from_secs(60);

/// The bytes of a file, part by part.
pub(crate) type ExportParts = ReceiverStream<Result<Vec<u8>, Error>>;

/// Begins an export; refusals come before the first part.
pub(crate) async fn begin(
    state: &Arc<State>,
    tenant: &TenantId,
    (table, format): (Table, Format),
    filter: ExportFilter,
    (company, filters): (String, Vec<Narrowed>),
) -> Result<ExportParts, Error> {
    let permit = state.exports.clone().try_acquire_owned().map_err(|_| {
        Error::Busy("as many exports as may run at once are under way; try again when one has ended")
    })?;
    let heading = Heading { company, exported_at_us: (state.clock)(), filters };
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let table = pages::with_attributes(&mut transaction, tenant, table).await?;
    let (parts, stream) = mpsc::channel(PARTS_AHEAD);
    let (rows, taken) = mpsc::channel(PAGES_AHEAD);
    let (reading, tenant) = (table.clone(), tenant.clone());
    tokio::spawn(async move {
        let mut pages = Pages::default();
        loop {
            let page = pages.next(&mut transaction, &tenant, &reading, &filter).await;
            let is_last = !matches!(page, Ok(Some(_)));
            // Whoever takes rows and is gone needs no reason.
            if rows.send(page.transpose()).await.is_err() || is_last {
                break;
            }
        }
    });
    let (runtime, kind) = (Handle::current(), table.kind);
    tokio::task::spawn_blocking(move || {
        let written = write(format, table, heading, taken, Sink::new(parts.clone(), runtime.clone()), permit);
        match written {
            Ok(rows) => metrics::exported(kind, rows),
            Err(error) => drop(runtime.block_on(parts.send_timeout(Err(error), PATIENCE))),
        }
    });
    Ok(ReceiverStream::new(stream))
}

type Page = Option<Result<Vec<Row>, Error>>;

fn write(
    format: Format,
    table: Table,
    heading: Heading,
    mut pages: mpsc::Receiver<Page>,
    sink: Sink,
    _permit: OwnedSemaphorePermit,
) -> Result<u64, Error> {
    let mut writer = TableWriter::new(format, sink, table, heading).map_err(refused)?;
    let mut count = 0;
    loop {
        let page =
            pages.blocking_recv().ok_or_else(|| Error::Internal("reading an export ended".to_owned()))?;
        let Some(page) = page else { break };
        let rows = page?;
        count += rows.len() as u64;
        writer.write(&rows).map_err(refused)?;
    }
    writer.finish().map_err(refused)?;
    Ok(count)
}

fn refused(error: larder_exchange::ExchangeError) -> Error {
    match error {
        error @ larder_exchange::ExchangeError::CellTooLong { .. } => {
            Error::invalid("format", error.to_string())
        }
        error => Error::Internal(format!("writing an export: {error}")),
    }
}

/// Takes bytes in and lets them go as parts.
struct Sink {
    parts: mpsc::Sender<Result<Vec<u8>, Error>>,
    runtime: Handle,
    part: Vec<u8>,
    is_first: bool,
}

impl Sink {
    fn new(parts: mpsc::Sender<Result<Vec<u8>, Error>>, runtime: Handle) -> Self {
        Self { parts, runtime, part: Vec::with_capacity(PART_BYTES), is_first: true }
    }

    fn let_go(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let part = std::mem::replace(&mut self.part, Vec::with_capacity(PART_BYTES));
        self.is_first = false;
        let sent = self.runtime.block_on(self.parts.send_timeout(Ok(part), PATIENCE));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "whoever reads the export has gone"))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.extend_from_slice(bytes);
        // The first bytes do not wait for a part to be full.
        if self.is_first || self.part.len() >= PART_BYTES {
            self.let_go()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.let_go()
    }
}
