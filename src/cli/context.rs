//! `maia context`.

use clap::Args;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Failure;
use super::display::{Table, harmless, id, note, one_line, say_json};
use super::memories::{NamespaceArgs, path};
use super::session::{self, Missing, ServerArgs, Setup};
use super::work::{count, say};

/// Show what a message would be given: the block that the proxy would inject, and the memories behind it.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia context 'What should I cook tonight?'
  maia context --budget 200 --explain 'What settings should I configure?'
  maia context --json 'What do you know about me?' | jq -r .content

Exit codes: 0 done (also where nothing is relevant), 1 not done, 2 wrong command line, 4 the database cannot be used, 130 stopped.")]
pub(super) struct ContextArgs {
    /// The message
    #[arg(value_name = "MESSAGE", required = true)]
    words: Vec<String>,
    #[command(flatten)]
    namespace: NamespaceArgs,
    /// Most tokens of the block [default: those of the namespace or of the configuration]
    #[arg(long, value_name = "TOKENS")]
    budget: Option<u32>,
    /// Why each match is in or out
    #[arg(long)]
    explain: bool,
    /// Print what the API answers
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Deserialize)]
struct Context {
    content: String,
    memories: Vec<Used>,
    token_count: u32,
    token_budget: u32,
    explanation: Option<Explanation>,
}

/// A memory of the block.
#[derive(Deserialize)]
struct Used {
    id: String,
    content: String,
    position: String,
    token_count: u32,
}

#[derive(Deserialize)]
struct Explanation {
    least_coverage: f64,
    in_doubt: bool,
    matches: Vec<Match>,
}

#[derive(Deserialize)]
struct Match {
    id: String,
    content: String,
    outcome: String,
    score: f64,
    coverage: f64,
}

pub(super) fn run(args: &ContextArgs, setup: Setup) -> Result<(), Failure> {
    let namespace = args.namespace.name(&setup.config);
    let mut body = json!({ "query": args.words.join(" "), "explain": args.explain });
    if let (Value::Object(body), Some(budget)) = (&mut body, args.budget) {
        body.insert("token_budget".to_owned(), json!(budget));
    }
    session::run(&args.server, setup, Missing::Refuse, async |client| {
        let answer = client
            .call(Method::POST, &path(&namespace, "/context"), Some(&body))
            .await?;
        if args.json {
            return say_json(&answer);
        }
        let context: Context = answer.parse()?;
        if context.memories.is_empty() {
            note(&format!(
                "nothing in {namespace} is relevant to this message; it would be forwarded as it is"
            ));
        } else {
            say(&as_text(&context))?;
        }
        match &context.explanation {
            Some(explanation) => say(&explained(explanation)),
            None => Ok(()),
        }
    })
}

fn as_text(context: &Context) -> String {
    let mut table = Table::new(&["ID", "WHY", "TOKENS", "MEMORY"], &["TOKENS"]);
    for memory in &context.memories {
        table.row(vec![
            id(&memory.id).into_owned(),
            memory.position.clone(),
            memory.token_count.to_string(),
            one_line(&memory.content),
        ]);
    }
    format!(
        "{}\n\n{}{}, {} of {} tokens\n",
        harmless(&context.content),
        table.fitted(&["TOKENS"]).text(),
        count(i64::try_from(context.memories.len()).unwrap_or(i64::MAX), "memory"),
        context.token_count,
        context.token_budget,
    )
}

fn explained(explanation: &Explanation) -> String {
    if explanation.matches.is_empty() {
        return "\nno memory shares a telling word with the message\n".to_owned();
    }
    let mut table = Table::new(&["ID", "OUTCOME", "COVERS", "SCORE", "MEMORY"], &["COVERS", "SCORE"]);
    for found in &explanation.matches {
        table.row(vec![
            id(&found.id).into_owned(),
            found.outcome.replace('_', " "),
            format!("{:.0} %", found.coverage * 100.0),
            format!("{:.2}", found.score),
            one_line(&found.content),
        ]);
    }
    let doubt = if explanation.in_doubt {
        "; even the best match leaves doubt, so all of them may bring 50 tokens only"
    } else {
        ""
    };
    format!(
        "\n{}a match must cover {:.0} % of the message{doubt}\n",
        table.fitted(&["SCORE"]).text(),
        explanation.least_coverage * 100.0
    )
}
