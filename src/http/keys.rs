//! `/v1/keys`: named keys, which only who may do everything can make.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, ArrayItems, ObjectBuilder, Schema, SchemaType, Type};
use uuid::Uuid;

use super::error::ApiError;
use super::extract::JsonBody;
use super::namespaces::Deleted;
use super::openapi::params::Numbered;
use super::page::{Page, Params};
use crate::app::AppState;
use crate::model::{Key, KeyHash, KeySource, NamespacePatterns, NewKey, Right, random_key};
use crate::record::serialize_optional_time;

/// A key, of which nothing can be said that would let anybody in.
#[derive(Serialize, ToSchema)]
#[schema(as = Key, examples(json!({
    "id": "01a206a4-8860-7092-9989-745facfe1cd3", "name": "phone", "namespaces": ["team-a/*"], "rights": ["read", "chat"],
    "source": "database", "created_at": "2026-01-29T12:00:00.000Z"
})))]
pub(super) struct KeyView {
    id: Uuid,
    name: String,
    /// Where it counts: names of namespaces, beginnings such as `team-a/*`, or `*` for all.
    #[schema(value_type = Vec<String>)]
    namespaces: NamespacePatterns,
    /// What it may do there.
    rights: Vec<Right>,
    /// Where it is kept.
    source: KeySource,
    /// `null` for a key of the configuration.
    #[serde(serialize_with = "serialize_optional_time")]
    #[schema(required = true)]
    created_at: Option<DateTime<Utc>>,
    /// The key itself: only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewKey, examples(json!({"name": "phone", "namespaces": ["team-a/*"], "rights": ["read", "chat"]})))]
pub(super) struct CreateBody {
    /// What to call it by: 1 to 64 letters, digits and `. _ - : @`.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._:@-]*[A-Za-z0-9_:@-][A-Za-z0-9._:@-]*$"
    )]
    name: String,
    /// Names of namespaces, beginnings such as `team-a/*`, or `*` for all. With the right `admin` left out, or `["*"]`.
    #[schema(schema_with = patterns)]
    namespaces: Option<Vec<String>>,
    #[schema(value_type = Vec<Right>, min_items = 1)]
    rights: Vec<String>,
}

fn patterns() -> Schema {
    let one = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(130))
        .pattern(Some(r"^(\*|[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}(/\*)?)$"));
    let list = ArrayBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
        .items(ArrayItems::RefOrSchema(Box::new(one.into())))
        .min_items(Some(1))
        .max_items(Some(64))
        .description(Some(
            "Names of namespaces, beginnings such as `team-a/*`, or `*` for all. With the right `admin` left out, or `[\"*\"]`.",
        ));
    list.into()
}

impl From<Key> for KeyView {
    fn from(key: Key) -> Self {
        Self {
            id: key.id,
            name: key.name,
            namespaces: key.namespaces,
            rights: key.rights,
            source: key.source,
            created_at: key.created_at,
            key: None,
        }
    }
}

impl CreateBody {
    fn into_new(self, key: &str) -> Result<NewKey, ApiError> {
        let hash = KeyHash::of(key.as_bytes());
        NewKey::new(self.name, hash, self.namespaces, &self.rights)
            .map_err(|wrong| ApiError::bad_value(&wrong.field, wrong.problem))
    }
}

/// List keys
///
/// By name, without what would let anybody in: those of the database and those of the configuration.
#[utoipa::path(
    get,
    path = "/v1/keys",
    operation_id = "list_keys",
    tag = "keys",
    params(Numbered),
    responses((status = 200, description = "A page of keys", body = Page<KeyView>))
)]
pub(super) async fn list(State(state): State<AppState>, mut params: Params) -> Result<Page<KeyView>, ApiError> {
    let paging = params.paging()?;
    params.finish()?;
    if paging.cursor.is_some() {
        return Err(ApiError::bad_value(
            "cursor",
            "this list has none; use limit and offset",
        ));
    }
    let (mut keys, _) = state.store.keys().await?;
    keys.extend(state.keys.declared().cloned());
    keys.sort_by(|a, b| a.name.cmp(&b.name));
    let total = keys.len() as u64;
    if paging.count_only {
        return Ok(Page::counted(i64::try_from(total).unwrap_or(i64::MAX)));
    }
    let skipped = usize::try_from(paging.offset).unwrap_or(usize::MAX);
    let shown = keys.into_iter().skip(skipped).take(paging.limit as usize);
    Ok(Page::new(
        shown.map(KeyView::from).collect(),
        total,
        paging.limit,
        paging.offset,
    ))
}

/// Make a key
///
/// The answer holds the key itself, which nobody can be told again: the database has its hash only.
#[utoipa::path(
    post,
    path = "/v1/keys",
    operation_id = "create_key",
    tag = "keys",
    request_body = CreateBody,
    responses(
        (status = 201, description = "The key", body = KeyView),
        (status = 409, description = "There is one of that name"),
        (status = 500, description = "The system gave no random numbers, so there is no key"),
    )
)]
pub(super) async fn create(
    State(state): State<AppState>,
    params: Params,
    JsonBody(body): JsonBody<CreateBody>,
) -> Result<Response, ApiError> {
    params.finish()?;
    let key = random_key().map_err(|error| ApiError::no_random_numbers(&error))?;
    let new = body.into_new(&key)?;
    let name = new.name.clone();
    let taken = |place| ApiError::conflict(format!("there is a key {name} already{place}")).with_param("name");
    if state.keys.declared().any(|key| key.name == name) {
        return Err(taken(", in security.keys of the configuration"));
    }
    let made = state.store.create_key(new).await?;
    let made = made.ok_or_else(|| taken(""))?;
    follow(&state).await;
    let headers = [
        (header::LOCATION, format!("/v1/keys/{}", made.id)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let view = KeyView {
        key: Some(key),
        ..KeyView::from(made)
    };
    Ok((StatusCode::CREATED, headers, Json(view)).into_response())
}

/// Read a key
#[utoipa::path(
    get,
    path = "/v1/keys/{key}",
    operation_id = "get_key",
    tag = "keys",
    responses((status = 200, description = "The key", body = KeyView))
)]
pub(super) async fn read(
    State(state): State<AppState>,
    Path(id_or_name): Path<String>,
    params: Params,
) -> Result<Json<KeyView>, ApiError> {
    params.finish()?;
    let stored = state.store.key(id_or_name.clone()).await?;
    let declared = || state.keys.declared().find(|key| key.is_called(&id_or_name)).cloned();
    let key = stored.or_else(declared).ok_or_else(|| no_such_key(&id_or_name))?;
    Ok(Json(KeyView::from(key)))
}

/// Revoke a key
///
/// It lets nobody in from then on. One of the configuration goes by being taken out of there.
#[utoipa::path(
    delete,
    path = "/v1/keys/{key}",
    operation_id = "delete_key",
    tag = "keys",
    responses(
        (status = 200, description = "It is gone", body = Deleted),
        (status = 409, description = "It is one of the configuration"),
    )
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    Path(id_or_name): Path<String>,
    params: Params,
) -> Result<Json<Deleted>, ApiError> {
    params.finish()?;
    if !state.store.delete_key(id_or_name.clone()).await? {
        let declared = state.keys.declared().find(|key| key.is_called(&id_or_name));
        return Err(declared.map_or_else(|| no_such_key(&id_or_name), |key| is_declared(&key.name)));
    }
    follow(&state).await;
    Ok(Json(Deleted::YES))
}

/// Makes a change count at once. Where the database is in trouble, it counts within a second of its recovery.
async fn follow(state: &AppState) {
    if let Err(error) = state.keys.load(&state.store).await {
        tracing::warn!(%error, "keys were changed, but could not be read anew");
    }
}

fn is_declared(name: &str) -> ApiError {
    let message = format!(
        "the key {name} is one of the configuration and cannot be revoked here; take it out of security.keys and restart maia"
    );
    ApiError::conflict(message).with_param("key")
}

fn no_such_key(id_or_name: &str) -> ApiError {
    ApiError::not_found(format!("there is no key {id_or_name:?}")).with_param("key")
}
