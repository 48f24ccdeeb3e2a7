//! x
use utoipa::openapi::OpenApi;
pub(super) fn page(description: &OpenApi) -> String { description.info.title.clone() }
