//! x
use serde_json::Value;
pub(super) fn page(document: &Value) -> String { document.to_string() }
