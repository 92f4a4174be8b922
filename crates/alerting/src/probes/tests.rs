//! Each kind against something of its kind on a port of its own, well and unwell.

use std::io;

use larder_oncall::labels::Labels;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

fn probe(kind: ProbeKind, target: String) -> Probe {
    Probe {
        name: "p".into(),
        kind,
        target,
        every: Duration::from_secs(1),
        timeout: Duration::from_millis(500),
        failures: 1,
        labels: Labels::default(),
        password: None,
        expires_within: Duration::from_secs(14 * 86_400),
    }
}

async fn looked(kind: ProbeKind, target: String) -> Result<(), String> {
    look(&probe(kind, target), Reach::Anywhere, jiff::Timestamp::UNIX_EPOCH).await
}

/// Something that answers each connection with what is given, after it was spoken to.
async fn answering(answer: &'static [u8]) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = [0; 4_096];
                while stream.read(&mut asked).await.is_ok_and(|read| read > 0) {
                    if stream.write_all(answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    Ok(address)
}

/// A port at which nobody listens.
async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn a_web_page_must_answer_well() {
    let well = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let unwell = answering(b"HTTP/1.1 503 Unwell\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let moved = b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n";
    let moved = answering(moved).await.unwrap();
    assert_eq!(looked(ProbeKind::Http, format!("http://{well}/health")).await, Ok(()));
    assert_eq!(looked(ProbeKind::Http, format!("http://{unwell}/")).await, Err("status 503".into()));
    let refused = looked(ProbeKind::Http, format!("http://{moved}/")).await;
    assert_eq!(refused, Err("status 302".into()), "nobody is led elsewhere");
    let away = looked(ProbeKind::Http, format!("http://{}/", nobody().await)).await;
    assert_eq!(away, Err("cannot be reached".into()));
    let slow = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let late = looked(ProbeKind::Http, format!("http://{}/", slow.local_addr().unwrap())).await;
    assert_eq!(late, Err("no answer within 500 ms".into()));
}

#[tokio::test]
async fn a_port_must_take_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap().to_string();
    assert_eq!(looked(ProbeKind::Tcp, target).await, Ok(()));
    let refused = looked(ProbeKind::Tcp, nobody().await.to_string()).await.unwrap_err();
    assert!(refused.contains("refused"), "{refused}");
}

#[tokio::test]
async fn redis_must_answer_a_ping() {
    let well = answering(b"+PONG\r\n").await.unwrap();
    assert_eq!(looked(ProbeKind::Redis, format!("redis://{well}")).await, Ok(()));
    let closed = answering(b"-NOAUTH Authentication required.\r\n").await.unwrap();
    let refused = looked(ProbeKind::Redis, format!("redis://{closed}")).await.unwrap_err();
    assert_eq!(refused, "it answers NOAUTH");
    let real = std::env::var("LARDER_TEST_REDIS_URL").unwrap();
    assert_eq!(looked(ProbeKind::Redis, real).await, Ok(()));
}

#[tokio::test]
async fn postgresql_must_answer_a_query() {
    let real = std::env::var("LARDER_TEST_DATABASE_URL").unwrap();
    assert_eq!(looked(ProbeKind::Postgres, real.clone()).await, Ok(()));
    let missing = real.replace("/postgres", "/nosuchdatabase").replace("//nosuchdatabase", "//postgres");
    let refused = looked(ProbeKind::Postgres, missing).await.unwrap_err();
    assert!(!refused.is_empty(), "{refused}");
    let away = format!("postgres://ann@{}/shop", nobody().await);
    assert!(looked(ProbeKind::Postgres, away).await.is_err());
}

#[tokio::test]
async fn a_grpc_service_must_say_that_it_serves() {
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter.set_service_status("shop", tonic_health::ServingStatus::NotServing).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = tonic::service::Routes::new(service).into_axum_router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    assert_eq!(looked(ProbeKind::Grpc, format!("http://{address}")).await, Ok(()));
    let unwell = looked(ProbeKind::Grpc, format!("http://{address}/shop")).await;
    assert_eq!(unwell, Err("it says NOT_SERVING".into()));
    let unknown = looked(ProbeKind::Grpc, format!("http://{address}/market")).await.unwrap_err();
    assert!(unknown.contains("NotFound"), "{unknown}");
}

#[tokio::test]
async fn nobody_looks_into_our_own_networks_unless_it_is_allowed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap().to_string();
    let kinds = [
        (ProbeKind::Tcp, target.clone()),
        (ProbeKind::Certificate, target.clone()),
        (ProbeKind::Http, format!("https://{target}/")),
        (ProbeKind::Grpc, format!("https://{target}")),
        (ProbeKind::Redis, format!("redis://{target}")),
        (ProbeKind::Postgres, format!("postgres://x@{target}/y")),
        (ProbeKind::Tcp, "169.254.169.254:80".to_owned()),
    ];
    for (kind, target) in kinds {
        let refused =
            look(&probe(kind, target), Reach::PublicInternet, jiff::Timestamp::UNIX_EPOCH).await.unwrap_err();
        assert!(refused.contains("allow_private_targets"), "{kind:?}: {refused}");
    }
}
