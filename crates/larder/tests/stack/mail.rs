//! A mail server that takes everything, as plain as the mail catcher of the compose files.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A server on a free port. It ends with the test.
pub(crate) struct MailServer {
    pub(crate) address: SocketAddr,
    mails: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = mails.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, kept.clone()));
            }
        });
        Self { address, mails }
    }

    /// How many mails say this.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.mails.lock().unwrap().iter().filter(|mail| mail.contains(text)).count()
    }
}

/// One connection of RFC 5321, without extensions.
async fn serve(stream: TcpStream, mails: Arc<Mutex<Vec<String>>>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 mail.test\r\n").await.ok()?;
    while let Some(line) = lines.next_line().await.ok()? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        if verb == "DATA" {
            write.write_all(b"354 go on\r\n").await.ok()?;
            let mut mail = String::new();
            while let Some(line) = lines.next_line().await.ok()?.filter(|line| line != ".") {
                mail.push_str(&line);
                mail.push('\n');
            }
            mails.lock().unwrap().push(mail);
        }
        let answer: &[u8] = if verb == "QUIT" { b"221 bye\r\n" } else { b"250 well\r\n" };
        write.write_all(answer).await.ok()?;
    }
    Some(())
}
