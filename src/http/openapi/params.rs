//! Query parameters and request headers that several routes have in common. Each type stands for those that one extractor reads.

use serde_json::{Value, json};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{
    ArrayBuilder, ArrayItems, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::openapi::{RefOr, Required};
use utoipa::{IntoParams, PartialSchema as _};

use crate::http::chat_options::MAX_BUDGET;
use crate::http::page::{DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET};
use crate::model::{MemoryType, Source};
use crate::record::MAX_CONVERSATION_LENGTH;

macro_rules! parameters {
    ($($(#[$doc:meta])* $name:ident: [$($parameter:expr),+ $(,)?];)+) => {$(
        $(#[$doc])*
        pub(in crate::http) enum $name {}

        impl IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![$($parameter.build()),+]
            }
        }
    )+};
}

parameters! {
    /// What `Params::paging` takes.
    Paged: [
        query("limit", "Items on a page.", whole(1, MAX_LIMIT.into(), DEFAULT_LIMIT.into())),
        query("offset", "Items to pass over; not beside `cursor`.", whole(0, MAX_OFFSET, 0)),
        query(
            "cursor",
            "`next_cursor` of the page before, in place of `offset`. Send the same filters along. What is made or deleted meanwhile neither repeats an item nor hides one.",
            text().min_length(Some(1)).pattern(Some("^[0-9a-f]+$")),
        ),
        query("count_only", "Only `total`, and no items.", flag()),
    ];
    /// What `Params::paging` takes where a list has no cursor.
    Numbered: [
        query("limit", "Items on a page.", whole(1, MAX_LIMIT.into(), DEFAULT_LIMIT.into())),
        query("offset", "Items to pass over.", whole(0, MAX_OFFSET, 0)),
        query("count_only", "Only `total`, and no items.", flag()),
    ];
    /// What `filters::start` takes.
    Sorted: [
        query("sort", "The order, which is `:desc` where nothing is said; with a `cursor`, the one that it is a place in.", text().enum_values(Some(orders()))),
        query("include_superseded", "Those too whose place something newer has taken.", flag()),
    ];
    /// What `filters::filter` takes.
    Filtered: [
        several("type", "Memories of one of these types.", MemoryType::schema()),
        several("source", "Memories from one of these sources.", Source::schema()),
        several("tag", "Memories with all of these tags.", text()),
        several("any_tag", "Memories with one of these tags at least.", text()),
        free_fields(),
        query("q", "Memories whose `content` holds this text, letter case ignored.", text().min_length(Some(1))),
        query("created_after", "Memories from this moment on.", moment()),
        query("created_before", "Memories before this moment.", moment()),
        query("conversation_id", "Memories that were said or found in this conversation.", text()),
        query("request_id", "Memories that were found in this request.", text()),
        query("rule", "Memories that were found by this rule.", text()),
    ];
    /// What `ChatOptions` reads.
    Chat: [
        header("X-MAIA-Namespace", "Whose memories to use; without it `memory.default_namespace`.", name()),
        header("X-MAIA-Skip-Memory", "`true`: inject nothing into this request.", header_flag()),
        header("X-MAIA-Skip-Extract", "`true`: remember nothing of this exchange.", header_flag()),
        header("X-MAIA-Token-Budget", "Most tokens of injected context.", whole_number(1, MAX_BUDGET.into())),
        header("X-MAIA-Show-Memories", "`true`: the answer names the memories that were injected, in `X-MAIA-Memory-Ids`.", header_flag()),
        header(
            "X-MAIA-Conversation",
            "Which conversation this is. Without it, the requests that begin with the same message of the user are one.",
            text().min_length(Some(1)).max_length(Some(MAX_CONVERSATION_LENGTH)).pattern(Some("^[!-~]([ -~]*[!-~])?$")),
        ),
    ];
    OfRequest: [query("request_id", "Only the request of this id.", text())];
    DryRun: [query("dry_run", "Only count, and change nothing.", flag())];
    Restoring: [query("restore", "Bring back what the deleted ones had taken the place of.", flag())];
    Force: [query("force", "Delete its memories too.", flag())];
    InNamespaceOf: [query("namespace", "The name or the id of the namespace; without it the memory is looked for in all.", name())];
    Once: [once()];
    OnceKey: [once()];
    IfMatch: [
        header("If-Match", "The `ETag` that you have seen, or `*`. Where it has changed since, nothing happens.", tag()),
    ];
    IfNoneMatch: [
        header("If-None-Match", "The `ETag` that you have, or `*`. Where it has not changed since, the answer is a 304.", tag()),
    ];
}

fn query(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    parameter(ParameterIn::Query, name, description, schema)
}

/// A header that may be left out.
pub(super) fn header(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    parameter(ParameterIn::Header, name, description, schema)
}

fn parameter(place: ParameterIn, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
}

/// A parameter that may stand several times.
fn several(name: &str, description: &str, item: impl Into<ArrayItems>) -> ParameterBuilder {
    query(name, description, ArrayBuilder::new().items(item))
        .style(Some(ParameterStyle::Form))
        .explode(Some(true))
}

/// `metadata.NAME=value`. An object in this style is written as its fields, so each name begins with the prefix.
fn free_fields() -> ParameterBuilder {
    let name = text().pattern(Some("^metadata\\."));
    let fields = ObjectBuilder::new()
        .property_names(Some(name))
        .additional_properties(Some(text()))
        .examples([json!({ "metadata.project": "atlas" })]);
    query(
        "metadata",
        "Memories whose `metadata` has this value under `NAME`, written as `metadata.NAME=value`: a string, or a number, `true`, `false` or `null` as JSON writes it.",
        fields,
    )
    .style(Some(ParameterStyle::Form))
    .explode(Some(true))
}

fn once() -> ParameterBuilder {
    header(
        "Idempotency-Key",
        "For 24 hours the same key with the same body makes nothing new and shows what was made.",
        text()
            .min_length(Some(1))
            .max_length(Some(255))
            .pattern(Some("^[ -~]+$"))
            .examples([json!("4c0d7a1e")]),
    )
}

pub(super) fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn moment() -> ObjectBuilder {
    text()
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .examples([json!("2026-01-31T12:00:00Z")])
}

/// A version of something, or any.
fn tag() -> ObjectBuilder {
    text().examples([json!("\"0123456789abcdef\""), json!("*")])
}

/// What the name and the id of a namespace look like.
pub(super) const NAMESPACE_NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._:@/-]*$";

/// The name of a namespace.
pub(super) fn name() -> ObjectBuilder {
    text()
        .min_length(Some(1))
        .max_length(Some(128))
        .pattern(Some(NAMESPACE_NAME))
}

fn header_flag() -> ObjectBuilder {
    text()
        .pattern(Some("^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|0|1)$"))
        .examples([json!("true")])
}

fn flag() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .default(Some(json!(false)))
        .build()
}

/// A whole number, with its bounds and what it is where nothing is said.
fn whole(least: u64, most: u64, default: u64) -> ObjectBuilder {
    whole_number(least, most).default(Some(json!(default)))
}

pub(in crate::http) fn whole_number(least: u64, most: u64) -> ObjectBuilder {
    #[expect(clippy::cast_precision_loss, reason = "no bound is above 2^53")]
    let (least, most) = (least as f64, most as f64);
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(least))
        .maximum(Some(most))
}

/// Each field that lists can be sorted by, alone and with a direction.
fn orders() -> Vec<Value> {
    let fields = ["created_at", "updated_at", "accessed_at", "access_count", "confidence"];
    let of = |field: &str| ["", ":desc", ":asc"].map(|direction| json!(format!("{field}{direction}")));
    fields.into_iter().flat_map(of).collect()
}
