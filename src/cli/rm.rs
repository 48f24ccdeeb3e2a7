//! `maia rm`.

use clap::{ArgGroup, Args};
use http::Method;
use serde_json::Value;

use super::Failure;
use super::display::{Memory, confirmed, id, note, say_json};
use super::list::memories;
use super::memories::{FilterArgs, NamespaceArgs, find, path, query};
use super::session::{self, Missing, ServerArgs, Setup};
use super::work::say;
use crate::client::Client;
use crate::model::NamespaceName;

/// Delete memories, by their ids or by a filter.
///
/// On a terminal it shows what would go and asks first. What is deleted is gone from the file within seconds, and stays in backups that were made before.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(group = ArgGroup::new("which").multiple(true).args(["ids", "type", "source", "tags", "after", "before"]).required(true))]
#[command(after_long_help = "\
Examples:
  maia rm 745facfe
  maia rm -y 745facfe 9c01ab22
  maia rm --source extracted --after 2026-01-31 --dry-run
  maia rm --restore 745facfe        and bring back what it took the place of

Exit codes: 0 done, 1 not done (there is no such memory, or the answer was no), 2 wrong command line,
4 the database cannot be used, 130 stopped.")]
pub(super) struct RmArgs {
    /// The memories: their ids, or the beginning or the end of each
    #[arg(value_name = "ID", conflicts_with_all = ["type", "source", "tags", "after", "before"])]
    ids: Vec<String>,
    #[command(flatten)]
    namespace: NamespaceArgs,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
    /// Bring back what the deleted memories took the place of
    #[arg(long)]
    restore: bool,
    /// Print what the API answers, a line for each id
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn run(args: &RmArgs, setup: Setup) -> Result<(), Failure> {
    let namespace = args.namespace.name(&setup.config);
    session::run(&args.server, setup, Missing::Refuse, async |client| {
        if args.ids.is_empty() {
            by_filter(args, client, &namespace).await
        } else {
            by_id(args, client, &namespace).await
        }
    })
}

async fn by_id(args: &RmArgs, client: &Client, namespace: &NamespaceName) -> Result<(), Failure> {
    // All are found before the first is deleted, so that a slip in the last id leaves everything as it is.
    let mut found: Vec<Memory> = Vec::new();
    for id in &args.ids {
        let memory = find(client, namespace, id).await?;
        if found.iter().all(|known| known.id != memory.id) {
            found.push(memory);
        }
    }
    if args.dry_run || !args.yes {
        for memory in &found {
            note(&format!("{}  {}", id(&memory.id), memory.summary()));
        }
    }
    let number = memories(found.len() as u64);
    if args.dry_run {
        note(&format!("{number} would be deleted"));
        return Ok(());
    }
    if !args.yes && !confirmed(&format!("Delete {number} of {namespace}?"))? {
        return Err(Failure::Failed("nothing was deleted".into()));
    }
    let parameters = if args.restore { "?restore=true" } else { "" };
    for memory in &found {
        let path = path(namespace, &format!("/memories/{}{parameters}", memory.id));
        let answer = client.call(Method::DELETE, &path, None).await?;
        if args.json {
            say_json(&answer)?;
        } else {
            say(&format!("deleted {}  {}\n", id(&memory.id), memory.summary()))?;
        }
    }
    Ok(())
}

async fn by_filter(args: &RmArgs, client: &Client, namespace: &NamespaceName) -> Result<(), Failure> {
    let place = |dry_run: bool| {
        let mut parameters = args.filter.parameters();
        if args.restore {
            parameters.push(("restore", "true"));
        }
        if dry_run {
            parameters.push(("dry_run", "true"));
        }
        path(namespace, &format!("/memories{}", query(parameters)))
    };
    let rehearsal = client.call(Method::DELETE, &place(true), None).await?;
    let fitting = deleted(&rehearsal.parse()?);
    if args.dry_run {
        return if args.json {
            say_json(&rehearsal)
        } else {
            say(&format!("{} would be deleted\n", memories(fitting)))
        };
    }
    if fitting > 0 && !args.yes && !confirmed(&format!("Delete {} of {namespace}?", memories(fitting)))? {
        return Err(Failure::Failed("nothing was deleted".into()));
    }
    let answer = client.call(Method::DELETE, &place(false), None).await?;
    if args.json {
        return say_json(&answer);
    }
    say(&format!("{} deleted\n", memories(deleted(&answer.parse()?))))
}

fn deleted(answer: &Value) -> u64 {
    answer.get("deleted").and_then(Value::as_u64).unwrap_or_default()
}
