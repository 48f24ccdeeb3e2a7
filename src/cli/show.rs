//! `maia show`.

use clap::Args;

use super::Failure;
use super::display::{Memory, Table, harmless, id, one_line, pairs, say_json};
use super::memories::{NamespaceArgs, find, path};
use super::page::Page;
use super::session::{self, Missing, ServerArgs, Setup};
use super::work::say;

/// Show all of a memory: its words, where it comes from, and how often it was used.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia show 745facfe
  maia show --history 745facfe
  maia show --json 745facfe | jq .metadata

Exit codes: 0 done, 1 there is no such memory, 2 wrong command line, 4 the database cannot be used, 130 stopped.")]
pub(super) struct ShowArgs {
    /// The memory: its id, or the beginning or the end of it
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    namespace: NamespaceArgs,
    /// What it took the place of, and what took its place, oldest first
    #[arg(long)]
    history: bool,
    /// Print what the API answers
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn run(args: &ShowArgs, setup: Setup) -> Result<(), Failure> {
    let namespace = args.namespace.name(&setup.config);
    session::run(&args.server, setup, Missing::Refuse, async |client| {
        let memory = find(client, &namespace, &args.id).await?;
        let place = format!("/memories/{}", memory.id);
        if args.history {
            let answer = client.get(&path(&namespace, &format!("{place}/history"))).await?;
            if args.json {
                return say_json(&answer);
            }
            return say(&chain(&answer.parse::<Page<Memory>>()?.data));
        }
        if args.json {
            return say_json(&client.get(&path(&namespace, &place)).await?);
        }
        say(&as_text(&memory))
    })
}

fn chain(memories: &[Memory]) -> String {
    let mut table = Table::new(&["ID", "FROM", "UNTIL", "MEMORY"], &[]);
    for memory in memories {
        let until = memory.superseded_at.as_deref().and_then(|time| time.split('T').next());
        table.row(vec![
            id(&memory.id).into_owned(),
            memory.day().to_owned(),
            until.unwrap_or("now").to_owned(),
            one_line(&memory.content),
        ]);
    }
    table.text()
}

fn as_text(memory: &Memory) -> String {
    let used = match memory.access_count {
        0 => "never".to_owned(),
        1 => format!("once, {}", memory.accessed_at),
        number => format!("{number} times, last {}", memory.accessed_at),
    };
    let mut rows = vec![
        ("id", memory.id.clone()),
        ("namespace", one_line(&memory.namespace)),
        ("type", memory.r#type.clone()),
        ("source", memory.source.clone()),
        ("confidence", memory.confidence.to_string()),
        ("created", memory.created_at.clone()),
        ("updated", memory.updated_at.clone()),
        ("used", used),
    ];
    if memory.pinned {
        rows.push(("pinned", "in every context".to_owned()));
    }
    if !memory.tags.is_empty() {
        rows.push(("tags", one_line(&memory.tags.join(", "))));
    }
    if let Some(at) = &memory.superseded_at {
        let by = memory.superseded_by.as_deref().map(|by| format!(" by {by}"));
        rows.push(("superseded", format!("{at}{}", by.unwrap_or_default())));
    }
    for (name, value) in &memory.metadata {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        rows.push((name, one_line(&value)));
    }
    format!("{}\n\n{}", harmless(&memory.content), pairs(&rows))
}
