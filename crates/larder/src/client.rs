//! Talking to a running Larder over gRPC: where it is, who is asking, and what its
//! refusals mean in words. Commands call the services only through here.

use std::time::Duration;

use larder_proto::larder::alerting::v1::alerting_service_client::AlertingServiceClient;
use larder_proto::larder::backup::v1::backup_service_client::BackupServiceClient;
use larder_proto::larder::catalog::v1::catalog_service_client::CatalogServiceClient;
use larder_proto::larder::exchange::v1::exchange_service_client::ExchangeServiceClient;
use larder_proto::larder::market::v1::market_service_client::MarketServiceClient;
use larder_proto::larder::nutrition::v1::nutrition_service_client::NutritionServiceClient;
use larder_proto::larder::privacy::v1::privacy_service_client::PrivacyServiceClient;
use larder_proto::larder::recommendation::v1::recommendation_service_client::RecommendationServiceClient;
use secrecy::{ExposeSecret, SecretString};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};
use tonic_types::{RpcStatusExt, StatusExt};

use crate::error::CommandError;

/// The largest answer that is read: a page of 1,000 products stays far below it.
pub(crate) const ANSWER_LIMIT_BYTES: usize = 64 * 1024 * 1024;

/// Variables of the command that are no settings.
pub(crate) const COMMAND_VARIABLES: [&str; 3] = ["LARDER_ADDRESS", "LARDER_TOKEN", "LARDER_API_KEY"];

/// A connection that carries who asks.
pub(crate) type Authorised = InterceptedService<Channel, Credentials>;

/// Where Larder is and who asks; the arguments every client command shares.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ConnectArgs {
    /// Where Larder listens, such as http://127.0.0.1:8080 [default: the gateway of the
    /// settings in force]
    #[arg(long, value_name = "URL", env = "LARDER_ADDRESS")]
    pub(crate) address: Option<String>,
    /// A service token (`larder token issue`)
    #[arg(long, value_name = "TOKEN", env = "LARDER_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<SecretString>,
    /// An API key (`larder token create-key`)
    #[arg(
        long,
        value_name = "KEY",
        env = "LARDER_API_KEY",
        hide_env_values = true,
        conflicts_with = "token"
    )]
    pub(crate) api_key: Option<SecretString>,
    /// The tenant to speak for without a token or key; works in development only
    #[arg(long, value_name = "TENANT", conflicts_with_all = ["token", "api_key"])]
    pub(crate) tenant: Option<String>,
}

/// What a call carries to prove who makes it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Credentials {
    authorization: Option<MetadataValue<Ascii>>,
    tenant: Option<MetadataValue<Ascii>>,
}

impl Credentials {
    /// Takes the credentials from the arguments.
    pub(crate) fn from_args(args: &ConnectArgs) -> Result<Self, CommandError> {
        let secret = args.token.as_ref().or(args.api_key.as_ref());
        let authorization = secret.map(bearer).transpose()?;
        let tenant = args.tenant.as_deref().map(tenant_value).transpose()?;
        Ok(Self { authorization, tenant })
    }

    /// Credentials of a token that this process has signed itself.
    pub(crate) fn from_token(token: &SecretString) -> Result<Self, CommandError> {
        Ok(Self { authorization: Some(bearer(token)?), tenant: None })
    }

    /// The headers of an HTTP request with the same proof.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let pair = |name, value: &Option<MetadataValue<Ascii>>| {
            value.as_ref().and_then(|value| Some((name, value.to_str().ok()?.to_owned())))
        };
        [pair("authorization", &self.authorization), pair("x-larder-tenant", &self.tenant)]
            .into_iter()
            .flatten()
            .collect()
    }
}

fn bearer(secret: &SecretString) -> Result<MetadataValue<Ascii>, CommandError> {
    let mut value: MetadataValue<Ascii> = format!("Bearer {}", secret.expose_secret().trim())
        .parse()
        .map_err(|_| CommandError::Usage("the token or key holds characters that no token has".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn tenant_value(tenant: &str) -> Result<MetadataValue<Ascii>, CommandError> {
    tenant.parse().map_err(|_| CommandError::Usage(format!("--tenant {tenant:?} is no tenant's name")))
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(authorization) = &self.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        if let Some(tenant) = &self.tenant {
            request.metadata_mut().insert("x-larder-tenant", tenant.clone());
        }
        Ok(request)
    }
}

/// The typed clients of one running Larder. Cheap to clone; clones share the connection.
#[derive(Clone)]
pub(crate) struct Client {
    /// The catalogue.
    pub(crate) catalog: CatalogServiceClient<Authorised>,
    /// The recommendations.
    pub(crate) recommendation: RecommendationServiceClient<Authorised>,
    /// Nutrition.
    pub(crate) nutrition: NutritionServiceClient<Authorised>,
    /// Market days.
    pub(crate) market: MarketServiceClient<Authorised>,
    /// Files in and out.
    pub(crate) exchange: ExchangeServiceClient<Authorised>,
    /// Personal data.
    pub(crate) privacy: PrivacyServiceClient<Authorised>,
    /// Backups.
    pub(crate) backup: BackupServiceClient<Authorised>,
    /// Alerts and incidents.
    pub(crate) alerting: AlertingServiceClient<Authorised>,
}

impl Client {
    /// Connects to `address`, and fails at once when nobody answers there.
    pub(crate) async fn connect(address: &str, credentials: Credentials) -> Result<Self, CommandError> {
        let channel = Self::channel(address).await?;
        let catalog = CatalogServiceClient::with_interceptor(channel.clone(), credentials.clone())
            .max_decoding_message_size(ANSWER_LIMIT_BYTES);
        let recommendation =
            RecommendationServiceClient::with_interceptor(channel.clone(), credentials.clone())
                .max_decoding_message_size(ANSWER_LIMIT_BYTES);
        let nutrition = NutritionServiceClient::with_interceptor(channel.clone(), credentials.clone())
            .max_decoding_message_size(ANSWER_LIMIT_BYTES);
        let market = MarketServiceClient::with_interceptor(channel.clone(), credentials.clone())
            .max_decoding_message_size(ANSWER_LIMIT_BYTES);
        let exchange = ExchangeServiceClient::with_interceptor(channel.clone(), credentials.clone())
            .max_decoding_message_size(ANSWER_LIMIT_BYTES);
        let privacy = PrivacyServiceClient::with_interceptor(channel.clone(), credentials.clone())
            .max_decoding_message_size(ANSWER_LIMIT_BYTES);
        let backup = BackupServiceClient::with_interceptor(channel.clone(), credentials.clone());
        let alerting = AlertingServiceClient::with_interceptor(channel, credentials)
            .max_decoding_message_size(ANSWER_LIMIT_BYTES);
        Ok(Self { catalog, recommendation, nutrition, market, exchange, privacy, backup, alerting })
    }

    /// The connection alone.
    pub(crate) async fn channel(address: &str) -> Result<Channel, CommandError> {
        endpoint(address)?.connect().await.map_err(|error| unreachable(address, &error))
    }
}

fn endpoint(address: &str) -> Result<Endpoint, CommandError> {
    let refused = |cause: String| {
        CommandError::Usage(format!(
            "{address:?} is no address ({cause}); give one such as http://127.0.0.1:8080"
        ))
    };
    let url = url::Url::parse(address).map_err(|error| refused(error.to_string()))?;
    let endpoint = Endpoint::from_shared(address.to_owned())
        .map_err(|error| refused(error.to_string()))?
        .connect_timeout(Duration::from_secs(5))
        .tcp_nodelay(true);
    match url.scheme() {
        "http" => Ok(endpoint),
        "https" => endpoint
            .tls_config(ClientTlsConfig::new().with_enabled_roots())
            .map_err(|error| refused(error.to_string())),
        other => Err(refused(format!("the scheme is {other:?}, not http or https"))),
    }
}

fn unreachable(address: &str, error: &dyn std::error::Error) -> CommandError {
    CommandError::Unreachable { address: address.to_owned(), cause: innermost(error) }
}

/// The last cause in the chain is the one that tells something: "connection refused".
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Turns a refused call into an error that names the fields and what would help.
pub(crate) fn call_refused(call: &'static str) -> impl FnOnce(Status) -> CommandError {
    move |status| {
        let mut message = status.message().to_owned();
        for violation in status.get_details_bad_request().into_iter().flat_map(|bad| bad.field_violations) {
            message.push_str(&format!("\n  {}: {}", violation.field, violation.description));
        }
        match status.code() {
            Code::Unauthenticated => {
                message.push_str("\nGive --token or --api-key (see `larder token --help`).")
            }
            Code::PermissionDenied => message.push_str("\nThe token or key lacks the scope this call needs."),
            _ => {}
        }
        CommandError::Call { call, message }
    }
}

/// The fields that a refusal of a row names and the reasons it gives; several are joined.
pub(crate) fn explain(status: &tonic_types::Status) -> (String, String) {
    let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    match violations.as_slice() {
        [] => (String::new(), status.message.clone()),
        [one] => (column_of(&one.field).to_owned(), one.description.clone()),
        [first, others @ ..] => {
            let others =
                others.iter().map(|other| format!("; {}: {}", column_of(&other.field), other.description));
            (column_of(&first.field).to_owned(), first.description.clone() + &others.collect::<String>())
        }
    }
}

/// A refusal names `products[3].price`; a person who reads a file wants `price`.
fn column_of(field: &str) -> &str {
    match field.split_once("].") {
        Some((_, column)) => column,
        None => field,
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;

    #[test]
    fn a_refused_call_names_the_fields_and_what_helps() {
        let details = ErrorDetails::with_bad_request_violation("limit", "must be 1 to 1000");
        let status = Status::with_error_details(Code::InvalidArgument, "1 field is refused", details);
        let told = call_refused("Recommend")(status).to_string();
        assert_eq!(told, "Recommend was refused: 1 field is refused\n  limit: must be 1 to 1000");
        let told = call_refused("Recommend")(Status::unauthenticated("who are you?")).to_string();
        assert!(told.contains("--api-key"), "{told}");
    }

    #[test]
    fn a_refused_row_is_told_by_its_column() {
        assert_eq!(column_of("products[3].price"), "price");
        assert_eq!(column_of("interactions[0].amount.units"), "amount.units");
        assert_eq!(column_of("quantity"), "quantity");
    }

    #[test]
    fn an_address_without_a_scheme_is_refused_with_an_example() {
        for address in ["localhost:8080", "ftp://localhost", "http://", "127.0.0.1"] {
            let refusal = endpoint(address).unwrap_err().to_string();
            assert!(refusal.contains("such as http://127.0.0.1:8080"), "{address}: {refusal}");
        }
    }

    #[test]
    fn credentials_are_sent_and_never_shown() {
        let mut credentials = Credentials::from_token(&"lrd_abc".to_owned().into()).unwrap();
        let request = credentials.call(Request::new(())).unwrap();
        assert_eq!(request.metadata().get("authorization").unwrap(), "Bearer lrd_abc");
        assert!(!format!("{credentials:?}").contains("lrd_abc"), "{credentials:?}");
        assert!(Credentials::from_token(&"two\nlines".to_owned().into()).is_err());
    }
}
