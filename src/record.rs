//! Memories and namespaces as JSON: what the API, the export and the import have in common.

mod line;
mod memory;
mod namespace;
mod patch;

use std::fmt;
use std::marker::PhantomData;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::json;
use sha2::{Digest as _, Sha256};

pub use line::{MemoryLine, parse_line};
pub use memory::{MAX_CONVERSATION_LENGTH, MemoryBody, MemoryView};
pub use namespace::{ConfigBody, NamespaceView};
pub use patch::{MemoryPatch, PatchBody};

/// A field whose value is not one that it may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct FieldError {
    /// The field, as a path from the outermost object.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl FieldError {
    /// The error about a field.
    #[must_use]
    pub fn new(field: &str, problem: impl fmt::Display) -> Self {
        Self {
            field: field.to_owned(),
            problem: problem.to_string(),
        }
    }

    /// The same error about a field of `outer`.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        Self {
            field: format!("{outer}.{}", self.field),
            problem: self.problem,
        }
    }
}

/// A value whose fields are given by name. Without it an array would do too, its items taken for the fields in their order.
#[derive(Default)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
    }
}

/// What is asked of a field: what is absent and what is `null` are two things.
#[derive(Clone, Copy, Debug, Default)]
enum Change<T> {
    #[default]
    Keep,
    /// `null`: what it would be if nobody had set it.
    Reset,
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|value| value.map_or(Self::Reset, Self::Set))
    }
}

impl<T> Change<T> {
    fn apply(self, setting: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Reset => *setting = None,
            Self::Set(value) => *setting = Some(value),
        }
    }

    /// The value to set, which is `reset` for `null`.
    fn or(self, reset: T) -> Option<T> {
        match self {
            Self::Keep => None,
            Self::Reset => Some(reset),
            Self::Set(value) => Some(value),
        }
    }

    fn try_map<U, E>(self, parse: impl FnOnce(T) -> Result<U, E>) -> Result<Change<U>, E> {
        Ok(match self {
            Self::Keep => Change::Keep,
            Self::Reset => Change::Reset,
            Self::Set(value) => Change::Set(parse(value)?),
        })
    }
}

/// A whole number from 0, which JSON may write as `29.0` too.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whole(pub u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(WholeVisitor).map(Self)
    }
}

struct WholeVisitor;

impl Visitor<'_> for WholeVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number from 0")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u64, E> {
        u64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<u64, E> {
        /// Up to here every whole number can be told from its neighbours.
        const MOST: f64 = 9_007_199_254_740_991.0;
        if number.fract() == 0.0 && (0.0..=MOST).contains(&number) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is whole and in range"
            )]
            let whole = number as u64;
            return Ok(whole);
        }
        Err(E::invalid_type(Unexpected::Float(number), &self))
    }
}

/// A value where there is one, read by `parse`.
///
/// # Errors
/// It cannot be read.
pub fn parse_named<T, E: fmt::Display>(
    field: &str,
    value: Option<&str>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, FieldError> {
    value
        .map(|value| parse(value).map_err(|problem| FieldError::new(field, problem)))
        .transpose()
}

/// A point in time as RFC 3339 writes it.
///
/// # Errors
/// It is none.
pub fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.to_utc())
        .map_err(|_| format!("must be a time such as 2026-01-31T12:00:00Z (got {text:?})"))
}

/// RFC 3339 in UTC, to the millisecond.
///
/// # Errors
/// Those of the serializer.
pub fn serialize_time<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// The same, or `null`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize_optional_time<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serialize_time(time, serializer),
        None => serializer.serialize_none(),
    }
}

/// A tag (RFC 9110, section 8.8.3) of a view, which is another one as soon as anything but the ignored fields is.
fn etag(view: &impl Serialize, ignored: &[&str]) -> String {
    let mut view = json!(view);
    if let Some(fields) = view.as_object_mut() {
        fields.retain(|name, _| !ignored.contains(&name.as_str()));
    }
    let hash = Sha256::digest(view.to_string());
    let hash = hash.iter().take(8).map(|byte| format!("{byte:02x}"));
    format!("\"{}\"", hash.collect::<String>())
}
