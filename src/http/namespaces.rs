//! `/v1/namespaces`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ApiError;
use super::extract::{InNamespace, JsonBody, no_such_namespace};
use super::page::{Page, Params};
use crate::app::AppState;
use crate::model::{Namespace, NamespaceConfig, NamespaceName};
use crate::record::{ConfigBody, NamespaceView, Object};
use crate::store::{CreateNamespace, DeleteNamespace};

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
