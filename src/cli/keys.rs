//! `maia keys`.

use clap::{Args, Subcommand};
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::Failure;
use super::display::{Table, confirmed, note, pairs, shown};
use super::page::{Page, PageArgs};
use super::session::{self, Missing, ServerArgs, Setup};
use super::work::say;
use crate::client::{Answer, encoded};
use crate::model::{KeyHash, NewKey, Right, random_key};

/// List, make and revoke keys, each with its namespaces and rights.
///
/// As soon as there is one key, maia asks for a key. Of a key only a hash is kept: it is shown once, when it is made. A running server needs a key with the
/// right admin for this, or the one of its configuration; who can open the database file (--database) needs none.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia keys create root --right admin
  maia keys create alice --namespace alice --namespace 'team/*' --right read --right write --right chat
  maia keys create ci --right admin --print-config
  maia keys list
  maia keys revoke alice

Rights: read (see memories, search, context), write (make, change, delete), chat (the proxy), admin (everything, keys and backups too).
Namespaces: a name, team/* for all that begin with team/, or * for all.

Exit codes: 0 done, 1 not done, 2 wrong command line, 4 the database cannot be used, 130 stopped.")]
pub(super) struct KeysArgs {
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
    /// List them, with what each may do and where it is kept
    List {
        #[command(flatten)]
        page: PageArgs,
    },
    /// Make one, and show it this once
    Create {
        /// 1 to 64 letters, digits and . _ - : @
        #[arg(value_parser = name)]
        name: String,
        /// A namespace, team/* for all that begin alike, or * for all; may stand several times
        #[arg(long = "namespace", short, value_name = "PATTERN")]
        namespaces: Vec<String>,
        /// What it may do there: read, write, chat or admin; may stand several times
        #[arg(long = "right", short, value_name = "RIGHT", required = true, value_parser = Right::parse)]
        rights: Vec<Right>,
        /// Put nothing into the database: print what to write into config.yaml, where only a hash of the key stands
        #[arg(long)]
        print_config: bool,
    },
    /// Revoke one of the database: it opens nothing from now on
    Revoke {
        /// Its name or id
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Deserialize)]
struct NamedKey {
    id: String,
    name: String,
    namespaces: Vec<String>,
    rights: Vec<String>,
    source: String,
    created_at: Option<String>,
    #[serde(default)]
    key: String,
}

pub(super) fn run(args: &KeysArgs, setup: Setup) -> Result<(), Failure> {
    if let Command::Create {
        name,
        namespaces,
        rights,
        print_config: true,
    } = &args.command
    {
        return declaration(name, namespaces, rights, args.json);
    }
    let missing = match args.command {
        Command::Create { .. } => Missing::Make,
        _ => Missing::Refuse,
    };
    session::run(&args.server, setup, missing, async |client| match &args.command {
        Command::List { page } => {
            let answer = client.get(&format!("/v1/keys?{}", page.query())).await?;
            shown(args.json, &answer, list)
        }
        Command::Create {
            name,
            namespaces,
            rights,
            print_config: _,
        } => {
            let body = if namespaces.is_empty() {
                json!({ "name": name, "rights": rights })
            } else {
                json!({ "name": name, "rights": rights, "namespaces": namespaces })
            };
            let answer = client.call(Method::POST, "/v1/keys", Some(&body)).await?;
            shown(args.json, &answer, made)?;
            note("The key is not shown again: maia keeps a hash of it.");
            Ok(())
        }
        Command::Revoke { name, yes } => {
            if !yes && !confirmed(&format!("Revoke the key {name}?"))? {
                return Err(Failure::Failed("nothing was revoked".into()));
            }
            let path = format!("/v1/keys/{}", encoded(name));
            let answer = client.call(Method::DELETE, &path, None).await?;
            shown(args.json, &answer, |_| Ok(format!("revoked {name}\n")))
        }
    })
}

/// Makes a key for the settings.
fn declaration(name: &str, namespaces: &[String], rights: &[Right], as_json: bool) -> Result<(), Failure> {
    let key = random_key().map_err(|error| Failure::Failed(format!("the system gives no random numbers: {error}")))?;
    let namespaces = (!namespaces.is_empty()).then(|| namespaces.to_vec());
    let rights: Vec<String> = rights.iter().map(Right::to_string).collect();
    let new = NewKey::new(name.to_owned(), KeyHash::of(key.as_bytes()), namespaces, &rights)
        .map_err(|wrong| Failure::Configuration(format!("{}: {}", wrong.field, wrong.problem)))?;
    let (hash, namespaces, rights) = (new.hash.to_string(), json!(new.namespaces), json!(new.rights));
    if as_json {
        let made = json!({ "name": name, "hash": hash, "namespaces": namespaces, "rights": rights, "key": key });
        return say(&format!("{made}\n"));
    }
    say(&format!(
        "security:\n  keys:\n    - name: \"{name}\"\n      hash: \"{hash}\"\n      namespaces: {namespaces}\n      rights: {rights}\n\nkey  {key}\n"
    ))?;
    note("Add it to config.yaml and restart maia. The key is not shown again: maia is told a hash of it.");
    Ok(())
}

fn name(text: &str) -> Result<String, String> {
    NewKey::check_name(text).map(|()| text.to_owned())
}

fn list(answer: &Answer) -> Result<String, Failure> {
    let page: Page<NamedKey> = answer.parse()?;
    let mut table = Table::new(&["CREATED", "SOURCE", "NAME", "RIGHTS", "NAMESPACES"], &[]);
    for key in &page.data {
        table.row(vec![
            key.created_at
                .as_deref()
                .and_then(|time| time.split('T').next())
                .unwrap_or("-")
                .to_owned(),
            key.source.clone(),
            key.name.clone(),
            key.rights.join(","),
            key.namespaces.join(" "),
        ]);
    }
    page.note_rest(&format!("{} keys", page.total));
    Ok(table.fitted(&["CREATED", "SOURCE"]).text())
}

fn made(answer: &Answer) -> Result<String, Failure> {
    let key: NamedKey = answer.parse()?;
    Ok(pairs(&[
        ("name", key.name),
        ("id", key.id),
        ("rights", key.rights.join(",")),
        ("namespaces", key.namespaces.join(" ")),
        ("key", key.key),
    ]))
}
