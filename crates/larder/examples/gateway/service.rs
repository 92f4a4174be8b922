//! The service behind: gRPC over HTTP/2, ten recommendations whatever is asked.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;

use futures::stream;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use larder_proto::larder::recommendation::v1::{RecommendResponse, Recommendation};
use prost::Message;
use tokio::net::TcpListener;

/// Serves until the process ends.
pub(crate) fn serve(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async move {
        let listener = TcpListener::bind(address).await?;
        let answer = framed(&recommendations());
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let answer = answer.clone();
            let service = service_fn(move |request| respond(request, answer.clone()));
            tokio::spawn(async move {
                let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                builder.max_concurrent_streams(1024);
                drop(builder.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    })
}

async fn respond(
    request: Request<Incoming>,
    answer: Bytes,
) -> Result<Response<impl Body<Data = Bytes, Error = Infallible>>, Infallible> {
    drop(request.into_body().collect().await);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames = [Ok(Frame::data(answer)), Ok(Frame::trailers(trailers))];
    let mut response = Response::new(StreamBody::new(stream::iter(frames)));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    Ok(response)
}

fn recommendations() -> RecommendResponse {
    let recommendation = |place: usize| Recommendation {
        product_id: format!("{}", 900_000 + place),
        score: 1.0 / (place + 1) as f64,
        source: 1,
        reasons: vec!["you bought it three times in a month".into()],
        relevance: 0.5,
        propensity: 1.0,
        ..Recommendation::default()
    };
    RecommendResponse {
        recommendation_id: "01936f00-0000-7000-8000-000000000000".into(),
        recommendations: (0..10).map(recommendation).collect(),
        model_version: "model-1".into(),
        ..RecommendResponse::default()
    }
}

fn framed(message: &impl Message) -> Bytes {
    let encoded = message.encode_to_vec();
    let length = u32::try_from(encoded.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[0][..], &length, &encoded].concat().into()
}
