//! What is kept of the full-text index in memory says at any time what the index says.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use crate::support::{Call, TestApp};

/// A change of a namespace; numbers pick a memory of those that are there.
#[derive(Clone, Debug)]
enum Change {
    Create(&'static str),
    Edit(usize, &'static str),
    Delete(usize),
}

/// Words that meet, and one whose stem another has.
const SENTENCES: [&str; 5] = [
    "User saw a heron at the pond",
    "User feeds herons and ducks",
    "User keeps ducks",
    "User has a pond",
    "User paints",
];

fn change() -> impl Strategy<Value = Change> {
    let sentence = || prop::sample::select(&SENTENCES[..]);
    prop_oneof![
        3 => sentence().prop_map(Change::Create),
        2 => (any::<usize>(), sentence()).prop_map(|(which, sentence)| Change::Edit(which, sentence)),
        2 => any::<usize>().prop_map(Change::Delete),
    ]
}

async fn found(app: &TestApp, word: &str) -> Vec<String> {
    let body = json!({"query": word, "limit": 1000});
    let page = app
        .api("POST", "/v1/namespaces/default/memories/search", body)
        .await
        .json();
    let mut ids: Vec<String> = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["memory"]["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(page["total"], ids.len());
    ids.sort_unstable();
    ids
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_search_sees_every_change_at_once(changes in prop::collection::vec(change(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let app = TestApp::start(&[("security.rate_limit_rps", "0")]).await;
            let mut there: BTreeMap<String, &str> = BTreeMap::new();
            for change in changes {
                let picked = |which: usize| there.keys().nth(which % there.len().max(1)).cloned();
                match change {
                    Change::Create(sentence) => {
                        let created = app.create_memory("default", json!({"content": sentence})).await;
                        there.insert(created["id"].as_str().unwrap().to_owned(), sentence);
                    }
                    Change::Edit(which, sentence) => {
                        if let Some(id) = picked(which) {
                            let path = format!("/v1/namespaces/default/memories/{id}");
                            assert_eq!(app.api("PATCH", &path, json!({"content": sentence})).await.status, 200);
                            there.insert(id, sentence);
                        }
                    }
                    Change::Delete(which) => {
                        if let Some(id) = picked(which) {
                            let path = format!("/v1/namespaces/default/memories/{id}");
                            assert_eq!(app.send(Call::new("DELETE", &path)).await.status, 200);
                            there.remove(&id);
                        }
                    }
                }
                for (word, forms) in [("heron", "heron"), ("ducks", "ducks"), ("pond", "pond")] {
                    let expected: Vec<String> =
                        there.iter().filter(|(_, content)| content.contains(forms)).map(|(id, _)| id.clone()).collect();
                    assert_eq!(found(&app, word).await, expected, "{word}");
                }
            }
            app.stop().await;
        });
    }
}

#[tokio::test]
async fn a_search_sees_what_is_superseded_and_what_is_restored() {
    let app = TestApp::start(&[]).await;
    let tell = async |message: &str| {
        let body = json!({"messages": [{"role": "user", "content": message}]});
        app.api("POST", "/v1/namespaces/default/extract", body).await.json()["data"][0].clone()
    };
    let first = tell("I live in Lisbon.").await["id"].as_str().unwrap().to_owned();
    assert_eq!(found(&app, "Lisbon").await, [first.as_str()]);
    let second = tell("I live in Oslo.").await["id"].as_str().unwrap().to_owned();
    assert_eq!(found(&app, "Lisbon").await, [""; 0]);
    assert_eq!(found(&app, "Oslo").await, [second.as_str()]);
    let path = format!("/v1/namespaces/default/memories/{second}?restore=true");
    assert_eq!(app.send(Call::new("DELETE", &path)).await.status, 200);
    assert_eq!(found(&app, "Lisbon").await, [first.as_str()]);
    assert_eq!(found(&app, "Oslo").await, [""; 0]);
}
