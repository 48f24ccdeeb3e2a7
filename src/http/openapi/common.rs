//! What follows from an operation's path, parameters, body and answer: its errors, its headers, and the key that it needs.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Required};

use super::bodies::error;
use super::params::{header, name as name_of_namespace, text, whole_number};
use crate::http::extract::MERGE_PATCH;
use crate::http::relay;

const IN_HEADER: &str = "key";
const AS_BEARER: &str = "bearer";

/// Headers of every answer.
const OF_ALL: [&str; 4] = [
    "X-Request-Id",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
];

/// An error that maia makes.
struct Failure {
    status: &'static str,
    name: &'static str,
    description: &'static str,
    /// Type, code, message and param of the example.
    example: (&'static str, &'static str, &'static str, Option<&'static str>),
    headers: &'static [&'static str],
}

const INVALID: &str = "invalid_request_error";

#[rustfmt::skip]
const FAILURES: &[Failure] = &[
    Failure { status: "400", name: "BadRequest", description: "Something in the request is wrong; `param` names it", headers: &[],
        example: (INVALID, "bad_request", "tags[1]: must have 1 to 128 characters (got 0)", Some("tags[1]")) },
    Failure { status: "401", name: "Unauthorized", description: "maia's key is missing or wrong", headers: &["WWW-Authenticate"],
        example: ("authentication_error", "unauthorized", "A valid key is needed: send security.api_key in the header X-API-Key", None) },
    Failure { status: "403", name: "Forbidden", description: "The `Host` or the `Origin` is not one that maia answers to, or the key lacks a right, which the message names", headers: &[],
        example: ("permission_error", "forbidden", "this host name is not allowed; add it to server.allowed_hosts if it is yours", Some("Host")) },
    Failure { status: "404", name: "NotFound", description: "There is no such thing", headers: &[],
        example: (INVALID, "not_found", "there is no namespace \"alice\"", Some("namespace")) },
    Failure { status: "405", name: "MethodNotAllowed", description: "This method is not possible here; `Allow` says what is", headers: &["Allow"],
        example: (INVALID, "method_not_allowed", "TRACE is not possible here; the header Allow says what is", None) },
    Failure { status: "408", name: "RequestTimeout", description: "The body did not arrive", headers: &[],
        example: (INVALID, "request_timeout", "the request body did not arrive: nothing came for 30s", None) },
    Failure { status: "409", name: "Conflict", description: "It cannot be done as things are", headers: &[],
        example: (INVALID, "conflict", "there is a namespace alice already", Some("name")) },
    Failure { status: "412", name: "PreconditionFailed", description: "It has changed since; the message has the new tag", headers: &[],
        example: (INVALID, "precondition_failed", "it has changed since: its ETag is \"0123456789abcdef\" now; read it again and decide anew", Some("If-Match")) },
    Failure { status: "413", name: "TooLarge", description: "The body is too large", headers: &[],
        example: (INVALID, "too_large", "the body is larger than 1048576 bytes", None) },
    Failure { status: "415", name: "UnsupportedMediaType", description: "The body is not said to be JSON, or is compressed", headers: &["Accept-Patch", "Accept-Encoding"],
        example: (INVALID, "unsupported_media_type", "the body must be JSON, sent with Content-Type: application/json", None) },
    Failure { status: "422", name: "IdempotencyKeyReused", description: "The `Idempotency-Key` came with another body", headers: &[],
        example: (INVALID, "idempotency_key_reused", "this Idempotency-Key came with another body within the last 24 hours; a new request needs a new key", Some("Idempotency-Key")) },
    Failure { status: "429", name: "RateLimited", description: "Too many requests; `Retry-After` says how long to wait", headers: &["Retry-After"],
        example: ("rate_limit_error", "rate_limited", "Rate limit exceeded", None) },
    Failure { status: "431", name: "HeadersTooLarge", description: "The headers are too large", headers: &[],
        example: (INVALID, "headers_too_large", "the headers of the request are larger than 65536 bytes", None) },
    Failure { status: "500", name: "NoRandomNumbers", description: "The system gave no random numbers", headers: &[],
        example: ("api_error", "no_random_numbers", "the system gives no random numbers: Function not implemented (os error 38); nothing was made", None) },
    Failure { status: "502", name: "BackendFailed", description: "The backend could not be reached", headers: &[],
        example: ("api_error", "backend_error", "Backend returned error: no connection to http://localhost:11434/v1", None) },
    Failure { status: "503", name: "StorageUnavailable", description: "The store cannot be used; nothing was changed", headers: &[],
        example: ("api_error", "storage_unavailable", "the database is read-only; nothing was changed", None) },
    Failure { status: "504", name: "BackendTimeout", description: "The backend did not answer in time", headers: &[],
        example: ("timeout_error", "backend_timeout", "the backend did not answer within 60s", None) },
    Failure { status: "507", name: "StorageFull", description: "There is no room for it; nothing was changed", headers: &[],
        example: ("api_error", "storage_full", "the disk is full; nothing was changed", None) },
];

/// Fills in what the handlers leave out.
pub(super) fn complete(description: &mut OpenApi, needs_key: bool) {
    let components = description.components.get_or_insert_default();
    for failure in FAILURES {
        components
            .responses
            .insert(failure.name.to_owned(), failure.response().into());
    }
    let api_key = ApiKey::Header(ApiKeyValue::with_description(
        "X-API-Key",
        "`security.api_key`, which may do everything, or a key of `/v1/keys`.",
    ));
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.description = Some(
        "The same key. Under `/proxy` only where `proxy.backend_api_key` is set: otherwise it is the client's key for the backend."
            .to_owned(),
    );
    components.add_security_scheme(IN_HEADER, SecurityScheme::ApiKey(api_key));
    components.add_security_scheme(AS_BEARER, SecurityScheme::Http(bearer));

    say_the_rest(&mut components.schemas);
    for (path, item) in &mut description.paths.paths {
        for (method, operation) in operations(item) {
            complete_operation(path, method, operation, needs_key);
        }
    }
}

/// The methods that a description can name.
pub(super) const METHODS: [&str; 8] = ["get", "post", "put", "patch", "delete", "head", "options", "trace"];

/// What a method does at a path.
pub(super) fn operation_of<'a>(item: &'a PathItem, method: &str) -> Option<&'a Operation> {
    let operation = match method {
        "get" => &item.get,
        "put" => &item.put,
        "post" => &item.post,
        "delete" => &item.delete,
        "options" => &item.options,
        "head" => &item.head,
        "patch" => &item.patch,
        "trace" => &item.trace,
        _ => &None,
    };
    operation.as_ref()
}

/// The status of the error of a name.
pub(super) fn status_of(name: &str) -> Option<&'static str> {
    let failure = FAILURES.iter().find(|failure| failure.name == name);
    failure.map(|failure| failure.status)
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("delete", &mut item.delete),
        ("options", &mut item.options),
        ("head", &mut item.head),
        ("patch", &mut item.patch),
        ("trace", &mut item.trace),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn complete_operation(path: &str, method: &str, operation: &mut Operation, needs_key: bool) {
    let is_proxy = path.starts_with(relay::PREFIX);
    let is_api = path.starts_with("/v1/");
    let is_chat = path.ends_with(crate::http::CHAT);
    let places = path.split(['{', '}']).skip(1).step_by(2);
    let in_path: Vec<_> = places.filter_map(path_parameter).collect();
    let has_place = !in_path.is_empty();
    let parameters = operation.parameters.get_or_insert_default();
    let has = |name: &str| {
        parameters
            .iter()
            .any(|one| matches!(one, RefOr::T(one) if one.name == name))
    };
    let (is_conditional, is_once) = (has("If-Match"), has("Idempotency-Key"));
    parameters.splice(0..0, in_path.into_iter().map(RefOr::T));
    parameters.push(request_id().into());

    // One handler for several methods has a name for each.
    if let Some(name) = operation.operation_id.take() {
        let several = ["change_memory_flat", "relay"].contains(&name.as_str());
        operation.operation_id = Some(if several { format!("{name}_{method}") } else { name });
    }
    if needs_key && (is_api || is_proxy) {
        let key = |scheme: &str| SecurityRequirement::new(scheme, Vec::<String>::new());
        operation.security = Some(vec![key(IN_HEADER), key(AS_BEARER)]);
    }

    if let (Some(RefOr::T(body)), "patch") = (&mut operation.request_body, method)
        && let Some(content) = body.content.get("application/json").cloned()
    {
        body.content.insert(MERGE_PATCH.to_owned(), content);
    }
    let has_body = operation.request_body.is_some();
    let writes = is_api && method != "get";
    let failures = [
        ("400", true),
        ("401", is_api || is_proxy),
        ("403", true),
        ("404", is_api && (has_place || is_once) || is_chat),
        ("408", has_body || is_proxy),
        ("412", is_conditional),
        ("413", has_body),
        ("415", has_body),
        ("422", is_once),
        ("429", is_api || is_proxy),
        ("431", true),
        ("502", is_proxy),
        ("503", is_api || is_chat),
        ("504", is_proxy),
        ("507", writes || is_chat),
    ];
    let responses = &mut operation.responses.responses;
    for (status, response) in &mut *responses {
        if let RefOr::T(response) = response {
            complete_response(status, response, is_once);
            if is_chat {
                for name in [
                    "X-MAIA-Memories-Used",
                    "X-MAIA-Memories-New",
                    "X-MAIA-Tokens-Injected",
                    "X-MAIA-Memory-Ids",
                ] {
                    response.headers.insert(name.to_owned(), header_of(name).into());
                }
            }
        }
    }
    for failure in FAILURES {
        let applies = failures
            .iter()
            .any(|(status, applies)| *applies && *status == failure.status);
        if applies && !responses.contains_key(failure.status) {
            let response = if is_proxy {
                failure.or_of_the_backend().into()
            } else {
                RefOr::Ref(Ref::new(format!("#/components/responses/{}", failure.name)))
            };
            responses.insert(failure.status.to_owned(), response);
        }
    }
    // Any other error is one of the whole server, and looks the same.
    if !is_proxy {
        let rest = Ref::new("#/components/responses/MethodNotAllowed");
        responses.insert("405".to_owned(), RefOr::Ref(rest));
    }
}

/// What stands for something else in a path.
fn path_parameter(name: &str) -> Option<Parameter> {
    let (description, schema) = match name {
        "namespace" => (
            "The name or the id of a namespace; a `/` in it is written `%2F`.",
            name_of_namespace().examples([json!("default")]),
        ),
        "id" => (
            "The id of a memory.",
            text()
                .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
                    utoipa::openapi::KnownFormat::Uuid,
                )))
                .examples([json!("01a206a4-8860-7092-9989-745facfe1cd3")]),
        ),
        "key" => (
            "The id or the name of a key.",
            text().min_length(Some(1)).examples([json!("phone")]),
        ),
        "path" => (
            "A path of the backend's API, slashes included; no segment may be `.` or `..`.",
            text().min_length(Some(1)).examples([json!("models")]),
        ),
        _ => return None,
    };
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(schema));
    Some(parameter.build())
}

fn request_id() -> Parameter {
    let description =
        "An id of yours for this request, up to 128 printable ASCII characters; any other is passed over.";
    header("X-Request-Id", description, text().examples([json!("job-17")])).build()
}

fn complete_response(status: &str, response: &mut Response, is_once: bool) {
    let failure = FAILURES.iter().find(|failure| failure.status == status);
    if let (Some(failure), true) = (failure, response.content.is_empty()) {
        let description = std::mem::take(&mut response.description);
        *response = failure.response();
        response.description = description;
    }
    let schema = response.content.values().find_map(|content| match content {
        RefOr::T(content) => match content.schema.as_ref()? {
            RefOr::Ref(reference) => reference.ref_location.rsplit('/').next().map(str::to_owned),
            RefOr::T(_) => None,
        },
        RefOr::Ref(_) => None,
    });
    let schema = schema.unwrap_or_default();
    let mut add = |name: &'static str| {
        response.headers.insert(name.to_owned(), header_of(name).into());
    };
    for name in OF_ALL {
        add(name);
    }
    if ["Memory", "Namespace"].contains(&schema.as_str()) || status == "304" {
        add("ETag");
    }
    if status == "201" && !schema.starts_with("Page") {
        add("Location");
    }
    if schema.starts_with("Page") {
        add("X-Total-Count");
    }
    if is_once && status.starts_with('2') {
        add("Idempotency-Replayed");
    }
}

impl Failure {
    fn response(&self) -> Response {
        let (kind, code, message, param) = self.example;
        let example = json!({"error": {"message": message, "type": kind, "param": param, "code": code}});
        let content = ContentBuilder::new().schema(Some(error())).example(Some(example));
        let mut response = ResponseBuilder::new()
            .description(self.description)
            .content("application/json", content.build())
            .build();
        for name in self.headers.iter().copied().chain(OF_ALL) {
            response.headers.insert(name.to_owned(), header_of(name).into());
        }
        response
    }
}

impl Failure {
    /// The same where a backend may answer with the status too, in its own words.
    fn or_of_the_backend(&self) -> Response {
        let mut response = self.response();
        let description = &response.description;
        response.description = format!("{description}; or what the backend answered with this status");
        for content in response.content.values_mut() {
            if let RefOr::T(content) = content {
                content.schema = Some(Ref::from_schema_name("BackendAnswer").into());
            }
        }
        let answer = ContentBuilder::new().schema(Some(Ref::from_schema_name("BackendAnswer")));
        response.content.insert("*/*".to_owned(), answer.build().into());
        response
    }
}

/// A header of an answer.
fn header_of(name: &str) -> Header {
    let count = || whole_number(0, u32::MAX.into());
    let (description, schema): (_, Schema) = match name {
        "X-Request-Id" => ("The id of the request in maia's log.", text().into()),
        "X-RateLimit-Limit" => ("Requests at once, where there is a limit.", count().into()),
        "X-RateLimit-Remaining" => ("Requests left.", count().into()),
        "X-RateLimit-Reset" => ("Seconds until all are back.", count().into()),
        "Retry-After" => ("Seconds to wait.", whole_number(1, u32::MAX.into()).into()),
        "ETag" => (
            "Which version this is.",
            text().pattern(Some("^\"[0-9a-f]{16}\"$")).into(),
        ),
        "Location" => ("Where it is.", text().into()),
        "X-Total-Count" => ("Items in all.", count().into()),
        "Idempotency-Replayed" => (
            "`true`: it was made by an earlier request.",
            text().enum_values(Some(["true"])).into(),
        ),
        "Allow" => (
            "The methods that are possible, with commas between them.",
            text().into(),
        ),
        "WWW-Authenticate" => ("`Bearer`.", text().into()),
        "Accept-Patch" => ("The kinds of patches that are understood.", text().into()),
        "Accept-Encoding" => ("`identity`: no compression is understood.", text().into()),
        "X-MAIA-Memories-Used" => ("Memories in the request; 0 for none.", count().into()),
        "X-MAIA-Memories-New" => (
            "How many of them stood in no earlier turn of the conversation.",
            count().into(),
        ),
        "X-MAIA-Tokens-Injected" => ("Tokens of all injected blocks; 0 for none.", count().into()),
        "X-MAIA-Memory-Ids" => (
            "Where `X-MAIA-Show-Memories` asks for it: the ids of the new ones, with commas between them.",
            text().into(),
        ),
        _ => ("", text().into()),
    };
    HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some(description))
        .build()
}

/// What the types of the description have no words for.
fn say_the_rest(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    for name in ["NewMemory", "FlatNewMemory"] {
        if let Some(RefOr::T(Schema::Object(memory))) = schemas.get_mut(name) {
            let of_conversations = json!({"role": ["conversation_id"], "speaker": ["conversation_id"]});
            memory.extensions = Some(Extensions::from_iter([("dependentRequired", of_conversations)]));
        }
    }
    let example = |schemas: &BTreeMap<String, RefOr<Schema>>, name: &str| match schemas.get(name)? {
        RefOr::T(Schema::Object(object)) => object.examples.first().cloned(),
        RefOr::T(Schema::AllOf(all)) => all.examples.first().cloned(),
        _ => None,
    };
    if let Some(memory) = example(schemas, "Memory")
        && let Some(RefOr::T(Schema::Object(hit))) = schemas.get_mut("Hit")
    {
        hit.examples = vec![json!({"memory": memory, "score": 1.2})];
    }
    let pages: Vec<String> = schemas
        .keys()
        .filter_map(|name| name.strip_prefix("Page_"))
        .map(str::to_owned)
        .collect();
    for item in pages {
        let shown = example(schemas, &item);
        if let (Some(shown), Some(RefOr::T(Schema::Object(page)))) = (shown, schemas.get_mut(&format!("Page_{item}"))) {
            page.examples = vec![json!({
                "data": [shown], "count": 1, "total": 1, "limit": 50, "offset": 0, "has_more": false, "next_cursor": null
            })];
        }
    }
    if let Some(RefOr::T(Schema::Object(detail))) = schemas.get_mut("ErrorDetail")
        && let Some(RefOr::T(Schema::Object(code))) = detail.properties.get_mut("code")
    {
        let codes = FAILURES.iter().map(|failure| failure.example.1);
        code.enum_values = Some(codes.chain(["storage_error"]).map(Value::from).collect());
    }
}
