//! Redis: a PING must be answered with PONG. Two commands of its protocol (RESP) need no client library.

use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use url::Url;

use super::connect;
use crate::channels::Reach;

/// Longer answers are none to these commands.
const ANSWER_LIMIT_BYTES: u64 = 1_024;

pub(super) async fn look(target: &str, password: Option<SecretString>, reach: Reach) -> Result<(), String> {
    let url = Url::parse(target).map_err(|_| "its address is no URL".to_owned())?;
    let host = url.host_str().ok_or("its address has no host")?;
    let stream = connect(&format!("{host}:{}", url.port().unwrap_or(6_379)), reach).await?;
    let mut stream = BufReader::new(stream);
    if let Some(password) = password {
        let user = if url.username().is_empty() { "default" } else { url.username() };
        ask(&mut stream, &["AUTH", user, password.expose_secret()], "OK").await?;
    }
    ask(&mut stream, &["PING"], "PONG").await
}

async fn ask(stream: &mut BufReader<TcpStream>, command: &[&str], expected: &str) -> Result<(), String> {
    let mut bytes = format!("*{}\r\n", command.len());
    for part in command {
        bytes.push_str(&format!("${}\r\n{part}\r\n", part.len()));
    }
    let lost = |_| "the connection was lost".to_owned();
    stream.write_all(bytes.as_bytes()).await.map_err(lost)?;
    let mut line = String::new();
    stream.take(ANSWER_LIMIT_BYTES).read_line(&mut line).await.map_err(lost)?;
    match line.trim_end().split_at_checked(1) {
        Some(("+", answer)) if answer == expected => Ok(()),
        // The first word of an error is its kind; the rest may quote what was asked.
        Some(("-", answer)) => Err(format!("it answers {}", answer.split(' ').next().unwrap_or_default())),
        _ => Err("its answer is none of Redis".to_owned()),
    }
}
