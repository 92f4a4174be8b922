//! Who is told: one local server that answers as Slack, as a webhook and as whatever Alertmanager calls, and
//! notes when each message came.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::IntoResponse;
use http::Uri;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::Measured;

/// One message.
#[derive(Clone)]
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    pub(crate) path: String,
    pub(crate) body: Bytes,
}

#[derive(Default)]
struct Book {
    arrivals: Mutex<Vec<Arrival>>,
    arrived: Notify,
}

/// The server. It lives as long as the process.
pub(crate) struct Receiver {
    address: SocketAddr,
    book: Arc<Book>,
}

impl Receiver {
    pub(crate) async fn start() -> Measured<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let book = Arc::new(Book::default());
        let routes = Router::new().fallback(take).with_state(book.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { address, book })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that came since an instant.
    pub(crate) fn since(&self, start: Instant) -> Vec<Arrival> {
        let arrivals = self.book.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.iter().filter(|arrival| arrival.at >= start).cloned().collect()
    }

    /// The first message since `start` that holds a text.
    pub(crate) async fn wait_for(&self, text: &str, start: Instant, limit: Duration) -> Measured<Arrival> {
        let found = async {
            loop {
                let arrived = self.book.arrived.notified();
                if let Some(arrival) = self.since(start).into_iter().find(|arrival| holds(arrival, text)) {
                    return arrival;
                }
                arrived.await;
            }
        };
        let found = tokio::time::timeout(limit, found).await;
        found.map_err(|_| format!("no message tells of {text} within {limit:?}").into())
    }

    /// The most messages of one path that came within any stretch of time.
    pub(crate) fn most_within(&self, path: &str, stretch: Duration) -> usize {
        let arrivals = self.since_ever();
        let times: Vec<Instant> = arrivals
            .iter()
            .filter(|arrival| arrival.path.starts_with(path))
            .map(|arrival| arrival.at)
            .collect();
        let within = |from: &Instant| times.iter().filter(|at| *at >= from && **at < *from + stretch).count();
        times.iter().map(within).max().unwrap_or(0)
    }

    fn since_ever(&self) -> Vec<Arrival> {
        self.book.arrivals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn holds(arrival: &Arrival, text: &str) -> bool {
    arrival.body.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn take(State(book): State<Arc<Book>>, uri: Uri, body: Bytes) -> impl IntoResponse {
    let at = Instant::now();
    let arrival = Arrival { at, path: uri.path().to_owned(), body };
    let number = {
        let mut arrivals = book.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.push(arrival);
        arrivals.len()
    };
    book.arrived.notify_waiters();
    // As Slack's Web API answers; nobody else reads it.
    axum::Json(serde_json::json!({ "ok": true, "channel": "C123", "ts": format!("1503435956.{number:06}") }))
}
