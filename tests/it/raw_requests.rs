//! Requests as no serialiser would write them: what is forwarded is the client's bytes and one insertion.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{Backend, Reply, TestApp};

const CASES: u32 = 300;

/// White space as JSON knows it.
fn space() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "", " ", "\n", "\r\n\t", "  "])
}

/// A string literal, in one of the many ways to write its characters.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z0-9 .,:;?{}\\[\\]<>&']{1,6}",
        "[à-ÿ一-十😀-😅]{1,3}",
        select(vec![
            r"\u00e9",
            r"\u00E9",
            r"\ud83d\ude00",
            r"\/",
            r#"\""#,
            r"\\",
            r"\n",
            r"\b\f\r\t",
            r"\u0000",
            r"\u2028",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// A number that a parser may know no exact value of.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        select(vec!["1.0", "-0", "-0.0", "9007199254740993", "1E400", "0.10"]).prop_map(str::to_owned),
    ]
}

/// Names of fields: few, so that some stand twice in one object.
fn name() -> impl Strategy<Value = String> {
    select(vec![
        r#""a""#,
        r#""b""#,
        r#""n""#,
        r#""seed""#,
        r#""\u0061""#,
        r#""""#,
        r#""größe""#,
        r#""x.y/z""#,
        r#""name""#,
    ])
    .prop_map(str::to_owned)
}

/// Items in order, with white space around each, between two brackets.
fn list(open: char, items: &[(String, &str, &str)], close: char) -> String {
    let items: Vec<String> = items
        .iter()
        .map(|(item, before, after)| format!("{before}{item}{after}"))
        .collect();
    format!("{open}{}{close}", items.join(","))
}

fn fields(
    value: impl Strategy<Value = String> + Clone,
) -> impl Strategy<Value = Vec<(String, &'static str, &'static str)>> {
    let field = (name(), space(), space(), value)
        .prop_map(|(name, before, after, value)| format!("{name}{before}:{after}{value}"));
    prop::collection::vec((field, space(), space()), 0..4)
}

fn value() -> impl Strategy<Value = String> + Clone {
    let leaf = prop_oneof![
        text(),
        number(),
        select(vec!["true", "false", "null", "[]", "{}", "[ ]", "{\t}"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec((inner.clone(), space(), space()), 0..4).prop_map(|items| list('[', &items, ']')),
            fields(inner).prop_map(|fields| list('{', &fields, '}')),
        ]
    })
    .boxed()
}

fn content() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        text().prop_map(|text| format!("{{\"type\":\"text\",\"text\":{text}}}")),
        Just(r#"{"type":"image_url" ,"image_url":{"url":"data:,x","detail":1.0}}"#.to_owned()),
    ];
    let parts = prop::collection::vec((part, space(), space()), 1..4);
    prop_oneof![3 => text(), 1 => parts.prop_map(|parts| list('[', &parts, ']'))]
}

/// A message whose fields stand in any order among others.
fn message() -> impl Strategy<Value = String> {
    let role = select(vec!["system", "developer", "user", "assistant", "tool"]);
    (
        role,
        content(),
        fields(value()),
        any::<prop::sample::Index>(),
        space(),
        space(),
    )
        .prop_map(|(role, content, mut fields, place, before, after)| {
            let role = (format!("\"role\"{before}:{after}\"{role}\""), after, before);
            let content = (format!("\"content\":{content}"), before, after);
            fields.insert(place.index(fields.len() + 1), role);
            fields.insert(place.index(fields.len() + 1), content);
            list('{', &fields, '}')
        })
}

/// A request in three parts: before its messages, the messages, and after them.
fn request() -> impl Strategy<Value = [String; 3]> {
    let messages = prop::collection::vec((message(), space(), space()), 0..4);
    (messages, fields(value()), fields(value()), space(), space()).prop_map(
        |(mut messages, first, last, before, after)| {
            let ask = r#"{"role":"user","content":"dark mode?"}"#;
            messages.push((ask.to_owned(), before, after));
            let with_comma = |fields: &[(String, &str, &str)]| -> Vec<String> {
                fields
                    .iter()
                    .map(|(field, before, after)| format!("{before}{field}{after}"))
                    .collect()
            };
            let first: String = with_comma(&first).iter().flat_map(|field| [field, ","]).collect();
            let last: String = with_comma(&last).iter().flat_map(|field| [",", field]).collect();
            [
                format!("{before}{{{first}{after}\"messages\"{before}:{after}"),
                list('[', &messages, ']'),
                format!("{after}{last}{before}}}{after}"),
            ]
        },
    )
}

/// Whether `longer` is `shorter` with something inserted in one place; what was inserted.
fn inserted<'a>(shorter: &str, longer: &'a str) -> Option<&'a str> {
    let (short, long) = (shorter.as_bytes(), longer.as_bytes());
    let prefix = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let rest = short.len() - prefix;
    let end = long.len().checked_sub(rest).filter(|end| *end >= prefix)?;
    // An insertion may begin with what stands behind it, in the middle of a character.
    long.ends_with(&short[prefix..])
        .then(|| longer.get(prefix..end).unwrap_or(longer))
}

#[test]
fn a_forwarded_request_is_the_clients_bytes_and_one_insertion() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for position in ["system", "first_user", "before_last", "last_user"] {
        let (backend, app) = runtime.block_on(async {
            let backend = Backend::replying(Reply::says("Yes.")).await;
            let settings = [("proxy.context_position", position), ("proxy.auto_remember", "false")];
            let app = TestApp::with_backend(&backend.url(), &settings).await;
            app.remember("default", ["User prefers dark mode"]).await;
            (backend, app)
        });
        let hits = Cell::new(0);
        let mut runner = TestRunner::new(Config {
            cases: CASES,
            failure_persistence: None,
            ..Config::default()
        });
        let run = runner.run(&request(), |[before, messages, after]| {
            let body = format!("{before}{messages}{after}");
            let answer = runtime.block_on(app.chat(body.as_str()));
            prop_assert_eq!(answer.status, 200, "{}", answer.text());
            let got = backend.last();
            if answer.header("x-maia-memories-used") == "0" {
                prop_assert_eq!(got.text(), body);
                return Ok(());
            }
            hits.set(hits.get() + 1);
            let middle = got
                .text()
                .strip_prefix(before.as_str())
                .and_then(|rest| rest.strip_suffix(after.as_str()));
            prop_assert!(middle.is_some(), "changed outside of the messages: {}", got.text());
            let insertion = inserted(&messages, middle.unwrap());
            prop_assert!(insertion.is_some(), "more than an insertion: {}", got.text());
            prop_assert!(insertion.unwrap().contains("User prefers dark mode"), "{:?}", insertion);
            prop_assert!(
                serde_json::from_str::<serde::de::IgnoredAny>(got.text()).is_ok(),
                "{}",
                got.text()
            );
            Ok(())
        });
        run.unwrap_or_else(|error| panic!("{position}: {error}"));
        assert!(
            hits.get() > CASES / 2,
            "only {} of {CASES} requests got the block",
            hits.get()
        );
    }
}
