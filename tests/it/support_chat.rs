//! Conversations of several turns about three things that are known.

use serde_json::{Value, json};

use crate::support::{Answer, Backend, Call, Reply, TestApp};

pub(crate) const BREAK: &str = "\n\n---\n\n";

pub(crate) fn block(facts: &[&str]) -> String {
    format!("## Relevant Context\n\n{}", facts.join("\n"))
}

pub(crate) fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

pub(crate) fn assistant(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

pub(crate) fn system(text: &str) -> Value {
    json!({"role": "system", "content": text})
}

/// A user message with a block before its text.
pub(crate) fn with(facts: &[&str], text: &str) -> Value {
    user(&format!("{}{BREAK}{text}", block(facts)))
}

pub(crate) const BOAT: &str = "User's boat is called Petrel";
pub(crate) const TEA: &str = "User drinks oolong tea";
pub(crate) const BIKE: &str = "User's bicycle is a red Brompton";

pub(crate) const ASK_BOAT: &str = "What is my boat called?";
pub(crate) const ASK_TEA: &str = "Which tea do I drink?";
/// What nothing is known about.
pub(crate) const NEXT: &str = "Translate umbrella into Welsh.";
pub(crate) const ASK_BIKE: &str = "Which bicycle do I have?";

pub(crate) struct Chat {
    pub(crate) backend: Backend,
    pub(crate) app: TestApp,
}

impl Chat {
    pub(crate) async fn start(position: &str, settings: &[(&str, &str)]) -> Self {
        let backend = Backend::replying(Reply::says("Well.")).await;
        let mut all = vec![
            ("proxy.context_position", position),
            ("proxy.auto_remember", "false"),
            ("memory.profile_tokens", "0"),
        ];
        all.extend(settings);
        let app = TestApp::with_backend(&backend.url(), &all).await;
        app.remember("default", [BOAT, TEA, BIKE]).await;
        Self { backend, app }
    }

    pub(crate) async fn ask(&self, messages: &[Value]) -> (Answer, Vec<Value>) {
        self.send(Call::chat(json!({"model": "m", "messages": messages}).to_string()))
            .await
    }

    pub(crate) async fn send(&self, call: Call) -> (Answer, Vec<Value>) {
        let answer = self.app.send(call).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let messages = self.backend.last().json()["messages"].as_array().unwrap().clone();
        (answer, messages)
    }

    /// Messages as they are forwarded.
    pub(crate) async fn forwarded(&self, messages: &[Value]) -> Vec<Value> {
        self.ask(messages).await.1
    }

    pub(crate) async fn id_of(&self, content: &str) -> String {
        let page = self.app.send(Call::get("/v1/namespaces/default/memories")).await.json();
        let memories = page["data"].as_array().unwrap().iter();
        let found = memories.filter(|memory| memory["content"] == content);
        found
            .map(|memory| memory["id"].as_str().unwrap().to_owned())
            .next()
            .unwrap()
    }
}

pub(crate) fn counts(answer: &Answer) -> (String, String, String) {
    let header = |name: &str| answer.header(name).to_owned();
    (
        header("x-maia-memories-used"),
        header("x-maia-memories-new"),
        header("x-maia-tokens-injected"),
    )
}

/// Two turns: what the client sends in the second.
pub(crate) fn two_turns() -> Vec<Value> {
    vec![system("Be brief."), user(ASK_BOAT), assistant("Petrel."), user(ASK_TEA)]
}
