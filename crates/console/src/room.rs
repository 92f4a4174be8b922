//! What stands before every page: whoever is nobody is asked to sign in, a form has to come from a page of ours, and
//! whatever is refused is told on a page. A form whose session is over is kept and shown again after signing in.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use http::{Method, StatusCode};
use larder_telemetry::http::RouteTemplate;
use serde_json::json;

use crate::Console;
use crate::fields::target;
use crate::pages::sign_in;
use crate::refusal::Refusal;
use crate::session::is_form_token;
use crate::visit::{FORM_TOKEN, Visit};

/// What a page answers.
pub(crate) type Answer = Result<Response, Refusal>;

/// Who may enter a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// Everybody.
    Open,
    /// Whoever signed in, or anybody where no credentials are needed.
    SignedIn,
}

/// Rooms behind one kind of door.
pub(crate) struct Rooms {
    door: Door,
    router: Router<Arc<Console>>,
}

impl Rooms {
    /// None yet.
    pub(crate) fn behind(door: Door) -> Self {
        Self { door, router: Router::new() }
    }

    /// A page.
    pub(crate) fn page<F, Fut>(self, path: &'static str, show: F) -> Self
    where
        F: Fn(Arc<Visit>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        self.room(MethodFilter::GET, path, show)
    }

    /// What a form is sent to.
    pub(crate) fn form<F, Fut>(self, path: &'static str, act: F) -> Self
    where
        F: Fn(Arc<Visit>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        self.room(MethodFilter::POST, path, act)
    }

    fn room<F, Fut>(self, method: MethodFilter, path: &'static str, serve: F) -> Self
    where
        F: Fn(Arc<Visit>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        let door = self.door;
        let handler = move |State(console): State<Arc<Console>>, request: Request| async move {
            let mut response = enter(console, request, door, serve).await;
            response.extensions_mut().insert(RouteTemplate(Arc::from(path)));
            response
        };
        Self { router: self.router.route(path, on(method, handler)), ..self }
    }

    /// Anything that is no page.
    pub(crate) fn other(self, path: &'static str, service: MethodRouter<Arc<Console>>) -> Self {
        Self { router: self.router.route(path, service), ..self }
    }

    /// All of them, beside those behind another door.
    pub(crate) fn beside(self, others: Self) -> Router<Arc<Console>> {
        self.router.merge(others.router)
    }
}

async fn enter<F, Fut>(console: Arc<Console>, request: Request, door: Door, serve: F) -> Response
where
    F: Fn(Arc<Visit>) -> Fut,
    Fut: Future<Output = Answer>,
{
    let visit = match Visit::read(console, request).await {
        Ok(visit) => Arc::new(visit),
        Err(refusal) => return (status_of(&refusal), refusal.detail).into_response(),
    };
    let answered = match check(&visit, door) {
        Ok(()) => serve(visit.clone()).await,
        Err(refusal) => Err(refusal),
    };
    match answered {
        Ok(response) => response,
        Err(refusal) => turn_away(&visit, refusal).await,
    }
}

fn check(visit: &Visit, door: Door) -> Result<(), Refusal> {
    if visit.method == Method::POST && !visit.of_this_site {
        return Err(Refusal::new(403, "this form was not sent by a page of this console"));
    }
    if door == Door::Open {
        return Ok(());
    }
    let is_old_form =
        visit.method == Method::POST && !is_form_token(visit.form.get(FORM_TOKEN), visit.session.as_deref());
    if visit.is_nobody() || is_old_form { Err(Refusal::sign_in()) } else { Ok(()) }
}

/// Says why not. Nothing that was typed is lost by signing in.
async fn turn_away(visit: &Arc<Visit>, refusal: Refusal) -> Response {
    if visit.wants_json {
        return (status_of(&refusal), axum::Json(json!({ "problem": refusal }))).into_response();
    }
    if !refusal.wants_sign_in() {
        return visit.refused(&refusal).await;
    }
    if visit.method != Method::POST {
        return Redirect::to(&target("/console/sign-in", &[("next", &visit.whole_path)])).into_response();
    }
    // The form is of another session, and where nobody signs in of none: it is shown to be sent again.
    match visit.console.settings.anonymous_allowed && visit.session.is_none() {
        true => sign_in::show_again(visit),
        false => sign_in::ask_with_form(visit),
    }
}

pub(crate) fn status_of(refusal: &Refusal) -> StatusCode {
    StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
