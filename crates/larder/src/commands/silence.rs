//! `larder silence`: keeps alerts quiet for a while, after showing which.

use clap::Subcommand;
use larder_proto::larder::alerting::v1::*;
use serde_json::{Value, json};

use crate::client::{Client, call_refused};
use crate::clock;
use crate::commands::Context;
use crate::commands::incident::{PlainArgs, connect};
use crate::console::{self, Align, Columns};
use crate::error::CommandError;

/// The arguments of `larder silence`.
#[derive(Debug, clap::Args)]
pub(crate) struct SilenceArgs {
    #[command(subcommand)]
    command: SilenceCommand,
}

#[derive(Debug, Subcommand)]
enum SilenceCommand {
    /// Lists the silences that are not over
    List(PlainArgs),
    /// Makes a silence and tells how many alerts it hides now
    Add(AddArgs),
    /// Ends a silence now
    Expire(ExpireArgs),
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// A condition such as service=shop, pod=~"web-.*" or severity!=critical; all must hold
    #[arg(required = true, value_name = "MATCHER")]
    matchers: Vec<String>,
    /// Why, for those who will wonder
    #[arg(long)]
    comment: String,
    /// For how many minutes
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=525_600))]
    minutes: u32,
    /// An RFC 5545 rule by which it comes back, such as FREQ=WEEKLY;BYDAY=SA
    #[arg(long, default_value = "")]
    every: String,
    /// The IANA zone of that rule
    #[arg(long, default_value = "")]
    time_zone: String,
    /// Ends as soon as everything it hides is resolved
    #[arg(long)]
    until_resolved: bool,
    /// Only tells what it would hide
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    plain: PlainArgs,
}

#[derive(Debug, clap::Args)]
struct ExpireArgs {
    /// Its id, as `larder silence list` shows it
    silence_id: String,
    #[command(flatten)]
    plain: PlainArgs,
}

/// Runs the command.
pub(crate) async fn run(args: SilenceArgs, context: &Context) -> Result<(), CommandError> {
    match args.command {
        SilenceCommand::List(plain) => list(&connect(&plain, context).await?, plain.json).await,
        SilenceCommand::Add(args) => add(&connect(&args.plain, context).await?, args).await,
        SilenceCommand::Expire(args) => {
            let request = ExpireSilenceRequest { silence_id: args.silence_id };
            let mut client = connect(&args.plain, context).await?.alerting;
            client.expire_silence(request).await.map_err(call_refused("ExpireSilence"))?;
            Ok(())
        }
    }
}

async fn add(client: &Client, args: AddArgs) -> Result<(), CommandError> {
    let matchers = args.matchers.iter().map(|text| matcher(text)).collect::<Result<_, _>>()?;
    let now = prost_types::Timestamp::from(clock::now());
    let ends_at = prost_types::Timestamp { seconds: now.seconds + i64::from(args.minutes) * 60, ..now };
    let silence = Silence {
        matchers,
        starts_at: Some(now),
        ends_at: Some(ends_at),
        comment: args.comment,
        recurrence_rule: args.every,
        time_zone: args.time_zone,
        until_resolved: args.until_resolved,
        ..Silence::default()
    };
    let mut client = client.alerting.clone();
    let request = PreviewSilenceRequest { silence: Some(silence.clone()) };
    let preview = client.preview_silence(request).await.map_err(call_refused("PreviewSilence"))?.into_inner();
    let mut silence_id = String::new();
    if !args.dry_run {
        let request = CreateSilenceRequest { silence: Some(silence) };
        let made = client.create_silence(request).await.map_err(call_refused("CreateSilence"))?.into_inner();
        silence_id = made.silence.unwrap_or_default().silence_id;
    }
    if args.plain.json {
        console::print_json(&json!({ "silenceId": silence_id, "hides": preview.alert_count }));
    } else {
        let verb = if args.dry_run { "would hide" } else { "hides" };
        console::print_line(format!("{silence_id} {verb} {} alerts now", preview.alert_count).trim_start());
    }
    Ok(())
}

/// `name=value`, `name!=value`, `name=~expression` or `name!~expression`, the value quoted or not.
fn matcher(text: &str) -> Result<Matcher, CommandError> {
    let refused = || {
        CommandError::Usage(format!(
            "{text:?} is no matcher; accepted are a=b, a!=b, a=~\"b.*\" and a!~\"b.*\""
        ))
    };
    let place = text.find(['=', '!']).ok_or_else(refused)?;
    let (name, rest) = text.split_at(place);
    let signs = [("=~", true, false), ("!~", true, true), ("!=", false, true), ("=", false, false)];
    let sign = signs.into_iter().find(|(sign, ..)| rest.starts_with(sign)).ok_or_else(refused)?;
    let (sign, regex, negative) = sign;
    let value = rest[sign.len()..].trim().trim_matches('"').to_owned();
    if name.trim().is_empty() {
        return Err(refused());
    }
    Ok(Matcher { name: name.trim().to_owned(), value, regex, negative })
}

async fn list(client: &Client, json: bool) -> Result<(), CommandError> {
    let request = ListSilencesRequest { page_size: 1_000, ..ListSilencesRequest::default() };
    let answer = client.alerting.clone().list_silences(request).await;
    let silences = answer.map_err(call_refused("ListSilences"))?.into_inner().silences;
    if json {
        let silences: Vec<Value> = silences
            .iter()
            .map(|silence| json!({ "silenceId": silence.silence_id, "active": silence.active, "comment": silence.comment }))
            .collect();
        console::print_json(&json!({ "silences": silences }));
        return Ok(());
    }
    let columns =
        [("silence", Align::Left), ("state", Align::Left), ("hides", Align::Left), ("why", Align::Left)];
    let mut columns = Columns::new(&columns);
    for silence in silences {
        let state = if silence.active { "active" } else { "pending" };
        let matchers: Vec<String> = silence.matchers.iter().map(written).collect();
        columns.push(vec![silence.silence_id, state.to_owned(), matchers.join(" "), silence.comment]);
    }
    columns.lines().iter().for_each(|line| console::print_line(line));
    Ok(())
}

fn written(matcher: &Matcher) -> String {
    let sign = match (matcher.regex, matcher.negative) {
        (false, false) => "=",
        (false, true) => "!=",
        (true, false) => "=~",
        (true, true) => "!~",
    };
    format!("{}{sign}{:?}", matcher.name, matcher.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_are_read_as_amtool_reads_them() {
        for (text, name, value, regex, negative) in [
            ("service=shop", "service", "shop", false, false),
            ("severity!=critical", "severity", "critical", false, true),
            ("pod=~\"web-.*\"", "pod", "web-.*", true, false),
            ("pod !~ web", "pod", "web", true, true),
        ] {
            let read = matcher(text).unwrap();
            let expected = Matcher { name: name.into(), value: value.into(), regex, negative };
            assert_eq!(read, expected, "{text}");
        }
        for text in ["", "service", "=x", "!x"] {
            assert!(matcher(text).is_err(), "{text}");
        }
    }
}
