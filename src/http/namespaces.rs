//! `/v1/namespaces`.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::Access;
use super::conditions::{Conditions, tagged};
use super::error::ApiError;
use super::extract::{InNamespace, JsonBody, no_such_namespace};
use super::once::{self, OnceBody};
use super::openapi::params::{Force, IfMatch, IfNoneMatch, Once, Paged};
use super::page::{Page, Paging, Params};
use crate::app::AppState;
use crate::model::{Namespace, NamespaceConfig, NamespaceName, Right};
use crate::record::{ConfigBody, NamespaceView, Object};
use crate::store::{CreateNamespace, DeleteNamespace, UpdateNamespace};

/// A namespace to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewNamespace, examples(json!({"name": "team/alice", "config": {"token_budget": 1000, "context_position": "first_user"}})))]
pub(super) struct CreateBody {
    /// 1 to 128 letters, digits and `. _ - : @ /`; begins with a letter or a digit.
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9._:@/-]*$")]
    name: String,
    #[serde(default)]
    #[schema(value_type = ConfigBody)]
    config: Object<ConfigBody>,
}

/// The settings of a namespace.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NamespaceReplacement, examples(json!({"config": {"token_budget": 2000}})))]
pub(super) struct ReplaceBody {
    #[schema(value_type = ConfigBody)]
    config: Object<ConfigBody>,
}

/// A new name, and settings to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NamespaceChange, examples(json!({"config": {"token_budget": null}})))]
pub(super) struct ChangeBody {
    /// A new name.
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9._:@/-]*$")]
    name: Option<String>,
    #[serde(default)]
    #[schema(value_type = ConfigBody)]
    config: Object<ConfigBody>,
}

/// The answer to a deletion.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({"deleted": true})))]
pub(super) struct Deleted {
    deleted: bool,
}

impl Deleted {
    pub(super) const YES: Self = Self { deleted: true };
}

/// List namespaces
///
/// By name.
#[utoipa::path(
    get,
    path = "/v1/namespaces",
    operation_id = "list_namespaces",
    tag = "namespaces",
    params(Paged),
    responses((status = 200, description = "A page of namespaces", body = Page<NamespaceView>))
)]
pub(super) async fn list(
    State(state): State<AppState>,
    access: Access,
    mut params: Params,
) -> Result<Page<NamespaceView>, ApiError> {
    let paging = params.paging()?;
    params.finish()?;
    let after = paging.cursor.as_deref().map(name_behind).transpose()?;
    let page = state
        .store
        .namespaces(access.visible(), after, paging.limit, paging.offset)
        .await?;
    if paging.count_only {
        return Ok(Page::counted(page.total));
    }
    let last = page.namespaces.last().map(|namespace| hex(namespace.name.as_str()));
    let next = last.filter(|_| page.more);
    let views: Vec<NamespaceView> = page.namespaces.into_iter().map(NamespaceView::from).collect();
    Ok(Page::of_list(views, page.total, &paging, next))
}

/// Make a namespace
#[utoipa::path(
    post,
    path = "/v1/namespaces",
    operation_id = "create_namespace",
    tag = "namespaces",
    params(Once),
    request_body = CreateBody,
    responses(
        (status = 201, description = "The namespace", body = NamespaceView),
        (status = 409, description = "There is one of that name"),
    )
)]
pub(super) async fn create(
    State(state): State<AppState>,
    access: Access,
    OnceBody(body, once): OnceBody<CreateBody>,
) -> Result<Response, ApiError> {
    let name = allowed_name(&access, &body.name)?;
    let mut config = NamespaceConfig::default();
    body.config.0.into_change()?(&mut config);
    created(
        &access,
        state.store.create_namespace(name.clone(), config, once).await?,
        &name,
    )
}

fn created(access: &Access, outcome: CreateNamespace, name: &NamespaceName) -> Result<Response, ApiError> {
    let (replayed, namespace) = match outcome {
        CreateNamespace::Created(namespace) => (once::MADE_NOW, namespace),
        CreateNamespace::Before(namespace) => (once::MADE_BEFORE, namespace),
        CreateNamespace::Exists => return Err(name_taken(name)),
        CreateNamespace::OtherRequest => return Err(ApiError::key_reused()),
        CreateNamespace::Gone => return Err(once::gone()),
    };
    // It may have got another name since.
    if !access.is_allowed(namespace.name.as_str()) {
        return Err(once::gone());
    }
    let location = [(header::LOCATION, format!("/v1/namespaces/{}", namespace.id))];
    let view = tagged(NamespaceView::from(namespace));
    Ok((StatusCode::CREATED, replayed, location, view).into_response())
}

/// Read a namespace
#[utoipa::path(
    get,
    path = "/v1/namespaces/{namespace}",
    operation_id = "get_namespace",
    tag = "namespaces",
    params(IfNoneMatch),
    responses(
        (status = 200, description = "The namespace", body = NamespaceView),
        (status = 304, description = "It is as the client has it"),
    )
)]
pub(super) async fn read(
    InNamespace(namespace): InNamespace,
    conditions: Conditions,
    params: Params,
) -> Result<Response, ApiError> {
    params.finish()?;
    Ok(conditions.shown(NamespaceView::from(namespace)))
}

/// Set the settings of a namespace
///
/// Settings that are not named are reset.
#[utoipa::path(
    put,
    path = "/v1/namespaces/{namespace}",
    operation_id = "replace_namespace_settings",
    tag = "namespaces",
    params(IfMatch),
    request_body = ReplaceBody,
    responses((status = 200, description = "The namespace", body = NamespaceView))
)]
pub(super) async fn replace(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    conditions: Conditions,
    JsonBody(body): JsonBody<ReplaceBody>,
) -> Result<Response, ApiError> {
    let change = body.config.0.into_change()?;
    update(&state, &namespace, None, conditions, |config| {
        *config = NamespaceConfig::default();
        change(config);
    })
    .await
}

/// Change settings or the name of a namespace
///
/// What is not named stays; `null` resets a setting.
#[utoipa::path(
    patch,
    path = "/v1/namespaces/{namespace}",
    operation_id = "change_namespace",
    tag = "namespaces",
    params(IfMatch),
    request_body = ChangeBody,
    responses(
        (status = 200, description = "The namespace", body = NamespaceView),
        (status = 409, description = "The name is taken, or the namespace is the default one, which keeps its name"),
    )
)]
pub(super) async fn change(
    State(state): State<AppState>,
    access: Access,
    InNamespace(namespace): InNamespace,
    conditions: Conditions,
    JsonBody(body): JsonBody<ChangeBody>,
) -> Result<Response, ApiError> {
    let name = body
        .name
        .as_deref()
        .map(|name| allowed_name(&access, name))
        .transpose()?;
    let change = body.config.0.into_change()?;
    update(&state, &namespace, name, conditions, change).await
}

async fn update(
    state: &AppState,
    namespace: &Namespace,
    name: Option<NamespaceName>,
    conditions: Conditions,
    change: impl FnOnce(&mut NamespaceConfig) + Send + 'static,
) -> Result<Response, ApiError> {
    let change = move |namespace: &Namespace| {
        conditions.allow_change(&NamespaceView::from(namespace.clone()).etag())?;
        let mut config = namespace.config.clone();
        change(&mut config);
        Ok::<_, ApiError>(config)
    };
    // By its name, for an id may be the name of another one.
    let known = namespace.name.as_str();
    match state.store.update_namespace(known.to_owned(), name, change).await?? {
        UpdateNamespace::Updated(namespace) => Ok(tagged(NamespaceView::from(namespace))),
        UpdateNamespace::Missing => Err(no_such_namespace(known)),
        UpdateNamespace::NameTaken(name) => Err(name_taken(&name)),
        UpdateNamespace::Default => {
            Err(ApiError::conflict(format!("{known} always exists and keeps its name")).with_param("name"))
        }
    }
}

/// Delete a namespace
#[utoipa::path(
    delete,
    path = "/v1/namespaces/{namespace}",
    operation_id = "delete_namespace",
    tag = "namespaces",
    params(IfMatch, Force),
    responses(
        (status = 200, description = "It is gone, and its memories with it", body = Deleted),
        (status = 409, description = "It holds memories and `force` is not `true`, or it is the default one"),
    )
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    conditions: Conditions,
    mut params: Params,
) -> Result<Json<Deleted>, ApiError> {
    let force = params.flag("force")?;
    params.finish()?;
    conditions.allow_change(&NamespaceView::from(namespace.clone()).etag())?;
    let name = namespace.name;
    match state.store.delete_namespace(name.as_str().to_owned(), force).await? {
        DeleteNamespace::Deleted => Ok(Json(Deleted::YES)),
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
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Clone, examples(json!({"name": "team/bob"})))]
pub(super) struct CloneBody {
    /// 1 to 128 letters, digits and `. _ - : @ /`; begins with a letter or a digit.
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9._:@/-]*$")]
    name: String,
}

/// Clone a namespace
///
/// Makes a namespace with the settings, the memories and the history of this one.
#[utoipa::path(
    post,
    path = "/v1/namespaces/{namespace}/clone",
    operation_id = "clone_namespace",
    tag = "namespaces",
    request_body = CloneBody,
    responses(
        (status = 201, description = "The new namespace", body = NamespaceView),
        (status = 409, description = "There is one of that name"),
    )
)]
pub(super) async fn clone(
    State(state): State<AppState>,
    access: Access,
    InNamespace(namespace): InNamespace,
    JsonBody(body): JsonBody<CloneBody>,
) -> Result<Response, ApiError> {
    let access = access.asking(Right::Write);
    let name = allowed_name(&access, &body.name)?;
    created(
        &access,
        state.store.clone_namespace(&namespace, name.clone()).await?,
        &name,
    )
}

/// The name of a namespace that is to be, where the caller may do in it what the call is for.
fn allowed_name(access: &Access, name: &str) -> Result<NamespaceName, ApiError> {
    let parsed = NamespaceName::parse(name).map_err(|problem| ApiError::bad_value("name", problem))?;
    access.check(name).map_err(|error| error.with_param("name"))?;
    Ok(parsed)
}

fn name_taken(name: &NamespaceName) -> ApiError {
    ApiError::conflict(format!("there is a namespace {name} already")).with_param("name")
}

/// A name as a cursor.
fn hex(name: &str) -> String {
    name.bytes().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
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
