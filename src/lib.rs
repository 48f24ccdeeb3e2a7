//! maia gives memory to any program that talks to an OpenAI-compatible API: one binary, one `SQLite` file.
//!
//! A request goes one way: `http` takes it, `memory` finds what is known and puts it in, `proxy` forwards it and relays the answer, and `memory` keeps
//! what was new. `memory` and `proxy` do not know each other; `http/chat.rs` composes them. Both stand on `store`, `text` and `model`.
//! The map and the invariants are in `docs/architecture.md`.

pub mod app;
pub mod cli;
pub mod client;
pub mod config;
pub mod http;
pub mod listener;
pub mod memory;
pub mod metrics;
pub mod model;
pub mod proxy;
pub mod record;
pub mod store;
mod sync;
pub mod telemetry;
pub mod text;

use std::future::Future;
use std::io;

use app::App;
use listener::Listener;

/// Serves on the listener until `shutdown` completes; then finishes answers and writes that are on their way, and closes the database.
///
/// # Errors
/// The system gives no threads to serve with.
pub async fn serve(listener: impl Into<Listener>, app: App, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let workers = http::start_workers(app.routers(), app.server())?;
    let listener = listener.into();
    tracing::info!("listening on {listener}, {app}");
    let serving = async {
        tokio::select! {
            () = http::serve(listener, workers, app.server(), shutdown) => {}
            () = app.run_background() => {}
        }
    };
    app.during(serving).await;
    Ok(())
}
