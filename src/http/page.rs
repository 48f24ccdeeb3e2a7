//! Query parameters of lists, and the envelope that every list comes in.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Serialize;

use super::error::ApiError;

/// Items on a page where nothing is asked for.
pub(super) const DEFAULT_LIMIT: u32 = 50;
/// Most items on a page.
pub(super) const MAX_LIMIT: u32 = 1_000;

/// The envelope of a list.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    data: Vec<T>,
    count: usize,
    total: u64,
    limit: u32,
    offset: u64,
    has_more: bool,
}

impl<T> Page<T> {
    pub(super) fn new(data: Vec<T>, total: u64, limit: u32, offset: u64) -> Self {
        let count = data.len();
        let has_more = offset.saturating_add(count as u64) < total;
        Self {
            data,
            count,
            total,
            limit,
            offset,
            has_more,
        }
    }

    /// The envelope of a list that comes in one piece.
    pub(super) fn whole(data: Vec<T>) -> Self {
        let total = data.len() as u64;
        Self::new(data, total, MAX_LIMIT, 0)
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

    /// `limit` and `offset`.
    pub(super) fn page(&mut self) -> Result<(u32, u64), ApiError> {
        let limit = self.parsed("limit", |text| {
            check_limit(text.parse().ok()).ok_or_else(|| limit_rule(text))
        })?;
        let offset = self.parsed("offset", |text| {
            text.parse()
                .map_err(|_| format!("must be a whole number from 0 (got {text:?})"))
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

pub(super) fn limit_rule(got: impl std::fmt::Display) -> String {
    format!("must be a whole number from 1 to {MAX_LIMIT} (got {got})")
}
