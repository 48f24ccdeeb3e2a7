//! Query parameters of lists, and the envelope that every list comes in.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;

/// Items on a page where nothing is asked for.
pub(super) const DEFAULT_LIMIT: u32 = 50;
/// Most items on a page.
pub(super) const MAX_LIMIT: u32 = 1_000;

/// Most items that can be passed over: what every program can count to.
pub(super) const MAX_OFFSET: u64 = (1 << 53) - 1;

/// How many items a list has in all, for those who ask with HEAD.
const TOTAL_COUNT: &str = "x-total-count";

/// The envelope of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    data: Vec<T>,
    /// Items in `data`.
    count: usize,
    /// Items in all.
    total: u64,
    limit: u32,
    offset: u64,
    has_more: bool,
    /// Where the next page begins; `null` behind the last, and for lists that have no cursors.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page by offset.
    pub(super) fn new(data: Vec<T>, total: u64, limit: u32, offset: u64) -> Self {
        let has_more = offset.saturating_add(data.len() as u64) < total;
        Self {
            count: data.len(),
            data,
            total,
            limit,
            offset,
            has_more,
            next_cursor: None,
        }
    }

    /// A page of a list that can be read on by a cursor.
    pub(super) fn of_list(data: Vec<T>, total: i64, paging: &Paging, next_cursor: Option<String>) -> Self {
        Self {
            count: data.len(),
            data,
            total: total.unsigned_abs(),
            limit: paging.limit,
            offset: paging.offset,
            has_more: next_cursor.is_some(),
            next_cursor,
        }
    }

    /// How many there are, and nothing of them.
    pub(super) fn counted(total: i64) -> Self {
        Self::new(Vec::new(), total.unsigned_abs(), 0, 0)
    }

    /// The envelope of a list that comes in one piece.
    pub(super) fn whole(data: Vec<T>) -> Self {
        let total = data.len() as u64;
        Self::new(data, total, MAX_LIMIT, 0)
    }
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        ([(TOTAL_COUNT, self.total.to_string())], Json(self)).into_response()
    }
}

/// Which part of a list is wanted.
#[derive(Debug)]
pub(super) struct Paging {
    pub(super) limit: u32,
    pub(super) offset: u64,
    pub(super) cursor: Option<String>,
    /// Only how many there are.
    pub(super) count_only: bool,
}

impl Paging {
    /// The error for a cursor that is none, or is one of another list.
    pub(super) fn bad_cursor() -> ApiError {
        let problem = "is no cursor of this list; take next_cursor of its last page, or leave it out to begin anew";
        ApiError::bad_value("cursor", problem)
    }
}

/// The parameters behind the `?`, taken out one by one; what is left over was a mistake.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect()))
    }
}

impl Params {
    /// All values of a parameter.
    pub(super) fn all(&mut self, name: &str) -> Vec<String> {
        let (found, rest) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|(key, _)| key == name);
        self.0 = rest;
        found.into_iter().map(|(_, value): (String, String)| value).collect()
    }

    /// The value of a parameter that may stand once.
    pub(super) fn one(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let mut values = self.all(name);
        let value = values.pop();
        if values.is_empty() {
            Ok(value)
        } else {
            Err(ApiError::bad_value(name, "stands more than once"))
        }
    }

    /// A parameter read by `parse`.
    pub(super) fn parsed<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ApiError> {
        self.one(name)?
            .map(|value| parse(&value).map_err(|problem| ApiError::bad_value(name, problem)))
            .transpose()
    }

    /// A parameter that is `true` or `false`; not there: `false`.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool, ApiError> {
        let parse = |text: &str| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(format!("must be true or false (got {text:?})")),
        };
        Ok(self.parsed(name, |text| parse(text))?.unwrap_or(false))
    }

    /// A parameter that may stand several times, each read by `parse`.
    pub(super) fn each<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Vec<T>, ApiError> {
        let parse = |value: &String| parse(value).map_err(|problem| ApiError::bad_value(name, problem));
        self.all(name).iter().map(parse).collect()
    }

    /// What follows a prefix in the names of parameters, and their values.
    pub(super) fn with_prefix(&mut self, prefix: &str) -> Vec<(String, String)> {
        let (found, rest) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|(key, _)| key.starts_with(prefix));
        self.0 = rest;
        let bare = |(key, value): (String, String)| (key.get(prefix.len()..).unwrap_or_default().to_owned(), value);
        found.into_iter().map(bare).collect()
    }

    /// `limit`, `offset`, `cursor` and `count_only`.
    pub(super) fn paging(&mut self) -> Result<Paging, ApiError> {
        let cursor = self.one("cursor")?;
        if cursor.is_some() && self.0.iter().any(|(key, _)| key == "offset") {
            return Err(ApiError::bad_value(
                "offset",
                "a cursor says where the page begins; leave one of them out",
            ));
        }
        let (limit, offset) = self.page()?;
        Ok(Paging {
            limit,
            offset,
            cursor,
            count_only: self.flag("count_only")?,
        })
    }

    /// `limit` and `offset`.
    fn page(&mut self) -> Result<(u32, u64), ApiError> {
        let limit = self.parsed("limit", |text| {
            check_limit(text.parse().ok()).ok_or_else(|| limit_rule(text))
        })?;
        let offset = self.parsed("offset", |text| {
            let offset = text.parse().ok();
            check_offset(offset).ok_or_else(|| offset_rule(format_args!("{text:?}")))
        })?;
        Ok((limit.unwrap_or(DEFAULT_LIMIT), offset.unwrap_or(0)))
    }

    /// Refuses what was not asked for.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => Err(ApiError::bad_value(&name, "there is no such parameter here")),
        }
    }
}

/// A limit where it is one that is allowed.
pub(super) fn check_limit(limit: Option<u32>) -> Option<u32> {
    limit.filter(|limit| (1..=MAX_LIMIT).contains(limit))
}

/// An offset where it is one that is allowed.
pub(super) fn check_offset(offset: Option<u64>) -> Option<u64> {
    offset.filter(|offset| *offset <= MAX_OFFSET)
}

pub(super) fn offset_rule(got: impl std::fmt::Display) -> String {
    format!("must be a whole number from 0 to {MAX_OFFSET} (got {got})")
}

pub(super) fn limit_rule(got: impl std::fmt::Display) -> String {
    format!("must be a whole number from 1 to {MAX_LIMIT} (got {got})")
}
