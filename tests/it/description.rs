//! `/openapi.json` and `/docs`: they say what the server does, to anybody who may talk to it, and load nothing from anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::{Value, json};

use crate::support_raw::Call;
use crate::support_served::Served;

/// Methods that come with others and are not described: every `GET` is a `HEAD` too, and `OPTIONS` asks for the rest.
const IMPLIED: [&str; 2] = ["HEAD", "OPTIONS"];

fn source(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// The paths that the router is built of, as Axum writes them.
pub(crate) fn routes() -> BTreeSet<String> {
    let text = source("src/http.rs");
    assert!(
        !text.contains(".merge(") && !text.contains(".nest("),
        "a router that is not looked at"
    );
    let route = Regex::new(r#"\.route\(\s*(?:"([^"]+)"|CHAT)"#).unwrap();
    let found = route.captures_iter(&text);
    let routes: Vec<&str> = found
        .map(|found| found.get(1).map_or("/proxy/v1/chat/completions", |path| path.as_str()))
        .collect();
    assert_eq!(
        routes.len(),
        text.matches(".route(").count(),
        "a route that is not read"
    );
    routes.into_iter().map(str::to_owned).collect()
}

fn description(maia: &Served) -> Value {
    let answer = maia.get("/openapi.json");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.expect(200)
}

/// What is described: for each path its methods.
fn described(description: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let paths = description["paths"].as_object().unwrap().iter();
    let methods = |item: &Value| item.as_object().unwrap().keys().map(|key| key.to_uppercase()).collect();
    paths.map(|(path, item)| (path.clone(), methods(item))).collect()
}

#[test]
fn it_names_the_routes_of_the_router_and_no_others() {
    let maia = Served::start();
    let described = described(&description(&maia));
    let routes: BTreeSet<String> = routes().iter().map(|path| path.replace("{*", "{")).collect();
    assert_eq!(described.keys().cloned().collect::<BTreeSet<_>>(), routes);
    assert!(described.len() > 25, "{described:?}");
}

#[test]
fn it_names_the_methods_of_each_route_and_no_others() {
    let maia = Served::start();
    for (path, methods) in described(&description(&maia)) {
        let real = path
            .replace("{namespace}", "default")
            .replace("{id}", "01a206a4-8860-7092-9989-745facfe1cd3");
        if path.ends_with("{path}") {
            for method in &methods {
                let answer = maia.send(&Call::new(method, &real.replace("{path}", "models")));
                assert_eq!(answer.status, 502, "{method} is not relayed");
            }
            assert_eq!(methods.len(), 8, "{methods:?}");
            continue;
        }
        let refused = maia.send(&Call::new("TRACE", &real));
        refused.expect_error(405, "method_not_allowed", None);
        let allowed: BTreeSet<String> = refused.header("allow").unwrap().split(',').map(str::to_owned).collect();
        assert!(allowed.contains("OPTIONS") && allowed.contains("GET") == allowed.contains("HEAD"));
        let allowed: BTreeSet<String> = allowed
            .into_iter()
            .filter(|method| !IMPLIED.contains(&method.as_str()))
            .collect();
        assert_eq!(methods, allowed, "{path}");
    }
}

#[test]
fn it_says_how_the_key_is_sent_where_there_is_one() {
    let open = Served::start();
    let keyed = Served::with(|config| config.security.api_key = Some("sesame-sesame".into()));
    for (maia, needed) in [(&open, Value::Null), (&keyed, json!([{ "key": [] }, { "bearer": [] }]))] {
        let description = description(maia);
        for path in ["/v1/namespaces", "/v1/stats", "/proxy/v1/{path}"] {
            assert_eq!(description["paths"][path]["get"]["security"], needed, "{path}");
        }
        for path in ["/health", "/openapi.json", "/docs"] {
            assert_eq!(description["paths"][path]["get"]["security"], Value::Null, "{path}");
            assert_eq!(maia.get(path).status, 200, "{path} holds nothing, and needs no key");
        }
    }
    let shown = keyed.get("/docs").text();
    assert!(shown.contains("X-API-Key: $MAIA_KEY"));
    assert!(!open.get("/docs").text().contains("$MAIA_KEY"));
}

#[test]
fn it_names_every_error_of_the_server() {
    let maia = Served::start();
    let description = description(&maia);
    let codes = &description["components"]["schemas"]["ErrorDetail"]["properties"]["code"]["enum"];
    let codes: BTreeSet<&str> = codes.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let code = Regex::new(r#"(?:INVALID|"[a-z_]+_error"), "([a-z_]+)"|, "(storage_[a-z]+)"\)|^ +"(backend_[a-z]+)",$"#)
        .unwrap();
    let text = source("src/http/error.rs");
    let in_source = text.lines().flat_map(|line| code.captures_iter(line));
    let in_source: Vec<String> = in_source
        .filter_map(|found| {
            found
                .iter()
                .skip(1)
                .flatten()
                .next()
                .map(|code| code.as_str().to_owned())
        })
        .collect();
    assert!(in_source.len() >= 12, "{in_source:?}");
    for code in in_source {
        assert!(codes.contains(code.as_str()), "{code} is not described");
    }
    // An error that is described is one of the real shape.
    let example = &description["components"]["responses"]["NotFound"]["content"]["application/json"]["example"];
    let real = maia.get("/v1/namespaces/nobody").json();
    let names = |value: &Value| value["error"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(example), names(&real));
}

#[test]
fn every_answer_is_described_with_the_headers_that_all_have() {
    let maia = Served::with(|config| config.security.rate_limit_rps = 100);
    let description = description(&maia);
    let real = maia.get("/health");
    let mut seen = 0;
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (status, response) in methods
            .as_object()
            .unwrap()
            .values()
            .flat_map(|method| method["responses"].as_object().unwrap())
        {
            let response = match response["$ref"].as_str() {
                Some(place) => description.pointer(place.trim_start_matches('#')).unwrap(),
                None => response,
            };
            for header in [
                "X-Request-Id",
                "X-RateLimit-Limit",
                "X-RateLimit-Remaining",
                "X-RateLimit-Reset",
            ] {
                assert!(
                    response["headers"][header].is_object(),
                    "{header} of {status} at {path}"
                );
                assert!(real.header(&header.to_lowercase()).is_some(), "{header}: {real}");
            }
            seen += 1;
        }
    }
    assert!(seen > 300, "{seen}");
}

#[test]
fn the_page_shows_every_route_and_loads_its_own_style_only() {
    let maia = Served::start();
    let answer = maia.get("/docs");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; "), "{policy}");
    let page = answer.text();
    for path in described(&description(&maia)).keys() {
        assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
    }
    for word in ["<script", "<img", "<iframe", "src=", "style=", "url("] {
        assert!(!page.contains(word), "{word}");
    }
    let link = Regex::new(r#"href="([^"]*)""#).unwrap();
    let ids = Regex::new(r#" id="([^"]*)""#).unwrap();
    let named = ids.captures_iter(&page).map(|found| found.get(1).unwrap().as_str());
    let mut ids = BTreeSet::new();
    for id in named {
        assert!(ids.insert(id), "{id} stands twice");
    }
    let mut links = 0;
    for found in link.captures_iter(&page) {
        let target = found.get(1).unwrap().as_str();
        match target.strip_prefix('#') {
            Some(id) => assert!(ids.contains(id), "{target} leads nowhere"),
            None => assert_eq!(maia.get(target).status, 200, "{target}"),
        }
        links += 1;
    }
    assert!(links > 100, "{links}");
    assert_eq!(
        maia.get("/docs/style.css").header("content-type"),
        Some("text/css; charset=utf-8")
    );
}

#[test]
fn foreign_pages_do_not_get_it() {
    let maia = Served::start();
    for path in ["/openapi.json", "/docs"] {
        let from_elsewhere = maia.send(&Call::get(path).header("Origin", "https://elsewhere.example"));
        from_elsewhere.expect_error(403, "forbidden", Some("Origin"));
    }
}
