//! `maia edit`.

use clap::Args;
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::Failure;
use super::add::FieldArgs;
use super::display::{Memory, id, note, say_json};
use super::editor::Draft;
use super::memories::{NamespaceArgs, find, path};
use super::session::{self, Missing, ServerArgs, Setup};
use super::work::say;
use crate::client::{Client, ClientError, encoded};

/// Change a memory in your editor, or some of its fields without one.
///
/// The editor is the one that VISUAL or EDITOR names. Where the editor fails, the text is refused, or the memory was changed meanwhile, what you wrote
/// is kept in a file that the message names.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia edit 745facfe
  maia edit 745facfe --text 'User prefers light mode'
  maia edit 745facfe --pin --tag ui

Exit codes: 0 done, 1 not done, 2 wrong command line, 4 the database cannot be used, 130 stopped.")]
pub(super) struct EditArgs {
    /// The memory: its id, or the beginning or the end of it
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    namespace: NamespaceArgs,
    /// The new words, without an editor
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    #[command(flatten)]
    fields: FieldArgs,
    /// Let it go out of every context
    #[arg(long, conflicts_with = "pin")]
    unpin: bool,
    /// Print the memory as the API answers it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn run(args: &EditArgs, setup: Setup) -> Result<(), Failure> {
    let namespace = args.namespace.name(&setup.config);
    session::run(&args.server, setup, Missing::Refuse, async |client| {
        let memory = find(client, &namespace, &args.id).await?;
        let path = path(&namespace, &format!("/memories/{}", encoded(&memory.id)));
        let mut changes = args.fields.fields();
        if args.unpin {
            changes.insert("pinned".to_owned(), json!(false));
        }
        if let Some(text) = &args.text {
            changes.insert("content".to_owned(), json!(text));
        }
        if !changes.is_empty() {
            return change(client, &path, None, changes, args.json).await;
        }
        // As it is when the editor opens; what others change from then on is not written over.
        let shown = client.get(&path).await?;
        let memory: Memory = shown.parse()?;
        let before = memory.content.clone();
        // On a thread of its own: the server of this process has work to finish meanwhile, and Ctrl-C belongs to the editor.
        let draft = tokio::task::spawn_blocking(move || Draft::written(&before)).await;
        let draft = draft.map_err(|error| Failure::Failed(error.to_string()))??;
        if draft.text() == memory.content {
            note("nothing was changed");
            return Ok(());
        }
        changes.insert("content".to_owned(), json!(draft.text()));
        match change(client, &path, shown.version.as_ref(), changes, args.json).await {
            Err(failure) => Err(failure.but(&draft.keep())),
            Ok(()) => Ok(()),
        }
    })
}

async fn change(
    client: &Client,
    path: &str,
    seen: Option<&HeaderValue>,
    changes: Map<String, Value>,
    as_json: bool,
) -> Result<(), Failure> {
    let answer = match client.change(path, &Value::Object(changes), seen).await {
        Err(ClientError::Refused { status, .. }) if status == StatusCode::PRECONDITION_FAILED => {
            return Err(Failure::Failed(
                "the memory was changed by somebody else meanwhile".into(),
            ));
        }
        answer => answer?,
    };
    if as_json {
        return say_json(&answer);
    }
    let memory: Memory = answer.parse()?;
    say(&format!("changed {}  {}\n", id(&memory.id), memory.summary()))
}
