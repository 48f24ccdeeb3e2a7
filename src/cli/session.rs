//! Where a command finds its maia: a server that runs, or the file itself where none does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use crate::app::App;
use crate::client::{Client, ClientError};
use crate::config::{Config, Server};
use crate::store::Store;

/// Which maia a command asks.
#[derive(Args)]
#[command(next_help_heading = "Server")]
pub(super) struct ServerArgs {
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "MAIA_URL",
        help = "Address of a running maia: http://, https:// or unix:/path [default: as it is configured, or the database file where nothing answers there]"
    )]
    url: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "MAIA_KEY_FILE",
        help = "File that holds a key of maia; without it MAIA_KEY counts, then security.api_key"
    )]
    key_file: Option<PathBuf>,
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "MAIA_CA_FILE",
        help = "Certificates to trust besides the system's (PEM): the server's own or its authority's [default: server.tls_cert, for the server of the configuration]"
    )]
    ca_file: Option<PathBuf>,
}

/// The configuration, and whether the command line names the database: then the command is about that file, whatever server runs.
pub(super) struct Setup {
    pub(super) config: Config,
    pub(super) file_is_named: bool,
}

/// Whether a command may make the database where there is none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Make,
    Refuse,
}

impl ServerArgs {
    /// The address that was given.
    pub(super) fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The key to send, where there is one. It never stands on the command line, which other users of the machine can read.
    pub(super) fn key(&self, config: &Config) -> Result<Option<SecretString>, Failure> {
        if let Some(path) = &self.key_file {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::Configuration(format!("the key file {}: {error}", path.display())))?;
            let key = text.trim();
            if key.is_empty() {
                return Err(Failure::Configuration(format!(
                    "the key file {} is empty",
                    path.display()
                )));
            }
            return Ok(Some(key.to_owned().into()));
        }
        let own = std::env::var("MAIA_KEY").ok().filter(|key| !key.trim().is_empty());
        Ok(own
            .map(|key| key.trim().to_owned().into())
            .or_else(|| config.security.api_key.clone()))
    }

    /// The maia that was named, or the one that runs as it is configured; `None` where neither does.
    pub(super) async fn server(&self, setup: &Setup) -> Result<Option<Client>, Failure> {
        let config = &setup.config;
        if setup.file_is_named {
            return Ok(None);
        }
        let key = self.key(config)?;
        let ca_file = self.ca_file.as_deref();
        if let Some(url) = &self.url {
            let client = Client::of_server(url, key.as_ref(), ca_file).map_err(Failure::Configuration)?;
            client.greet().await.map_err(|error| {
                Failure::Failed(format!("{error}; is it running, and is --url (or MAIA_URL) right?"))
            })?;
            return Ok(Some(client));
        }
        if config.server.socket.is_none() && config.server.port == 0 {
            return Ok(None);
        }
        let trusted = ca_file.or(config.server.tls_cert.as_deref());
        let client = Client::of_server(&address(&config.server), key.as_ref(), trusted);
        let client = client.map_err(Failure::Configuration)?;
        match client.greet().await {
            Ok(()) => Ok(Some(client)),
            Err(ClientError::NotMaia(_) | ClientError::Unreachable(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Where a client on this machine reaches a server with these settings.
pub(super) fn address(server: &Server) -> String {
    if let Some(path) = &server.socket {
        return format!("unix:{}", path.display());
    }
    let host = match server.host {
        IpAddr::V4(host) if host.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(host) if host.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        host => host,
    };
    let scheme = if server.tls_cert.is_some() { "https" } else { "http" };
    format!("{scheme}://{}", std::net::SocketAddr::new(host, server.port))
}

/// Finds a maia and does the work with it. Ctrl-C or SIGTERM ends the work and closes the file.
pub(super) fn run<F>(server: &ServerArgs, setup: Setup, missing: Missing, work: F) -> Result<(), Failure>
where
    F: AsyncFnOnce(&Client) -> Result<(), Failure>,
{
    block_on(async {
        let client = find(server, setup, missing).await?;
        with(&client, stoppable(work(&client))).await
    })
}

/// Runs a future on a runtime of its own.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("the runtime does not start: {error}")))?;
    let done = runtime.block_on(work);
    // A thread may still wait for a line that nobody will type.
    runtime.shutdown_background();
    done
}

/// The server, or else the file.
pub(super) async fn find(server: &ServerArgs, setup: Setup, missing: Missing) -> Result<Client, Failure> {
    match server.server(&setup).await? {
        Some(client) => Ok(client),
        None => open(setup, missing, true).await,
    }
}

/// Does the work, and closes the file where there is one.
pub(super) async fn with<T>(client: &Client, work: impl Future<Output = T>) -> T {
    match client.app() {
        Some(app) => app.during(work).await,
        None => work.await,
    }
}

/// A maia in this process. Who can open the file needs no key. `aloud` says that it was no server.
pub(super) async fn open(setup: Setup, missing: Missing, aloud: bool) -> Result<Client, Failure> {
    let Setup {
        mut config,
        file_is_named,
    } = setup;
    let path = config.storage.path.clone();
    let nobody = format!("no maia answers at {}", address(&config.server));
    if missing == Missing::Refuse && !path.exists() {
        let looked = if file_is_named {
            String::new()
        } else {
            format!(", and {nobody}")
        };
        return Err(Failure::Database(format!(
            "there is no database at {}{looked}; start maia, or say where it is with --url or --database",
            path.display()
        )));
    }
    if aloud && !file_is_named {
        eprintln!("maia: {nobody}; using {}", path.display());
    }
    config.security.api_key = None;
    config.security.rate_limit_rps = 0;
    let store = Store::open(&path).map_err(|error| Failure::Database(error.to_string()))?;
    let app = App::new(config, store, Handle::current()).map_err(|error| Failure::Configuration(error.to_string()))?;
    app.prepare()
        .await
        .map_err(|error| Failure::Database(format!("{}: {error}", path.display())))?;
    Ok(Client::of(app))
}

async fn stoppable(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let no_signals = |error: std::io::Error| Failure::Failed(format!("no signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    tokio::select! {
        done = work => done,
        _ = interrupt.recv() => Err(Failure::Stopped("stopped".into())),
        _ = terminate.recv() => Err(Failure::Stopped("stopped".into())),
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let hint = match &error {
            ClientError::Refused { code, .. } if code == "unauthorized" => {
                return Self::Failed(
                    "maia asks for its key, and none was given or it is wrong: set MAIA_KEY, or name a file with --key-file".into(),
                );
            }
            ClientError::Unreadable(_) => "; are the server and this program of the same version?",
            _ => "",
        };
        Self::Failed(format!("{error}{hint}"))
    }
}
