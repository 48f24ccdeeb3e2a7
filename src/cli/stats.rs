//! `maia stats`.

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use serde_json::{Map, Value, json};

use super::Failure;
use super::display::{pairs, say_json};
use super::session::{self, Missing, ServerArgs, Setup};
use super::work::{interruptible, say, size, spinner};
use crate::client::Client;
use crate::store::{self, Stats};

/// Show what is in the database and how much room it takes, also while a server uses it; with --url, what a server elsewhere holds.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia stats
  maia stats --json | jq .memories
  maia stats --url http://nas.local:8080

Exit codes: 0 done, 1 not done, 2 wrong command line, 4 the database cannot be used, 130 stopped.")]
pub(super) struct StatsArgs {
    /// Answer with one JSON object; sizes are in bytes
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn run(args: &StatsArgs, setup: Setup) -> Result<(), Failure> {
    if args.server.url().is_some() && !setup.file_is_named {
        return session::run(&args.server, setup, Missing::Refuse, async |client| {
            of_server(client, args.json).await
        });
    }
    let database = setup.config.storage.path.clone();
    let spinner = spinner("counting");
    let stats = interruptible(move |stop| Ok(store::stats(&database, stop)?));
    spinner.finish_and_clear();
    let stats = stats?;
    say(&if args.json {
        format!("{}\n", as_json(&stats))
    } else {
        as_text(&stats)
    })
}

/// What the server itself counts, as its API says it.
async fn of_server(client: &Client, as_json: bool) -> Result<(), Failure> {
    let answer = client.get("/v1/stats").await?;
    if as_json {
        return say_json(&answer);
    }
    let stats: Value = answer.parse()?;
    let count = |path: &str| number(stats.pointer(path).and_then(Value::as_i64).unwrap_or_default());
    let bytes = |path: &str| size(stats.pointer(path).and_then(Value::as_u64).unwrap_or_default());
    let word = |path: &str| stats.pointer(path).and_then(Value::as_str).unwrap_or("none").to_owned();
    let mut rows = vec![
        ("server", client.base().unwrap_or_default().to_owned()),
        ("database", bytes("/storage_size_bytes")),
        ("text", bytes("/content_bytes")),
        ("namespaces", count("/total_namespaces")),
        ("memories", count("/total_memories")),
    ];
    for of in ["by_type", "by_source"] {
        let counts = stats.get(of).and_then(Value::as_object);
        rows.extend(counts.into_iter().flatten().map(|(name, value)| {
            let count = number(value.as_i64().unwrap_or_default());
            (name.as_str(), format!("{count} ({})", of.replace("by_", "")))
        }));
    }
    rows.extend([
        ("superseded", count("/superseded_count")),
        ("last write", word("/last_write_at")),
        ("chats", count("/injections/requests")),
        ("memories injected", count("/injections/memories")),
        ("memories learned", count("/extractions/stored")),
    ]);
    if let Some(median) = stats.pointer("/search_latency/p50_ms").and_then(Value::as_f64) {
        rows.push(("search, median", format!("{median} ms")));
    }
    say(&pairs(&rows))
}

fn as_text(stats: &Stats) -> String {
    let mut rows = vec![
        ("database".to_owned(), stats.path.display().to_string()),
        ("schema".to_owned(), stats.schema.to_string()),
        ("file".to_owned(), size(stats.file_bytes)),
        ("write-ahead log".to_owned(), size(stats.log_bytes)),
        ("free in the file".to_owned(), size(stats.free_bytes)),
        ("text".to_owned(), size(stats.text_bytes.unsigned_abs())),
        ("full-text index".to_owned(), size(stats.index_bytes.unsigned_abs())),
        ("memories".to_owned(), number(stats.memories)),
    ];
    for (name, count) in stats.types.iter().chain(&stats.sources) {
        rows.push((format!("  {name}"), number(*count)));
    }
    for (what, time) in [
        ("oldest", stats.oldest),
        ("newest", stats.newest),
        ("last write", stats.last_write),
    ] {
        rows.push((what.to_owned(), time.map_or_else(|| "none".to_owned(), shown)));
    }
    let mut lines: Vec<String> = rows
        .iter()
        .map(|(name, value)| format!("{name:<18}{value}\n"))
        .collect();
    let width = stats.namespaces.iter().map(|namespace| namespace.name.len()).max();
    let width = width.unwrap_or_default().max("namespace".len());
    lines.push(format!(
        "\n{:<width$}  {:>12}  {:>12}  {:>12}  last write\n",
        "namespace", "memories", "tokens", "text"
    ));
    for namespace in &stats.namespaces {
        lines.push(format!(
            "{:<width$}  {:>12}  {:>12}  {:>12}  {}\n",
            namespace.name,
            number(namespace.memories),
            number(namespace.tokens),
            size(namespace.text_bytes.unsigned_abs()),
            namespace.last_write.map_or_else(|| "none".to_owned(), shown),
        ));
    }
    lines.concat()
}

fn number(number: i64) -> String {
    indicatif::HumanCount(number.unsigned_abs()).to_string()
}

fn shown(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn as_json(stats: &Stats) -> Value {
    let counts = |counts: &[(String, i64)]| -> Map<String, Value> {
        counts
            .iter()
            .map(|(name, count)| (name.clone(), json!(count)))
            .collect()
    };
    let time = |time: Option<DateTime<Utc>>| time.map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true));
    let namespaces: Vec<Value> = stats
        .namespaces
        .iter()
        .map(|namespace| {
            json!({
                "name": namespace.name,
                "memories": namespace.memories,
                "tokens": namespace.tokens,
                "text_bytes": namespace.text_bytes,
                "last_write": time(namespace.last_write),
            })
        })
        .collect();
    json!({
        "path": stats.path,
        "schema": stats.schema,
        "file_bytes": stats.file_bytes,
        "log_bytes": stats.log_bytes,
        "free_bytes": stats.free_bytes,
        "text_bytes": stats.text_bytes,
        "index_bytes": stats.index_bytes,
        "memories": stats.memories,
        "types": counts(&stats.types),
        "sources": counts(&stats.sources),
        "oldest": time(stats.oldest),
        "newest": time(stats.newest),
        "last_write": time(stats.last_write),
        "namespaces": namespaces,
    })
}
