//! The description as a page that needs nothing but itself: no script, no address of anybody else.

mod shape;

use serde_json::{Value, json, to_string_pretty};
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Content, OpenApi, RefOr};

use self::shape::{Shape, escape, joined, name_of, prose};
use super::common::{METHODS, operation_of};

/// Where the examples are asked.
const ADDRESS: &str = "http://localhost:8080";

/// The whole page.
pub(super) fn page(description: &OpenApi) -> String {
    let site = Site { description };
    let title = escape(&description.info.title);
    let lead = prose(description.info.description.as_deref().unwrap_or_default());
    let version = escape(&description.info.version);
    let tags = site.tags();
    let contents = joined(tags.iter().map(|(name, _)| {
        format!(
            "<li><a href=\"#{name}\">{name}</a><ol>{}</ol></li>",
            site.contents(name)
        )
    }));
    let groups = joined(tags.iter().map(|(name, about)| {
        format!(
            "<section><h2 id=\"{name}\">{name}</h2>{}{}</section>",
            prose(about),
            site.group(name)
        )
    }));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}: the API</title><link rel=\"stylesheet\" href=\"/docs/style.css\"></head><body>\
         <nav aria-label=\"Contents\"><p>{title} {version}</p><ol>{contents}\
         <li><a href=\"#authentication\">authentication</a></li><li><a href=\"#errors\">errors</a></li><li><a href=\"#schemas\">schemas</a></li></ol></nav>\
         <main><h1>{title}: the API</h1>{lead}<p>For programs: <a href=\"/openapi.json\">/openapi.json</a> (OpenAPI 3.1). \
         Every request may carry an <code>X-Request-Id</code> of up to 128 printable ASCII characters, and every answer has one. A field or a parameter \
         that maia does not know is refused.</p>\
         {groups}{keys}{errors}{schemas}</main></body></html>\n",
        keys = site.keys(),
        errors = site.errors(),
        schemas = site.all_schemas(),
    )
}

struct Site<'a> {
    description: &'a OpenApi,
}

/// An operation with its place.
struct Placed<'a> {
    path: &'a str,
    method: &'static str,
    operation: &'a Operation,
}

impl<'a> Site<'a> {
    fn tags(&self) -> Vec<(&'a str, &'a str)> {
        let tags = self.description.tags.iter().flatten();
        tags.map(|tag| (tag.name.as_str(), tag.description.as_deref().unwrap_or_default()))
            .collect()
    }

    /// The operations of a tag. Those that one handler answers in the same way, whatever the method, count once.
    fn operations(&self, tag: &str) -> Vec<Placed<'a>> {
        let mut found = Vec::new();
        for (path, item) in &self.description.paths.paths {
            for method in METHODS {
                let operation = operation_of(item, method);
                found.extend(operation.map(|operation| Placed {
                    path,
                    method,
                    operation,
                }));
            }
        }
        found.retain(|placed| placed.operation.tags.iter().flatten().any(|one| one == tag));
        let is_relayed = |placed: &Placed<'_>| placed.path.ends_with("{path}");
        found.retain(|placed| !is_relayed(placed) || placed.method == "get");
        for placed in &mut found {
            if is_relayed(placed) {
                placed.method = "any";
            }
        }
        found
    }

    fn contents(&self, tag: &str) -> String {
        let line = |placed: Placed<'_>| {
            let summary = escape(placed.operation.summary.as_deref().unwrap_or_default());
            format!("<li><a href=\"#{}\">{summary}</a></li>", placed.id())
        };
        self.operations(tag).into_iter().map(line).collect()
    }

    fn group(&self, tag: &str) -> String {
        let operations = self.operations(tag).into_iter();
        joined(operations.map(|placed| self.article(&placed)))
    }

    fn article(&self, placed: &Placed<'_>) -> String {
        let operation = placed.operation;
        let (id, method, path) = (placed.id(), placed.method, escape(placed.path));
        let summary = escape(operation.summary.as_deref().unwrap_or_default());
        let about = prose(operation.description.as_deref().unwrap_or_default());
        let body = operation.request_body.as_ref().and_then(|body| match body {
            RefOr::T(body) => body.content.values().next(),
            RefOr::Ref(_) => None,
        });
        let body = body.and_then(content_schema);
        let body_part = body.map(|schema| {
            let fields = Shape::of(schema).or_in(self.schemas()).fields();
            format!("<h4>Body</h4>{fields}")
        });
        format!(
            "<article id=\"{id}\"><h3><a href=\"#{id}\">{summary}</a></h3>\
             <p class=\"route\"><b class=\"{method}\">{}</b> <code>{path}</code></p>{about}{}{}<h4>Example</h4><pre><code>{}</code></pre>{}</article>",
            method.to_uppercase(),
            parameters(operation),
            body_part.unwrap_or_default(),
            escape(&self.curl(placed, body)),
            self.answers(operation),
        )
    }

    /// A request that works as it stands.
    fn curl(&self, placed: &Placed<'_>, body: Option<&RefOr<Schema>>) -> String {
        let mut path = placed.path.to_owned();
        for parameter in given(placed.operation) {
            if let (ParameterIn::Path, Some(example)) = (&parameter.parameter_in, shape::parameter_example(parameter)) {
                path = path.replace(&format!("{{{}}}", parameter.name), &example);
            }
        }
        let query = match placed.operation.operation_id.as_deref() {
            Some("delete_memories") => "?source=extracted&dry_run=true",
            Some("clear_namespace") => "?dry_run=true",
            Some("list_memories") => "?type=semantic&tag=ui&limit=20",
            _ => "",
        };
        let method = match (placed.method, body) {
            ("get" | "any", None) | ("post", Some(_)) => String::new(),
            (method, _) => format!("-X {} ", method.to_uppercase()),
        };
        let quoted = |text: String| if query.is_empty() { text } else { format!("'{text}'") };
        let mut command = format!("curl {method}{}", quoted(format!("{ADDRESS}{path}{query}")));
        if placed.operation.security.is_some() {
            command.push_str(" \\\n  -H \"X-API-Key: $MAIA_KEY\"");
        }
        if let Some(example) = body.and_then(|schema| self.example(schema)) {
            command.push_str(" \\\n  -H 'Content-Type: application/json' \\\n  -d '");
            command.push_str(&example.to_string());
            command.push('\'');
        }
        command
    }

    /// The answers of an operation, then which errors are possible.
    fn answers(&self, operation: &Operation) -> String {
        let mut answers = Vec::new();
        let mut errors = Vec::new();
        for (status, response) in &operation.responses.responses {
            match response {
                RefOr::T(response) if !status.starts_with(['4', '5']) => {
                    answers.push(self.answer(status, response));
                }
                RefOr::T(response) => {
                    let about = shape::inline(&response.description);
                    errors.push(format!("<li><b>{status}</b> {about}</li>"));
                }
                RefOr::Ref(reference) => {
                    let name = name_of(&reference.ref_location);
                    let about = self
                        .description
                        .components
                        .as_ref()
                        .and_then(|all| all.responses.get(name));
                    let about = match about {
                        Some(RefOr::T(response)) => shape::inline(&response.description),
                        _ => String::new(),
                    };
                    errors.push(format!(
                        "<li><a href=\"#error-{name}\"><b>{status}</b></a> {about}</li>"
                    ));
                }
            }
        }
        let (answers, errors) = (answers.concat(), errors.concat());
        format!(
            "<h4>Answers</h4>{answers}<details><summary>Errors</summary><ul class=\"errors\">{errors}</ul></details>"
        )
    }

    fn answer(&self, status: &str, response: &Response) -> String {
        let about = shape::inline(&response.description);
        let schema = response.content.values().find_map(content_schema);
        let kind = response
            .content
            .keys()
            .next()
            .map(|kind| format!(" <code>{}</code>", escape(kind)));
        let shape = schema.map(|schema| format!(" {}", Shape::of(schema).label()));
        let headers = joined(
            response
                .headers
                .iter()
                .filter_map(|(name, header)| match header {
                    RefOr::T(header) => Some((name, header.description.as_deref().unwrap_or_default())),
                    RefOr::Ref(_) => None,
                })
                .map(|(name, about)| format!("<tr><td><code>{name}</code></td><td>{}</td></tr>", shape::inline(about))),
        );
        let headers = if headers.is_empty() {
            headers
        } else {
            format!("<table>{headers}</table>")
        };
        let example = schema
            .and_then(|schema| self.example(schema))
            .map(|example| code(&example));
        format!(
            "<details class=\"answer\"><summary><b>{status}</b> {about}{}{}</summary>{headers}{}</details>",
            shape.unwrap_or_default(),
            kind.unwrap_or_default(),
            example.unwrap_or_default(),
        )
    }

    fn schemas(&self) -> impl Fn(&str) -> Option<&'a RefOr<Schema>> {
        let components = self.description.components.as_ref();
        move |name| components?.schemas.get(name)
    }

    /// A real value of this shape.
    fn example(&self, schema: &RefOr<Schema>) -> Option<Value> {
        match schema {
            RefOr::Ref(reference) => match self.schemas()(name_of(&reference.ref_location))? {
                RefOr::T(schema) => shape::example(schema),
                RefOr::Ref(_) => None,
            },
            RefOr::T(schema) => shape::example(schema),
        }
    }

    fn keys(&self) -> String {
        let schemes = self.description.components.iter().flat_map(|all| &all.security_schemes);
        let schemes = joined(schemes.map(|(name, scheme)| {
            let about = json!(scheme);
            let about = about.get("description").and_then(Value::as_str).unwrap_or_default();
            let place = match name.as_str() {
                "bearer" => "Authorization: Bearer …",
                _ => "X-API-Key: …",
            };
            format!(
                "<tr><td><code>{place}</code></td><td>{}</td></tr>",
                shape::inline(about)
            )
        }));
        format!(
            "<section><h2 id=\"authentication\">authentication</h2><p>Where <code>security.api_key</code> is set or a <a href=\"#keys\">key</a> was made, everything under <code>/v1</code> and \
             <code>/proxy</code> needs it. Never put it into an address.</p><table>{schemes}</table></section>"
        )
    }

    fn errors(&self) -> String {
        let responses = self.description.components.iter().flat_map(|all| &all.responses);
        let mut responses: Vec<_> = responses
            .filter_map(|(name, response)| match response {
                RefOr::T(response) => Some((name, response)),
                RefOr::Ref(_) => None,
            })
            .filter_map(|(name, response)| {
                let content = response.content.values().find_map(|content| match content {
                    RefOr::T(content) => content.example.as_ref(),
                    RefOr::Ref(_) => None,
                });
                Some((super::common::status_of(name)?, name, response, content?))
            })
            .collect();
        responses.sort_by_key(|(status, ..)| *status);
        let errors = joined(responses.into_iter().map(|(status, name, response, example)| {
            let about = shape::inline(&response.description);
            format!("<h3 id=\"error-{name}\">{status}</h3><p>{about}.</p>{}", code(example))
        }));
        format!(
            "<section><h2 id=\"errors\">errors</h2><p>Every error of maia looks like this; <code>code</code> is for programs, <code>param</code> \
             names the field, parameter or header.</p>{errors}</section>"
        )
    }

    fn all_schemas(&self) -> String {
        let schemas = self.description.components.iter().flat_map(|all| &all.schemas);
        let shapes = joined(schemas.map(|(name, schema)| {
            let shape = Shape::of(schema);
            let (about, fields) = (prose(shape.description()), shape.or_in(self.schemas()).fields());
            format!("<h3 id=\"schema-{name}\">{}</h3>{about}{fields}", shape::spelled(name))
        }));
        format!("<section><h2 id=\"schemas\">schemas</h2>{shapes}</section>")
    }
}

impl Placed<'_> {
    fn id(&self) -> String {
        escape(self.operation.operation_id.as_deref().unwrap_or_default())
    }
}

fn given(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    let parameters = operation.parameters.iter().flatten();
    parameters.filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}

fn parameters(operation: &Operation) -> String {
    let row = |parameter: &Parameter| {
        let place = match parameter.parameter_in {
            ParameterIn::Path => "path",
            ParameterIn::Header => "header",
            _ => "query",
        };
        let name = match parameter.name.as_str() {
            "metadata" => "metadata.NAME",
            name => name,
        };
        let schema = parameter.schema.as_ref();
        let (label, rules) = schema
            .map(Shape::of)
            .map(|shape| (shape.label(), shape.rules()))
            .unwrap_or_default();
        let about = shape::inline(parameter.description.as_deref().unwrap_or_default());
        format!(
            "<tr><td><code>{}</code><small>{place}</small></td><td>{label}<small>{rules}</small></td><td>{about}</td></tr>",
            escape(name)
        )
    };
    let own = given(operation).filter(|parameter| parameter.name != "X-Request-Id");
    let rows = joined(own.map(row));
    if rows.is_empty() {
        return rows;
    }
    format!("<h4>Parameters</h4><table class=\"fields\">{rows}</table>")
}

fn content_schema(content: &RefOr<Content>) -> Option<&RefOr<Schema>> {
    match content {
        RefOr::T(content) => content.schema.as_ref(),
        RefOr::Ref(_) => None,
    }
}

fn code(value: &Value) -> String {
    let text = to_string_pretty(value).unwrap_or_default();
    format!("<pre><code>{}</code></pre>", escape(&text))
}
