//! A connection that carries any number of gRPC calls. The usual channel puts a queue and a task
//! between the call and the wire; on a machine that the generator shares with the service, what
//! these take would be measured as the service's own.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response, Uri};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use larder_proto::larder::catalog::v1::catalog_service_client::CatalogServiceClient;
use larder_proto::larder::recommendation::v1::recommendation_service_client::RecommendationServiceClient;
use tokio::net::TcpStream;
use tonic::body::Body;
use tonic::codegen::{Service, StdError};
use tonic::service::interceptor::InterceptedService;

use crate::client::{ANSWER_LIMIT_BYTES, Client, Credentials, innermost};
use crate::error::CommandError;

type Authorised = InterceptedService<Connection, Credentials>;

/// The typed clients over one connection.
#[derive(Clone)]
pub(super) struct GrpcClients {
    pub(super) catalog: CatalogServiceClient<Authorised>,
    pub(super) recommendation: RecommendationServiceClient<Authorised>,
}

impl GrpcClients {
    /// Connects to `address`, and fails at once when nobody answers there.
    pub(super) async fn connect(address: &str, credentials: &Credentials) -> Result<Self, CommandError> {
        let (connection, origin) = match plain_origin(address) {
            Some(origin) => (Connection::Plain(open(&origin, address).await?), origin),
            None => {
                let channel = Client::channel(address).await?;
                (Connection::Channel(channel), address.parse().unwrap_or_default())
            }
        };
        let authorised = || InterceptedService::new(connection.clone(), credentials.clone());
        Ok(Self {
            catalog: CatalogServiceClient::with_origin(authorised(), origin.clone())
                .max_decoding_message_size(ANSWER_LIMIT_BYTES),
            recommendation: RecommendationServiceClient::with_origin(authorised(), origin)
                .max_decoding_message_size(ANSWER_LIMIT_BYTES),
        })
    }
}

/// A connection: bare HTTP/2, or the usual channel where TLS is asked for.
#[derive(Clone)]
pub(super) enum Connection {
    Plain(SendRequest<Body>),
    Channel(tonic::transport::Channel),
}

impl Service<Request<Body>> for Connection {
    type Response = Response<Body>;
    type Error = StdError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, StdError>> + Send>>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        match self {
            Self::Plain(sender) => sender.poll_ready(task).map_err(Into::into),
            Self::Channel(channel) => channel.poll_ready(task).map_err(Into::into),
        }
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self {
            Self::Plain(sender) => {
                let answer = sender.send_request(request);
                Box::pin(async move { Ok(answer.await?.map(Body::new)) })
            }
            Self::Channel(channel) => {
                let answer = channel.call(request);
                Box::pin(async move { Ok(answer.await?) })
            }
        }
    }
}

/// The address of a service that is called without TLS.
fn plain_origin(address: &str) -> Option<Uri> {
    let origin: Uri = address.parse().ok()?;
    (origin.scheme_str() == Some("http") && origin.host().is_some()).then_some(origin)
}

async fn open(origin: &Uri, address: &str) -> Result<SendRequest<Body>, CommandError> {
    let unreachable = |error: &dyn std::error::Error| CommandError::Unreachable {
        address: address.to_owned(),
        cause: innermost(error),
    };
    // An IPv6 address stands in brackets, which the resolver does not know.
    let host = origin.host().unwrap_or_default().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, origin.port_u16().unwrap_or(80))).await;
    let stream = stream.map_err(|error| unreachable(&error))?;
    stream.set_nodelay(true).map_err(|error| unreachable(&error))?;
    let shaken = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (sender, connection) = shaken.map_err(|error| unreachable(&error))?;
    // It ends with the last sender; what went wrong on the way, the calls tell.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}
