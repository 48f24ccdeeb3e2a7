//! A namespace as JSON shows it, and its settings as they are sent.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use uuid::Uuid;

use super::{Change, FieldError, Whole, etag, serialize_time};
use crate::model::{ContextPosition, Namespace, NamespaceConfig, NamespaceName, NamespaceStats};

/// A namespace as the API shows it.
#[derive(Serialize, ToSchema)]
#[schema(as = Namespace, examples(json!({
    "id": "01a206a4-8861-7a44-8f0d-0e6f3b1c9d20", "name": "team/alice",
    "config": {"token_budget": 1000, "context_position": "first_user", "retention_days": null, "max_memories": null},
    "stats": {"memory_count": 0, "token_count": 0}, "created_at": "2026-01-31T12:00:00.000Z", "updated_at": "2026-01-31T12:00:00.000Z"
})))]
pub struct NamespaceView {
    id: Uuid,
    #[schema(value_type = String)]
    name: NamespaceName,
    config: NamespaceConfig,
    stats: NamespaceStats,
    #[serde(serialize_with = "serialize_time")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "serialize_time")]
    updated_at: DateTime<Utc>,
}

impl From<Namespace> for NamespaceView {
    fn from(
        Namespace {
            id,
            name,
            config,
            stats,
            created_at,
            updated_at,
            number: _,
        }: Namespace,
    ) -> Self {
        Self {
            id,
            name,
            config,
            stats,
            created_at,
            updated_at,
        }
    }
}

impl NamespaceView {
    /// Which version of the namespace it is. Counts make no other version of it.
    #[must_use]
    pub fn etag(&self) -> String {
        etag(self, &["stats"])
    }
}

/// Settings as they are sent.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NamespaceSettings, examples(json!({"token_budget": 1000, "context_position": "first_user"})))]
pub struct ConfigBody {
    /// Most tokens of injected context; `null`: as `proxy.token_budget` says.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1e6)]
    #[serde(default)]
    token_budget: Change<Whole>,
    /// Where the context goes; `null`: as `proxy.context_position` says.
    #[schema(value_type = Option<ContextPosition>)]
    #[serde(default)]
    context_position: Change<String>,
    /// Days after which memories are deleted; `null`: never.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 36500)]
    #[serde(default)]
    retention_days: Change<Whole>,
    /// Most memories that are kept; `null`: no limit.
    #[schema(schema_with = max_memories_schema)]
    #[serde(default)]
    max_memories: Change<Whole>,
    /// What clients of the original always send; there are no parents here.
    #[schema(schema_with = only_false)]
    inherit_from_parent: Option<bool>,
}

impl ConfigBody {
    /// The changes, once every value is a valid one.
    ///
    /// # Errors
    /// The first value that is not.
    pub fn into_change(self) -> Result<impl FnOnce(&mut NamespaceConfig) + Send + 'static, FieldError> {
        if self.inherit_from_parent == Some(true) {
            let problem =
                "can only be false: namespaces have no parents; give the settings themselves, or clone a namespace";
            return Err(FieldError::new("config.inherit_from_parent", problem));
        }
        let token_budget = self.token_budget.try_map(in_range("config.token_budget", 1_000_000))?;
        let retention_days = self.retention_days.try_map(in_range("config.retention_days", 36_500))?;
        let max_memories = self.max_memories.try_map(in_range("config.max_memories", u32::MAX))?;
        let context_position = self.context_position.try_map(|name| {
            ContextPosition::parse(&name).map_err(|problem| FieldError::new("config.context_position", problem))
        })?;
        Ok(move |config: &mut NamespaceConfig| {
            token_budget.apply(&mut config.token_budget);
            context_position.apply(&mut config.context_position);
            retention_days.apply(&mut config.retention_days);
            max_memories.apply(&mut config.max_memories);
        })
    }
}

fn max_memories_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
        .minimum(Some(1))
        .maximum(Some(f64::from(u32::MAX)))
        .description(Some("Most memories that are kept; `null`: no limit."))
        .build()
}

/// `false` or `null`, and nothing else.
fn only_false() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Boolean, Type::Null]))
        .enum_values(Some([json!(false), json!(null)]))
        .description(Some(
            "What clients of the original always send; there are no parents here.",
        ))
        .build()
}

/// Accepts 1 to `most`.
fn in_range(name: &'static str, most: u32) -> impl FnOnce(Whole) -> Result<u32, FieldError> {
    move |Whole(number)| {
        let valid = u32::try_from(number).ok().filter(|number| (1..=most).contains(number));
        valid.ok_or_else(|| FieldError::new(name, format!("must be a whole number from 1 to {most} (got {number})")))
    }
}
