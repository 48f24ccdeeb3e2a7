//! The outside: routes, what stands before them, and how answers and errors look. The one place that knows `axum`.

mod access;
mod activity;
mod audience;
mod auth;
mod backend_answer;
mod backup;
mod batch;
mod chat;
mod chat_options;
mod conditions;
mod consult;
mod context;
mod error;
mod extract;
mod extraction;
mod filters;
mod first_bytes;
mod flat;
mod key_ring;
mod keys;
mod limits;
mod log;
mod memories;
mod methods;
mod namespaces;
mod once;
mod openapi;
mod ops;
mod page;
mod purge;
mod rate_limit;
mod relay;
mod search;
mod server;
mod stats;
mod transfer;
mod worker;

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{any, get, post};

pub use access::ROUTES;
pub use audience::Audience;
pub(crate) use auth::FromWithin;
pub use chat::FinishedExchanges;
pub use key_ring::KeyRing;
pub use rate_limit::RateLimit;
pub(crate) use server::{serve, start_workers, worker_count};

use crate::app::AppState;
use crate::metrics::ProxyRoute;
use auth::Door;

/// The path of the proxy that has memory.
const CHAT: &str = "/chat/completions";

/// Every route, and what stands before it.
pub(crate) fn router(state: AppState) -> Router {
    let api = Router::new()
        .route("/namespaces", get(namespaces::list).post(namespaces::create))
        .route(
            "/namespaces/{namespace}",
            get(namespaces::read)
                .put(namespaces::replace)
                .patch(namespaces::change)
                .delete(namespaces::delete),
        )
        .route(
            "/namespaces/{namespace}/memories",
            get(memories::list).post(memories::create).delete(purge::purge),
        )
        .route("/namespaces/{namespace}/memories/{id}/history", get(memories::history))
        .route("/namespaces/{namespace}/memories/batch", post(batch::create))
        .route("/namespaces/{namespace}/memories/copy", post(transfer::copy_to))
        .route("/namespaces/{namespace}/memories/move", post(transfer::move_to))
        .route("/namespaces/{namespace}/clear", post(purge::clear))
        .route("/namespaces/{namespace}/clone", post(namespaces::clone))
        .route("/namespaces/{namespace}/extract", post(extraction::extract))
        .route("/namespaces/{namespace}/memories/search", post(search::search))
        .route(
            "/namespaces/{namespace}/memories/{id}",
            get(memories::read)
                .put(memories::replace)
                .patch(memories::change)
                .delete(memories::delete),
        )
        .route("/namespaces/{namespace}/context", post(context::context))
        .route("/namespaces/{namespace}/activity", get(activity::list))
        .route("/namespaces/{namespace}/stats", get(stats::of_namespace))
        .route("/memories", post(flat::create))
        .route("/memories/search", post(flat::search))
        .route(
            "/memories/{id}",
            get(flat::read)
                .put(flat::change)
                .patch(flat::change)
                .delete(flat::delete),
        )
        .route("/context", post(flat::context))
        .route("/stats", get(stats::of_all))
        .route("/backup", get(backup::backup))
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/{key}", get(keys::read).delete(keys::delete))
        .fallback(methods::no_such_route)
        .method_not_allowed_fallback(methods::not_allowed)
        .layer(from_fn_with_state((state.clone(), Door::Api), auth::authorize))
        .layer(from_fn_with_state(state.clone(), rate_limit::limit))
        .layer(from_fn_with_state((state.clone(), Door::Api), auth::identify))
        .layer(from_fn_with_state(state.clone(), count_api_call));

    let proxy = Router::new()
        .route(CHAT, post(chat::complete))
        .route("/{*path}", any(relay::relay))
        .fallback(methods::no_such_route)
        .method_not_allowed_fallback(methods::not_allowed)
        .layer(from_fn_with_state((state.clone(), Door::Proxy), auth::authorize))
        .layer(from_fn_with_state(state.clone(), rate_limit::limit))
        .layer(from_fn_with_state((state.clone(), Door::Proxy), auth::identify))
        .layer(from_fn_with_state(state.clone(), count_proxied));

    Router::new()
        .nest("/v1", api)
        .nest(relay::PREFIX, proxy)
        .route("/health", get(ops::health))
        .route("/ready", get(ops::ready))
        .route("/metrics", get(ops::metrics))
        .route("/openapi.json", get(openapi::document))
        .route("/docs", get(openapi::page))
        .route("/docs/style.css", get(openapi::style))
        .fallback(methods::no_such_route)
        .method_not_allowed_fallback(methods::not_allowed)
        .layer(from_fn_with_state(state.clone(), audience::check))
        .layer(from_fn_with_state(state.clone(), limits::limit))
        .layer(from_fn_with_state(state.clone(), rate_limit::show))
        .layer(from_fn(log::log))
        .with_state(state)
}

async fn count_api_call(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    state.metrics.api_call(response.status().as_u16());
    response
}

/// Counts what maia itself refuses too.
async fn count_proxied(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = match request.extensions().get::<MatchedPath>() {
        Some(path) if path.as_str().ends_with(CHAT) => ProxyRoute::Chat,
        _ => ProxyRoute::Relay,
    };
    let response = next.run(request).await;
    state
        .metrics
        .proxied(route, response.status().as_u16(), begun.elapsed());
    response
}
