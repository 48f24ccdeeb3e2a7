//! `maia list`.

use clap::Args;

use super::Failure;
use super::display::{Memory, Table, id, note, say_json};
use super::memories::{FilterArgs, NamespaceArgs, path, query};
use super::page::{Page, PageArgs};
use super::session::{self, Missing, ServerArgs, Setup};
use super::work::{count, say};

/// List memories, newest first.
///
/// On a terminal lines are cut at its width and ids are short; elsewhere nothing is cut. Wherever an id is asked for, its beginning or its end will do.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia list
  maia list --source extracted --after 2026-01-01
  maia list --tag ui --json | jq -r '.data[].content'

Exit codes: 0 done, 1 not done, 2 wrong command line, 4 the database cannot be used, 130 stopped.")]
pub(super) struct ListArgs {
    #[command(flatten)]
    namespace: NamespaceArgs,
    #[command(flatten)]
    page: PageArgs,
    /// Also those that something newer took the place of
    #[arg(long)]
    superseded: bool,
    /// Print what the API answers
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn run(args: &ListArgs, setup: Setup) -> Result<(), Failure> {
    let namespace = args.namespace.name(&setup.config);
    session::run(&args.server, setup, Missing::Refuse, async |client| {
        let (limit, offset) = (args.page.limit.to_string(), args.page.offset.to_string());
        let mut parameters = args.filter.parameters();
        parameters.extend([("limit", limit.as_str()), ("offset", offset.as_str())]);
        if args.superseded {
            parameters.push(("include_superseded", "true"));
        }
        let rest = format!("/memories{}", query(parameters));
        let answer = client.get(&path(&namespace, &rest)).await?;
        if args.json {
            return say_json(&answer);
        }
        let page: Page<Memory> = answer.parse()?;
        if page.data.is_empty() {
            note(&if page.total > 0 {
                format!(
                    "nothing from {} on; there are {}",
                    args.page.offset,
                    memories(page.total)
                )
            } else if args.filter.is_empty() {
                format!(
                    "nothing is remembered in {namespace} yet; maia add remembers something, and so does a chat through the proxy"
                )
            } else {
                format!("nothing in {namespace} fits these filters")
            });
            return Ok(());
        }
        say(&table(&page.data))?;
        let (first, last) = (page.offset + 1, page.offset + page.data.len() as u64);
        page.note_rest(&format!("{first} to {last} of {}", memories(page.total)));
        Ok(())
    })
}

pub(super) fn memories(number: u64) -> String {
    count(i64::try_from(number).unwrap_or(i64::MAX), "memory")
}

fn table(memories: &[Memory]) -> String {
    let mut table = Table::new(&["ID", "DATE", "TYPE", "MEMORY"], &[]);
    for memory in memories {
        table.row(vec![
            id(&memory.id).into_owned(),
            memory.day().to_owned(),
            memory.r#type.clone(),
            memory.summary(),
        ]);
    }
    table.fitted(&["TYPE", "DATE"]).text()
}
