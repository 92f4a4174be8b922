//! Where lines go. Information is gathered and written a block at a time; a warning or worse is written at once,
//! with everything before it, so that what explains a crash is never left in a buffer.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

const BLOCK_BYTES: usize = 16 * 1024;

/// A shared, buffered sink of lines. Cheap to clone.
#[derive(Clone)]
pub struct LogWriter {
    shared: Arc<Mutex<Block>>,
    is_coloured: bool,
}

struct Block {
    lines: Vec<u8>,
    sink: Box<dyn Write + Send>,
}

impl LogWriter {
    /// Lines on standard output, coloured when that is a terminal.
    pub fn stdout() -> Self {
        let is_coloured = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { is_coloured, ..Self::new(Box::new(io::stdout())) }
    }

    /// Lines into `sink`.
    pub fn new(sink: Box<dyn Write + Send>) -> Self {
        let block = Block { lines: Vec::with_capacity(BLOCK_BYTES), sink };
        Self { shared: Arc::new(Mutex::new(block)), is_coloured: false }
    }

    /// Writes out what was gathered.
    pub fn flush(&self) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).flush();
    }

    pub(crate) fn is_coloured(&self) -> bool {
        self.is_coloured
    }

    pub(crate) fn write_line(&self, line: &[u8], is_urgent: bool) {
        let mut block = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        block.lines.extend_from_slice(line);
        if is_urgent || self.is_coloured || block.lines.len() >= BLOCK_BYTES {
            block.flush();
        }
    }
}

impl Block {
    fn flush(&mut self) {
        if !self.lines.is_empty() {
            // Nobody is left to be told that standard output is gone.
            let _ = self.sink.write_all(&self.lines).and_then(|()| self.sink.flush());
            self.lines.clear();
        }
    }
}
