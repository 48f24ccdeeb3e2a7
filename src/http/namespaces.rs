//! `/v1/namespaces`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ApiError;
use super::extract::{InNamespace, JsonBody, no_such_namespace};
use super::page::{Page, Paging, Params};
use crate::app::AppState;
use crate::model::{Namespace, NamespaceConfig, NamespaceName};
use crate::record::{ConfigBody, NamespaceView, Object};
use crate::store::{CreateNamespace, DeleteNamespace, UpdateNamespace};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBody {
    name: String,
    #[serde(default)]
    config: Object<ConfigBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplaceBody {
    config: Object<ConfigBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeBody {
    name: Option<String>,
    #[serde(default)]
    config: Object<ConfigBody>,
}

pub(super) async fn list(State(state): State<AppState>, mut params: Params) -> Result<Page<NamespaceView>, ApiError> {
    let paging = params.paging()?;
    params.finish()?;
    let after = paging.cursor.as_deref().map(name_behind).transpose()?;
    let page = state.store.namespaces(after, paging.limit, paging.offset).await?;
    if paging.count_only {
        return Ok(Page::counted(page.total));
    }
    let last = page.namespaces.last().map(|namespace| hex(namespace.name.as_str()));
    let next = last.filter(|_| page.more);
    let views: Vec<NamespaceView> = page.namespaces.into_iter().map(NamespaceView::from).collect();
    Ok(Page::of_list(views, page.total, &paging, next))
}

pub(super) async fn create(
    State(state): State<AppState>,
    JsonBody(body): JsonBody<CreateBody>,
) -> Result<Response, ApiError> {
    let name = parse_name(&body.name)?;
    let mut config = NamespaceConfig::default();
    body.config.0.into_change()?(&mut config);
    created(state.store.create_namespace(name.clone(), config).await?, &name)
}

fn created(outcome: CreateNamespace, name: &NamespaceName) -> Result<Response, ApiError> {
    match outcome {
        CreateNamespace::Created(namespace) => {
            let location = format!("/v1/namespaces/{}", namespace.id);
            let view = NamespaceView::from(namespace);
            Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(view)).into_response())
        }
        CreateNamespace::Exists => Err(name_taken(name)),
    }
}

pub(super) async fn read(InNamespace(namespace): InNamespace) -> Json<NamespaceView> {
    Json(namespace.into())
}

pub(super) async fn replace(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    JsonBody(body): JsonBody<ReplaceBody>,
) -> Result<Json<NamespaceView>, ApiError> {
    let change = body.config.0.into_change()?;
    update(&state, &namespace, None, |config| {
        *config = NamespaceConfig::default();
        change(config);
    })
    .await
}

pub(super) async fn change(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    JsonBody(body): JsonBody<ChangeBody>,
) -> Result<Json<NamespaceView>, ApiError> {
    let name = body.name.as_deref().map(parse_name).transpose()?;
    update(&state, &namespace, name, body.config.0.into_change()?).await
}

async fn update(
    state: &AppState,
    namespace: &Namespace,
    name: Option<NamespaceName>,
    change: impl FnOnce(&mut NamespaceConfig) + Send + 'static,
) -> Result<Json<NamespaceView>, ApiError> {
    // By its name, for an id may be the name of another one.
    let known = namespace.name.as_str();
    match state.store.update_namespace(known.to_owned(), name, change).await? {
        UpdateNamespace::Updated(namespace) => Ok(Json(namespace.into())),
        UpdateNamespace::Missing => Err(no_such_namespace(known)),
        UpdateNamespace::NameTaken(name) => Err(name_taken(&name)),
        UpdateNamespace::Default => {
            Err(ApiError::conflict(format!("{known} always exists and keeps its name")).with_param("name"))
        }
    }
}

pub(super) async fn delete(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    mut params: Params,
) -> Result<Json<Value>, ApiError> {
    let force = params.flag("force")?;
    params.finish()?;
    let name = namespace.name;
    match state.store.delete_namespace(name.as_str().to_owned(), force).await? {
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

/// What a clone is to be called.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CloneBody {
    name: String,
}

pub(super) async fn clone(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    JsonBody(body): JsonBody<CloneBody>,
) -> Result<Response, ApiError> {
    let name = parse_name(&body.name)?;
    created(state.store.clone_namespace(&namespace, name.clone()).await?, &name)
}

fn parse_name(name: &str) -> Result<NamespaceName, ApiError> {
    NamespaceName::parse(name).map_err(|problem| ApiError::bad_value("name", problem))
}

fn name_taken(name: &NamespaceName) -> ApiError {
    ApiError::conflict(format!("there is a namespace {name} already")).with_param("name")
}

/// A name as a cursor.
fn hex(name: &str) -> String {
    name.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The name that a cursor stands for.
fn name_behind(cursor: &str) -> Result<String, ApiError> {
    let pairs = cursor.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    let name = bytes
        .collect::<Option<Vec<u8>>>()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let name = name.filter(|name| NamespaceName::parse(name).is_ok());
    name.ok_or_else(Paging::bad_cursor)
}
