//! `maia namespaces`.

use clap::{Args, Subcommand};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Failure;
use super::display::{Table, confirmed, pairs, shown};
use super::list::memories;
use super::memories::path;
use super::page::{Page, PageArgs};
use super::session::{self, Missing, ServerArgs, Setup};
use crate::client::{Answer, Client};
use crate::model::NamespaceName;

/// List, make, change and delete namespaces. Each holds the memories of one user or one project.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia namespaces list
  maia namespaces create team/alice token_budget=1000
  maia namespaces set team/alice retention_days=90 token_budget=none
  maia namespaces show team/alice
  maia namespaces rm --force team/alice

Settings: token_budget, context_position (system, first_user, before_last, last_user), retention_days, max_memories; none takes one away.

Exit codes: 0 done, 1 not done, 2 wrong command line, 4 the database cannot be used, 130 stopped.")]
pub(super) struct NamespacesArgs {
    #[command(subcommand)]
    command: Command,
    /// Print what the API answers
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Subcommand)]
enum Command {
    /// List them, with how much each holds
    List {
        #[command(flatten)]
        page: PageArgs,
    },
    /// Make one
    Create {
        /// 1 to 128 letters, digits and . _ - : @ /
        #[arg(value_parser = NamespaceName::parse)]
        name: NamespaceName,
        /// Settings of its own
        #[arg(value_name = "KEY=VALUE", value_parser = super::key_and_value)]
        settings: Vec<(String, String)>,
    },
    /// Show one: its settings, and how much it holds
    Show {
        #[arg(value_parser = NamespaceName::parse)]
        name: NamespaceName,
    },
    /// Change settings of one; the others stay as they are
    Set {
        #[arg(value_parser = NamespaceName::parse)]
        name: NamespaceName,
        /// Settings; KEY=none takes one away
        #[arg(value_name = "KEY=VALUE", required = true, value_parser = super::key_and_value)]
        settings: Vec<(String, String)>,
    },
    /// Delete one; with --force also where memories are in it
    Rm {
        #[arg(value_parser = NamespaceName::parse)]
        name: NamespaceName,
        /// Delete its memories too
        #[arg(long)]
        force: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Deserialize)]
struct Namespace {
    id: String,
    name: String,
    config: Map<String, Value>,
    stats: Map<String, Value>,
    created_at: String,
    updated_at: String,
}

pub(super) fn run(args: &NamespacesArgs, setup: Setup) -> Result<(), Failure> {
    let missing = match args.command {
        Command::Create { .. } => Missing::Make,
        _ => Missing::Refuse,
    };
    session::run(&args.server, setup, missing, async |client| match &args.command {
        Command::List { page } => {
            let answer = client.get(&format!("/v1/namespaces?{}", page.query())).await?;
            shown(args.json, &answer, list)
        }
        Command::Create { name, settings } => {
            let body = json!({ "name": name, "config": config(settings) });
            let answer = client.call(Method::POST, "/v1/namespaces", Some(&body)).await?;
            shown(args.json, &answer, |answer| Ok(format!("made\n{}", one(answer)?)))
        }
        Command::Show { name } => shown(args.json, &client.get(&path(name, "")).await?, one),
        Command::Set { name, settings } => {
            let body = json!({ "config": config(settings) });
            let answer = client.call(Method::PATCH, &path(name, ""), Some(&body)).await?;
            shown(args.json, &answer, one)
        }
        Command::Rm { name, force, yes } => {
            let answer = remove(client, name, *force, *yes).await?;
            shown(args.json, &answer, |_| Ok(format!("deleted {name}\n")))
        }
    })
}

async fn remove(client: &Client, name: &NamespaceName, force: bool, yes: bool) -> Result<Answer, Failure> {
    let namespace: Namespace = client.get(&path(name, "")).await?.parse()?;
    let held = number(&namespace.stats, "memory_count");
    if held > 0 && !force {
        return Err(Failure::Failed(format!(
            "{name} holds {}; --force deletes them with it",
            memories(held)
        )));
    }
    if !yes && !confirmed(&format!("Delete {name} and {} in it?", memories(held)))? {
        return Err(Failure::Failed("nothing was deleted".into()));
    }
    let parameters = if force { "?force=true" } else { "" };
    Ok(client.call(Method::DELETE, &path(name, parameters), None).await?)
}

/// Settings as the API takes them; what can be one is wrong or right by its judgement.
fn config(settings: &[(String, String)]) -> Map<String, Value> {
    let value = |text: &str| match text {
        "" | "none" => Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
    };
    settings.iter().map(|(key, text)| (key.clone(), value(text))).collect()
}

fn number(fields: &Map<String, Value>, name: &str) -> u64 {
    fields.get(name).and_then(Value::as_u64).unwrap_or_default()
}

fn list(answer: &Answer) -> Result<String, Failure> {
    let page: Page<Namespace> = answer.parse()?;
    let mut table = Table::new(&["MEMORIES", "TOKENS", "CREATED", "NAME"], &["MEMORIES", "TOKENS"]);
    for namespace in &page.data {
        table.row(vec![
            number(&namespace.stats, "memory_count").to_string(),
            number(&namespace.stats, "token_count").to_string(),
            namespace.created_at.split('T').next().unwrap_or_default().to_owned(),
            namespace.name.clone(),
        ]);
    }
    page.note_rest(&format!("{} namespaces", page.total));
    Ok(table.fitted(&["CREATED", "TOKENS"]).text())
}

fn one(answer: &Answer) -> Result<String, Failure> {
    let namespace: Namespace = answer.parse()?;
    let mut rows = vec![
        ("name", namespace.name.clone()),
        ("id", namespace.id.clone()),
        ("memories", number(&namespace.stats, "memory_count").to_string()),
        ("tokens", number(&namespace.stats, "token_count").to_string()),
        ("created", namespace.created_at.clone()),
        ("updated", namespace.updated_at.clone()),
    ];
    for (name, value) in &namespace.config {
        let value = match value {
            Value::Null => "not set".to_owned(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        rows.push((name, value));
    }
    Ok(pairs(&rows))
}
