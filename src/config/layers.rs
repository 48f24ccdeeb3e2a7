//! What was written: the file, then the environment, then flags, each over the one before.

use std::collections::BTreeMap;
use std::path::Path;

use config::{FileFormat, Value, ValueKind};

use super::record::{Record, scalar};

/// Prefix of the environment variables that are settings.
const PREFIX: &str = "MAIA_";
/// Read by the command line itself.
const NOT_SETTINGS: &[&str] = &["MAIA_CONFIG", "MAIA_URL", "MAIA_KEY", "MAIA_KEY_FILE", "MAIA_CA_FILE"];

/// A value as it was written, and where.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) value: Raw,
    pub(super) place: String,
}

/// A value before it is understood.
#[derive(Clone, Debug)]
pub(super) enum Raw {
    Scalar(String),
    List(Vec<String>),
    Map(BTreeMap<String, String>),
    Records(Vec<Record>),
}

/// Settings as they were written, not yet understood.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// By key (`proxy.backend`): the file, overlaid by flags.
    pub(super) file: BTreeMap<String, Written>,
    /// By variable name (`MAIA_PROXY_BACKEND`).
    pub(super) environment: BTreeMap<String, String>,
    pub(super) flags: BTreeMap<String, String>,
    pub(super) problems: Vec<String>,
}

impl Layers {
    /// Nothing written: the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a YAML file. `${NAME}` in a value is read from `environment`.
    ///
    /// # Errors
    /// The file cannot be read or is not YAML; the sentence names it.
    pub fn with_file(mut self, path: &Path, environment: &BTreeMap<String, String>) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("the configuration {} cannot be read: {error}", path.display()))?;
        let wrong = |error: config::ConfigError| format!("{}: {error}", path.display());
        // The file name goes before the place in every problem, so that the user knows where to look.
        let tree = config::Config::builder()
            .add_source(config::File::from_str(&text, FileFormat::Yaml))
            .build()
            .and_then(config::Config::try_deserialize::<BTreeMap<String, Value>>)
            .map_err(wrong)?;
        let place = path.display().to_string();
        for (section, value) in tree {
            match value.kind {
                ValueKind::Nil => {}
                ValueKind::Table(keys) => {
                    for (key, value) in keys {
                        self.add(format!("{section}.{key}"), value, &place, environment);
                    }
                }
                _ => self.add(section, value, &place, environment),
            }
        }
        Ok(self)
    }

    /// Adds the settings among environment variables: those that begin with `MAIA_`.
    #[must_use]
    pub fn with_environment(mut self, environment: &BTreeMap<String, String>) -> Self {
        let settings = environment
            .iter()
            .filter(|(name, _)| name.starts_with(PREFIX) && !NOT_SETTINGS.contains(&name.as_str()));
        self.environment
            .extend(settings.map(|(name, value)| (name.clone(), value.clone())));
        self
    }

    /// Adds a value given on the command line.
    #[must_use]
    pub fn with_flag(mut self, key: &str, value: &str) -> Self {
        self.flags.insert(key.to_owned(), value.to_owned());
        self
    }

    fn add(&mut self, key: String, value: Value, place: &str, environment: &BTreeMap<String, String>) {
        let mut expand = |text: String| {
            expand(&text, environment).unwrap_or_else(|problem| {
                self.problems.push(format!("{key} ({place}): {problem}"));
                text
            })
        };
        let value = match value.kind {
            ValueKind::Nil => return,
            ValueKind::Array(items) if items.iter().any(is_table) => {
                let mut records: Vec<Record> = items.into_iter().map(Record::new).collect();
                for text in records.iter_mut().flat_map(Record::texts_mut) {
                    *text = expand(std::mem::take(text));
                }
                Raw::Records(records)
            }
            ValueKind::Array(items) => Raw::List(items.into_iter().map(|item| expand(scalar(item))).collect()),
            ValueKind::Table(entries) => Raw::Map(
                entries
                    .into_iter()
                    .map(|(name, value)| (name, expand(scalar(value))))
                    .collect(),
            ),
            _ => Raw::Scalar(expand(scalar(value))),
        };
        self.file.insert(
            key,
            Written {
                value,
                place: place.to_owned(),
            },
        );
    }
}

/// The variable that sets a key: `proxy.backend` is `MAIA_PROXY_BACKEND`.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_ascii_uppercase())
}

/// Records in one line, as in the environment and in flags: `[{name: a, pattern: b}]`.
pub(super) fn records_in(text: &str) -> Option<Vec<Record>> {
    let tree = config::Config::builder()
        .add_source(config::File::from_str(&format!("records: {text}"), FileFormat::Yaml))
        .build()
        .ok()?;
    let items = tree.get_array("records").ok()?;
    let are_records = items.iter().all(is_table);
    are_records.then(|| items.into_iter().map(Record::new).collect())
}

fn is_table(value: &Value) -> bool {
    matches!(value.kind, ValueKind::Table(_))
}

fn expand(text: &str, environment: &BTreeMap<String, String>) -> Result<String, String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, behind) = after.split_once('}').ok_or("`${` has no closing `}`")?;
        let value = environment
            .get(name)
            .ok_or_else(|| format!("the environment variable {name} is not set"))?;
        expanded.push_str(before);
        expanded.push_str(value);
        rest = behind;
    }
    expanded.push_str(rest);
    Ok(expanded)
}
