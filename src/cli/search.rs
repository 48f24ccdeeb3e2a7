//! `maia search`.

use clap::Args;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Failure;
use super::display::{Memory, Table, id, note, say_json};
use super::list::memories;
use super::memories::{FilterArgs, NamespaceArgs, path};
use super::page::Page;
use super::session::{self, Missing, ServerArgs, Setup};
use super::work::say;

/// Find memories by words, best first.
///
/// The words are text and no query language: any of them may match, in any of its forms. Scores can be compared within one answer only.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia search which mode for the display
  maia search --namespace alice --type semantic --limit 5 instruments
  maia search --json dark mode | jq -r '.data[0].memory.content'

Exit codes: 0 done (also where nothing was found), 1 not done, 2 wrong command line, 4 the database cannot be used, 130 stopped.")]
pub(super) struct SearchArgs {
    /// What to look for
    #[arg(value_name = "WORDS", required = true)]
    words: Vec<String>,
    #[command(flatten)]
    namespace: NamespaceArgs,
    /// How many, 1 to 1,000
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    limit: u32,
    /// How many to pass over
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    offset: u64,
    /// Print what the API answers
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Deserialize)]
struct Hit {
    memory: Memory,
    score: f64,
}

pub(super) fn run(args: &SearchArgs, setup: Setup) -> Result<(), Failure> {
    let namespace = args.namespace.name(&setup.config);
    let mut body = args.filter.fields();
    body.insert("query".to_owned(), json!(args.words.join(" ")));
    body.insert("limit".to_owned(), json!(args.limit));
    body.insert("offset".to_owned(), json!(args.offset));
    session::run(&args.server, setup, Missing::Refuse, async |client| {
        let place = path(&namespace, "/memories/search");
        let answer = client.call(Method::POST, &place, Some(&Value::Object(body))).await?;
        if args.json {
            return say_json(&answer);
        }
        let page: Page<Hit> = answer.parse()?;
        if page.data.is_empty() {
            note(&format!("nothing in {namespace} matches"));
            return Ok(());
        }
        say(&table(&page.data))?;
        page.note_rest(&format!("{} match", memories(page.total)));
        Ok(())
    })
}

fn table(hits: &[Hit]) -> String {
    let mut table = Table::new(&["SCORE", "ID", "DATE", "MEMORY"], &["SCORE"]);
    for hit in hits {
        table.row(vec![
            format!("{:.2}", hit.score),
            id(&hit.memory.id).into_owned(),
            hit.memory.day().to_owned(),
            hit.memory.summary(),
        ]);
    }
    table.fitted(&["DATE", "SCORE"]).text()
}
