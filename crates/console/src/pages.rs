//! Every page on one page.

mod access;
mod audit;
mod backups;
mod catalogue;
mod customers;
mod experiments;
mod exports;
mod feedback;
mod flags;
mod imports;
mod incidents;
mod language;
mod listing;
mod market;
mod models;
mod nutrition;
mod on_call;
mod overview;
mod privacy;
mod promotions;
mod recommendations;
pub(crate) mod sign_in;
mod statistics;
mod tenants;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::refusal::Refusal;
use crate::room::{Answer, Door, Rooms};
use crate::visit::Visit;
use crate::{Console, files, vitals};

/// The routes of the console.
pub(crate) fn routes() -> Router<Arc<Console>> {
    let open = Rooms::behind(Door::Open)
        .other("/console/static/{name}", get(files::static_file))
        .other("/console/worker.js", get(files::worker))
        .other("/console/vitals", post(vitals::take))
        .page("/console/sign-in", sign_in::show)
        .form("/console/sign-in", sign_in::sign_in)
        .form("/console/sign-out", sign_in::sign_out)
        .page("/console/language/{code}", language::choose);
    let signed_in = Rooms::behind(Door::SignedIn)
        .page("/console", overview::show)
        .page("/console/download/{*path}", files::download)
        .page("/console/recommendations", recommendations::show)
        .page("/console/market", market::show)
        .form("/console/market", market::keep)
        .page("/console/feedback", feedback::show)
        .form("/console/feedback", feedback::submit)
        .page("/console/statistics", statistics::show)
        .page("/console/catalogue", catalogue::show)
        .page("/console/catalogue/{product}", catalogue::one)
        .form("/console/catalogue/{product}", catalogue::change)
        .page("/console/customers", customers::show)
        .page("/console/customers/{customer}", customers::one)
        .form("/console/customers/{customer}", customers::act)
        .page("/console/incidents", incidents::show)
        .page("/console/incidents/{incident}", incidents::one)
        .form("/console/incidents/{incident}", incidents::act)
        .form("/console/silences", incidents::silence)
        .form("/console/silences/end", incidents::end_silence)
        .page("/console/backups", backups::show)
        .form("/console/backups", backups::act)
        .page("/console/backups/{backup}", backups::one)
        .page("/console/models", models::show)
        .form("/console/models", models::act)
        .page("/console/models/{version}", models::one)
        .page("/console/nutrition", nutrition::show)
        .page("/console/promotions", promotions::show)
        .form("/console/promotions", promotions::act)
        .page("/console/exports", exports::show)
        .page("/console/exports/{kind}", exports::file)
        .page("/console/imports", imports::show)
        .form("/console/imports", imports::upload)
        .page("/console/imports/{import}", imports::one)
        .form("/console/imports/{import}", imports::act)
        .page("/console/experiments", experiments::show)
        .form("/console/experiments", experiments::act)
        .page("/console/experiments/{experiment}", experiments::one)
        .page("/console/on-call", on_call::show)
        .form("/console/on-call", on_call::act)
        .page("/console/access", access::show)
        .form("/console/access", access::act)
        .page("/console/tenants", tenants::show)
        .form("/console/tenants", tenants::act)
        .page("/console/privacy", privacy::show)
        .form("/console/privacy", privacy::act)
        .page("/console/privacy/documents/{kind}", privacy::document)
        .page("/console/privacy/erasures/{erasure}", privacy::report)
        .page("/console/audit", audit::show)
        .page("/console/flags", flags::show)
        .page("/console/{*rest}", missing);
    open.beside(signed_in)
}

/// There is no such page; it is said on one.
async fn missing(_visit: Arc<Visit>) -> Answer {
    Err(Refusal::new(404, "there is no such page"))
}
