//! What answers is no PostgreSQL, or one that has gone mad: silence, noise, endless messages. Each
//! ends in an error within its time, and the connection is not used again.

use std::time::Duration;

use larder_replication::{ConnectOptions, Host, ReplicationConnection, ReplicationError, TlsMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that says `answer` to whatever it is told first, and then `more` to what comes next.
async fn server_that_says(answer: Vec<u8>, more: Vec<u8>) -> ConnectOptions {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut told = [0; 1024];
        for answer in [answer, more] {
            let _ = stream.read(&mut told).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
        // The line stays open: silence is the worst answer.
        std::future::pending::<()>().await;
    });
    let mut options = ConnectOptions::new(Host::Tcp { name: "127.0.0.1".to_owned(), port }, "nobody");
    options.tls = TlsMode::Disable;
    options.connect_limit = Duration::from_secs(5);
    options.silence_limit = Duration::from_millis(300);
    options
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    bytes.extend(body);
    bytes
}

fn greeting() -> Vec<u8> {
    let ok = message(b'R', &[0; 4]);
    let version = message(b'S', b"server_version\x0016.3\0");
    [ok, version, message(b'Z', b"I")].concat()
}

#[tokio::test]
async fn silence_ends_in_time() {
    let options = server_that_says(Vec::new(), Vec::new()).await;
    let error = ReplicationConnection::connect(&options).await.unwrap_err();
    assert!(matches!(error, ReplicationError::TimedOut { .. }), "{error}");

    let options = server_that_says(greeting(), Vec::new()).await;
    let mut connection = ReplicationConnection::connect(&options).await.unwrap();
    let error = connection.identify_system().await.unwrap_err();
    assert!(matches!(error, ReplicationError::TimedOut { .. }), "{error}");
    let error = connection.identify_system().await.unwrap_err();
    assert!(matches!(error, ReplicationError::Broken { .. }), "{error}");
}

#[tokio::test]
async fn noise_is_no_server() {
    for noise in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        message(b'E', b""),
        vec![b'R', 0, 0, 0, 3],
        message(b'R', &[0, 0, 0, 99]),
        message(b'Z', b"I"),
    ] {
        let options = server_that_says(noise.clone(), Vec::new()).await;
        let error = ReplicationConnection::connect(&options).await.unwrap_err();
        assert!(!matches!(error, ReplicationError::Connect { .. }), "{noise:?}: {error}");
    }
}

#[tokio::test]
async fn a_message_without_end_is_not_waited_for() {
    let endless = [vec![b'D'], u32::MAX.to_be_bytes().to_vec()].concat();
    let huge = [vec![b'D'], 0x7FFF_FFFF_u32.to_be_bytes().to_vec()].concat();
    for head in [endless, huge] {
        let options = server_that_says(greeting(), head).await;
        let mut connection = ReplicationConnection::connect(&options).await.unwrap();
        let error = connection.identify_system().await.unwrap_err();
        assert!(matches!(error, ReplicationError::Protocol { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_is_drained_before_the_next_command() {
    let refusal = message(b'E', b"SERROR\0VERROR\0C42501\0Mnot you\0\0");
    let answer = [refusal, message(b'Z', b"I")].concat();
    let options = server_that_says(greeting(), answer).await;
    let mut connection = ReplicationConnection::connect(&options).await.unwrap();
    let error = connection.identify_system().await.unwrap_err();
    assert_eq!(error.to_string(), "PostgreSQL refused to tell which cluster it is: not you (42501)");
    let error = connection.identify_system().await.unwrap_err();
    assert!(matches!(error, ReplicationError::TimedOut { .. }), "it was asked again: {error}");
}

#[tokio::test]
async fn nobody_there_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let options = ConnectOptions::new(Host::Tcp { name: "127.0.0.1".to_owned(), port }, "nobody");
    let error = ReplicationConnection::connect(&options).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}
