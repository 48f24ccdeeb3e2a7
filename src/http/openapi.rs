//! The description of every route (`OpenAPI` 3.1), for programs at `/openapi.json` and for people at `/docs`.
//!
//! Each handler says what is its own: its path, its parameters, its body and its answer. What is the same everywhere follows from that, in
//! [`common`]: the errors, the headers, the keys.

pub(super) mod bodies;
mod common;
pub(super) mod params;
mod site;

use std::sync::LazyLock;

use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;

use super::error::Envelope;
use super::extraction::MessageBody;
use super::{
    activity, backup, batch, chat, context, extraction, flat, keys, memories, namespaces, ops, purge, relay, search,
    stats, transfer,
};
use crate::app::AppState;

/// Every route in the order of the pages.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "maia",
        description = "Memory for any program that talks to an OpenAI-compatible API. Under `/proxy/v1` it is a proxy for such an API, which puts what is \
                       known into chat requests and remembers what is new; under `/v1` it is an API for those memories."
    ),
    tags(
        (name = "proxy", description = "The API of the backend. Chat completions have memory; everything else is relayed as it is."),
        (name = "memories", description = "What is known: one sentence each, in a namespace."),
        (name = "namespaces", description = "Whose memories these are. Nothing crosses from one to another."),
        (name = "flat", description = "The routes of the original MAIA, for its clients. The namespace stands in the body or in a parameter, or is the default one."),
        (name = "keys", description = "Who may do what, and in which namespaces. These routes need the right `admin`."),
        (name = "operations", description = "For those who run maia."),
    ),
    paths(
        chat::complete,
        relay::relay,
        memories::list,
        memories::create,
        purge::purge,
        memories::read,
        memories::replace,
        memories::change,
        memories::delete,
        memories::history,
        search::search,
        context::context,
        extraction::extract,
        batch::create,
        transfer::move_to,
        transfer::copy_to,
        namespaces::list,
        namespaces::create,
        namespaces::read,
        namespaces::replace,
        namespaces::change,
        namespaces::delete,
        namespaces::clone,
        purge::clear,
        activity::list,
        stats::of_namespace,
        flat::create,
        flat::read,
        flat::change,
        flat::delete,
        flat::search,
        flat::context,
        keys::list,
        keys::create,
        keys::read,
        keys::delete,
        stats::of_all,
        backup::backup,
        ops::health,
        ops::ready,
        ops::metrics,
        document,
        page,
        style,
    ),
    components(schemas(Envelope, MessageBody))
)]
struct Description;

/// The description as it is served.
struct Served {
    json: String,
    page: String,
}

static WITHOUT_KEY: LazyLock<Served> = LazyLock::new(|| Served::new(false));
static WITH_KEY: LazyLock<Served> = LazyLock::new(|| Served::new(true));

impl Served {
    fn new(needs_key: bool) -> Self {
        let mut description = Description::openapi();
        common::complete(&mut description, needs_key);
        Self {
            page: site::page(&description),
            json: description.to_json().unwrap_or_default(),
        }
    }

    /// What this server's settings make of it.
    fn by(state: &AppState) -> &'static Self {
        if state.keys.asks() { &WITH_KEY } else { &WITHOUT_KEY }
    }
}

/// This description
///
/// It needs no key, for it holds nothing of anybody's.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "get_description",
    tag = "operations",
    responses((status = 200, description = "An OpenAPI document", body = Value))
)]
pub(super) async fn document(State(state): State<AppState>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json")],
        Served::by(&state).json.as_str(),
    )
}

/// This description, to be read
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "read_description",
    tag = "operations",
    responses((status = 200, description = "A page that loads nothing but its style", body = String, content_type = "text/html"))
)]
pub(super) async fn page(State(state): State<AppState>) -> Response {
    asset("text/html; charset=utf-8", &Served::by(&state).page)
}

/// How that page looks
#[utoipa::path(
    get,
    path = "/docs/style.css",
    operation_id = "get_style",
    tag = "operations",
    responses((status = 200, description = "A style sheet", body = String, content_type = "text/css"))
)]
pub(super) async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("openapi/style.css"))
}

/// A part of the page, which may load its style from here and nothing else from anywhere.
fn asset(content_type: &'static str, text: &'static str) -> Response {
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers: [(HeaderName, &str); 4] = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, text).into_response()
}
