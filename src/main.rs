//! The command line of maia: reads the configuration, starts the server, and says with its exit code how it ended.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use maia::app::App;
use maia::config::{Config, Layers};
use maia::store::Store;
use maia::telemetry;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

/// Memory for any program that talks to an OpenAI-compatible API.
#[derive(Parser)]
#[command(name = "maia", version, long_about = ABOUT, after_long_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server (also what plain `maia` does)
    Serve,
}

/// Flags go before environment variables, these before the file, and that before the defaults.
#[derive(Args)]
struct Settings {
    /// Configuration file (YAML); without it the defaults count, and ./config.yaml where there is one
    #[arg(long, short, global = true, value_name = "FILE", env = "MAIA_CONFIG")]
    config: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1]
    #[arg(long, global = true, value_name = "ADDRESS")]
    host: Option<String>,
    /// Port to listen on, 0 for a free one [default: 8080]
    #[arg(long, short, global = true, value_name = "PORT")]
    port: Option<String>,
    /// Database file [default: ./maia.db]
    #[arg(long, short, global = true, value_name = "FILE")]
    database: Option<String>,
    #[arg(
        long,
        short,
        global = true,
        value_name = "URL",
        help = "Address of the backend [default: http://localhost:11434/v1]"
    )]
    backend: Option<String>,
    /// Any other setting, as in `--set proxy.token_budget=2000`; may stand several times
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = key_and_value)]
    others: Vec<(String, String)>,
}

const ABOUT: &str = "\
Memory for any program that talks to an OpenAI-compatible API.

maia stands between your program and the model: it finds what it knows that matters, puts it into the request, forwards it, streams the answer back \
and remembers what was new. Point your client at http://localhost:8080/proxy/v1 and change nothing else.";

const AFTER_HELP: &str = "\
Every setting can also be given as an environment variable: proxy.token_budget is MAIA_PROXY_TOKEN_BUDGET.
config.example.yaml documents them all.

Exit codes:
  0  stopped by Ctrl-C or SIGTERM, with everything written
  1  the server could not be started
  2  the command line or the configuration is wrong
  3  the address is taken or may not be used
  4  the database cannot be used";

/// Why maia could not run; each kind has its exit code.
enum Failure {
    Start(String),
    Configuration(String),
    Address(String),
    Database(String),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Start(_) => 1,
            Self::Configuration(_) => 2,
            Self::Address(_) => 3,
            Self::Database(_) => 4,
        }
    }

    fn message(&self) -> &str {
        match self {
            Self::Start(message) | Self::Configuration(message) | Self::Address(message) | Self::Database(message) => {
                message
            }
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let Command::Serve = cli.command.unwrap_or(Command::Serve);
    match run(cli.settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("maia: {}", failure.message());
            ExitCode::from(failure.code())
        }
    }
}

fn run(settings: Settings) -> Result<(), Failure> {
    let config = read_configuration(settings)?;
    telemetry::start(&config.logging);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Start(format!("the runtime does not start: {error}")))?;
    runtime.block_on(serve(config))
}

fn read_configuration(settings: Settings) -> Result<Config, Failure> {
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let default_file = PathBuf::from("config.yaml");
    let file = settings
        .config
        .or_else(|| default_file.is_file().then_some(default_file));
    let mut layers = Layers::new();
    if let Some(file) = file {
        layers = layers.with_file(&file, &environment).map_err(Failure::Configuration)?;
    }
    layers = layers.with_environment(&environment);
    let flags = [
        ("server.host", settings.host),
        ("server.port", settings.port),
        ("storage.path", settings.database),
        ("proxy.backend", settings.backend),
    ];
    for (key, value) in flags {
        if let Some(value) = value {
            layers = layers.with_flag(key, &value);
        }
    }
    for (key, value) in settings.others {
        layers = layers.with_flag(&key, &value);
    }
    Config::resolve(layers).map_err(|problems| {
        let list = problems.0.join("\n  - ");
        Failure::Configuration(format!("the configuration is wrong:\n  - {list}"))
    })
}

async fn serve(config: Config) -> Result<(), Failure> {
    // The signals are taken before anything is opened, so that none of them ends the process half-way.
    let shutdown = shutdown_signal().map_err(|error| Failure::Start(format!("no signals: {error}")))?;
    let address = SocketAddr::new(config.server.host, config.server.port);
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| bind_failure(address, &error))?;
    let store = Store::open(&config.storage.path).map_err(|error| Failure::Database(error.to_string()))?;
    let path = config.storage.path.display().to_string();
    let app = App::new(config, store, Handle::current()).map_err(|error| Failure::Configuration(error.to_string()))?;
    app.prepare()
        .await
        .map_err(|error| Failure::Database(format!("{path}: {error}")))?;
    maia::serve(listener, app, shutdown)
        .await
        .map_err(|error| Failure::Start(format!("no thread to serve with: {error}")))?;
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

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be KEY=VALUE")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}
