//! The port in the clear: the answer to the authority's question, and for everybody else the way to TLS.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, LOCATION};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use larder_lifecycle::Shutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

const PATH: &str = "/.well-known/acme-challenge/";
/// A client has this long to ask.
const HEAD_LIMIT: Duration = Duration::from_secs(5);
const TALK_LIMIT: Duration = Duration::from_secs(10);
/// Clients at once; further ones wait.
const CLIENTS: usize = 64;
const PAUSE: Duration = Duration::from_millis(50);

/// What the authority is answered, by token.
pub(super) struct Answers {
    domains: Vec<String>,
    proofs: Mutex<HashMap<String, String>>,
}

impl Answers {
    pub(super) fn new(domains: Vec<String>) -> Self {
        Self { domains, proofs: Mutex::default() }
    }

    pub(super) fn put(&self, token: &str, proof: &str) {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner).insert(token.to_owned(), proof.to_owned());
    }

    pub(super) fn clear(&self) {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        if let Some(token) = path.strip_prefix(PATH) {
            let proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
            return match proofs.get(token) {
                Some(proof) => text(StatusCode::OK, proof.clone()),
                None => text(StatusCode::NOT_FOUND, "nobody asked for this proof\n".to_owned()),
            };
        }
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default();
        // Only to names of ours: nobody is led elsewhere by a header.
        if !self.domains.iter().any(|domain| domain.eq_ignore_ascii_case(host)) {
            return text(StatusCode::MISDIRECTED_REQUEST, "this name is not served here\n".to_owned());
        }
        let rest = request.uri().path_and_query().map_or("/", |rest| rest.as_str());
        let mut response = text(StatusCode::PERMANENT_REDIRECT, String::new());
        if let Ok(location) = HeaderValue::try_from(format!("https://{}{rest}", host.to_ascii_lowercase())) {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Serves until shutdown.
pub(super) async fn serve(listener: TcpListener, answers: Arc<Answers>, shutdown: Shutdown) {
    let places = Arc::new(Semaphore::new(CLIENTS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            () = shutdown.wait() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let answers = answers.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let answer = answers.answer(&request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT).keep_alive(false);
            let talk = builder.serve_connection(TokioIo::new(stream), service);
            drop(tokio::time::timeout(TALK_LIMIT, talk).await);
            drop(place);
        });
    }
}
