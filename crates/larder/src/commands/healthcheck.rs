//! `larder healthcheck`: asks an ops port whether its service is ready. Made for container
//! health checks, where no curl is at hand: quick, quiet, exit code 0 or 4.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::client::innermost;
use crate::commands::Context;
use crate::console;
use crate::error::CommandError;

const ANSWER_LIMIT_BYTES: usize = 64 * 1024;

/// The arguments of `larder healthcheck`.
#[derive(Debug, clap::Args)]
pub(crate) struct HealthcheckArgs {
    /// The ops port to ask [default: that of the gateway that runs on this
    /// data folder, or of the settings in force]; the
    /// path is /readyz when none is given
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// How long to wait for the answer
    #[arg(long, default_value_t = 3_000, value_name = "MILLISECONDS")]
    timeout_ms: u64,
    /// Prints the answer as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) async fn run(args: HealthcheckArgs, context: &Context) -> Result<(), CommandError> {
    let url = match &args.url {
        Some(url) => with_path(url)?,
        None => format!("{}/readyz", context.ops_address()?),
    };
    let limit = Duration::from_millis(args.timeout_ms);
    let answer = tokio::time::timeout(limit, ask(&url)).await.unwrap_or_else(|_| {
        Err(CommandError::NotReady(format!("{url} did not answer within {} ms", args.timeout_ms)))
    });
    if args.json {
        let (ready, body) = match &answer {
            Ok((ready, body)) => (*ready, body.clone()),
            Err(error) => (false, error.to_string()),
        };
        console::print_json(&serde_json::json!({"url": url, "ready": ready, "answer": body}));
    }
    match answer? {
        (true, _) => Ok(()),
        (false, body) => {
            Err(CommandError::NotReady(format!("{url} says {}", console::fit(body.trim(), 400))))
        }
    }
}

fn with_path(url: &str) -> Result<String, CommandError> {
    let refused = |cause: String| {
        CommandError::Usage(format!(
            "--url {url:?} is refused ({cause}); give one such as http://127.0.0.1:9080"
        ))
    };
    let parsed = url::Url::parse(url).map_err(|error| refused(error.to_string()))?;
    if parsed.scheme() != "http" {
        return Err(refused("ops ports speak plain http".into()));
    }
    match parsed.path() {
        "/" | "" => Ok(format!("{}/readyz", url.trim_end_matches('/'))),
        _ => Ok(url.to_owned()),
    }
}

async fn ask(url: &str) -> Result<(bool, String), CommandError> {
    let uri = url.parse().map_err(|_| CommandError::Usage(format!("{url:?} is no URL")))?;
    let client: Client<_, String> = Client::builder(TokioExecutor::new()).build_http();
    let not_ready = |cause: String| CommandError::NotReady(format!("{url}: {cause}"));
    let answer = client.get(uri).await.map_err(|error| not_ready(innermost(&error)))?;
    let ready = answer.status().is_success();
    let body = Limited::new(answer.into_body(), ANSWER_LIMIT_BYTES).collect().await;
    let body = body.map_err(|error| not_ready(error.to_string()))?.to_bytes();
    Ok((ready, String::from_utf8_lossy(&body).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_address_asks_for_readiness_and_a_path_is_kept() {
        assert_eq!(with_path("http://127.0.0.1:9051").unwrap(), "http://127.0.0.1:9051/readyz");
        assert_eq!(with_path("http://127.0.0.1:9051/livez").unwrap(), "http://127.0.0.1:9051/livez");
        assert!(with_path("https://127.0.0.1:9051").is_err());
        assert!(with_path("9051").is_err());
    }
}
