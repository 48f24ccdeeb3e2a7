//! The command line: one file a command, the settings that all of them share, and what their exit codes mean.
//!
//! A command is a struct of its arguments, whose documentation is its help, and a function that does the work and says with a `Failure` why it could not.

mod add;
mod backup;
mod chat;
mod check;
mod context;
mod display;
mod doctor;
mod edit;
mod editor;
mod export;
mod import;
mod keys;
mod list;
mod memories;
mod namespaces;
mod page;
mod restore;
mod rm;
mod search;
mod serve;
mod session;
mod shell;
mod show;
mod stats;
mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Layers};
use crate::store::CareError;
use add::AddArgs;
use backup::BackupArgs;
use chat::ChatArgs;
use check::CheckArgs;
use context::ContextArgs;
use doctor::DoctorArgs;
use edit::EditArgs;
use export::ExportArgs;
use import::ImportArgs;
use keys::KeysArgs;
use list::ListArgs;
use namespaces::NamespacesArgs;
use restore::RestoreArgs;
use rm::RmArgs;
use search::SearchArgs;
use serve::ServeArgs;
use session::Setup;
use shell::{CompletionsArgs, ManArgs};
use show::ShowArgs;
use stats::StatsArgs;

/// Memory for any program that talks to an OpenAI-compatible API.
#[derive(Parser)]
#[command(name = "maia", version, long_about = ABOUT, after_long_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
    /// Those of `serve`, for it is what plain `maia` does.
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server (also what plain `maia` does)
    Serve(ServeArgs),
    Chat(ChatArgs),
    Add(AddArgs),
    #[command(visible_alias = "ls")]
    List(ListArgs),
    Show(ShowArgs),
    Edit(EditArgs),
    Rm(RmArgs),
    Search(SearchArgs),
    Context(ContextArgs),
    #[command(visible_alias = "ns")]
    Namespaces(NamespacesArgs),
    Keys(KeysArgs),
    Doctor(DoctorArgs),
    Backup(BackupArgs),
    Restore(RestoreArgs),
    Check(CheckArgs),
    Export(ExportArgs),
    Import(ImportArgs),
    Stats(StatsArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Flags go before environment variables, these before the file, and that before the defaults.
#[derive(Args)]
#[command(next_help_heading = "Settings")]
struct Settings {
    /// Configuration file (YAML); without it the defaults count, and ./config.yaml where there is one
    #[arg(long, short, global = true, value_name = "FILE", env = "MAIA_CONFIG")]
    config: Option<PathBuf>,
    /// Database file [default: ./maia.db]
    #[arg(long, short, global = true, value_name = "FILE")]
    database: Option<String>,
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
  0    done; of the server: stopped by Ctrl-C or SIGTERM, with everything written
  1    it could not be done; the message says why
  2    the command line or the configuration is wrong
  3    the address is taken or may not be used
  4    the database cannot be used
  5    `maia check` or `maia doctor` has found something wrong
  130  stopped by Ctrl-C or SIGTERM before it was done; of the server: by a second one";

/// Why a command did not do what it was asked for; each kind has its exit code.
#[derive(PartialEq, Eq)]
enum Failure {
    /// The work itself.
    Failed(String),
    Configuration(String),
    Address(String),
    Database(String),
    /// What was looked at is not as it should be.
    Unsound(String),
    Stopped(String),
    /// Nobody reads any more, as behind `| head`.
    Unwanted,
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Unwanted => 0,
            Self::Failed(_) => 1,
            Self::Configuration(_) => 2,
            Self::Address(_) => 3,
            Self::Database(_) => 4,
            Self::Unsound(_) => 5,
            Self::Stopped(_) => 130,
        }
    }

    fn wrong_settings(problems: &[String]) -> Self {
        let list = problems.join("\n  - ");
        Self::Configuration(format!("the configuration is wrong:\n  - {list}"))
    }

    /// Adds what is true in spite of it.
    fn but(mut self, addition: &str) -> Self {
        let (Self::Failed(message)
        | Self::Configuration(message)
        | Self::Address(message)
        | Self::Database(message)
        | Self::Unsound(message)
        | Self::Stopped(message)) = &mut self
        else {
            return self;
        };
        message.push_str("; ");
        message.push_str(addition);
        self
    }

    fn message(&self) -> &str {
        match self {
            Self::Failed(message)
            | Self::Configuration(message)
            | Self::Address(message)
            | Self::Database(message)
            | Self::Unsound(message)
            | Self::Stopped(message) => message,
            Self::Unwanted => "",
        }
    }
}

impl From<CareError> for Failure {
    fn from(error: CareError) -> Self {
        let message = error.to_string();
        match error {
            CareError::Open(_)
            | CareError::Missing(_)
            | CareError::NoBackup(_)
            | CareError::NoDatabase { .. }
            | CareError::Empty(_)
            | CareError::InUse(_)
            | CareError::Unsound { .. } => Self::Database(message),
            CareError::NoNamespace(..)
            | CareError::Exists(_)
            | CareError::Itself(_)
            | CareError::NoFolder { .. }
            | CareError::File { .. }
            | CareError::Store { .. } => Self::Failed(message),
            CareError::Stopped => Self::Stopped(message),
        }
    }
}

/// Reads the command line of this process and does what it says.
#[must_use]
pub fn run() -> ExitCode {
    match dispatch(Cli::parse()) {
        Ok(()) | Err(Failure::Unwanted) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("maia: {}", failure.message());
            ExitCode::from(failure.code())
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), Failure> {
    let command = cli.command.unwrap_or_else(|| Command::Serve(ServeArgs::default()));
    let mut flags = cli.serve.flags();
    if let Command::Serve(args) = &command {
        flags.extend(args.flags());
    }
    let file_is_named = cli.settings.database.is_some();
    // Called by each command that needs it: a shell's completions do not depend on a configuration that is wrong.
    let config = || read_configuration(cli.settings, flags);
    let setup = |config| Setup { config, file_is_named };
    match command {
        Command::Chat(args) => chat::run(&args, setup(config()?)),
        Command::Add(args) => add::run(&args, setup(config()?)),
        Command::List(args) => list::run(&args, setup(config()?)),
        Command::Show(args) => show::run(&args, setup(config()?)),
        Command::Edit(args) => edit::run(&args, setup(config()?)),
        Command::Rm(args) => rm::run(&args, setup(config()?)),
        Command::Search(args) => search::run(&args, setup(config()?)),
        Command::Context(args) => context::run(&args, setup(config()?)),
        Command::Namespaces(args) => namespaces::run(&args, setup(config()?)),
        Command::Keys(args) => keys::run(&args, setup(config()?)),
        Command::Serve(_) => serve::run(config()?),
        Command::Backup(args) => backup::run(&args, &config()?),
        Command::Restore(args) => restore::run(&args, &config()?),
        Command::Check(args) => check::run(&args, &config()?),
        Command::Export(args) => export::run(&args, &config()?),
        Command::Import(args) => import::run(&args, &config()?),
        Command::Stats(args) => stats::run(&args, setup(config()?)),
        Command::Doctor(args) => doctor::run(&args, config(), file_is_named),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
    }
}

/// The settings as the file, the environment and the flags have them; `flags` are those of the command, by the keys that they stand for.
fn read_configuration(settings: Settings, flags: Vec<(&'static str, String)>) -> Result<Config, Failure> {
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
    for (key, value) in flags {
        layers = layers.with_flag(key, &value);
    }
    if let Some(path) = settings.database {
        layers = layers.with_flag("storage.path", &path);
    }
    for (key, value) in settings.others {
        layers = layers.with_flag(&key, &value);
    }
    Config::resolve(layers).map_err(|problems| Failure::wrong_settings(&problems.0))
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be KEY=VALUE")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}
