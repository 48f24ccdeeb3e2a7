//! Everything in a database, read as it was at one moment.

use std::path::Path;

use rusqlite::{Connection, Row};

use super::care::{CareError, Partial, Stop, copy, inspect};
use super::{connection, memories, migrations, namespaces};
use crate::model::{Fact, Memory, Namespace, NamespaceName, NamespaceNumber, Slot};

/// What an export consists of, in this order.
#[derive(Debug)]
pub enum Exported<'a> {
    /// How many memories will follow.
    Total(i64),
    /// A namespace. All of them come before the first memory, in the order in which they were made.
    Namespace(Namespace),
    /// A memory, what it says of the user, and its namespace's name; namespace by namespace, in the order in which they were stored. Those that are
    /// superseded are among them.
    Memory(Memory, Option<&'a Fact>, &'a NamespaceName),
}

/// Hands over everything in a database, or in one namespace of it. The database may be in use; `each` should not keep the caller waiting, for the
/// write-ahead log cannot be emptied meanwhile.
///
/// # Errors
/// There is no such database or namespace, it cannot be used, or `each` failed.
pub fn export(
    database: &Path,
    only: Option<&NamespaceName>,
    stop: &Stop,
    mut each: impl FnMut(Exported<'_>) -> Result<(), CareError>,
) -> Result<(), CareError> {
    inspect(database)?;
    let fail = CareError::sqlite(database);
    let mut connection = connection::open_visitor(database).map_err(&fail)?;
    let mut migrated = None;
    if !migrations::is_current(&connection).map_err(&fail)? {
        // An older schema is read in a copy that is brought up to date; the file is left as it is.
        drop(connection);
        let partial = migrated.insert(Partial::beside(database)?);
        copy(database, partial, stop)?;
        connection = connection::open_writer(partial.path()).map_err(&fail)?;
        migrations::run(&mut connection, partial.path())?;
    }
    stop.watch(&connection).map_err(&fail)?;
    let transaction = connection.unchecked_transaction().map_err(&fail)?;
    let mut namespaces = namespaces::all(&transaction).map_err(&fail)?;
    if let Some(only) = only {
        namespaces.retain(|namespace| namespace.name == *only);
        if namespaces.is_empty() {
            return Err(CareError::NoNamespace(database.to_owned(), only.clone()));
        }
    }
    each(Exported::Total(
        namespaces
            .iter()
            .map(|namespace| namespace.stats.memory_count + namespace.stats.superseded_count)
            .sum(),
    ))?;
    for namespace in &namespaces {
        each(Exported::Namespace(namespace.clone()))?;
    }
    for namespace in &namespaces {
        memories_of(&transaction, namespace.number, database, |memory, fact| {
            each(Exported::Memory(memory, fact.as_ref(), &namespace.name))
        })?;
    }
    Ok(())
}

fn memories_of(
    connection: &Connection,
    namespace: NamespaceNumber,
    database: &Path,
    mut each: impl FnMut(Memory, Option<Fact>) -> Result<(), CareError>,
) -> Result<(), CareError> {
    let fail = CareError::sqlite(database);
    let columns = memories::COLUMNS;
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {columns}, slot, slot_value, statement, ended FROM memories WHERE row_id BETWEEN ?1 AND ?2 ORDER BY row_id"
        ))
        .map_err(&fail)?;
    let mut rows = statement.query(<[i64; 2]>::from(namespace.row_ids())).map_err(&fail)?;
    while let Some(row) = rows.next().map_err(&fail)? {
        let fact = fact(row).map_err(&fail)?;
        each(memories::from_row(row).map_err(&fail)?, fact)?;
    }
    Ok(())
}

fn fact(row: &Row<'_>) -> rusqlite::Result<Option<Fact>> {
    let Some(statement) = row.get("statement")? else {
        return Ok(None);
    };
    let slot = match (row.get("slot")?, row.get("slot_value")?) {
        (Some(name), Some(value)) => Some(Slot { name, value }),
        _ => None,
    };
    Ok(Some(Fact {
        slot,
        statement,
        ended: row.get("ended")?,
    }))
}
