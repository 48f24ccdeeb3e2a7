//! Which memories a call means: the parameters that lists, deletions, moves and copies have in common.

use super::error::ApiError;
use super::page::{Paging, Params};
use crate::model::{MemoryType, Source};
use crate::record::parse_time;
use crate::store::{Cursor, MemoryFilter, Order, SortField, Start};

/// What a free field's name begins with among the parameters.
const METADATA: &str = "metadata.";

/// The filter among the parameters, apart from `include_superseded`.
pub(super) fn filter(params: &mut Params) -> Result<MemoryFilter, ApiError> {
    Ok(MemoryFilter {
        kinds: params.each("type", MemoryType::parse)?,
        sources: params.each("source", Source::parse)?,
        tags: params.all("tag"),
        any_tags: params.all("any_tag"),
        metadata: params.with_prefix(METADATA),
        text: text(params)?,
        created_after: params.parsed("created_after", parse_time)?,
        created_before: params.parsed("created_before", parse_time)?,
        conversation_id: params.one("conversation_id")?,
        request_id: params.one("request_id")?,
        rule: params.one("rule")?,
        include_superseded: false,
    })
}

fn text(params: &mut Params) -> Result<Option<String>, ApiError> {
    let parse = |text: &str| match text {
        "" => Err("must not be empty; leave it out to filter by other things"),
        text => Ok(text.to_owned()),
    };
    params.parsed("q", parse)
}

/// Where a page of memories begins, and in which order they are.
pub(super) fn start(params: &mut Params, paging: &Paging) -> Result<Start, ApiError> {
    let order = params.parsed("sort", order)?;
    let Some(cursor) = &paging.cursor else {
        return Ok(Start::Offset(order.unwrap_or_default(), paging.offset));
    };
    let cursor = Cursor::parse(cursor).ok_or_else(Paging::bad_cursor)?;
    if order.is_some_and(|order| order != cursor.order) {
        let problem = "is not the order that the cursor is a place in; leave it out, or begin anew without the cursor";
        return Err(ApiError::bad_value("sort", problem));
    }
    Ok(Start::Cursor(cursor))
}

/// `updated_at`, `updated_at:desc`, `updated_at:asc`.
fn order(text: &str) -> Result<Order, String> {
    let (name, direction) = text.split_once(':').unwrap_or((text, "desc"));
    let field = match name {
        "created_at" => SortField::CreatedAt,
        "updated_at" => SortField::UpdatedAt,
        "accessed_at" => SortField::AccessedAt,
        "access_count" => SortField::AccessCount,
        "confidence" => SortField::Confidence,
        _ => {
            return Err(format!(
                "must be one of created_at, updated_at, accessed_at, access_count, confidence, followed by :asc or :desc (got {text:?})"
            ));
        }
    };
    match direction {
        "asc" | "desc" => Ok(Order {
            field,
            ascending: direction == "asc",
        }),
        _ => Err(format!("must end in :asc or :desc (got {text:?})")),
    }
}
