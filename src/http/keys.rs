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
use crate::model::{Key, KeyHash, NamespacePatterns, NewKey, Right};
use crate::record::serialize_time;

/// What a key begins with, so that those who look for lost secrets know one when they see it.
const PREFIX: &str = "maia_";
/// Random bytes of a key.
const RANDOM_BYTES: usize = 32;

/// A key, of which nothing can be said that would let anybody in.
#[derive(Serialize, ToSchema)]
#[schema(as = Key, examples(json!({
    "id": "01a206a4-8860-7092-9989-745facfe1cd3", "name": "phone", "namespaces": ["team-a/*"], "rights": ["read", "chat"],
    "created_at": "2026-01-29T12:00:00.000Z"
})))]
pub(super) struct KeyView {
    id: Uuid,
    name: String,
    /// Where it counts: names of namespaces, beginnings such as `team-a/*`, or `*` for all.
    #[schema(value_type = Vec<String>)]
    namespaces: NamespacePatterns,
    /// What it may do there.
    rights: Vec<Right>,
    #[serde(serialize_with = "serialize_time")]
    created_at: DateTime<Utc>,
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
            created_at: key.created_at,
            key: None,
        }
    }
}

impl CreateBody {
    fn into_new(self, key: &str) -> Result<NewKey, ApiError> {
        NewKey::check_name(&self.name).map_err(|problem| ApiError::bad_value("name", problem))?;
        let mut rights = Vec::new();
        for (index, name) in self.rights.iter().enumerate() {
            let wrong = |error| ApiError::bad_value(&format!("rights[{index}]"), error);
            rights.push(Right::parse(name).map_err(wrong)?);
        }
        rights.sort_unstable();
        rights.dedup();
        if rights.is_empty() {
            return Err(ApiError::bad_value(
                "rights",
                "must hold at least one of read, write, chat and admin",
            ));
        }
        let namespaces = match self.namespaces {
            None if rights.contains(&Right::Admin) => NamespacePatterns::all(),
            None => return Err(ApiError::bad_value("namespaces", "is missing")),
            Some(patterns) => NamespacePatterns::parse(patterns).map_err(|(index, problem)| {
                let name = index.map_or("namespaces".to_owned(), |index| format!("namespaces[{index}]"));
                ApiError::bad_value(&name, problem)
            })?,
        };
        if rights.contains(&Right::Admin) && !namespaces.hold_all() {
            let problem = "must be [\"*\"] or left out with the right admin, which is about everything";
            return Err(ApiError::bad_value("namespaces", problem));
        }
        Ok(NewKey {
            name: self.name,
            hash: KeyHash::of(key.as_bytes()),
            namespaces,
            rights,
        })
    }
}

/// List keys
///
/// By name, without what would let anybody in.
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
    let (keys, _) = state.store.keys().await?;
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
    )
)]
pub(super) async fn create(
    State(state): State<AppState>,
    params: Params,
    JsonBody(body): JsonBody<CreateBody>,
) -> Result<Response, ApiError> {
    params.finish()?;
    let key = random_key()?;
    let new = body.into_new(&key)?;
    let name = new.name.clone();
    let made = state.store.create_key(new).await?;
    let made = made.ok_or_else(|| ApiError::conflict(format!("there is a key {name} already")).with_param("name"))?;
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
    let key = state.store.key(id_or_name.clone()).await?;
    let key = key.ok_or_else(|| no_such_key(&id_or_name))?;
    Ok(Json(KeyView::from(key)))
}

/// Revoke a key
///
/// It lets nobody in from then on.
#[utoipa::path(
    delete,
    path = "/v1/keys/{key}",
    operation_id = "delete_key",
    tag = "keys",
    responses((status = 200, description = "It is gone", body = Deleted))
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    Path(id_or_name): Path<String>,
    params: Params,
) -> Result<Json<Deleted>, ApiError> {
    params.finish()?;
    if !state.store.delete_key(id_or_name.clone()).await? {
        return Err(no_such_key(&id_or_name));
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

fn no_such_key(id_or_name: &str) -> ApiError {
    ApiError::not_found(format!("there is no key {id_or_name:?}")).with_param("key")
}

fn random_key() -> Result<String, ApiError> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| ApiError::bad_request(format!("no random numbers: {error}")))?;
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    Ok(PREFIX.to_owned() + &digits.collect::<String>())
}
