//! The first fork: native gRPC goes straight to where it is passed on, past the routes and past what these do for browsers.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use futures::future::Either;
use http::{Request, Version, header};
use hyper::body::Incoming;
use tower::Service;

use crate::gate::Gate;
use crate::grpc;

/// What answers on the public port.
#[derive(Clone)]
pub(crate) struct Front {
    gate: Arc<Gate>,
    routes: Router,
}

type Passing = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl Front {
    /// In front of `routes`, which answer all that is not native gRPC.
    pub(crate) fn new(gate: Arc<Gate>, routes: Router) -> Self {
        Self { gate, routes }
    }
}

impl Service<Request<Incoming>> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Passing, RouteFuture<Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        if !is_native_grpc(&request) {
            return Either::Right(self.routes.call(request));
        }
        let gate = self.gate.clone();
        Either::Left(Box::pin(async move { Ok(grpc::serve_native(gate, request).await) }))
    }
}

/// gRPC-Web has to be unwrapped first, and gRPC over HTTP/1.1 has to be told that it cannot be.
fn is_native_grpc<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let rest = content_type.and_then(|value| value.strip_prefix(b"application/grpc"));
    request.version() == Version::HTTP_2 && rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'+')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_grpc_over_http_2_that_needs_no_unwrapping_is_native() {
        let is_native = |version, content_type: &str| {
            let request = Request::builder().version(version).header(header::CONTENT_TYPE, content_type);
            is_native_grpc(&request.body(()).unwrap())
        };
        for content_type in ["application/grpc", "application/grpc+proto", "application/grpc+json"] {
            assert!(is_native(Version::HTTP_2, content_type), "{content_type}");
            assert!(!is_native(Version::HTTP_11, content_type), "{content_type}");
        }
        for content_type in
            ["application/grpc-web", "application/grpc-web-text+proto", "application/json", ""]
        {
            assert!(!is_native(Version::HTTP_2, content_type), "{content_type}");
        }
        assert!(!is_native_grpc(&Request::builder().version(Version::HTTP_2).body(()).unwrap()));
    }
}
