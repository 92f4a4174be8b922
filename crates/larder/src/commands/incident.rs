//! `larder incident`: what is going on, and what the person on call does about it.

use clap::Subcommand;
use larder_proto::larder::alerting::v1::*;
use serde_json::{Value, json};

use crate::client::{Client, ConnectArgs, Credentials, call_refused};
use crate::commands::Context;
use crate::console::{self, Align, Columns};
use crate::error::CommandError;

const PAGE: i32 = 1_000;

/// The arguments of `larder incident`.
#[derive(Debug, clap::Args)]
pub(crate) struct IncidentArgs {
    #[command(subcommand)]
    command: IncidentCommand,
}

#[derive(Debug, Subcommand)]
enum IncidentCommand {
    /// Lists the incidents that are not resolved, the newest first
    List(PlainArgs),
    /// Shows an incident with its timeline
    Show(OneArgs),
    /// Says that you look at it: nobody else is woken
    Ack(OneArgs),
    /// Says that it is over
    Resolve(OneArgs),
}

/// Where Larder is and how the answer is printed.
#[derive(Debug, clap::Args)]
pub(crate) struct PlainArgs {
    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

#[derive(Debug, clap::Args)]
struct OneArgs {
    /// Its number, as `larder incident list` shows it, or its id
    incident: String,
    /// Why, or what was found
    #[arg(long, default_value = "")]
    note: String,
    #[command(flatten)]
    plain: PlainArgs,
}

/// Runs the command.
pub(crate) async fn run(args: IncidentArgs, context: &Context) -> Result<(), CommandError> {
    match args.command {
        IncidentCommand::List(plain) => list(&connect(&plain, context).await?, plain.json).await,
        IncidentCommand::Show(one) => show(&connect(&one.plain, context).await?, &one).await,
        IncidentCommand::Ack(one) => {
            let request = AcknowledgeIncidentRequest { incident_id: one.incident, note: one.note };
            let mut client = connect(&one.plain, context).await?.alerting;
            let answer =
                client.acknowledge_incident(request).await.map_err(call_refused("AcknowledgeIncident"))?;
            print(answer.into_inner().incident.as_slice(), one.plain.json);
            Ok(())
        }
        IncidentCommand::Resolve(one) => {
            let request = ResolveIncidentRequest { incident_id: one.incident, note: one.note };
            let mut client = connect(&one.plain, context).await?.alerting;
            let answer = client.resolve_incident(request).await.map_err(call_refused("ResolveIncident"))?;
            print(answer.into_inner().incident.as_slice(), one.plain.json);
            Ok(())
        }
    }
}

/// A client as the arguments say.
pub(crate) async fn connect(plain: &PlainArgs, context: &Context) -> Result<Client, CommandError> {
    let address = context.address(&plain.connect)?;
    Client::connect(&address, Credentials::from_args(&plain.connect)?).await
}

async fn list(client: &Client, json: bool) -> Result<(), CommandError> {
    let mut incidents = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListIncidentsRequest { page_size: PAGE, page_token, ..Default::default() };
        let answer = client.alerting.clone().list_incidents(request).await;
        let page = answer.map_err(call_refused("ListIncidents"))?.into_inner();
        incidents.extend(page.incidents);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    print(&incidents, json);
    Ok(())
}

async fn show(client: &Client, one: &OneArgs) -> Result<(), CommandError> {
    let request = GetIncidentRequest { incident_id: one.incident.clone() };
    let answer = client.alerting.clone().get_incident(request).await.map_err(call_refused("GetIncident"))?;
    let answer = answer.into_inner();
    let timeline: Vec<Value> = answer
        .timeline
        .iter()
        .map(|entry| json!({ "kind": entry.kind, "actor": entry.actor, "text": entry.text }))
        .collect();
    if one.plain.json {
        let mut value = answer.incident.as_ref().map(as_json).unwrap_or_default();
        value["timeline"] = timeline.into();
        console::print_json(&value);
        return Ok(());
    }
    print(answer.incident.as_slice(), false);
    for entry in &answer.timeline {
        console::print_line(&format!("  {} {} {}", entry.kind, entry.actor, entry.text));
    }
    Ok(())
}

fn print(incidents: &[Incident], json: bool) {
    if json {
        let incidents: Vec<Value> = incidents.iter().map(as_json).collect();
        console::print_json(&json!({ "incidents": incidents }));
        return;
    }
    if incidents.is_empty() {
        console::print_line("nothing is going on");
        return;
    }
    let mut columns = Columns::new(&[
        ("number", Align::Right),
        ("severity", Align::Left),
        ("state", Align::Left),
        ("alerts", Align::Right),
        ("title", Align::Left),
    ]);
    for incident in incidents {
        columns.push(vec![
            incident.number.to_string(),
            incident.severity.clone(),
            state_word(incident.state()).to_owned(),
            incident.firing_alert_count.to_string(),
            incident.title.clone(),
        ]);
    }
    columns.lines().iter().for_each(|line| console::print_line(line));
}

fn state_word(state: IncidentState) -> &'static str {
    match state {
        IncidentState::Unspecified | IncidentState::Open => "open",
        IncidentState::Acknowledged => "acknowledged",
        IncidentState::Resolved => "resolved",
    }
}

fn as_json(incident: &Incident) -> Value {
    json!({
        "incidentId": incident.incident_id,
        "number": incident.number,
        "title": incident.title,
        "severity": incident.severity,
        "state": state_word(incident.state()),
        "firingAlertCount": incident.firing_alert_count,
        "runbookUrl": incident.runbook_url,
        "acknowledgedBy": incident.acknowledged_by,
    })
}
