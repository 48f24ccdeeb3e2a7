//! The budget of the injected context: never exceeded, well used, and taken from the right place.

use std::fmt::Write as _;

use maia::memory::block::Block;
use maia::text::{count_tokens, line, line_cost};
use proptest::prelude::*;
use proptest::test_runner::{Config as CaseConfig, TestRunner};
use serde_json::{Value, json};

use crate::support::{Backend, Call, Reply, TestApp};

const HEADING: &str = "## Relevant Context\n";
const ASK: &str = r#"{"messages":[{"role":"user","content":"zebra?"}]}"#;

async fn maia(settings: &[(&str, &str)]) -> (Backend, TestApp) {
    let backend = Backend::replying(Reply::says("Yes.")).await;
    let app = TestApp::with_backend(&backend.url(), settings).await;
    (backend, app)
}

fn block(lines: &[&str]) -> String {
    lines.iter().fold(HEADING.to_owned(), |mut block, line| {
        write!(block, "\n{line}").unwrap();
        block
    })
}

/// What the backend got as context.
fn context(backend: &Backend) -> Option<String> {
    let request = backend.last().json();
    let first = &request["messages"][0];
    (first["role"] == "system").then(|| first["content"].as_str().unwrap().to_owned())
}

/// Asks within a budget; the lines of the context, which must be what the headers say and no more than the budget.
async fn lines_within(backend: &Backend, app: &TestApp, namespace: &str, budget: u32) -> Vec<String> {
    let call = Call::chat(ASK)
        .of(namespace)
        .header("X-MAIA-Token-Budget", &budget.to_string());
    let answer = app.send(call).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let Some(context) = context(backend) else {
        assert_eq!(answer.header("x-maia-memories-used"), "0");
        assert_eq!(answer.header("x-maia-tokens-injected"), "0");
        return Vec::new();
    };
    let tokens = count_tokens(&context);
    assert!(tokens <= budget, "{tokens} tokens in a budget of {budget}: {context:?}");
    let lines = context.strip_prefix("## Relevant Context\n\n").unwrap().split('\n');
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    assert_eq!(
        answer.header("x-maia-tokens-injected"),
        tokens.to_string(),
        "{context:?}"
    );
    assert_eq!(answer.header("x-maia-memories-used"), lines.len().to_string());
    lines
}

#[tokio::test]
async fn the_header_goes_before_the_namespace_and_that_before_the_configuration() {
    let facts = [
        "The zebra eats red apples",
        "The zebra eats ripe plums",
        "The zebra eats cold pears",
    ];
    let cost = |count: usize| count_tokens(&block(&facts[..count])).to_string();
    let (_backend, app) = maia(&[("proxy.token_budget", &cost(2))]).await;
    let of_namespace: u32 = cost(1).parse().unwrap();
    app.create_namespace("small", json!({"token_budget": of_namespace}))
        .await;
    app.create_namespace("large", json!({"token_budget": 4000})).await;
    for namespace in ["default", "small", "large"] {
        app.remember(namespace, facts).await;
    }
    let (one, two, three) = (cost(1), cost(2), cost(3));
    for (namespace, header, used) in [
        ("default", None, "2"),
        ("small", None, "1"),
        ("large", None, "3"),
        ("default", Some(&one), "1"),
        ("default", Some(&three), "3"),
        ("small", Some(&two), "2"),
        ("large", Some(&one), "1"),
    ] {
        let call = Call::chat(ASK).of(namespace);
        let call = match header {
            Some(budget) => call.header("X-MAIA-Token-Budget", budget),
            None => call,
        };
        let answer = app.send(call).await;
        assert_eq!(answer.header("x-maia-memories-used"), used, "{namespace} {header:?}");
    }
    // The context call follows the same order.
    for (namespace, asked, expected) in [
        ("default", None, &two),
        ("small", None, &one),
        ("small", Some(3), &"3".into()),
    ] {
        let body = json!({"query": "zebra", "token_budget": asked});
        let answer = app
            .api("POST", &format!("/v1/namespaces/{namespace}/context"), body)
            .await;
        assert_eq!(
            answer.json()["token_budget"].to_string(),
            *expected,
            "{namespace} {asked:?}"
        );
    }
}

#[tokio::test]
async fn what_fits_exactly_is_taken_and_one_token_less_leaves_it_out() {
    let (backend, app) = maia(&[]).await;
    let facts = [
        "The zebra eats red apples.",
        "/zebra/path",
        "zebra 12345",
        "斑马 zebra 🦓",
        "\\zebra\\",
    ];
    for (number, fact) in facts.iter().enumerate() {
        let namespace = format!("n{number}");
        app.create_namespace(&namespace, json!({})).await;
        app.remember(&namespace, [fact]).await;
        let cost = count_tokens(&block(&[fact]));
        assert_eq!(lines_within(&backend, &app, &namespace, cost).await, [*fact]);
        assert_eq!(
            lines_within(&backend, &app, &namespace, cost - 1).await,
            [""; 0],
            "{fact}"
        );
    }
}

#[tokio::test]
async fn a_memory_that_does_not_fit_is_left_out_whole_and_the_next_one_is_tried() {
    let (backend, app) = maia(&[]).await;
    let long = "Zebra pneumonoultramicroscopicsilicovolcanoconiosis";
    let short = "A zebra has stripes";
    app.remember("default", [long, short]).await;
    app.chat(ASK).await;
    assert_eq!(context(&backend).unwrap(), block(&[long, short]));
    let budget = count_tokens(&block(&[short]));
    let answer = app
        .send(Call::chat(ASK).header("X-MAIA-Token-Budget", &budget.to_string()))
        .await;
    assert_eq!(context(&backend).unwrap(), block(&[short]));
    assert_eq!(answer.header("x-maia-tokens-injected"), budget.to_string());
}

#[tokio::test]
async fn facts_about_the_user_have_a_share_of_their_own() {
    let facts = [
        "User owns a red bicycle",
        "User owns a blue kayak",
        "User owns a grey tent",
    ];
    let cost: Vec<u32> = facts.iter().map(|fact| count_tokens(&format!("{fact}\n"))).collect();
    let two = (cost[1] + cost[2]).to_string();
    for (share, expected) in [("0", &facts[..0]), (two.as_str(), &facts[1..]), ("300", &facts[..])] {
        let (backend, app) = maia(&[("memory.profile_tokens", share)]).await;
        app.remember("default", facts).await;
        app.chat(r#"{"messages":[{"role":"user","content":"What do you know about me?"}]}"#)
            .await;
        let newest_first: Vec<&str> = expected.iter().rev().copied().collect();
        let expected = (!expected.is_empty()).then(|| block(&newest_first));
        assert_eq!(context(&backend), expected, "a share of {share}");
    }
}

#[tokio::test]
async fn excerpts_of_conversations_have_a_share_of_their_own() {
    let turn = |number: u32| {
        json!({
            "content": format!("A zebra crossed the road {number} times"),
            "conversation_id": format!("c-{number}"),
            "created_at": "2023-05-08T13:56:00Z",
        })
    };
    let cost = line_cost("[2023-05-08] A zebra crossed the road 1 times");
    let fact = "User rides a zebra";
    for (share, excerpts) in [(0, 0), (cost - 1, 0), (cost, 1), (2 * cost, 2), (2_000, 3)] {
        let (backend, app) = maia(&[("memory.turns_tokens", &share.to_string())]).await;
        for number in 1..4 {
            app.create_memory("default", turn(number)).await;
        }
        app.remember("default", [fact]).await;
        app.chat(ASK).await;
        let lines = context(&backend).unwrap();
        assert!(lines.starts_with(&block(&[fact])), "{lines}");
        let found = lines.matches("A zebra crossed").count();
        assert_eq!(found, excerpts, "a share of {share}: {lines}");
        let explained = json!({ "query": "zebra?", "explain": true });
        let answer = app
            .api("POST", "/v1/namespaces/default/context", explained)
            .await
            .json();
        assert_eq!(answer["truncated"], excerpts < 3, "{answer}");
        let matches = answer["explanation"]["matches"].as_array().unwrap();
        let without_room = matches.iter().filter(|entry| entry["outcome"] == "no_room");
        assert_eq!(without_room.count(), 3 - excerpts, "{answer}");
    }
}

/// Words that meet the line breaks and marks of a block in every way.
fn any_words() -> impl Strategy<Value = String> {
    let odd = [
        "/",
        "//",
        "---",
        "\n\n",
        "1.0",
        "日本語",
        "don't",
        "\u{200d}",
        "\t",
        "😀😀",
        "!",
        "?/",
        "'s",
        "#",
    ];
    let word = prop_oneof![
        4 => "[a-zA-Z]{1,12}",
        2 => any::<String>().prop_map(|text| text.replace('\0', "")),
        3 => prop::sample::select(odd.to_vec()).prop_map(str::to_owned),
    ];
    prop::collection::vec(word, 0..12).prop_map(|words| words.join(" "))
}

fn cases(count: u32) -> CaseConfig {
    CaseConfig {
        cases: count,
        failure_persistence: None,
        ..CaseConfig::default()
    }
}

#[test]
fn a_block_counts_its_tokens_exactly_and_stays_within_its_budget() {
    let mut runner = TestRunner::new(cases(3_000));
    runner
        .run(
            &(prop::collection::vec(any_words(), 0..8), 0_u32..200),
            |(memories, budget)| {
                let mut block = Block::new(budget);
                for memory in memories {
                    let before = block.clone();
                    let added = block.add(&memory, line_cost(&line(&memory)));
                    let tokens = count_tokens(&block.text());
                    prop_assert_eq!(block.tokens(), tokens, "{:?}", block.text());
                    prop_assert!(tokens <= budget);
                    if added {
                        prop_assert!(block.text().ends_with(&line(&memory)));
                        continue;
                    }
                    prop_assert_eq!(block.text(), before.text());
                    let heading = if before.is_empty() { "## Relevant Context\n" } else { "" };
                    let larger = format!("{}{heading}\n{}", before.text(), line(&memory));
                    prop_assert!(
                        line(&memory).is_empty() || count_tokens(&larger) > budget,
                        "{:?} fits",
                        larger
                    );
                }
                Ok(())
            },
        )
        .unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn any_memories_in_any_budget_are_taken_greedily_and_never_exceed_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (backend, app) = runtime.block_on(maia(&[]));
    let memories = prop::collection::vec((any_words(), any::<bool>()), 1..7);
    let sets = (memories, prop::collection::vec(1_u32..160, 6));
    let count = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(cases(25));
    runner
        .run(&sets, |(memories, budgets)| {
            count.set(count.get() + 1);
            let namespace = format!("case-{}", count.get());
            runtime.block_on(async {
                app.create_namespace(&namespace, Value::Object(serde_json::Map::new()))
                    .await;
                for (text, leads) in memories {
                    let content = if leads {
                        format!("zebra {text}")
                    } else {
                        format!("{text} zebra")
                    };
                    app.remember(&namespace, [content]).await;
                }
                let ranked = lines_within(&backend, &app, &namespace, 100_000).await;
                assert!(!ranked.is_empty());
                for budget in budgets {
                    let mut expected: Vec<&str> = Vec::new();
                    for line in &ranked {
                        expected.push(line);
                        if count_tokens(&block(&expected)) > budget {
                            expected.pop();
                        }
                    }
                    assert_eq!(
                        lines_within(&backend, &app, &namespace, budget).await,
                        expected,
                        "budget {budget}"
                    );
                }
            });
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn a_header_that_cannot_be_understood_is_refused_by_name() {
    let (backend, app) = maia(&[]).await;
    let long = "n".repeat(129);
    let budgets = [
        "0",
        "-1",
        "1.5",
        "abc",
        "",
        "+5",
        "1 000",
        "0x10",
        "4294967296",
        "1000001",
        "ä",
    ];
    let namespaces = ["", "-a", ".a", "a b", "ä", "a\\b", "a%2Fb", "a,b", &long];
    let skips = ["maybe", "2", "", "yes please", "truefalse", "ä"];
    let cases = budgets
        .map(|value| ("X-MAIA-Token-Budget", value))
        .into_iter()
        .chain(namespaces.map(|value| ("X-MAIA-Namespace", value)))
        .chain(skips.map(|value| ("X-MAIA-Skip-Memory", value)))
        .chain(skips.map(|value| ("X-MAIA-Skip-Extract", value)));
    for (name, value) in cases {
        let answer = app.send(Call::chat(ASK).header(name, value)).await;
        let message = answer.error(400, "bad_request");
        assert!(
            message.starts_with(&format!("{name}: ")),
            "{name}: {value:?} is {message}"
        );
        assert_eq!(answer.json()["error"]["param"], name, "{value:?}");
        assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
    }
    for (name, value) in [
        ("X-MAIA-Token-Budget", "100"),
        ("X-MAIA-Namespace", "a"),
        ("X-MAIA-Skip-Memory", "true"),
        ("X-MAIA-Skip-Extract", "true"),
    ] {
        let twice = Call::chat(ASK).header(name, value).header(name, value);
        let message = app.send(twice).await.error(400, "bad_request");
        assert_eq!(message, format!("{name}: stands more than once"));
    }
    assert_eq!(backend.requests().len(), 0);
}
