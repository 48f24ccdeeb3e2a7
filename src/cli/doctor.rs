//! `maia doctor`: looks at everything that a conversation with memory needs, and says what to do where something is amiss.

use clap::Args;
use console::Style;
use http::Method;
use serde_json::{Value, json};

use super::chat::{backend_key, models};
use super::display::one_line;
use super::list::memories;
use super::memories::path;
use super::page::Page;
use super::session::{self, Missing, ServerArgs, Setup, address};
use super::work::{count, holding, interruptible, say};
use super::{Failure, display};
use crate::client::{Client, ClientError};
use crate::config::Config;
use crate::model::Key;
use crate::store::{self, Store};

/// Check that maia works: configuration, server, key, database, backend, models, memory.
///
/// The backend is asked for its models and for nothing else, and nothing is changed. Beside a running server the checks go through it; otherwise they go
/// the same way from this program. Where the proxy has no key of its own for the backend, the one in `OPENAI_API_KEY` is sent.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia doctor
  maia doctor --url http://server:8080 --key-file ~/.maia-key
  maia doctor --json | jq '.checks[] | select(.status == \"failed\")'

Exit codes: 0 nothing is wrong, 1 it could not be done, 2 wrong command line, 5 something is wrong, 130 stopped.")]
pub(super) struct DoctorArgs {
    /// Answer with one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Columns before what a check says.
const INDENT: usize = 23;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Fine,
    /// As it is, though perhaps not as it is meant.
    Note,
    Failed,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Note => "note",
            Self::Failed => "failed",
        }
    }
}

struct Check {
    name: &'static str,
    status: Status,
    detail: String,
    hint: Option<String>,
}

fn fine(name: &'static str, detail: impl Into<String>) -> Check {
    Check {
        name,
        status: Status::Fine,
        detail: detail.into(),
        hint: None,
    }
}

fn noted(name: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Check {
    Check {
        name,
        status: Status::Note,
        detail: detail.into(),
        hint: Some(hint.into()),
    }
}

fn failed(name: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Check {
    Check {
        status: Status::Failed,
        ..noted(name, detail, hint)
    }
}

/// `config` is what reading it came to, for that may be what is wrong.
pub(super) fn run(args: &DoctorArgs, config: Result<Config, Failure>, file_is_named: bool) -> Result<(), Failure> {
    let mut checks = Vec::new();
    match config {
        Err(failure) => {
            let hint = "config.example.yaml documents every key; nothing else was looked at";
            checks.push(failed("configuration", failure.message().replace('\n', " "), hint));
        }
        Ok(config) => {
            checks.push(configuration(&config));
            if args.server.url().is_none() {
                checks.push(database(&config));
            }
            let usable = checks.iter().all(|check| check.status != Status::Failed);
            let setup = Setup { config, file_is_named };
            if usable {
                let client = session::block_on(through(args, setup))?;
                checks.extend(client);
            }
        }
    }
    say(&if args.json { as_json(&checks) } else { as_text(&checks) })?;
    let failures = checks.iter().filter(|check| check.status == Status::Failed).count();
    if failures == 0 {
        return Ok(());
    }
    let number = count(i64::try_from(failures).unwrap_or(i64::MAX), "check");
    Err(Failure::Unsound(format!("{number} failed")))
}

fn configuration(config: &Config) -> Check {
    let backend = config.proxy.backend.split('?').next().unwrap_or_default();
    fine("configuration", format!("backend {backend}"))
}

fn database(config: &Config) -> Check {
    let path = config.storage.path.clone();
    let shown = path.display().to_string();
    if !path.exists() {
        let hint = "the first start of maia makes one; --database or storage.path names another";
        return noted("database", format!("there is none at {shown} yet"), hint);
    }
    match interruptible(move |stop| Ok(store::check(&path, false, stop)?)) {
        Ok(report) => match (report.problems.first(), report.contents) {
            (Some(problem), _) => failed(
                "database",
                format!("{shown}: {problem}"),
                "maia check says more, and maia check --repair makes anew what can be",
            ),
            (None, Some(contents)) => fine("database", format!("{shown}: sound, {}", holding(contents))),
            (None, None) => fine("database", format!("{shown}: sound")),
        },
        Err(failure) => failed(
            "database",
            failure.message(),
            "restore a backup: maia restore --force FILE",
        ),
    }
}

/// The code of maia's own refusals.
const FORBIDDEN: &str = "forbidden";
const NO_START: &str = "until then the server does not start";

/// The checks that go through a maia: the one that runs, or one in this process.
async fn through(args: &DoctorArgs, setup: Setup) -> Result<Vec<Check>, Failure> {
    let config = setup.config.clone();
    let named = setup.file_is_named;
    let mut checks = Vec::new();
    let client = match args.server.server(&setup).await {
        Err(failure) => {
            checks.push(failed(
                "server",
                failure.message(),
                "start it with maia, or correct the address",
            ));
            return Ok(checks);
        }
        Ok(Some(client)) => {
            checks.push(fine(
                "server",
                format!("answers at {}", client.base().unwrap_or_default()),
            ));
            client
        }
        Ok(None) => {
            if !named {
                let detail = format!("none answers at {}", address(&config.server));
                checks.push(noted(
                    "server",
                    detail,
                    "start it with maia; until then programs have nothing to talk to",
                ));
            }
            let exists = config.storage.path.exists();
            let keys = if exists {
                stored_keys(&config).await?
            } else {
                Vec::new()
            };
            let problems = config.problems_beside(&keys);
            checks.extend(problems.into_iter().map(|problem| failed("access", problem, NO_START)));
            if !exists {
                // To look is not to make one.
                return Ok(checks);
            }
            session::open(setup, Missing::Refuse, false).await?
        }
    };
    let rest = session::with(&client, async {
        let mut checks = Vec::new();
        let key = key(&client).await;
        let accepted = key.status != Status::Failed;
        checks.push(key);
        if accepted {
            checks.extend(backend(&client, &config).await);
            checks.push(memory(&client, &config).await);
        }
        checks
    });
    checks.extend(rest.await);
    Ok(checks)
}

async fn stored_keys(config: &Config) -> Result<Vec<Key>, Failure> {
    let path = &config.storage.path;
    let store = Store::open(path).map_err(|error| Failure::Database(error.to_string()))?;
    let keys = store.keys().await;
    store.close().await;
    let (keys, _) = keys.map_err(|error| Failure::Database(format!("{}: {error}", path.display())))?;
    Ok(keys)
}

async fn key(client: &Client) -> Check {
    match client.get("/v1/namespaces?limit=1").await {
        Ok(_) if client.base().is_none() => fine("key", "none is needed for the file"),
        Ok(_) if client.has_key() => fine("key", "accepted"),
        Ok(_) => fine("key", "none is asked for"),
        Err(ClientError::Refused { code, .. }) if code == "unauthorized" => failed(
            "key",
            "maia asks for its key, and none was given or it is wrong",
            "set MAIA_KEY, name a file with --key-file, or set security.api_key as the server has it",
        ),
        Err(ClientError::Refused { code, .. }) if code == FORBIDDEN => noted(
            "key",
            "accepted, but it may not see memories",
            "what it may do is shown by maia keys list, with a key that may see that",
        ),
        Err(error) => failed("key", error.to_string(), "the log of the server says more"),
    }
}

async fn backend(client: &Client, config: &Config) -> Vec<Check> {
    match client.send(Method::GET, "/proxy/v1/models", backend_key(), None).await {
        Ok(_) => vec![fine("backend", "answers"), listed(models(client).await)],
        Err(error) => vec![backend_trouble(&error, config)],
    }
}

fn listed(models: Result<Vec<String>, Failure>) -> Check {
    match models {
        Ok(models) if models.is_empty() => {
            noted("models", "the backend lists none", "with Ollama: ollama pull llama3.2")
        }
        Ok(models) => {
            let shown: Vec<String> = models.iter().take(3).map(|model| one_line(model)).collect();
            let more = if models.len() > shown.len() { ", …" } else { "" };
            fine("models", format!("{}: {}{more}", models.len(), shown.join(", ")))
        }
        Err(failure) => noted("models", failure.message(), "clients have to know the name of a model"),
    }
}

fn backend_trouble(error: &ClientError, config: &Config) -> Check {
    let ClientError::Refused { status, code, message } = error else {
        return failed("backend", error.to_string(), "is the server still there?");
    };
    match (status.as_u16(), code.as_str()) {
        (_, "backend_timeout") => failed(
            "backend",
            message,
            "it is too slow, or proxy.timeout_first_byte too short",
        ),
        (502, "backend_error") => failed(
            "backend",
            message,
            "start it, or correct proxy.backend (Ollama starts with: ollama serve)",
        ),
        (403, FORBIDDEN) if message.contains("lacks the right") => failed(
            "backend",
            format!("was not asked: {message}"),
            "use a key with the right chat: see maia keys",
        ),
        (401 | 403, _) if config.proxy.backend_api_key.is_some() => failed(
            "backend",
            format!("answers, but refuses the key: {message}"),
            "correct proxy.backend_api_key",
        ),
        (401 | 403, _) => failed(
            "backend",
            format!("answers, but asks for a key: {message}"),
            "set proxy.backend_api_key, or have each client send its own (here: set OPENAI_API_KEY)",
        ),
        (404, _) => noted(
            "backend",
            "answers, but has nothing at /models",
            "if chat fails too, the path is wrong: see proxy.backend_path",
        ),
        (status, _) => failed(
            "backend",
            format!("answers with {status}: {message}"),
            "its own log says more",
        ),
    }
}

/// Whether what is said would be remembered and brought up.
async fn memory(client: &Client, config: &Config) -> Check {
    let body = json!({ "messages": [{ "role": "user", "content": "I am vegetarian." }], "dry_run": true });
    let place = path(&config.memory.default_namespace, "/extract");
    let found = client.call(Method::POST, &place, Some(&body)).await;
    let found: Result<Value, _> = found.and_then(|answer| answer.parse());
    let known = client
        .get(&path(&config.memory.default_namespace, "/memories?limit=1"))
        .await;
    let known: Result<Page<Value>, _> = known.and_then(|answer| answer.parse());
    match (found, known) {
        (Err(error), _) | (_, Err(error)) => failed("memory", error.to_string(), "maia check looks at the database"),
        (Ok(found), _) if found.get("count").and_then(Value::as_u64) != Some(1) => failed(
            "memory",
            "the sentence \"I am vegetarian.\" is not recognised as a fact",
            "look at memory.rules of the configuration",
        ),
        _ if !config.proxy.auto_remember => noted(
            "memory",
            "conversations are not remembered",
            "proxy.auto_remember is false",
        ),
        _ if !config.proxy.auto_context => noted("memory", "nothing is injected", "proxy.auto_context is false"),
        (Ok(_), Ok(known)) => fine(
            "memory",
            format!(
                "remembers and injects; {} in {}",
                memories(known.total),
                config.memory.default_namespace
            ),
        ),
    }
}

fn as_text(checks: &[Check]) -> String {
    checks.iter().map(line).collect()
}

fn line(check: &Check) -> String {
    let style = match check.status {
        Status::Fine => Style::new().green(),
        Status::Note => Style::new().yellow(),
        Status::Failed => Style::new().red().bold(),
    };
    let status = style.apply_to(format!("{:<6}", check.status.as_str()));
    let detail = display::wrapped(&one_line(&check.detail), INDENT);
    let line = format!("{status}  {:<13}  {detail}\n", check.name);
    match &check.hint {
        None => line,
        Some(hint) => {
            let hint = display::wrapped(&format!("-> {hint}"), INDENT);
            format!("{line}{:INDENT$}{}\n", "", display::dim().apply_to(hint))
        }
    }
}

fn as_json(checks: &[Check]) -> String {
    let list: Vec<Value> = checks
        .iter()
        .map(|check| {
            json!({
                "name": check.name,
                "status": check.status.as_str(),
                "detail": check.detail,
                "hint": check.hint,
            })
        })
        .collect();
    let ok = checks.iter().all(|check| check.status != Status::Failed);
    format!("{}\n", json!({ "ok": ok, "checks": list }))
}
