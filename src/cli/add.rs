//! `maia add`.

use std::io::{self, IsTerminal as _, Read as _};

use clap::Args;
use http::Method;
use serde_json::{Map, Value, json};

use super::Failure;
use super::display::{Memory, id, say_json};
use super::editor::Draft;
use super::memories::{NamespaceArgs, path};
use super::session::{self, Missing, ServerArgs, Setup};
use super::work::say;
use crate::client::Answer;

/// Remember something.
///
/// The words are the memory. Without words, or with - in their place, standard input is read; on a terminal an editor opens instead.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia add User prefers dark mode
  maia add --tag ui --confidence 0.8 'User prefers dark mode'
  maia add --pin --namespace alice 'User is called Alice'
  maia add < note.txt

Exit codes: 0 done, 1 not done, 2 wrong command line, 4 the database cannot be used, 130 stopped.")]
pub(super) struct AddArgs {
    /// The words of the memory
    #[arg(value_name = "TEXT")]
    words: Vec<String>,
    #[command(flatten)]
    namespace: NamespaceArgs,
    #[command(flatten)]
    fields: FieldArgs,
    /// Print the memory as the API answers it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Fields of a memory besides its words.
#[derive(Args)]
pub(super) struct FieldArgs {
    /// semantic (facts), episodic (events) or working (session state)
    #[arg(long, value_name = "TYPE")]
    r#type: Option<String>,
    /// A tag; may stand several times
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// How sure it is, 0 to 1
    #[arg(long, value_name = "NUMBER")]
    confidence: Option<f64>,
    /// Put it into every context
    #[arg(long)]
    pin: bool,
    /// An entry of its metadata; may stand several times
    #[arg(long = "meta", value_name = "KEY=VALUE", value_parser = super::key_and_value)]
    metadata: Vec<(String, String)>,
}

impl FieldArgs {
    pub(super) fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        set("type", self.r#type.as_ref().map(|name| json!(name)));
        set("tags", (!self.tags.is_empty()).then(|| json!(self.tags)));
        set("confidence", self.confidence.map(|confidence| json!(confidence)));
        set("pinned", self.pin.then_some(Value::Bool(true)));
        let metadata: Map<String, Value> = self
            .metadata
            .iter()
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect();
        set("metadata", (!metadata.is_empty()).then(|| json!(metadata)));
        fields
    }
}

pub(super) fn run(args: &AddArgs, setup: Setup) -> Result<(), Failure> {
    let namespace = args.namespace.name(&setup.config);
    let (text, draft) = text(&args.words)?;
    let mut body = args.fields.fields();
    body.insert("content".to_owned(), json!(text));
    let added = session::run(&args.server, setup, Missing::Make, async |client| {
        let answer = client
            .call(Method::POST, &path(&namespace, "/memories"), Some(&Value::Object(body)))
            .await?;
        show(&answer, args.json)
    });
    match (added, draft) {
        (Err(failure), Some(draft)) => Err(failure.but(&draft.keep())),
        (added, _) => added,
    }
}

fn show(answer: &Answer, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return say_json(answer);
    }
    let memory: Memory = answer.parse()?;
    say(&format!("added {}  {}\n", id(&memory.id), memory.summary()))
}

/// The words of the memory, and where they were written where that was an editor.
fn text(words: &[String]) -> Result<(String, Option<Draft>), Failure> {
    let from_input = matches!(words, [dash] if dash == "-");
    if !words.is_empty() && !from_input {
        return Ok((words.join(" "), None));
    }
    if words.is_empty() && io::stdin().is_terminal() {
        let draft = Draft::written("")?;
        let text = draft.text().trim().to_owned();
        if text.is_empty() {
            return Err(Failure::Failed("nothing was written, so nothing was added".into()));
        }
        return Ok((text, Some(draft)));
    }
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::Failed(format!("standard input: {error}")))?;
    Ok((text.trim().to_owned(), None))
}
