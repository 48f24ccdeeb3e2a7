//! `memory.remember_turns`: the words of an exchange as pieces of a conversation.

use serde_json::{Value, json};

use crate::support::{Backend, Call, Reply, TestApp, eventually};

async fn maia(answer: &str, settings: &[(&str, &str)]) -> (Backend, TestApp) {
    let backend = Backend::replying(Reply::says(answer)).await;
    let app = TestApp::with_backend(&backend.url(), settings).await;
    (backend, app)
}

async fn say(app: &TestApp, said: &[(&str, &str)]) {
    let messages: Vec<Value> = said
        .iter()
        .map(|(role, text)| json!({"role": role, "content": text}))
        .collect();
    let answer = app.chat(json!({"messages": messages}).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// The pieces of conversations, oldest first, once there are so many.
async fn pieces(app: &TestApp, count: usize) -> Vec<Value> {
    eventually("the pieces of conversations", || async {
        let path = "/v1/namespaces/default/memories?type=episodic";
        let page = app.api("GET", path, Value::Null).await.json();
        let mut found = page["data"].as_array().unwrap().clone();
        found.reverse();
        (found.len() == count).then_some(found)
    })
    .await
}

#[tokio::test]
async fn both_sides_of_an_exchange_are_kept_in_their_order_and_found_again() {
    let (backend, app) = maia(
        "The lighthouse stands on the northern cape.",
        &[("memory.remember_turns", "true")],
    )
    .await;
    say(&app, &[("user", "Where does the old lighthouse stand?")]).await;
    let kept = pieces(&app, 2).await;
    for (piece, role, content) in [
        (&kept[0], "user", "Where does the old lighthouse stand?"),
        (&kept[1], "assistant", "The lighthouse stands on the northern cape."),
    ] {
        assert_eq!(piece["role"], role);
        assert_eq!(piece["content"], content);
        assert_eq!(piece["source"], "extracted");
        assert_eq!(piece["conversation_id"], kept[0]["conversation_id"]);
        assert_eq!(piece["created_at"], kept[0]["created_at"]);
    }
    let day = &kept[0]["created_at"].as_str().unwrap()[..10];
    say(&app, &[("user", "Which cape was the lighthouse on?")]).await;
    let request = backend.last().json();
    let context = request["messages"][0]["content"].as_str().unwrap();
    let line = format!("assistant ({day}): The lighthouse stands on the northern cape.");
    assert!(context.lines().any(|found| found == line), "{context}");
}

#[tokio::test]
async fn a_conversation_is_known_by_how_it_begins() {
    let (_backend, app) = maia("Certainly.", &[("memory.remember_turns", "true")]).await;
    say(&app, &[("user", "Let us plan the garden")]).await;
    let kept = pieces(&app, 2).await;
    let later = [
        ("user", "Let us plan the garden"),
        ("assistant", "Certainly."),
        ("user", "Leeks by the fence"),
    ];
    say(&app, &later).await;
    pieces(&app, 4).await;
    say(&app, &[("user", "Let us plan the kitchen")]).await;
    let all = pieces(&app, 6).await;
    assert_eq!(all[2]["conversation_id"], kept[0]["conversation_id"]);
    assert_ne!(all[4]["conversation_id"], kept[0]["conversation_id"]);
}

#[tokio::test]
async fn a_conversation_is_known_by_the_name_that_its_client_gives_it() {
    let (_backend, app) = maia("Certainly.", &[("memory.remember_turns", "true")]).await;
    let body = json!({"messages": [{"role": "user", "content": "Let us plan the garden"}]});
    let call = Call::chat(body.to_string()).header("X-MAIA-Conversation", "garden-7");
    assert_eq!(app.send(call).await.status, 200);
    for piece in pieces(&app, 2).await {
        assert_eq!(piece["conversation_id"], "garden-7");
    }
}

#[tokio::test]
async fn facts_are_kept_beside_the_words_and_counted_alone() {
    let (_backend, app) = maia("Noted.", &[("memory.remember_turns", "true")]).await;
    for _ in 0..2 {
        say(&app, &[("user", "I am vegetarian.")]).await;
    }
    let words: Vec<Value> = pieces(&app, 4)
        .await
        .iter()
        .map(|piece| piece["content"].clone())
        .collect();
    assert_eq!(words, ["I am vegetarian.", "Noted.", "I am vegetarian.", "Noted."]);
    let facts = app
        .api("GET", "/v1/namespaces/default/memories?type=semantic", Value::Null)
        .await
        .json();
    assert_eq!(facts["total"], 1, "{facts}");
    assert_eq!(facts["data"][0]["content"], "User is vegetarian");
    assert_eq!(facts["data"][0]["confirmation_count"], 1);
}

#[tokio::test]
async fn no_words_are_kept_of_what_is_to_be_forgotten() {
    let (_backend, app) = maia("As you wish.", &[("memory.remember_turns", "true")]).await;
    for message in [
        "Forget that I live in Rome.",
        "Forget my phone number, please.",
        "I had a scan last week. Don't remember this.",
    ] {
        say(&app, &[("user", message)]).await;
    }
    say(&app, &[("user", "The lighthouse stands on the cape.")]).await;
    let kept = pieces(&app, 2).await;
    assert_eq!(kept[0]["content"], "The lighthouse stands on the cape.");
}

#[tokio::test]
async fn a_conversation_gets_no_excerpts_of_itself_and_every_other_one_does() {
    let (backend, app) = maia("Leeks go by the fence.", &[("memory.remember_turns", "true")]).await;
    let first = ("user", "Where do the leeks go?");
    say(&app, &[first]).await;
    pieces(&app, 2).await;
    let next = ("user", "Why do leeks go by the fence?");
    say(&app, &[first, ("assistant", "Leeks go by the fence."), next]).await;
    assert_eq!(backend.last().json()["messages"].as_array().unwrap().len(), 3);
    say(&app, &[next]).await;
    let request = backend.last().json();
    let context = request["messages"][0]["content"].as_str().unwrap();
    assert!(context.ends_with("): Leeks go by the fence."), "{context}");
}

#[tokio::test]
async fn what_nobody_would_recall_is_left_out() {
    let long: Vec<String> = (0..60)
        .map(|number| format!("Sentence number {number} is about tides."))
        .collect();
    let long = long.join("\n");
    let answer = format!("Tides follow the moon.\n```\nlet tide = 1;\n```\n{long}");
    let (_backend, app) = maia(&answer, &[("memory.remember_turns", "true")]).await;
    let secret =
        "The api key is sk-proj-abcdefghijklmnopqrstuvwxyz0123456789 for the tide gauge in the harbour of Brest.";
    say(&app, &[("user", secret)]).await;
    let kept = pieces(&app, 2).await;
    let (user, assistant) = (
        kept[0]["content"].as_str().unwrap(),
        kept[1]["content"].as_str().unwrap(),
    );
    assert!(user.contains("[redacted]") && !user.contains("sk-proj"), "{user}");
    assert!(
        assistant.starts_with("Tides follow the moon. Sentence number 0 is about tides."),
        "{assistant}"
    );
    assert!(!assistant.contains("let tide"), "{assistant}");
    assert!(
        assistant.len() <= 500 && assistant.ends_with("is about tides."),
        "{assistant}"
    );
}

#[tokio::test]
async fn without_the_setting_only_facts_are_kept() {
    let (_backend, app) = maia("Noted.", &[]).await;
    say(&app, &[("user", "I am vegetarian. The lighthouse stands on the cape.")]).await;
    eventually("the fact", || async {
        let kept = app.memories("default").await;
        (!kept.is_empty()).then(|| assert_eq!(kept, ["User is vegetarian"]))
    })
    .await;
}
