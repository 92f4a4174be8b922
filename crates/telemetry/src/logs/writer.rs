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
    /// Nobody flushes any more, so every line is written at once.
    is_direct: bool,
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
        let block = Block { lines: Vec::with_capacity(BLOCK_BYTES), is_direct: false, sink };
        Self { shared: Arc::new(Mutex::new(block)), is_coloured: false }
    }

    /// Writes out what was gathered.
    pub fn flush(&self) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).flush();
    }

    /// Writes out what was gathered, and from now on every line at once: call it before the last flusher goes.
    pub(crate) fn finish(&self) {
        let mut block = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        block.is_direct = true;
        block.flush();
    }

    pub(crate) fn is_coloured(&self) -> bool {
        self.is_coloured
    }

    pub(crate) fn write_line(&self, line: &[u8], is_urgent: bool) {
        let mut block = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        block.lines.extend_from_slice(line);
        if is_urgent || block.is_direct || self.is_coloured || block.lines.len() >= BLOCK_BYTES {
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Tells of every write.
    struct Told(mpsc::Sender<Vec<u8>>);

    impl Write for Told {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn information_waits_and_a_warning_takes_it_along() {
        let (sender, written) = mpsc::channel();
        let writer = LogWriter::new(Box::new(Told(sender)));
        writer.write_line(b"one\n", false);
        assert!(written.try_recv().is_err());
        writer.write_line(b"two\n", true);
        assert_eq!(written.try_recv().unwrap(), b"one\ntwo\n");
        writer.finish();
        writer.write_line(b"three\n", false);
        assert_eq!(written.try_recv().unwrap(), b"three\n");
    }
}
