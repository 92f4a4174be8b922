//! Messages over a transport, each read with a deadline. Data is handed on as slices of the buffer it
//! was read into. A failure in the middle of an answer breaks the connection for good.

use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use postgres_protocol::message::backend::{ErrorResponseBody, Header, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::error::{ReplicationError, ServerMessage};
use crate::transport::Transport;

/// What is read at once. The server sends data in messages of 32 KiB.
const READ_CHUNK_BYTES: usize = 256 << 10;
const SMALLEST_READ_BYTES: usize = 16 << 10;
/// No message of the replication protocol comes near this; a longer one is no PostgreSQL's.
const LONGEST_MESSAGE_BYTES: usize = 64 << 20;
/// Until somebody has logged in: a stranger must not make us hold much.
const LONGEST_GREETING_BYTES: usize = 64 << 10;
/// How long the rest of a refusal may take to arrive.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);
/// Warnings kept for whoever asks; a server in a bad way writes one for each page.
const MOST_NOTICES: usize = 64;

/// A message of the server. `CopyBothResponse`, which only replication uses, is not known to the codec.
pub(crate) enum Incoming {
    Message(Message),
    CopyBoth,
}

#[derive(Debug)]
pub(crate) struct Wire {
    transport: Transport,
    incoming: BytesMut,
    outgoing: BytesMut,
    longest_message: usize,
    silence_limit: Duration,
    server: String,
    is_broken: bool,
    notices: Vec<ServerMessage>,
}

impl Wire {
    pub(crate) fn new(transport: Transport, server: String, silence_limit: Duration) -> Self {
        Self {
            transport,
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
            longest_message: LONGEST_GREETING_BYTES,
            silence_limit,
            server,
            is_broken: false,
            notices: Vec::new(),
        }
    }

    /// From now on the other side is believed to be the server.
    pub(crate) fn trust(&mut self) {
        self.longest_message = LONGEST_MESSAGE_BYTES;
    }

    pub(crate) fn refuse_if_broken(&self) -> Result<(), ReplicationError> {
        if self.is_broken {
            return Err(ReplicationError::Broken { server: self.server.clone() });
        }
        Ok(())
    }

    /// Writes a message into the buffer of what [`Wire::flush`] sends.
    pub(crate) fn put(
        &mut self,
        write: impl FnOnce(&mut BytesMut) -> io::Result<()>,
    ) -> Result<(), ReplicationError> {
        let written = self.outgoing.len();
        write(&mut self.outgoing).map_err(|error| {
            // Nothing half-written may reach the server.
            self.outgoing.truncate(written);
            ReplicationError::Address(error.to_string())
        })
    }

    pub(crate) async fn flush(&mut self, step: &str) -> Result<(), ReplicationError> {
        let sending = async {
            self.transport.write_all(&self.outgoing).await?;
            self.transport.flush().await
        };
        // Cancelled here, half a message may have gone out.
        self.is_broken = true;
        let sent = timeout(self.silence_limit, sending).await;
        self.outgoing.clear();
        match sent {
            Ok(Ok(())) => {
                self.is_broken = false;
                Ok(())
            }
            Ok(Err(source)) => Err(self.lost(step, source)),
            Err(_) => Err(self.timed_out(step, self.silence_limit)),
        }
    }

    pub(crate) async fn receive(&mut self, step: &str) -> Result<Incoming, ReplicationError> {
        self.receive_within(step, self.silence_limit).await
    }

    /// The next message but for notices. Cancelling loses nothing.
    pub(crate) async fn receive_within(
        &mut self,
        step: &str,
        limit: Duration,
    ) -> Result<Incoming, ReplicationError> {
        self.refuse_if_broken()?;
        loop {
            if let Some(message) = self.take(step)? {
                return Ok(message);
            }
            let spare = self.incoming.capacity() - self.incoming.len();
            if spare < SMALLEST_READ_BYTES {
                self.incoming.reserve(READ_CHUNK_BYTES);
            }
            match timeout(limit, self.transport.read_buf(&mut self.incoming)).await {
                Ok(Ok(0)) => {
                    self.is_broken = true;
                    return Err(self.lost(step, io::Error::from(io::ErrorKind::UnexpectedEof)));
                }
                Ok(Ok(_)) => {}
                Ok(Err(source)) => {
                    self.is_broken = true;
                    return Err(self.lost(step, source));
                }
                Err(_) => {
                    self.is_broken = true;
                    return Err(self.timed_out(step, limit));
                }
            }
        }
    }

    /// The next message that belongs to a command's answer. Warnings are kept aside; a refusal is
    /// read to its end and becomes the error. Cancelling loses nothing but the rest of a refusal.
    pub(crate) async fn answer_within(
        &mut self,
        step: &str,
        limit: Duration,
    ) -> Result<Incoming, ReplicationError> {
        loop {
            match self.receive_within(step, limit).await? {
                Incoming::Message(Message::ErrorResponse(body)) => {
                    return Err(self.refused(step, &body).await);
                }
                Incoming::Message(Message::NoticeResponse(body)) => {
                    if self.notices.len() < MOST_NOTICES {
                        self.notices.push(ServerMessage::read(body.fields()));
                    }
                }
                Incoming::Message(Message::ParameterStatus(_) | Message::NotificationResponse(_)) => {}
                answer => return Ok(answer),
            }
        }
    }

    pub(crate) async fn answer(&mut self, step: &str) -> Result<Incoming, ReplicationError> {
        self.answer_within(step, self.silence_limit).await
    }

    /// The warnings since they were last taken.
    pub(crate) fn take_notices(&mut self) -> Vec<ServerMessage> {
        std::mem::take(&mut self.notices)
    }

    fn take(&mut self, step: &str) -> Result<Option<Incoming>, ReplicationError> {
        let Some(total) = self.whole_message(step)? else { return Ok(None) };
        if self.incoming[0] == b'W' {
            self.incoming.advance(total);
            return Ok(Some(Incoming::CopyBoth));
        }
        match Message::parse(&mut self.incoming) {
            Ok(message) => Ok(message.map(Incoming::Message)),
            Err(error) => Err(self.out_of_turn(step, &error.to_string())),
        }
    }

    /// The length of the first message with its head, when all of it is there.
    fn whole_message(&mut self, step: &str) -> Result<Option<usize>, ReplicationError> {
        let header = match Header::parse(&self.incoming) {
            Ok(Some(header)) => header,
            Ok(None) => return Ok(None),
            Err(error) => return Err(self.out_of_turn(step, &error.to_string())),
        };
        let total = usize::try_from(header.len()).unwrap_or(usize::MAX).saturating_add(1);
        if total > self.longest_message {
            return Err(self.out_of_turn(step, &format!("a message of {total} bytes")));
        }
        if self.incoming.len() < total {
            self.incoming.reserve((total - self.incoming.len()).max(READ_CHUNK_BYTES));
            return Ok(None);
        }
        Ok(Some(total))
    }

    /// Reads the rest of a refused command, so that the connection can be used again. A fatal
    /// refusal ends the connection instead.
    pub(crate) async fn refused(&mut self, step: &str, body: &ErrorResponseBody) -> ReplicationError {
        let message = Box::new(ServerMessage::read(body.fields()));
        let drain = async {
            loop {
                match self.receive_within(step, DRAIN_LIMIT).await {
                    Ok(Incoming::Message(Message::ReadyForQuery(_))) | Err(_) => return,
                    Ok(_) => {}
                }
            }
        };
        if timeout(DRAIN_LIMIT, drain).await.is_err() {
            self.is_broken = true;
        }
        ReplicationError::Server { step: step.to_owned(), message }
    }

    /// The server said something that the protocol does not allow here.
    pub(crate) fn unexpected(&mut self, step: &str, got: &Incoming) -> ReplicationError {
        self.out_of_turn(step, name_of(got))
    }

    pub(crate) fn out_of_turn(&mut self, step: &str, got: &str) -> ReplicationError {
        self.is_broken = true;
        let (server, step) = (self.server.clone(), step.to_owned());
        ReplicationError::Protocol { server, step, got: got.to_owned() }
    }

    fn lost(&self, step: &str, source: io::Error) -> ReplicationError {
        ReplicationError::Lost { server: self.server.clone(), step: step.to_owned(), source }
    }

    fn timed_out(&self, step: &str, waited: Duration) -> ReplicationError {
        ReplicationError::TimedOut { server: self.server.clone(), step: step.to_owned(), waited }
    }
}

fn name_of(incoming: &Incoming) -> &'static str {
    match incoming {
        Incoming::CopyBoth => "CopyBothResponse",
        Incoming::Message(message) => match message {
            Message::CommandComplete(_) => "CommandComplete",
            Message::CopyData(_) => "CopyData",
            Message::CopyDone => "CopyDone",
            Message::CopyInResponse(_) => "CopyInResponse",
            Message::CopyOutResponse(_) => "CopyOutResponse",
            Message::DataRow(_) => "DataRow",
            Message::EmptyQueryResponse => "EmptyQueryResponse",
            Message::ReadyForQuery(_) => "ReadyForQuery",
            Message::RowDescription(_) => "RowDescription",
            _ => "a message of another protocol",
        },
    }
}
