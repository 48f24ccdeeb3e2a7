//! `maia serve`: the server, from its first look at the address to its clean end.

use std::io;
use std::sync::Arc;

use clap::Args;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use crate::app::App;
use crate::config::Config;
use crate::listener::{ListenError, Listener, Tls};
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
    let listener = Listener::bind(&config.server).await?;
    if let Some(tls) = listener.tls() {
        reload_on_hangup(tls).map_err(|error| Failure::Failed(format!("no signals: {error}")))?;
    }
    let store = Store::open(&config.storage.path).map_err(|error| Failure::Database(error.to_string()))?;
    let path = config.storage.path.display().to_string();
    let (keys, _) = store
        .keys()
        .await
        .map_err(|error| Failure::Database(format!("{path}: {error}")))?;
    let problems = config.problems_beside(&keys);
    if !problems.is_empty() {
        store.close().await;
        return Err(Failure::wrong_settings(&problems));
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

/// Reads certificate and key again on each SIGHUP.
fn reload_on_hangup(tls: Arc<Tls>) -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            match tls.reload() {
                Ok(()) => tracing::info!("certificate and key were read again"),
                Err(problem) => tracing::error!("{problem}; the certificate that was read before stays"),
            }
        }
    });
    Ok(())
}

impl From<ListenError> for Failure {
    fn from(error: ListenError) -> Self {
        match error {
            ListenError::Address(message) => Self::Address(message),
            ListenError::Tls(message) => Self::Configuration(message),
        }
    }
}
