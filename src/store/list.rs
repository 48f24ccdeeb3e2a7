//! Pages of memories, in an order that is asked for.
//!
//! A page begins behind an offset or behind a cursor. A cursor names the last memory of the page before by its place in the order, so what is made or
//! deleted meanwhile neither repeats a memory nor hides one.

use std::fmt::Write as _;

use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, Row, params_from_iter};

use super::filter::MemoryFilter;
use super::memories::{COLUMNS, from_row};
use super::{Store, StoreError};
use crate::model::{Memory, NamespaceNumber};

/// A page of memories.
#[derive(Debug)]
pub struct MemoryPage {
    /// Those on the page.
    pub memories: Vec<Memory>,
    /// How many there are in all.
    pub total: i64,
    /// Where the next page begins, where there is one.
    pub next: Option<Cursor>,
}

/// What memories are put in order by. What is equal is in the order in which it was stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortField {
    /// In which order they were stored.
    #[default]
    Stored,
    /// When they came to be.
    CreatedAt,
    /// When they last changed.
    UpdatedAt,
    /// When they were last injected; of those that never were, when they came to be.
    AccessedAt,
    /// How often they were injected.
    AccessCount,
    /// How sure they are.
    Confidence,
}

impl SortField {
    const ALL: [Self; 6] = [
        Self::Stored,
        Self::CreatedAt,
        Self::UpdatedAt,
        Self::AccessedAt,
        Self::AccessCount,
        Self::Confidence,
    ];

    fn expression(self) -> &'static str {
        match self {
            Self::Stored => "row_id",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "coalesce(updated_at, created_at)",
            Self::AccessedAt => "coalesce(accessed_at, created_at)",
            Self::AccessCount => "access_count",
            Self::Confidence => "confidence",
        }
    }
}

/// An order of memories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub field: SortField,
    /// The least first.
    pub ascending: bool,
}

/// A place in an order of memories: behind this one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cursor {
    /// The order that it is a place in.
    pub order: Order,
    key: Key,
    /// The lower half of the row id: the namespace is the one that is asked.
    sequence: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Key {
    Whole(i64),
    Real(f64),
}

impl Cursor {
    /// Bytes of a cursor before they are written out.
    const BYTES: usize = 13;

    /// The cursor as text, which says nothing to anybody else.
    #[must_use]
    pub fn encode(self) -> String {
        let field = SortField::ALL.iter().position(|field| *field == self.order.field);
        let order = u8::try_from(field.unwrap_or_default()).unwrap_or_default() << 1 | u8::from(self.order.ascending);
        let key = match self.key {
            Key::Whole(number) => number.to_be_bytes(),
            Key::Real(number) => number.to_bits().to_be_bytes(),
        };
        let bytes = [order].into_iter().chain(key).chain(self.sequence.to_be_bytes());
        bytes.fold(String::with_capacity(2 * Self::BYTES), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Reads what [`Self::encode`] has written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 2 * Self::BYTES || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let part = |range| u64::from_str_radix(text.get(range)?, 16).ok();
        let (order, key, sequence) = (part(0..2)?, part(2..18)?, part(18..26)?);
        let field = *SortField::ALL.get(usize::try_from(order >> 1).ok()?)?;
        let key = match field {
            SortField::Confidence => Key::Real(Some(f64::from_bits(key)).filter(|number| number.is_finite())?),
            _ => Key::Whole(key.cast_signed()),
        };
        Some(Self {
            order: Order {
                field,
                ascending: order & 1 == 1,
            },
            key,
            sequence: u32::try_from(sequence).ok()?,
        })
    }

    /// The place behind a row whose last column is what the order goes by.
    fn behind(order: Order, row: &Row<'_>) -> rusqlite::Result<Self> {
        let key = match order.field {
            SortField::Confidence => Key::Real(row.get("sort_key")?),
            _ => Key::Whole(row.get("sort_key")?),
        };
        let row_id: i64 = row.get("row_id")?;
        Ok(Self {
            order,
            key,
            sequence: u32::try_from(row_id & i64::from(u32::MAX)).unwrap_or_default(),
        })
    }
}

/// Which page of a list is wanted.
#[derive(Clone, Copy, Debug)]
pub enum Start {
    /// Behind so many memories.
    Offset(Order, u64),
    /// Behind the last memory of another page.
    Cursor(Cursor),
}

impl Store {
    /// A page of a namespace's memories.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn memories(
        &self,
        namespace: NamespaceNumber,
        filter: MemoryFilter,
        from: Start,
        limit: u32,
    ) -> Result<MemoryPage, StoreError> {
        self.read(move |connection| {
            let (mut condition, mut values) = filter.condition(namespace);
            let total = if filter == MemoryFilter::default() {
                connection
                    .prepare_cached("SELECT memory_count FROM namespaces WHERE number = ?1")?
                    .query_row([namespace.0], |row| row.get(0))
                    .optional()?
                    .unwrap_or(0)
            } else {
                connection
                    .prepare_cached(&format!("SELECT count(*) FROM memories WHERE {condition}"))?
                    .query_row(params_from_iter(&values), |row| row.get(0))?
            };
            let (order, offset) = match from {
                Start::Offset(order, offset) => (order, offset),
                Start::Cursor(cursor) => (cursor.order, 0),
            };
            let (key, direction) = (order.field.expression(), if order.ascending { "ASC" } else { "DESC" });
            if let Start::Cursor(cursor) = from {
                let row_id = namespace.row_ids().0 | i64::from(cursor.sequence);
                let behind = if order.ascending { ">" } else { "<" };
                if order.field == SortField::Stored {
                    // Writing to a string cannot fail.
                    let _ = write!(condition, " AND row_id {behind} ?");
                } else {
                    let _ = write!(condition, " AND ({key}, row_id) {behind} (?, ?)");
                    values.push(match cursor.key {
                        Key::Whole(number) => Value::Integer(number),
                        Key::Real(number) => Value::Real(number),
                    });
                }
                values.push(row_id.into());
            }
            // One more than asked for says whether there is another page.
            values.push((i64::from(limit) + 1).into());
            values.push(i64::try_from(offset).unwrap_or(i64::MAX).into());
            let mut rows: Vec<(Memory, Cursor)> = connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS}, {key} AS sort_key FROM memories WHERE {condition}
                     ORDER BY {key} {direction}, row_id {direction} LIMIT ? OFFSET ?"
                ))?
                .query_map(params_from_iter(&values), |row| {
                    Ok((from_row(row)?, Cursor::behind(order, row)?))
                })?
                .collect::<rusqlite::Result<_>>()?;
            let more = rows.len() > limit as usize;
            rows.truncate(limit as usize);
            Ok(MemoryPage {
                next: rows.last().map(|(_, cursor)| *cursor).filter(|_| more),
                memories: rows.into_iter().map(|(memory, _)| memory).collect(),
                total,
            })
        })
        .await
    }
}
