//! `/v1/namespaces`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::ApiError;
use super::extract::{InNamespace, JsonBody, Object, no_such_namespace};
use super::memories::serialize_time;
use super::page::{Page, Params};
use crate::app::AppState;
use crate::model::{ContextPosition, Namespace, NamespaceConfig, NamespaceName, NamespaceStats};
use crate::store::{CreateNamespace, DeleteNamespace};

/// A namespace as the API shows it.
#[derive(Serialize)]
pub(super) struct NamespaceView {
    id: Uuid,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBody {
    name: String,
    #[serde(default)]
    config: Object<ConfigBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateBody {
    config: Object<ConfigBody>,
}

/// Settings as they are sent.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ConfigBody {
    token_budget: Change<u32>,
    context_position: Change<String>,
    retention_days: Change<u32>,
    max_memories: Change<u32>,
}

/// What is asked of a setting: what is absent and what is `null` are two things.
#[derive(Clone, Copy, Default)]
enum Change<T> {
    #[default]
    Keep,
    /// `null`: the configuration decides again.
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

    fn try_map<U, E>(self, parse: impl FnOnce(T) -> Result<U, E>) -> Result<Change<U>, E> {
        Ok(match self {
            Self::Keep => Change::Keep,
            Self::Reset => Change::Reset,
            Self::Set(value) => Change::Set(parse(value)?),
        })
    }
}

impl ConfigBody {
    /// The changes, once every value is a valid one.
    fn into_change(self) -> Result<impl FnOnce(&mut NamespaceConfig) + Send + 'static, ApiError> {
        let token_budget = self.token_budget.try_map(in_range("config.token_budget", 1_000_000))?;
        let retention_days = self.retention_days.try_map(in_range("config.retention_days", 36_500))?;
        let max_memories = self.max_memories.try_map(in_range("config.max_memories", u32::MAX))?;
        let context_position = self.context_position.try_map(|name| {
            ContextPosition::parse(&name).map_err(|problem| ApiError::bad_value("config.context_position", problem))
        })?;
        Ok(move |config: &mut NamespaceConfig| {
            token_budget.apply(&mut config.token_budget);
            context_position.apply(&mut config.context_position);
            retention_days.apply(&mut config.retention_days);
            max_memories.apply(&mut config.max_memories);
        })
    }
}

/// Accepts 1 to `most`.
fn in_range(name: &'static str, most: u32) -> impl FnOnce(u32) -> Result<u32, ApiError> {
    move |number| {
        if (1..=most).contains(&number) {
            Ok(number)
        } else {
            Err(ApiError::bad_value(
                name,
                format!("must be a whole number from 1 to {most} (got {number})"),
            ))
        }
    }
}

pub(super) async fn list(State(state): State<AppState>, mut params: Params) -> Result<impl IntoResponse, ApiError> {
    let (limit, offset) = params.page()?;
    params.finish()?;
    let page = state.store.namespaces(limit, offset).await?;
    let views: Vec<NamespaceView> = page.namespaces.into_iter().map(NamespaceView::from).collect();
    Ok(Json(Page::new(views, page.total.unsigned_abs(), limit, offset)))
}

pub(super) async fn create(
    State(state): State<AppState>,
    JsonBody(body): JsonBody<CreateBody>,
) -> Result<impl IntoResponse, ApiError> {
    let name = NamespaceName::parse(&body.name).map_err(|problem| ApiError::bad_value("name", problem))?;
    let mut config = NamespaceConfig::default();
    body.config.0.into_change()?(&mut config);
    match state.store.create_namespace(name.clone(), config).await? {
        CreateNamespace::Created(namespace) => {
            let location = format!("/v1/namespaces/{}", namespace.id);
            Ok((
                StatusCode::CREATED,
                [(header::LOCATION, location)],
                Json(NamespaceView::from(namespace)),
            ))
        }
        CreateNamespace::Exists => Err(ApiError::conflict(format!("there is a namespace {name} already"))),
    }
}

pub(super) async fn read(InNamespace(namespace): InNamespace) -> Json<NamespaceView> {
    Json(namespace.into())
}

pub(super) async fn replace(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    JsonBody(body): JsonBody<UpdateBody>,
) -> Result<Json<NamespaceView>, ApiError> {
    let change = body.config.0.into_change()?;
    update(&state, &namespace, |config| {
        *config = NamespaceConfig::default();
        change(config);
    })
    .await
}

pub(super) async fn change(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    JsonBody(body): JsonBody<UpdateBody>,
) -> Result<Json<NamespaceView>, ApiError> {
    update(&state, &namespace, body.config.0.into_change()?).await
}

async fn update(
    state: &AppState,
    namespace: &Namespace,
    change: impl FnOnce(&mut NamespaceConfig) + Send + 'static,
) -> Result<Json<NamespaceView>, ApiError> {
    // By its name, for an id may be the name of another one.
    let name = namespace.name.as_str().to_owned();
    let updated = state.store.update_namespace(name, change).await?;
    updated
        .map(|namespace| Json(namespace.into()))
        .ok_or_else(|| no_such_namespace(namespace.name.as_str()))
}

pub(super) async fn delete(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    mut params: Params,
) -> Result<Json<Value>, ApiError> {
    let force = params.parsed("force", |text| match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("must be true or false (got {text:?})")),
    })?;
    params.finish()?;
    let name = namespace.name;
    match state
        .store
        .delete_namespace(name.as_str().to_owned(), force.unwrap_or(false))
        .await?
    {
        DeleteNamespace::Deleted => Ok(Json(json!({ "deleted": true }))),
        DeleteNamespace::Missing => Err(no_such_namespace(name.as_str())),
        DeleteNamespace::NotEmpty(count) => Err(ApiError::conflict(format!(
            "{name} holds {count} memories; delete them first, or delete all with ?force=true"
        ))),
        DeleteNamespace::Default => Err(ApiError::conflict(format!(
            "{name} always exists and cannot be deleted"
        ))),
    }
}
