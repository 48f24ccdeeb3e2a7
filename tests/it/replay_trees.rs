//! Conversations that branch, are edited, asked again and interrupted by restarts, while memories come and go: each turn's prompt begins with that of the
//! turn before it, and no word of a memory that is gone is in any.

use std::collections::HashMap;

use maia::text::count_tokens;
use proptest::prelude::*;
use proptest::test_runner::{Config as CaseConfig, TestRunner};
use serde_json::{Value, json};

use crate::support::{Backend, Call, Reply, TestApp};

const THINGS: [&str; 8] = [
    "boat",
    "bicycle",
    "parrot",
    "violin",
    "garden",
    "telescope",
    "kettle",
    "accordion",
];

#[derive(Clone, Debug)]
enum Step {
    /// Goes on from a turn, counted from the newest, and asks about a thing.
    Ask {
        back: usize,
        thing: usize,
        style: usize,
    },
    /// Asks the same as a turn did, for another answer.
    AskAgain {
        back: usize,
    },
    /// A tool was called in a turn and found something.
    Tool {
        back: usize,
    },
    Remember {
        thing: usize,
    },
    Delete {
        thing: usize,
    },
    Edit {
        thing: usize,
    },
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let thing = 0..THINGS.len();
    let step = prop_oneof![
        10 => (0..4_usize, thing.clone(), 0..3_usize).prop_map(|(back, thing, style)| Step::Ask { back: back.saturating_sub(1), thing, style }),
        2 => (0..3_usize).prop_map(|back| Step::AskAgain { back }),
        2 => (0..2_usize).prop_map(|back| Step::Tool { back }),
        4 => thing.clone().prop_map(|thing| Step::Remember { thing }),
        1 => thing.clone().prop_map(|thing| Step::Delete { thing }),
        1 => thing.prop_map(|thing| Step::Edit { thing }),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 5..40)
}

/// A turn: what the client sent, what the backend got for it, and what the model answered.
struct Turn {
    sent: Vec<Value>,
    forwarded: Vec<Value>,
    answer: Value,
    /// Words of memories that were gone since; a prompt with one of them need not be kept.
    broken: bool,
}

struct World {
    backend: Backend,
    app: TestApp,
    turns: Vec<Turn>,
    /// Ids of memories, by what they say and its word.
    memories: HashMap<usize, (String, String)>,
    gone: Vec<String>,
    count: usize,
}

/// Prompts begin alike as far as a model reads them: an answer that came back a little changed is the client's affair.
fn begins_with(prompt: &[Value], parent: &[Value]) -> bool {
    let plain = |message: &Value| {
        let mut message = message.clone();
        if message["role"] == "assistant" {
            message = json!({"role": "assistant", "content": message["content"].as_str().map(str::trim)});
        }
        message
    };
    prompt.len() >= parent.len()
        && prompt
            .iter()
            .zip(parent)
            .all(|(ours, theirs)| plain(ours) == plain(theirs))
}

impl World {
    async fn start(position: &str) -> Self {
        let count = std::sync::atomic::AtomicUsize::new(0);
        let backend = Backend::start(move |_| {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Reply::says(&format!("Answer {number}. "))
        })
        .await;
        let settings = [
            ("proxy.context_position", position),
            ("proxy.auto_remember", "false"),
            ("memory.profile_tokens", "0"),
        ];
        let app = TestApp::with_backend(&backend.url(), &settings).await;
        let mut world = Self {
            backend,
            app,
            turns: Vec::new(),
            memories: HashMap::new(),
            gone: Vec::new(),
            count: 0,
        };
        for thing in 0..3 {
            world.remember(thing).await;
        }
        world
    }

    /// A new sentence about a thing, with a word of its own.
    fn sentence(&mut self, thing: usize) -> (String, String) {
        self.count += 1;
        let word = format!("mark{}x", self.count);
        (format!("User's {} is called {word}", THINGS[thing]), word)
    }

    async fn remember(&mut self, thing: usize) {
        if self.memories.contains_key(&thing) {
            return;
        }
        let (content, word) = self.sentence(thing);
        let memory = self.app.create_memory("default", json!({"content": content})).await;
        self.memories
            .insert(thing, (memory["id"].as_str().unwrap().to_owned(), word));
    }

    fn is_gone(&mut self, word: String) {
        for turn in &mut self.turns {
            let text = json!(turn.forwarded).to_string();
            turn.broken |= text.contains(&word);
        }
        self.gone.push(word);
    }

    async fn send(&mut self, parent: Option<usize>, sent: Vec<Value>) -> Result<(), TestCaseError> {
        let answer = self.app.send(Call::chat(json!({"messages": sent}).to_string())).await;
        prop_assert_eq!(answer.status, 200, "{}", answer.text());
        let forwarded = self.backend.last().json()["messages"].as_array().unwrap().clone();
        let text = json!(forwarded).to_string();
        for word in &self.gone {
            prop_assert!(!text.contains(word), "{} is gone and in {}", word, text);
        }
        for (_, word) in self.memories.values() {
            prop_assert!(
                text.matches(word.as_str()).count() <= 1,
                "{} stands twice in {}",
                word,
                text
            );
        }
        let blocks: u32 = text.split("## Relevant Context").skip(1).map(|_| 1).sum();
        let said: u32 = answer.header("x-maia-memories-used").parse().unwrap();
        prop_assert!(
            said >= blocks && (said == 0) == (blocks == 0),
            "{} memories in {} blocks",
            said,
            blocks
        );
        if let Some(parent) = parent.map(|parent| &self.turns[parent]).filter(|parent| !parent.broken) {
            prop_assert!(
                begins_with(&forwarded, &parent.forwarded),
                "the prompt\n{:#?}\ndoes not begin with its parent's\n{:#?}",
                forwarded,
                parent.forwarded
            );
        }
        let answer = answer.json()["choices"][0]["message"].clone();
        self.turns.push(Turn {
            sent,
            forwarded,
            answer,
            broken: false,
        });
        Ok(())
    }

    /// What a client makes of an answer.
    fn answer(&self, turn: usize, style: usize) -> Value {
        let answer = self.turns[turn].answer.clone();
        let text = answer["content"].as_str().unwrap().to_owned();
        match style {
            0 => answer,
            1 => json!({"content": text.trim(), "role": "assistant"}),
            _ => json!({"role": "assistant", "reasoning_content": "Hm.", "content": format!("\n{text}")}),
        }
    }

    fn turn(&self, back: usize) -> Option<usize> {
        self.turns.len().checked_sub(1 + back)
    }

    async fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Ask { back, thing, style } => {
                let ask = json!({"role": "user", "content": format!("Tell me about the {}!", THINGS[thing])});
                let parent = self.turn(back);
                let mut sent = Vec::new();
                if let Some(parent) = parent {
                    sent.clone_from(&self.turns[parent].sent);
                    sent.push(self.answer(parent, style));
                }
                sent.push(ask);
                self.send(parent, sent).await?;
            }
            Step::AskAgain { back } => {
                if let Some(turn) = self.turn(back) {
                    let sent = self.turns[turn].sent.clone();
                    self.send(None, sent).await?;
                }
            }
            Step::Tool { back } => {
                if let Some(turn) = self.turn(back) {
                    let mut sent = self.turns[turn].sent.clone();
                    sent.push(self.answer(turn, 0));
                    sent.push(json!({"role": "tool", "tool_call_id": "1", "content": "Found."}));
                    self.send(Some(turn), sent).await?;
                }
            }
            Step::Remember { thing } => self.remember(thing).await,
            Step::Delete { thing } => {
                if let Some((id, word)) = self.memories.remove(&thing) {
                    let path = format!("/v1/namespaces/default/memories/{id}");
                    prop_assert_eq!(self.app.api("DELETE", &path, Value::Null).await.status, 200);
                    self.is_gone(word);
                }
            }
            Step::Edit { thing } => {
                if let Some((id, old)) = self.memories.remove(&thing) {
                    let (content, word) = self.sentence(thing);
                    let path = format!("/v1/namespaces/default/memories/{id}");
                    prop_assert_eq!(
                        self.app.api("PATCH", &path, json!({"content": content})).await.status,
                        200
                    );
                    self.memories.insert(thing, (id, word));
                    self.is_gone(old);
                }
            }
            Step::Restart => {}
        }
        Ok(())
    }
}

#[test]
fn each_prompt_begins_with_that_of_the_turn_before() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for position in ["system", "first_user", "before_last", "last_user"] {
        let mut runner = TestRunner::new(CaseConfig {
            cases: 24,
            max_shrink_iters: 64,
            failure_persistence: None,
            ..CaseConfig::default()
        });
        let run = runner.run(&steps(), |steps| {
            runtime.block_on(async {
                let mut world = World::start(position).await;
                for step in steps {
                    if matches!(step, Step::Restart) {
                        world.app = world.app.restart().await;
                    } else {
                        world.step(step).await?;
                    }
                }
                let directory = world.app.stop().await;
                let file = std::fs::read(directory.path().join("maia.db")).unwrap();
                for word in &world.gone {
                    let found = file.windows(word.len()).any(|bytes| bytes == word.as_bytes());
                    prop_assert!(!found, "{} is gone and in the file", word);
                }
                Ok(())
            })
        });
        run.unwrap_or_else(|error| panic!("{position}: {error}"));
    }
}

#[tokio::test]
async fn replayed_blocks_never_exceed_the_budget_either() {
    let world = World::start("last_user").await;
    let budget = 40;
    let mut sent = Vec::new();
    for turn in 0..12 {
        world
            .app
            .remember(
                "default",
                [format!("User's {} is painted in colour {turn}", THINGS[turn % 8])],
            )
            .await;
        sent.push(json!({"role": "user", "content": format!("Which colour is the {}?", THINGS[turn % 8])}));
        let call = Call::chat(json!({"messages": sent}).to_string()).header("X-MAIA-Token-Budget", &budget.to_string());
        let answer = world.app.send(call).await;
        let tokens: u32 = answer.header("x-maia-tokens-injected").parse().unwrap();
        assert!(tokens <= budget, "{tokens}");
        let forwarded = world.backend.last().json();
        let blocks = forwarded["messages"].as_array().unwrap().iter().filter_map(|message| {
            let content = message["content"].as_str().unwrap();
            content.split_once("\n\n---\n\n").map(|(block, _)| count_tokens(block))
        });
        assert_eq!(blocks.sum::<u32>(), tokens);
        sent.push(json!({"role": "assistant", "content": "Blue."}));
    }
}
