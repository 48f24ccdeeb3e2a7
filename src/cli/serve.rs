//! `maia serve`: the server, from its first look at the address to its clean end.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;

use clap::Args;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use crate::app::App;
use crate::config::Config;
use crate::store::Store;
use crate::telemetry;

/// Short for settings of the server.
#[derive(Args, Default)]
pub(super) struct ServeArgs {
    /// Address to listen on [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// Port to listen on, 0 for a free one [default: 8080]
    #[arg(long, short, value_name = "PORT")]
    port: Option<String>,
    #[arg(
        long,
        short,
        value_name = "URL",
        help = "Address of the backend [default: http://localhost:11434/v1]"
    )]
    backend: Option<String>,
}

impl ServeArgs {
    /// What was given, by the keys of the settings.
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        let flags = [
            ("server.host", &self.host),
            ("server.port", &self.port),
            ("proxy.backend", &self.backend),
        ];
        flags
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.clone()?)))
            .collect()
    }
}

pub(super) fn run(config: Config) -> Result<(), Failure> {
    telemetry::start(&config.logging);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("the runtime does not start: {error}")))?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> Result<(), Failure> {
    // The signals are taken before anything is opened, so that none of them ends the process half-way.
    let shutdown = shutdown_signal().map_err(|error| Failure::Failed(format!("no signals: {error}")))?;
    let address = SocketAddr::new(config.server.host, config.server.port);
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| bind_failure(address, &error))?;
    let store = Store::open(&config.storage.path).map_err(|error| Failure::Database(error.to_string()))?;
    let path = config.storage.path.display().to_string();
    if let Some(problem) = config.open_to_all() {
        let (keys, _) = store
            .keys()
            .await
            .map_err(|error| Failure::Database(format!("{path}: {error}")))?;
        if keys.is_empty() {
            store.close().await;
            return Err(Failure::Configuration(format!(
                "the configuration is wrong:\n  - {problem}"
            )));
        }
    }
    let app = App::new(config, store, Handle::current()).map_err(|error| Failure::Configuration(error.to_string()))?;
    app.prepare()
        .await
        .map_err(|error| Failure::Database(format!("{path}: {error}")))?;
    crate::serve(listener, app, shutdown)
        .await
        .map_err(|error| Failure::Failed(format!("no thread to serve with: {error}")))?;
    tracing::info!("stopped; {path} is closed");
    Ok(())
}

/// Completes on the first Ctrl-C or SIGTERM; a second one ends the process at once.
fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: answers that are on their way may finish; once more to stop at once");
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            std::process::exit(130);
        });
    })
}

fn bind_failure(address: SocketAddr, error: &dyn Display) -> Failure {
    Failure::Address(format!(
        "cannot listen on {address}: {error}; stop the program that has the address, or choose another with --port"
    ))
}
