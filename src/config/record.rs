//! Items of a list that have fields, as they were written.

use std::collections::BTreeMap;

use config::Value;

/// A field of an item.
#[derive(Clone, Debug)]
enum Field {
    One(String),
    Several(Vec<String>),
}

/// An item and its fields.
#[derive(Clone, Debug)]
pub(super) struct Record(BTreeMap<String, Field>);

impl Record {
    /// An item of a file; without fields where it has none.
    pub(super) fn new(item: Value) -> Self {
        let fields = item.into_table().unwrap_or_default().into_iter();
        Self(fields.map(|(name, value)| (name, Field::new(value))).collect())
    }

    /// Every text in it, for `${NAME}` to be replaced.
    pub(super) fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        self.0.values_mut().flat_map(|field| match field {
            Field::One(text) => std::slice::from_mut(text),
            Field::Several(texts) => texts,
        })
    }

    /// Refuses fields that are not known.
    pub(super) fn only(&self, known: &[&str], what: &str) -> Result<(), String> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            Some(unknown) => Err(format!("there is no field {unknown}; {what}")),
            None => Ok(()),
        }
    }

    /// A field that must be there.
    pub(super) fn needed(&self, name: &str) -> Result<&str, String> {
        self.one(name)?.ok_or_else(|| format!("{name} is missing"))
    }

    /// A field of one value.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, String> {
        match self.0.get(name) {
            Some(Field::One(text)) => Ok(Some(text)),
            Some(Field::Several(_)) => Err(format!("{name} must be a single value")),
            None => Ok(None),
        }
    }

    /// A field of several values; one alone may stand for itself.
    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        match self.0.get(name)? {
            Field::One(text) => Some(vec![text.clone()]),
            Field::Several(texts) => Some(texts.clone()),
        }
    }
}

impl Field {
    fn new(value: Value) -> Self {
        match value.kind {
            config::ValueKind::Array(items) => Self::Several(items.into_iter().map(scalar).collect()),
            _ => Self::One(scalar(value)),
        }
    }
}

/// A single value as a text; nothing of what is none.
pub(super) fn scalar(value: Value) -> String {
    value.into_string().unwrap_or_default()
}
