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
mod front;
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

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};

pub use access::ROUTES;
pub use audience::Audience;
pub(crate) use auth::FromWithin;
pub use chat::FinishedExchanges;
pub use key_ring::KeyRing;
pub use rate_limit::RateLimit;
pub(crate) use server::{serve, start_workers, worker_count};

use crate::app::AppState;

/// The route of the proxy that has memory.
const CHAT: &str = "/proxy/v1/chat/completions";

/// Every route, and what stands before it.
pub(crate) fn router(state: AppState) -> Router {
    Router::new()
        .route("/v1/namespaces", get(namespaces::list).post(namespaces::create))
        .route(
            "/v1/namespaces/{namespace}",
            get(namespaces::read)
                .put(namespaces::replace)
                .patch(namespaces::change)
                .delete(namespaces::delete),
        )
        .route(
            "/v1/namespaces/{namespace}/memories",
            get(memories::list).post(memories::create).delete(purge::purge),
        )
        .route(
            "/v1/namespaces/{namespace}/memories/{id}/history",
            get(memories::history),
        )
        .route("/v1/namespaces/{namespace}/memories/batch", post(batch::create))
        .route("/v1/namespaces/{namespace}/memories/copy", post(transfer::copy_to))
        .route("/v1/namespaces/{namespace}/memories/move", post(transfer::move_to))
        .route("/v1/namespaces/{namespace}/clear", post(purge::clear))
        .route("/v1/namespaces/{namespace}/clone", post(namespaces::clone))
        .route("/v1/namespaces/{namespace}/extract", post(extraction::extract))
        .route("/v1/namespaces/{namespace}/memories/search", post(search::search))
        .route(
            "/v1/namespaces/{namespace}/memories/{id}",
            get(memories::read)
                .put(memories::replace)
                .patch(memories::change)
                .delete(memories::delete),
        )
        .route("/v1/namespaces/{namespace}/context", post(context::context))
        .route("/v1/namespaces/{namespace}/activity", get(activity::list))
        .route("/v1/namespaces/{namespace}/stats", get(stats::of_namespace))
        .route("/v1/memories", post(flat::create))
        .route("/v1/memories/search", post(flat::search))
        .route(
            "/v1/memories/{id}",
            get(flat::read)
                .put(flat::change)
                .patch(flat::change)
                .delete(flat::delete),
        )
        .route("/v1/context", post(flat::context))
        .route("/v1/stats", get(stats::of_all))
        .route("/v1/backup", get(backup::backup))
        .route("/v1/keys", get(keys::list).post(keys::create))
        .route("/v1/keys/{key}", get(keys::read).delete(keys::delete))
        .route(CHAT, post(chat::complete))
        .route("/proxy/v1/{*path}", any(relay::relay))
        .route("/health", get(ops::health))
        .route("/ready", get(ops::ready))
        .route("/metrics", get(ops::metrics))
        .route("/openapi.json", get(openapi::document))
        .route("/docs", get(openapi::page))
        .route("/docs/style.css", get(openapi::style))
        .fallback(methods::no_such_route)
        .method_not_allowed_fallback(methods::not_allowed)
        .layer(from_fn_with_state(state.clone(), front::pass))
        .with_state(state)
}
