//! Just enough HTTP to ask what a container publishes on 127.0.0.1.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(20);

/// What was answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

/// A GET of a port of this machine.
pub(super) fn get(port: u16, path: &str, token: &str) -> Result<Answer> {
    ask(port, &format!("GET {path}"), token, "")
}

/// A POST of JSON; an answer other than 200 is an error.
pub(super) fn post(port: u16, path: &str, token: &str, body: &Value) -> Result<Value> {
    let answer = ask(port, &format!("POST {path}"), token, &body.to_string())?;
    if answer.status != 200 {
        bail!("{path} was answered with {}: {}", answer.status, answer.body);
    }
    Ok(answer.body)
}

/// HTTP/1.0, whose answers end with the connection.
fn ask(port: u16, what: &str, token: &str, body: &str) -> Result<Answer> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let refused = || format!("{address} does not answer");
    let mut stream = TcpStream::connect_timeout(&address, LIMIT).with_context(refused)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let authorization =
        if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    write!(
        stream,
        "{what} HTTP/1.0\r\nHost: {address}\r\n{authorization}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut said = Vec::new();
    stream.read_to_end(&mut said).with_context(refused)?;
    read(&String::from_utf8_lossy(&said)).with_context(|| format!("{address} does not speak HTTP"))
}

fn read(said: &str) -> Option<Answer> {
    let (head, body) = said.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: serde_json::from_str(body).unwrap_or(Value::String(body.to_owned())) })
}

/// A text as it may stand in a query.
pub(super) fn escaped(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{escaped, read};

    #[test]
    fn an_answer_is_taken_apart() {
        let answer = read("HTTP/1.0 404 Not Found\r\nA: b\r\n\r\n{\"a\":1}").unwrap();
        assert_eq!((answer.status, answer.body["a"].as_u64()), (404, Some(1)));
        assert_eq!(read("HTTP/1.1 200 OK\r\n\r\nfine").unwrap().body, "fine");
        assert!(read("220 mail").is_none());
    }

    #[test]
    fn a_query_is_escaped() {
        assert_eq!(escaped("up{a=\"b\"} > 0"), "up%7Ba%3D%22b%22%7D%20%3E%200");
    }
}
