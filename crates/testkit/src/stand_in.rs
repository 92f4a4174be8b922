//! Stand-ins for networks that are not ours: local servers on port 0 that speak the real wire shape, remember what
//! they were asked, and fail on request in the ways real ones do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub mod events;
pub mod square;
pub mod weather;

/// A way to fail.
#[derive(Clone, Debug)]
pub enum Fault {
    /// A bare status.
    Status(u16),
    /// 429, with `Retry-After` if given.
    RateLimited {
        /// The header's value.
        retry_after: Option<&'static str>,
    },
    /// A login page of somebody's proxy, with status 200.
    Html,
    /// The right answer, cut in half and sent as if it were whole.
    HalfPage,
    /// The right answer, whose connection is lost half-way.
    CutConnection,
    /// An answer that never begins.
    NeverAnswers,
    /// An answer that never ends.
    Endless,
    /// A redirect.
    Redirect(String),
    /// Status 200 and this body instead of the right one.
    Body(String),
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// The parameters of the query, decoded.
    pub query: HashMap<String, String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

struct PlannedFault {
    path_prefix: String,
    times_left: Option<usize>,
    /// None where requests are to pass whatever is planned later.
    fault: Option<Fault>,
}

#[derive(Default)]
struct Watch {
    faults: Mutex<Vec<PlannedFault>>,
    seen: Mutex<Vec<Seen>>,
}

/// A running stand-in; dropping it closes its port.
pub struct StandIn {
    url: String,
    watch: Arc<Watch>,
    server: JoinHandle<()>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl StandIn {
    /// Serves `routes` on a port of its own.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn serve(routes: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound listener has an address");
        let watch = Arc::new(Watch::default());
        let routes = routes.layer(from_fn_with_state(watch.clone(), pass));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, routes).await;
        });
        Self { url: format!("http://{address}"), watch, server }
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Fails every request from now on.
    pub fn fail(&self, fault: Fault) {
        self.fail_under("/", None, fault);
    }

    /// Fails the next `times` requests, then works again.
    pub fn fail_times(&self, times: usize, fault: Fault) {
        self.fail_under("/", Some(times), fault);
    }

    /// Fails requests to paths that begin with `path_prefix`, `times` of them or all.
    pub fn fail_under(&self, path_prefix: &str, times: Option<usize>, fault: Fault) {
        let path_prefix = path_prefix.to_owned();
        lock(&self.watch.faults).push(PlannedFault { path_prefix, times_left: times, fault: Some(fault) });
    }

    /// Lets requests to paths that begin with `path_prefix` pass, whatever is planned after this.
    pub fn pass_under(&self, path_prefix: &str) {
        let path_prefix = path_prefix.to_owned();
        lock(&self.watch.faults).push(PlannedFault { path_prefix, times_left: None, fault: None });
    }

    /// Works again.
    pub fn heal(&self) {
        lock(&self.watch.faults).clear();
    }

    /// Every request since the start.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.watch.seen).clone()
    }

    /// How many requests came to paths that begin with `path_prefix`.
    #[must_use]
    pub fn count(&self, path_prefix: &str) -> usize {
        lock(&self.watch.seen).iter().filter(|seen| seen.path.starts_with(path_prefix)).count()
    }
}

async fn pass(State(watch): State<Arc<Watch>>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|whole| whole.to_bytes()).unwrap_or_default();
    let path = head.uri.path().to_owned();
    lock(&watch.seen).push(Seen {
        method: head.method.clone(),
        path: path.clone(),
        query: query_of(head.uri.query().unwrap_or_default()),
        headers: head.headers.clone(),
        body: body.to_vec(),
    });
    let fault = next_fault(&watch, &path);
    let answer = || next.run(Request::from_parts(head, Body::from(body)));
    match fault {
        None => answer().await,
        Some(Fault::HalfPage) => {
            let whole = whole_body(answer().await).await;
            json_answer(Body::from(whole[..whole.len() / 2].to_vec()))
        }
        Some(Fault::CutConnection) => {
            let whole = whole_body(answer().await).await;
            cut(whole)
        }
        Some(fault) => failed(fault).await,
    }
}

fn next_fault(watch: &Watch, path: &str) -> Option<Fault> {
    let mut faults = lock(&watch.faults);
    let planned = faults
        .iter_mut()
        .find(|planned| planned.times_left != Some(0) && path.starts_with(&planned.path_prefix))?;
    if let Some(left) = &mut planned.times_left {
        *left -= 1;
    }
    planned.fault.clone()
}

async fn failed(fault: Fault) -> Response {
    match fault {
        Fault::Status(status) => StatusCode::from_u16(status).unwrap_or(StatusCode::OK).into_response(),
        Fault::RateLimited { retry_after } => {
            let mut answer = StatusCode::TOO_MANY_REQUESTS.into_response();
            if let Some(value) = retry_after {
                answer.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static(value));
            }
            answer
        }
        Fault::Html => {
            ([(header::CONTENT_TYPE, "text/html")], "<!doctype html><html><body>Sign in</body></html>")
                .into_response()
        }
        Fault::Endless => json_answer(Body::from_stream(stream::repeat_with(|| {
            Ok::<_, std::io::Error>(vec![b' '; 64 * 1024])
        }))),
        Fault::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Fault::Body(body) => json_answer(Body::from(body)),
        Fault::NeverAnswers | Fault::HalfPage | Fault::CutConnection => std::future::pending().await,
    }
}

async fn whole_body(answer: Response) -> Vec<u8> {
    answer.into_body().collect().await.map(|whole| whole.to_bytes().to_vec()).unwrap_or_default()
}

/// Announces the whole length and sends half of it.
fn cut(whole: Vec<u8>) -> Response {
    let half = whole[..whole.len() / 2].to_vec();
    let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let mut answer = json_answer(Body::from_stream(stream::iter([Ok(half), Err(lost)])));
    answer.headers_mut().insert(header::CONTENT_LENGTH, whole.len().into());
    answer
}

fn json_answer(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The parameters of a query string, percent-decoded.
fn query_of(text: &str) -> HashMap<String, String> {
    let decode = |part: &str| {
        let mut bytes = Vec::new();
        let mut rest = part.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let digits = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                    u8::from_str_radix(&String::from_utf8_lossy(&digits), 16).unwrap_or(b'?')
                }
                other => other,
            });
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
