//! Takes settings out of the layers one by one, and remembers everything that is wrong with them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

use super::LogFormat;
use super::layers::{Layers, Raw, Written, records_in, variable};
use super::record::Record;
use crate::model::{MemoryType, Rule};

pub(super) struct Reader {
    layers: Layers,
    known: BTreeSet<&'static str>,
    problems: Vec<String>,
}

impl Reader {
    pub(super) fn new(mut layers: Layers) -> Self {
        let problems = std::mem::take(&mut layers.problems);
        Self {
            layers,
            known: BTreeSet::new(),
            problems,
        }
    }

    /// Sets `target` to what was written under the key, where something was.
    pub(super) fn set<T>(&mut self, key: &'static str, target: &mut T, parse: impl Fn(&str) -> Result<T, String>) {
        let Some(Written { value, place }) = self.take(key) else {
            return;
        };
        let parsed = match value {
            Raw::Scalar(text) => parse(text.trim()),
            Raw::List(_) | Raw::Map(_) | Raw::Records(_) => Err("must be a single value".into()),
        };
        self.keep(key, &place, parsed, target);
    }

    /// As [`Self::set`], for a list; in the environment and in flags its items are separated by commas.
    pub(super) fn set_list<T>(
        &mut self,
        key: &'static str,
        target: &mut Vec<T>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) {
        let Some(Written { value, place }) = self.take(key) else {
            return;
        };
        let parsed = match value {
            Raw::Scalar(text) => text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(parse)
                .collect(),
            Raw::List(items) => items.iter().map(|item| parse(item.trim())).collect(),
            Raw::Map(_) | Raw::Records(_) => Err("must be a list of single values".into()),
        };
        self.keep(key, &place, parsed, target);
    }

    /// As [`Self::set`], for a map; in the environment and in flags it is `name=value`, separated by commas.
    pub(super) fn set_map<T>(
        &mut self,
        key: &'static str,
        target: &mut Vec<T>,
        parse: impl Fn(&str, &str) -> Result<T, String>,
    ) {
        let Some(Written { value, place }) = self.take(key) else {
            return;
        };
        let parsed = match value {
            Raw::Map(entries) => entries.iter().map(|(name, value)| parse(name, value)).collect(),
            Raw::Scalar(text) => text
                .split(',')
                .filter(|entry| !entry.trim().is_empty())
                .map(|entry| {
                    let (name, value) = entry.split_once('=').ok_or("must be name=value, separated by commas")?;
                    parse(name.trim(), value.trim())
                })
                .collect(),
            Raw::List(_) | Raw::Records(_) => Err("must be a map of names and values".into()),
        };
        self.keep(key, &place, parsed, target);
    }

    /// As [`Self::set`], for a list of records, each a map of fields; in the environment and in flags it is written in one line.
    pub(super) fn set_records<T>(
        &mut self,
        key: &'static str,
        target: &mut Vec<T>,
        parse: impl Fn(&Record) -> Result<T, String>,
    ) {
        let Some(Written { value, place }) = self.take(key) else {
            return;
        };
        let records = match value {
            Raw::Records(records) => Some(records),
            Raw::List(items) if items.is_empty() => Some(Vec::new()),
            Raw::Scalar(text) => records_in(&text),
            Raw::List(_) | Raw::Map(_) => None,
        };
        let Some(records) = records else {
            let problem = "must be a list, each item with its fields";
            return self.problems.push(format!("{key} ({place}): {problem}"));
        };
        target.clear();
        for (at, record) in records.iter().enumerate() {
            match parse(record) {
                Ok(item) => target.push(item),
                Err(problem) => self
                    .problems
                    .push(format!("{key} ({place}): item {}: {problem}", at + 1)),
            }
        }
    }

    /// All problems, those of keys that nobody asked for included.
    pub(super) fn finish(mut self) -> Vec<String> {
        let known: Vec<&str> = self.known.iter().copied().collect();
        for (key, Written { place, .. }) in &self.layers.file {
            self.problems.push(format!(
                "{key} ({place}): there is no such setting{}",
                hint(key, &known)
            ));
        }
        for key in self.layers.flags.keys() {
            self.problems.push(format!(
                "{key} (command line): there is no such setting{}",
                hint(key, &known)
            ));
        }
        let variables: Vec<String> = known.iter().map(|key| variable(key)).collect();
        let variables: Vec<&str> = variables.iter().map(String::as_str).collect();
        for name in self.layers.environment.keys() {
            self.problems.push(format!(
                "{name} (environment): there is no such setting{}",
                hint(name, &variables)
            ));
        }
        self.problems
    }

    /// The value that counts for a key; the layers below it have had their turn.
    fn take(&mut self, key: &'static str) -> Option<Written> {
        self.known.insert(key);
        let file = self.layers.file.remove(key);
        let environment = self.layers.environment.remove(&variable(key)).map(|value| Written {
            value: Raw::Scalar(value),
            place: variable(key),
        });
        let flag = self.layers.flags.remove(key).map(|value| Written {
            value: Raw::Scalar(value),
            place: "command line".into(),
        });
        flag.or(environment).or(file)
    }

    fn keep<T>(&mut self, key: &str, place: &str, parsed: Result<T, String>, target: &mut T) {
        match parsed {
            Ok(value) => *target = value,
            Err(problem) => self.problems.push(format!("{key} ({place}): {problem}")),
        }
    }
}

/// The known name nearest to a mistyped one, as half a sentence.
fn hint(name: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|candidate| (edits(name, candidate), candidate)).min();
    match nearest {
        Some((distance, candidate)) if distance <= 3 => format!("; did you mean {candidate}?"),
        _ => String::new(),
    }
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, &above) in b.chars().zip(row.iter().skip(1)) {
            left = (left + 1).min(above + 1).min(diagonal + usize::from(from != to));
            next.push(left);
            diagonal = above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

pub(super) fn number<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    move |text| {
        text.parse()
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                format!(
                    "must be a whole number from {} to {} (got {text:?})",
                    range.start(),
                    range.end()
                )
            })
    }
}

/// How many times as much as something else.
pub(super) fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.trim().parse::<f64>().ok();
    ratio
        .filter(|ratio| (1.0..=1_000.0).contains(ratio))
        .ok_or_else(|| format!("must be a number from 1 to 1000 (got {text:?})"))
}

pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(format!("must be true or false (got {text:?})")),
    }
}

pub(super) fn secret(text: &str) -> Result<Option<SecretString>, String> {
    if !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err("must consist of printable ASCII characters without spaces, so that it fits in a header".into());
    }
    Ok((!text.is_empty()).then(|| SecretString::from(text)))
}

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        Err("must name a file".into())
    } else {
        Ok(text.into())
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it stands where fallible parsers stand")]
pub(super) fn optional_path(text: &str) -> Result<Option<PathBuf>, String> {
    Ok((!text.is_empty()).then(|| text.into()))
}

pub(super) fn host(text: &str) -> Result<IpAddr, String> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(IpAddr::from([127, 0, 0, 1]));
    }
    let address = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    address
        .parse()
        .map_err(|_| format!("must be an IP address or localhost (got {text:?})"))
}

/// An address, or a network as `10.0.0.0/8`.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| format!("must be addresses or networks such as 10.0.0.0/8 (got {text:?})"))
}

pub(super) fn host_name(text: &str) -> Result<String, String> {
    let valid = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._*".contains(c));
    if valid {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("must be host names without port (got {text:?})"))
    }
}

pub(super) fn origin(text: &str) -> Result<String, String> {
    let valid = text.split_once("://").is_some_and(|(scheme, authority)| {
        matches!(scheme, "http" | "https") && !authority.is_empty() && !authority.contains(['/', '*', ' '])
    });
    if valid {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!(
            "must be origins such as https://app.example.com (got {text:?})"
        ))
    }
}

pub(super) fn backend(text: &str) -> Result<String, String> {
    let wrong = || format!("must be an address such as http://localhost:11434/v1 (got {text:?})");
    let uri: hyper::Uri = text.parse().map_err(|_| wrong())?;
    let known_scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri.authority().ok_or_else(wrong)?;
    if authority.as_str().contains('@') {
        return Err("must not hold a user or password; use proxy.backend_api_key or proxy.headers".into());
    }
    if known_scheme && !authority.host().is_empty() {
        Ok(text.to_owned())
    } else {
        Err(wrong())
    }
}

pub(super) fn backend_path(text: &str) -> Result<Option<String>, String> {
    match text {
        "auto" => Ok(None),
        "" | "/" => Ok(Some(String::new())),
        path if path.starts_with('/') && !path.contains(['?', '#', ' ']) => {
            Ok(Some(path.trim_end_matches('/').to_owned()))
        }
        _ => Err(format!("must be auto, / or a path such as /api/v3 (got {text:?})")),
    }
}

pub(super) fn header(name: &str, value: &str) -> Result<(String, SecretString), String> {
    let name_ok = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let value_ok = value.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if !name_ok {
        // Not quoted: where a line break or a `:` is in the wrong place, it holds the value, which may be a key.
        return Err("must be names of headers, of letters, digits, - and _, each with its value".into());
    }
    if !value_ok {
        return Err(format!(
            "the value of {name} must consist of printable ASCII characters"
        ));
    }
    Ok((name.to_ascii_lowercase(), SecretString::from(value)))
}

const RULE_FIELDS: [&str; 5] = ["name", "pattern", "template", "type", "confidence"];

pub(super) fn rule(record: &Record) -> Result<Rule, String> {
    record.only(&RULE_FIELDS, "a rule has name, pattern, template, type and confidence")?;
    let kind = record.one("type")?.unwrap_or("semantic");
    let kind = MemoryType::parse(kind).map_err(|error| format!("type {error}"))?;
    let confidence = record.one("confidence")?.unwrap_or("0.8");
    let confidence = confidence
        .parse()
        .map_err(|_| format!("confidence must be from 0 to 1 (got {confidence:?})"))?;
    let text = |name| record.needed(name);
    Rule::new(text("name")?, text("pattern")?, text("template")?, kind, confidence)
}

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    let filter = if text.is_empty() {
        None
    } else {
        EnvFilter::try_new(text).ok()
    };
    filter.map(|_| text.to_owned()).ok_or_else(|| {
        format!("must be error, warn, info, debug or trace, or levels by module such as info,maia=debug (got {text:?})")
    })
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("must be text or json (got {text:?})")),
    }
}
