//! Namespaces: reading, making, changing, deleting.

use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use uuid::Uuid;

use super::keys::VISIBLE;
use super::memories::time;
use super::once::{self, Made, Once};
use super::{ReadError, Reader, Store, StoreError};
use crate::model::{
    self, Namespace, NamespaceConfig, NamespaceName, NamespaceNumber, NamespacePatterns, NamespaceStats,
};

const COLUMNS: &str =
    "number, id, name, config, memory_count, token_count, word_count, created_at, updated_at, superseded_count";

/// A page of namespaces, by name.
#[derive(Debug)]
pub struct NamespacePage {
    /// Those on the page.
    pub namespaces: Vec<Namespace>,
    /// How many there are in all.
    pub total: i64,
    /// Whether there are more behind them.
    pub more: bool,
}

/// What came of making a namespace.
#[derive(Debug)]
pub enum CreateNamespace {
    /// It is new.
    Created(Namespace),
    /// The same request made it before; as it is now.
    Before(Namespace),
    /// One of that name was there.
    Exists,
    /// The key of the request came with another request before.
    OtherRequest,
    /// The same request made one before, which is not there any more.
    Gone,
}

/// What came of changing a namespace.
#[derive(Debug)]
pub enum UpdateNamespace {
    /// As it is now.
    Updated(Namespace),
    /// There is none of that name or id.
    Missing,
    /// Another one has the name that it was to get.
    NameTaken(NamespaceName),
    /// It is the one that always exists, and keeps its name.
    Default,
}

/// What came of deleting a namespace.
#[derive(Debug, PartialEq, Eq)]
pub enum DeleteNamespace {
    /// It is gone, with all that was in it.
    Deleted,
    /// There is none of that name or id.
    Missing,
    /// It holds memories, so many, and force was not asked for.
    NotEmpty(i64),
    /// It is the one that always exists.
    Default,
}

impl Store {
    /// The namespace of a name, or else of an id.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn namespace(&self, name_or_id: String) -> Result<Option<Namespace>, StoreError> {
        // Nearly every request asks, and a look by name takes less time than to hand it over.
        if let Some(namespace) = self.glance(|reader| reader.namespace(&name_or_id)) {
            return Ok(Some(namespace));
        }
        self.read(move |connection| find(connection, &name_or_id)).await
    }

    /// The namespace of a name, made where there is none.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn ensure_namespace(&self, name: NamespaceName) -> Result<Namespace, StoreError> {
        self.write(move |connection| ensure(connection, &name)).await
    }

    /// Makes a namespace.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn create_namespace(
        &self,
        name: NamespaceName,
        config: NamespaceConfig,
        once: Option<Once>,
    ) -> Result<CreateNamespace, StoreError> {
        self.write(move |connection| {
            let find = |ids: &[Uuid]| ids.first().map_or(Ok(None), |id| find(connection, &id.to_string()));
            let make = || {
                if exists(connection, &name)? {
                    return Ok(None);
                }
                let namespace = insert(connection, &name, &config)?;
                let id = namespace.id;
                Ok(Some((namespace, vec![id])))
            };
            Ok(match once::once(connection, 0, once.as_ref(), find, make)? {
                None => CreateNamespace::Exists,
                Some(Made::Now(namespace)) => CreateNamespace::Created(namespace),
                Some(Made::Before(namespace)) => CreateNamespace::Before(namespace),
                Some(Made::OtherRequest) => CreateNamespace::OtherRequest,
                Some(Made::Gone) => CreateNamespace::Gone,
            })
        })
        .await
    }

    /// A page of namespaces in the order of their names, behind one of them where it is named; of those alone that patterns name, where there are some.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn namespaces(
        &self,
        visible: Option<NamespacePatterns>,
        after: Option<String>,
        limit: u32,
        offset: u64,
    ) -> Result<NamespacePage, StoreError> {
        self.read(move |connection| {
            let visible = visible.as_ref().map(to_json).transpose()?;
            let total = connection
                .prepare_cached(&format!("SELECT count(*) FROM namespaces WHERE {VISIBLE}"))?
                .query_row(named_params! { ":visible": visible }, |row| row.get(0))?;
            let offset = i64::try_from(offset).unwrap_or(i64::MAX);
            let mut namespaces = connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM namespaces WHERE name > :after AND {VISIBLE} ORDER BY name LIMIT :limit OFFSET :offset"
                ))?
                .query_map(
                    named_params! {
                        ":after": after.unwrap_or_default(),
                        ":limit": i64::from(limit) + 1,
                        ":offset": offset,
                        ":visible": visible,
                    },
                    from_row,
                )?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let more = namespaces.len() > limit as usize;
            namespaces.truncate(limit as usize);
            Ok(NamespacePage {
                namespaces,
                total,
                more,
            })
        })
        .await
    }

    /// Changes the settings of a namespace to what `change` says, which sees it as it is, and its name where it gets another.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn update_namespace<E, F>(
        &self,
        name_or_id: String,
        name: Option<NamespaceName>,
        change: F,
    ) -> Result<Result<UpdateNamespace, E>, StoreError>
    where
        E: Send + 'static,
        F: FnOnce(&Namespace) -> Result<NamespaceConfig, E> + Send + 'static,
    {
        self.write(move |connection| {
            let Some(mut namespace) = find(connection, &name_or_id)? else {
                return Ok(Ok(UpdateNamespace::Missing));
            };
            let config = match change(&namespace) {
                Ok(config) => config,
                Err(refused) => return Ok(Err(refused)),
            };
            if let Some(name) = name.filter(|name| *name != namespace.name) {
                if namespace.name.as_str() == NamespaceName::DEFAULT {
                    return Ok(Ok(UpdateNamespace::Default));
                }
                if exists(connection, &name)? {
                    return Ok(Ok(UpdateNamespace::NameTaken(name)));
                }
                namespace.name = name;
            }
            namespace.config = config;
            namespace.updated_at = model::now();
            connection
                .prepare_cached("UPDATE namespaces SET config = ?2, updated_at = ?3, name = ?4 WHERE number = ?1")?
                .execute(params![
                    namespace.number.0,
                    to_json(&namespace.config)?,
                    namespace.updated_at.timestamp_millis(),
                    namespace.name.as_str()
                ])?;
            Ok(Ok(UpdateNamespace::Updated(namespace)))
        })
        .await
    }

    /// Deletes a namespace with all that is in it, where it is empty or force is asked for.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn delete_namespace(&self, name_or_id: String, force: bool) -> Result<DeleteNamespace, StoreError> {
        self.write(move |connection| {
            let Some(namespace) = find(connection, &name_or_id)? else {
                return Ok(DeleteNamespace::Missing);
            };
            if namespace.name.as_str() == NamespaceName::DEFAULT {
                return Ok(DeleteNamespace::Default);
            }
            let held = namespace.stats.memory_count + namespace.stats.superseded_count;
            if held > 0 && !force {
                return Ok(DeleteNamespace::NotEmpty(held));
            }
            connection
                .prepare_cached("DELETE FROM namespaces WHERE number = ?1")?
                .execute([namespace.number.0])?;
            Ok(DeleteNamespace::Deleted)
        })
        .await
    }
}

impl Reader<'_> {
    /// The namespace of a name, or else of an id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn namespace(&self, name_or_id: &str) -> Result<Option<Namespace>, ReadError> {
        Ok(find(self.connection, name_or_id)?)
    }
}

fn exists(connection: &Connection, name: &NamespaceName) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM namespaces WHERE name = ?1")?
        .exists([name.as_str()])
}

/// The namespace of a name, made where there is none.
pub(super) fn ensure(connection: &Connection, name: &NamespaceName) -> rusqlite::Result<Namespace> {
    match find(connection, name.as_str())? {
        Some(namespace) => Ok(namespace),
        None => insert(connection, name, &NamespaceConfig::default()),
    }
}

fn find(connection: &Connection, name_or_id: &str) -> rusqlite::Result<Option<Namespace>> {
    let by_name = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM namespaces WHERE name = ?1"))?
        .query_row([name_or_id], from_row)
        .optional()?;
    match (by_name, Uuid::try_parse(name_or_id)) {
        (None, Ok(id)) => connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM namespaces WHERE id = ?1"))?
            .query_row([id], from_row)
            .optional(),
        (by_name, _) => Ok(by_name),
    }
}

/// The namespace of a number.
pub(super) fn numbered(connection: &Connection, number: NamespaceNumber) -> rusqlite::Result<Option<Namespace>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM namespaces WHERE number = ?1"))?
        .query_row([number.0], from_row)
        .optional()
}

/// All namespaces, in the order in which they were made.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<Namespace>> {
    connection
        .prepare(&format!("SELECT {COLUMNS} FROM namespaces ORDER BY number"))?
        .query_map([], from_row)?
        .collect()
}

pub(super) fn insert(
    connection: &Connection,
    name: &NamespaceName,
    config: &NamespaceConfig,
) -> rusqlite::Result<Namespace> {
    connection
        .prepare_cached(&format!(
            "INSERT INTO namespaces (id, name, config, created_at, updated_at) VALUES (:id, :name, :config, :now, :now)
             RETURNING {COLUMNS}"
        ))?
        .query_row(
            named_params! {
                ":id": Uuid::now_v7(),
                ":name": name.as_str(),
                ":config": to_json(config)?,
                ":now": model::now().timestamp_millis(),
            },
            from_row,
        )
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Namespace> {
    let name: String = row.get(2)?;
    Ok(Namespace {
        number: NamespaceNumber(row.get(0)?),
        id: row.get(1)?,
        name: NamespaceName::parse(&name).map_err(|reason| unreadable(2, reason))?,
        config: config(row, 3)?,
        stats: NamespaceStats {
            memory_count: row.get(4)?,
            token_count: row.get(5)?,
            word_count: row.get(6)?,
            superseded_count: row.get(9)?,
        },
        created_at: time(row, 7)?,
        updated_at: time(row, 8)?,
    })
}

/// A column of settings.
pub(super) fn config(row: &Row<'_>, column: usize) -> rusqlite::Result<NamespaceConfig> {
    let json: String = row.get(column)?;
    serde_json::from_str(&json).map_err(|error| unreadable(column, error.to_string()))
}

/// The error for a column that holds what this program would never have written.
pub(super) fn unreadable(column: usize, reason: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, reason.into())
}

pub(super) fn to_json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
