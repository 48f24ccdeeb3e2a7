//! Finding the messages of a request: whatever a careful parser takes is taken, and each position holds what that parser reads there.

use std::collections::HashMap;

use maia::model::{ChatRequest, Content, Role};
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Any JSON value, with the numbers and texts that parsers stumble over.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
        "\\PC{0,8}".prop_map(Value::from),
        "[\"\\\\\u{8}\n\t{}\\[\\],:é😀]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z\"\\\\é]{0,4}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn message() -> impl Strategy<Value = Value> {
    let role = prop::sample::select(vec!["system", "developer", "user", "assistant", "tool"]);
    let text = "\\PC{0,12}".prop_map(Value::from);
    let part = prop_oneof![
        text.clone().prop_map(|text| json!({ "type": "text", "text": text })),
        value(),
    ];
    let content = prop_oneof![text, prop::collection::vec(part, 0..3).prop_map(Value::from), value()];
    let whole = (role, content, value())
        .prop_map(|(role, content, more)| json!({ "role": role, "content": content, "more": more }));
    prop_oneof![4 => whole, 1 => value()]
}

fn body() -> impl Strategy<Value = Value> {
    let messages = prop_oneof![4 => prop::collection::vec(message(), 0..4).prop_map(Value::from), 1 => value()];
    (messages, value()).prop_map(|(messages, more)| json!({ "model": "m", "messages": messages, "more": more }))
}

/// Whether a reader that leaves every value as it is written takes it: one that made numbers of them would refuse those that are out of range.
fn is_object(text: &[u8]) -> bool {
    serde_json::from_slice::<HashMap<String, &RawValue>>(text).is_ok()
}

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let is_text = |part: &&Value| part.get("type").is_some_and(|kind| kind == "text");
            let texts = parts
                .iter()
                .filter(is_text)
                .filter_map(|part| part.get("text")?.as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn are_where_a_parser_reads_them(body in body(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) }.unwrap();
        let request = ChatRequest::parse(text.as_bytes()).unwrap();
        let Some(expected) = body.get("messages").and_then(Value::as_array) else {
            prop_assert!(request.list.is_none() && request.messages.is_empty());
            return Ok(());
        };
        let list = &text[request.list.clone().unwrap()];
        prop_assert_eq!(&serde_json::from_str::<Value>(list).unwrap(), body.get("messages").unwrap());
        prop_assert_eq!(request.messages.len(), expected.len());
        for (message, expected) in request.messages.iter().zip(expected) {
            prop_assert_eq!(&serde_json::from_str::<Value>(&text[message.span.clone()]).unwrap(), expected);
            let role = match expected.get("role").and_then(Value::as_str) {
                Some("system" | "developer") => Role::System,
                Some("user") => Role::User,
                Some("assistant") => Role::Assistant,
                _ => Role::Other,
            };
            prop_assert_eq!(message.role, role);
            let said = expected.get("content").map(text_of).unwrap_or_default();
            prop_assert_eq!(request.text(message), said);
            if let (Some(_), Content::Missing) = (expected.get("content"), &message.content) {
                prop_assert!(false, "a content was not seen");
            }
        }
    }

    #[test]
    fn are_looked_for_in_json_only(body in body(), at in any::<prop::sample::Index>(), with in any::<u8>(), how in 0..4) {
        let mut text = serde_json::to_vec(&body).unwrap();
        let at = at.index(text.len());
        match how {
            0 => text[at] = with,
            1 => text.truncate(at),
            2 => text.insert(at, with),
            _ => { text.remove(at); }
        }
        prop_assert_eq!(ChatRequest::parse(&text).is_ok(), is_object(&text), "{}", String::from_utf8_lossy(&text));
    }
}

#[test]
fn are_found_under_keys_and_roles_that_are_written_with_escapes() {
    let text = br#"{"mess\u0061ges": [{"r\u006fle": "us\u0065r", "content": "a"}]}"#;
    let request = ChatRequest::parse(text).unwrap();
    assert_eq!(request.messages.len(), 1);
    assert_eq!(request.user_texts().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn count_as_the_last_of_those_that_stand_twice() {
    let text = br#"{"messages": [{"role": "user", "content": "a"}], "messages": [{"role": "x", "role": "user", "content": null, "content": "b"}]}"#;
    let request = ChatRequest::parse(text).unwrap();
    assert_eq!(request.user_texts().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn are_found_in_very_deep_bodies() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let text = format!(r#"{{"x": {deep}, "messages": [{{"role": "user", "content": "a", "y": {deep}}}]}}"#);
    let request = ChatRequest::parse(text.as_bytes()).unwrap();
    assert_eq!(request.user_texts().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn are_not_looked_for_in_broken_numbers_strings_and_words() {
    for value in [
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "-",
        "--1",
        "0x1",
        "NaN",
        "nul",
        "truefalse",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "\"",
        "[1,]",
        "[,1]",
        "{\"a\":1,}",
        "{\"a\"}",
        "{a:1}",
        "[1 2]",
        "{\"a\" 1}",
        "]",
        "[}",
        "",
    ] {
        let text = format!(r#"{{"x": {value}}}"#);
        let refused = ChatRequest::parse(text.as_bytes()).unwrap_err();
        assert!(
            refused.starts_with("the body is not a JSON object: "),
            "{value}: {refused}"
        );
        assert!(refused.contains("line 1 column"), "{value}: {refused}");
    }
    for value in [
        "0",
        "-0",
        "-0.0",
        "10",
        "1.50",
        "1E5",
        "1e-05",
        "9007199254740993",
        "\"\\ud83d\"",
        "\"\u{7f}\"",
        " [ ] ",
        "{ }",
    ] {
        let text = format!(r#" {{ "x" : {value} }} "#);
        assert!(ChatRequest::parse(text.as_bytes()).is_ok(), "{value}");
    }
}
