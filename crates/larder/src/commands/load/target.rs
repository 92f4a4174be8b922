//! One call to a running Larder, over gRPC or HTTP. Everything that can be made ready
//! beforehand is, so that the time measured is that of the call.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use larder_proto::larder::catalog::v1::ListProductsRequest;
use larder_proto::larder::recommendation::v1::{RecommendRequest, RecommendationFilter};

use super::connection::GrpcClients;
use super::{Call, LoadArgs, TargetKind};
use crate::client::{Credentials, innermost};
use crate::demo_shop;
use crate::error::CommandError;

/// A call unanswered for so long has failed.
const CALL_LIMIT: Duration = Duration::from_secs(10);
const RECOMMENDATIONS: i32 = 10;
const PRODUCTS: i32 = 100;

/// What is called, over which connections.
#[derive(Clone)]
pub(super) struct Target(Arc<Inner>);

struct Inner {
    call: Call,
    customer_ids: Vec<String>,
    placement: String,
    /// Absent when nothing is filtered.
    filter: Option<RecommendationFilter>,
    transport: Transport,
}

enum Transport {
    Grpc(Vec<GrpcClients>),
    Http { clients: Vec<HttpClient<HttpConnector, String>>, base: String, credentials: Credentials },
}

impl Target {
    /// Makes the connections.
    pub(super) async fn connect(
        args: &LoadArgs,
        address: &str,
        credentials: Credentials,
    ) -> Result<Self, CommandError> {
        let transport = match args.target {
            TargetKind::Grpc => grpc(address, &credentials, args.connections).await?,
            TargetKind::Http => http(address, credentials, args.connections)?,
        };
        let customer_ids = match &args.customers {
            None => demo_shop::customer_ids()?,
            Some(file) => customer_ids_of(file)?,
        };
        let expression = args.filter.clone();
        let filter = (!expression.is_empty())
            .then(|| RecommendationFilter { expression, ..RecommendationFilter::default() });
        let placement = args.placement.clone();
        Ok(Self(Arc::new(Inner { call: args.call, customer_ids, placement, filter, transport })))
    }

    /// Makes the call with this number; the number picks the customer and the connection.
    pub(super) async fn call(&self, number: u64) -> Result<(), String> {
        match tokio::time::timeout(CALL_LIMIT, self.0.call(number)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("no answer within {} s", CALL_LIMIT.as_secs())),
        }
    }
}

impl Inner {
    async fn call(&self, number: u64) -> Result<(), String> {
        let customer_id = &self.customer_ids[number as usize % self.customer_ids.len()];
        match &self.transport {
            Transport::Grpc(clients) => {
                let client = clients[number as usize % clients.len()].clone();
                self.call_grpc(client, customer_id).await
            }
            Transport::Http { clients, base, credentials } => {
                let client = &clients[number as usize % clients.len()];
                let path = match self.call {
                    Call::Recommend => {
                        format!(
                            "/v1/customers/{customer_id}/recommendations?limit={RECOMMENDATIONS}{}",
                            self.query()
                        )
                    }
                    Call::ListProducts => format!("/v1/products?pageSize={PRODUCTS}"),
                };
                get_http(client, &format!("{base}{path}"), credentials).await
            }
        }
    }

    async fn call_grpc(&self, client: GrpcClients, customer_id: &str) -> Result<(), String> {
        let outcome = match self.call {
            Call::Recommend => {
                let request = RecommendRequest {
                    customer_id: customer_id.to_owned(),
                    limit: RECOMMENDATIONS,
                    placement: self.placement.clone(),
                    filter: self.filter.clone(),
                    ..Default::default()
                };
                let mut recommendation = client.recommendation;
                recommendation.recommend(request).await.map(|_| ())
            }
            Call::ListProducts => {
                let request = ListProductsRequest { page_size: PRODUCTS, ..Default::default() };
                let mut catalog = client.catalog;
                catalog.list_products(request).await.map(|_| ())
            }
        };
        outcome.map_err(|status| format!("{:?}: {}", status.code(), status.message()))
    }

    /// What the question carries beside the customer and the number of products.
    fn query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !self.placement.is_empty() {
            query.append_pair("placement", &self.placement);
        }
        if let Some(filter) = &self.filter {
            query.append_pair("filter.expression", &filter.expression);
        }
        let query = query.finish();
        if query.is_empty() { query } else { format!("&{query}") }
    }
}

/// The ids in a file, one a line.
pub(super) fn customer_ids_of(file: &Path) -> Result<Vec<String>, CommandError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| CommandError::Usage(format!("{}: {error}", file.display())))?;
    let ids: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if ids.is_empty() {
        return Err(CommandError::Usage(format!("{}: there is no customer id in it", file.display())));
    }
    Ok(ids)
}

async fn grpc(address: &str, credentials: &Credentials, connections: u32) -> Result<Transport, CommandError> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(GrpcClients::connect(address, credentials).await?);
    }
    Ok(Transport::Grpc(clients))
}

/// One client a connection would be too strict for HTTP/1.1, where a connection carries
/// one call at a time: each client keeps as many connections as it has calls under way.
fn http(address: &str, credentials: Credentials, clients: u32) -> Result<Transport, CommandError> {
    if !address.starts_with("http://") {
        return Err(CommandError::Usage(format!(
            "{address:?}: over HTTP only http:// addresses are measured"
        )));
    }
    let client = || {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        HttpClient::builder(TokioExecutor::new()).build(connector)
    };
    let base = address.trim_end_matches('/').to_owned();
    Ok(Transport::Http { clients: (0..clients).map(|_| client()).collect(), base, credentials })
}

async fn get_http(
    client: &HttpClient<HttpConnector, String>,
    url: &str,
    credentials: &Credentials,
) -> Result<(), String> {
    let mut request = http::Request::get(url);
    for (name, value) in credentials.headers() {
        request = request.header(name, value);
    }
    let request = request.body(String::new()).map_err(|error| error.to_string())?;
    let answer = client.request(request).await.map_err(|error| innermost(&error))?;
    let status = answer.status();
    answer.into_body().collect().await.map_err(|error| innermost(&error))?;
    if status.is_success() { Ok(()) } else { Err(format!("HTTP {status}")) }
}
