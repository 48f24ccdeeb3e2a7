//! What commands about memories have in common: whose they are, which are meant, and how one is found by a part of its id.

use chrono::{NaiveDate, NaiveTime};
use clap::Args;
use serde_json::{Map, Value, json};

use super::Failure;
use super::display::{Memory, one_line};
use super::page::Page;
use crate::client::{Client, encoded};
use crate::config::Config;
use crate::model::NamespaceName;
use crate::record::parse_time;

/// Memories that are asked for at once where all are looked through.
const PAGE: usize = 1_000;
/// Fewest characters of an id that are looked for.
const LEAST_ID: usize = 4;

/// Whose memories.
#[derive(Args)]
pub(super) struct NamespaceArgs {
    #[arg(
        long,
        short,
        value_name = "NAME",
        value_parser = NamespaceName::parse,
        help = "The namespace [default: memory.default_namespace of the configuration]"
    )]
    namespace: Option<NamespaceName>,
}

impl NamespaceArgs {
    pub(super) fn name(&self, config: &Config) -> NamespaceName {
        self.namespace
            .clone()
            .unwrap_or_else(|| config.memory.default_namespace.clone())
    }
}

/// The path of a namespace, or of something in it.
pub(super) fn path(namespace: &NamespaceName, rest: &str) -> String {
    format!("/v1/namespaces/{}{rest}", encoded(namespace.as_str()))
}

/// Which memories are meant.
#[derive(Args, Default)]
#[command(next_help_heading = "Filter")]
pub(super) struct FilterArgs {
    /// Only this type: semantic, episodic or working
    #[arg(long, value_name = "TYPE")]
    r#type: Option<String>,
    /// Only from this source: user, extracted, inferred or imported
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// Only with this tag; may stand several times, and then all of them count
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Only made at or after this time: 2026-01-31, or 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = day_or_time)]
    after: Option<String>,
    /// Only made before this time
    #[arg(long, value_name = "TIME", value_parser = day_or_time)]
    before: Option<String>,
}

impl FilterArgs {
    pub(super) fn is_empty(&self) -> bool {
        self.parameters().is_empty()
    }

    /// As parameters of a list.
    pub(super) fn parameters(&self) -> Vec<(&'static str, &str)> {
        let single = [
            ("type", &self.r#type),
            ("source", &self.source),
            ("created_after", &self.after),
            ("created_before", &self.before),
        ];
        let single = single
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)));
        single
            .chain(self.tags.iter().map(|tag| ("tag", tag.as_str())))
            .collect()
    }

    /// As fields of a search.
    pub(super) fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        for (name, value) in self.parameters() {
            if name != "tag" {
                fields.insert(name.to_owned(), json!(value));
            }
        }
        if !self.tags.is_empty() {
            fields.insert("tags".to_owned(), json!(self.tags));
        }
        fields
    }
}

/// Parameters behind a `?`, with the `?` where there are any.
pub(super) fn query<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let parameters: Vec<String> = parameters
        .into_iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    if parameters.is_empty() {
        String::new()
    } else {
        format!("?{}", parameters.join("&"))
    }
}

/// A time as the API takes it; a day is its first moment in UTC.
fn day_or_time(text: &str) -> Result<String, String> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(format!("{}Z", day.and_time(NaiveTime::MIN).format("%Y-%m-%dT%H:%M:%S")));
    }
    parse_time(text).map(|_| text.to_owned())
}

/// The memory with this id, or the only one of the namespace whose id begins or ends so.
pub(super) async fn find(client: &Client, namespace: &NamespaceName, id: &str) -> Result<Memory, Failure> {
    if uuid::Uuid::try_parse(id).is_ok() {
        let path = path(namespace, &format!("/memories/{}", encoded(id)));
        return Ok(client.get(&path).await?.parse()?);
    }
    let part = id.to_ascii_lowercase();
    let is_part = |c: char| c.is_ascii_hexdigit() || c == '-';
    if part.len() < LEAST_ID || !part.chars().all(is_part) {
        return Err(Failure::Failed(format!(
            "{id:?} is no id: give all of it, or at least {LEAST_ID} characters of its beginning or its end"
        )));
    }
    let mut found = Vec::new();
    let mut offset = 0;
    loop {
        let rest = format!("/memories?limit={PAGE}&offset={offset}&include_superseded=true");
        let page: Page<Memory> = client.get(&path(namespace, &rest)).await?.parse()?;
        offset += page.data.len();
        let is_meant = |memory: &Memory| memory.id.starts_with(&part) || memory.id.ends_with(&part);
        let done = page.data.is_empty() || !page.has_more;
        found.extend(page.data.into_iter().filter(is_meant));
        if done {
            break;
        }
    }
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(memory), None) => Ok(memory),
        (None, _) => Err(Failure::Failed(format!(
            "there is no memory whose id begins or ends with {id:?} in the namespace {namespace}; maia list shows what is there"
        ))),
        (Some(one), Some(two)) => {
            let line = |memory: &Memory| format!("\n  {}  {}", memory.id, one_line(&memory.content));
            let more: String = found.map(|memory| line(&memory)).collect();
            let list = format!("{}{}{more}", line(&one), line(&two));
            Err(Failure::Failed(format!(
                "{id:?} is a part of more than one id; give more of it:{list}"
            )))
        }
    }
}
