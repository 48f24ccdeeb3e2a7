//! A schema as people read it: what kind of value, which fields, and the rules for each.

use serde_json::Value;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Object, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr};

/// A schema, and where the others are found.
pub(super) struct Shape<'a>(&'a RefOr<Schema>);

/// The same, of whose parts each has a name.
pub(super) struct Resolved<'a, F>(Shape<'a>, F);

impl<'a> Shape<'a> {
    pub(super) fn of(schema: &'a RefOr<Schema>) -> Self {
        Self(schema)
    }

    pub(super) fn or_in<F: Fn(&str) -> Option<&'a RefOr<Schema>>>(self, find: F) -> Resolved<'a, F> {
        Resolved(self, find)
    }

    /// The name of the component that is meant.
    pub(super) fn name(&self) -> Option<&'a str> {
        match self.0 {
            RefOr::Ref(reference) => Some(name_of(&reference.ref_location)),
            RefOr::T(_) => None,
        }
    }

    pub(super) fn description(&self) -> &'a str {
        let description = match self.0 {
            RefOr::Ref(reference) => return &reference.description,
            RefOr::T(Schema::Object(object)) => object.description.as_deref(),
            RefOr::T(Schema::Array(array)) => array.description.as_deref(),
            RefOr::T(Schema::AllOf(all)) => all.description.as_deref(),
            RefOr::T(Schema::OneOf(one)) => {
                let of_items = || one.items.iter().map(|item| Shape(item).description());
                let first = || of_items().find(|text| !text.is_empty());
                one.description.as_deref().or_else(first)
            }
            RefOr::T(_) => None,
        };
        description.unwrap_or_default()
    }

    /// The kind of value, linked where it has a name.
    pub(super) fn label(&self) -> String {
        match self.0 {
            RefOr::Ref(reference) => {
                let name = name_of(&reference.ref_location);
                format!("<a href=\"#schema-{name}\">{}</a>", spelled(name))
            }
            RefOr::T(Schema::Array(array)) => {
                let items = match &array.items {
                    ArrayItems::RefOrSchema(items) => Shape(items).label(),
                    ArrayItems::False => String::new(),
                };
                format!("list of {items}{}", or_null(&array.schema_type))
            }
            RefOr::T(Schema::Object(object)) => kind(object),
            RefOr::T(Schema::OneOf(one)) => {
                let labels: Vec<_> = one.items.iter().map(|item| Shape(item).label()).collect();
                labels.join(" or ")
            }
            RefOr::T(_) => "object".to_owned(),
        }
    }

    /// Bounds, lengths, defaults and the values that are possible.
    pub(super) fn rules(&self) -> String {
        let mut rules = Vec::new();
        match self.0 {
            RefOr::T(Schema::Object(object)) => rules_of(object, &mut rules),
            RefOr::T(Schema::Array(array)) => {
                rules.extend(range(array.min_items, array.max_items).map(|range| format!("{range} items")));
                if let ArrayItems::RefOrSchema(items) = &array.items {
                    let each = Shape(items).rules();
                    rules.extend((!each.is_empty()).then(|| format!("each: {each}")));
                }
            }
            _ => {}
        }
        rules.join("; ")
    }
}

impl<'a, F: Fn(&str) -> Option<&'a RefOr<Schema>>> Resolved<'a, F> {
    /// A row for each field; for what has none, what it is.
    pub(super) fn fields(&self) -> String {
        let rows = self.rows(self.0.0);
        if rows.is_empty() {
            let rules = self.0.rules();
            let separator = if rules.is_empty() { "" } else { ": " };
            return format!("<p>{}{separator}{rules}</p>", self.0.label());
        }
        let name = self
            .0
            .name()
            .map(|name| format!("<p><a href=\"#schema-{name}\">{}</a></p>", spelled(name)));
        format!("{}<table class=\"fields\">{rows}</table>", name.unwrap_or_default())
    }

    fn rows(&self, schema: &RefOr<Schema>) -> String {
        match schema {
            RefOr::Ref(reference) => {
                let found = (self.1)(name_of(&reference.ref_location));
                found.map(|schema| self.rows(schema)).unwrap_or_default()
            }
            RefOr::T(Schema::Object(object)) => {
                let row = |(name, field): (&String, &RefOr<Schema>)| {
                    let shape = Shape(field);
                    let needed = if object.required.contains(name) {
                        "<small>required</small>"
                    } else {
                        ""
                    };
                    format!(
                        "<tr><td><code>{}</code>{needed}</td><td>{}<small>{}</small></td><td>{}</td></tr>",
                        escape(name),
                        shape.label(),
                        shape.rules(),
                        inline(shape.description())
                    )
                };
                joined(object.properties.iter().map(row))
            }
            RefOr::T(Schema::AllOf(all)) => joined(all.items.iter().map(|part| self.rows(part))),
            RefOr::T(_) => String::new(),
        }
    }
}

fn kind(object: &Object) -> String {
    let named = |kind: &Type| match kind {
        Type::Object => "object",
        Type::String => match &object.format {
            Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)) => "time (RFC 3339)",
            Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)) => "UUID",
            _ => "text",
        },
        Type::Integer => "whole number",
        Type::Number => "number",
        Type::Boolean => "true or false",
        Type::Array => "list",
        Type::Null => "null",
    };
    match &object.schema_type {
        SchemaType::Type(kind) => named(kind).to_owned(),
        SchemaType::Array(kinds) => kinds.iter().map(named).collect::<Vec<_>>().join(" or "),
        SchemaType::AnyValue => "anything".to_owned(),
    }
}

fn or_null(kind: &SchemaType) -> &'static str {
    match kind {
        SchemaType::Array(kinds) if kinds.contains(&Type::Null) => " or null",
        _ => "",
    }
}

fn rules_of(object: &Object, rules: &mut Vec<String>) {
    if let Some(values) = &object.enum_values {
        let values: Vec<_> = values
            .iter()
            .map(|value| match value {
                Value::String(text) => format!("<code>{}</code>", escape(text)),
                other => format!("<code>{other}</code>"),
            })
            .collect();
        rules.push(values.join(", "));
    }
    let written = |bound: &Option<utoipa::Number>| {
        let value = serde_json::json!(bound.as_ref()?);
        value.as_f64().map(|number| number.to_string())
    };
    rules.extend(range(written(&object.minimum), written(&object.maximum)));
    rules.extend(range(object.min_length, object.max_length).map(|range| format!("{range} characters")));
    rules.extend(
        object
            .default
            .iter()
            .map(|default| format!("default <code>{default}</code>")),
    );
    if let Some(AdditionalProperties::FreeForm(true)) = object.additional_properties.as_deref() {
        rules.push("and any other field".to_owned());
    }
}

fn range<T: ToString>(least: Option<T>, most: Option<T>) -> Option<String> {
    match (least.map(|least| least.to_string()), most.map(|most| most.to_string())) {
        (None, None) => None,
        (Some(least), None) => Some(format!("from {least}")),
        (None, Some(most)) => Some(format!("up to {most}")),
        (Some(least), Some(most)) => Some(format!("{least} to {most}")),
    }
}

/// A real value.
pub(super) fn example(schema: &Schema) -> Option<Value> {
    match schema {
        Schema::Object(object) => object.examples.first().cloned(),
        Schema::AllOf(all) => all.examples.first().cloned(),
        _ => None,
    }
}

/// What a parameter may be, as text.
pub(super) fn parameter_example(parameter: &Parameter) -> Option<String> {
    match parameter.schema.as_ref()? {
        RefOr::T(schema) => example(schema)?.as_str().map(str::to_owned),
        RefOr::Ref(_) => None,
    }
}

/// The last part of a reference.
pub(super) fn name_of(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}

/// `Page_Memory` as "page of Memory".
pub(super) fn spelled(name: &str) -> String {
    match name.strip_prefix("Page_") {
        Some(item) => format!("page of {}", escape(item)),
        None => escape(name),
    }
}

/// Text of a description as paragraphs.
pub(super) fn prose(text: &str) -> String {
    let paragraphs = text.split("\n\n").filter(|text| !text.trim().is_empty());
    joined(paragraphs.map(|text| format!("<p>{}</p>", inline(text))))
}

/// Text with its code between backticks.
pub(super) fn inline(text: &str) -> String {
    let parts = text.split('`').enumerate();
    joined(parts.map(|(index, part)| {
        if index % 2 == 1 {
            format!("<code>{}</code>", escape(part))
        } else {
            escape(part)
        }
    }))
}

pub(super) fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect()
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
