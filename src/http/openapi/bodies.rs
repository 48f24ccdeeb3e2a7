//! Bodies that differ from a type by some fields, and those that no type of maia's stands for.

use std::borrow::Cow;

use serde_json::json;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::params::{NAMESPACE_NAME, text};
use crate::http::context::ContextBody;
use crate::http::search::SearchBody;
use crate::record::{MemoryBody, PatchBody};

macro_rules! with_namespace {
    ($($name:ident: $body:ty;)+) => {$(
        /// A body with a field for the namespace, where the path does not name one.
        pub(in crate::http) enum $name {}

        impl ToSchema for $name {
            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                <$body>::schemas(schemas);
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                changed(<$body>::schema(), add_namespace)
            }
        }
    )+};
}

with_namespace! {
    FlatNewMemory: MemoryBody;
    FlatMemoryPatch: PatchBody;
    FlatSearch: SearchBody;
    FlatContextRequest: ContextBody;
}

fn add_namespace(object: &mut Object) {
    let namespace = nullable_text().description(Some(
        "The name or the id of the namespace; the default one where nothing is said.",
    ));
    let namespace = namespace
        .min_length(Some(1))
        .max_length(Some(128))
        .pattern(Some(NAMESPACE_NAME));
    object.properties.insert("namespace".to_owned(), namespace.into());
    // Clients of the original list memories by a search without words.
    let is_search = object.properties.contains_key("types");
    if let (true, Some(RefOr::T(Schema::Object(query)))) = (is_search, object.properties.get_mut("query")) {
        query.schema_type = SchemaType::from_iter([Type::String, Type::Null]);
        object.required.retain(|name| name != "query");
    }
}

fn nullable_text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

/// The fields of a memory that is there already.
pub(in crate::http) enum ReplacedMemory {}

impl ToSchema for ReplacedMemory {
    fn name() -> Cow<'static, str> {
        "MemoryReplacement".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        MemoryBody::schemas(schemas);
    }
}

impl PartialSchema for ReplacedMemory {
    fn schema() -> RefOr<Schema> {
        changed(MemoryBody::schema(), |object| {
            for fixed in ["conversation_id", "role", "speaker", "created_at"] {
                object.properties.shift_remove(fixed);
            }
        })
    }
}

fn changed(schema: RefOr<Schema>, change: impl FnOnce(&mut Object)) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            change(&mut object);
            object.into()
        }
        other => other,
    }
}

/// Bytes that are no text.
pub(in crate::http) enum BinaryFile {}

impl ToSchema for BinaryFile {}

impl PartialSchema for BinaryFile {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(SchemaType::AnyValue).into()
    }
}

/// A chat request as the protocol of `OpenAI` has it. maia reads the messages and forwards the rest as it came.
pub(in crate::http) enum ChatCompletion {}

impl ToSchema for ChatCompletion {
    fn name() -> Cow<'static, str> {
        "ChatCompletionRequest".into()
    }
}

impl PartialSchema for ChatCompletion {
    fn schema() -> RefOr<Schema> {
        let message = ObjectBuilder::new()
            .property(
                "role",
                text().description(Some("`system`, `developer`, `user`, `assistant` or `tool`.")),
            )
            .required("role")
            .property(
                "content",
                ObjectBuilder::new()
                    .schema_type(SchemaType::from_iter([Type::String, Type::Array, Type::Null]))
                    .description(Some("A text, or a list of parts such as texts and images.")),
            )
            .additional_properties(Some(AdditionalProperties::FreeForm(true)));
        ObjectBuilder::new()
            .property("model", text().description(Some("A model that the backend knows.")))
            .required("model")
            .property("messages", ArrayBuilder::new().items(message))
            .required("messages")
            .property(
                "stream",
                ObjectBuilder::new()
                    .schema_type(SchemaType::from_iter([Type::Boolean, Type::Null]))
                    .description(Some("Whether the answer comes as server-sent events.")),
            )
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .description(Some(
                "A chat request as the protocol of OpenAI has it. maia reads the messages; every other field is forwarded as it came, and is for the backend to judge.",
            ))
            .examples([json!({
                "model": "llama3.2",
                "messages": [{"role": "user", "content": "I am vegetarian, and my dog is called Biscuit."}]
            })])
            .into()
    }
}

/// What a backend answers.
pub(in crate::http) enum BackendAnswer {}

impl ToSchema for BackendAnswer {}

impl PartialSchema for BackendAnswer {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::AnyValue)
            .description(Some("What the backend answered, byte for byte."))
            .into()
    }
}

/// A body of one of maia's own errors.
pub(super) fn error() -> RefOr<Schema> {
    Ref::from_schema_name("Error").into()
}
