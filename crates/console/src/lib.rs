//! The console: the pages that people see. Every page asks the gateway's own JSON routes in process, with the visitor's
//! session as its credential, and shows the answers through templates that escape what they show. No contract, no
//! database and no rights of its own are here.

mod ask;
mod chart;
mod clock;
mod fields;
mod figures;
mod files;
mod metrics;
mod pages;
mod refusal;
mod room;
mod session;
mod show;
mod templates;
mod upload;
mod visit;
mod vitals;
mod words;

use std::sync::Arc;

use axum::Router;

use crate::templates::Templates;

/// What the console is told of the gateway it stands in.
#[derive(Clone, Copy, Debug)]
pub struct ConsoleSettings {
    /// Whether who shows no credentials is let in. Only ever true in development.
    pub anonymous_allowed: bool,
    /// Whether browsers come with TLS, so that their cookies may not travel without.
    pub over_tls: bool,
}

/// What every page shares.
pub(crate) struct Console {
    settings: ConsoleSettings,
    /// The gateway without its console.
    gateway: Router,
    templates: Templates,
}

/// The console's routes, all of them under `/console`. `gateway` is asked for everything that is shown.
pub fn router(settings: ConsoleSettings, gateway: Router) -> Router {
    metrics::describe();
    pages::routes().with_state(Arc::new(Console { settings, gateway, templates: Templates::new() }))
}
