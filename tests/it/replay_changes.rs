//! Conversations that branch, memories that go, budgets that are used up: what is replayed then, and what is not.

use maia::text::count_tokens;
use serde_json::{Value, json};

use crate::support::{Backend, Call, ManualBackend, Reply, TestApp};
use crate::support_chat::{
    ASK_BIKE, ASK_BOAT, ASK_TEA, BIKE, BOAT, Chat, NEXT, TEA, assistant, block, counts, system, two_turns, user, with,
};

#[tokio::test]
async fn branches_and_edits_go_on_from_what_they_share() {
    let chat = Chat::start("last_user", &[]).await;
    let common = [user(ASK_BOAT), assistant("Petrel.")];
    let turn = |answer: &str, ask: &str| [common.to_vec(), vec![user("Go on."), assistant(answer), user(ask)]].concat();
    chat.forwarded(&common[..1]).await;
    let shared = [with(&[BOAT], ASK_BOAT), common[1].clone()];
    let left = chat.forwarded(&[&common[..], &[user(ASK_TEA)]].concat()).await;
    let right = chat.forwarded(&[&common[..], &[user(ASK_BIKE)]].concat()).await;
    assert_eq!(left, [&shared[..], &[with(&[TEA], ASK_TEA)]].concat());
    assert_eq!(right, [&shared[..], &[with(&[BIKE], ASK_BIKE)]].concat());
    // An answer was made again, and the conversation goes on from the second one.
    chat.forwarded(&turn("One.", ASK_TEA)).await;
    let again = chat.forwarded(&turn("Two.", ASK_BIKE)).await;
    assert_eq!(again.last().unwrap(), &with(&[BIKE], ASK_BIKE));
    // An earlier message was edited: nothing of the old branch is there.
    let edited = [user("What colour is my boat?"), assistant("Petrel."), user(ASK_TEA)];
    let forwarded = chat.forwarded(&edited).await;
    assert_eq!(forwarded, [&edited[..2], &[with(&[TEA], ASK_TEA)]].concat());
    // Another system prompt, and a history without its beginning, are other conversations.
    let other = [&[system("Be brief.")], &common[..], &[user(NEXT)]].concat();
    assert_eq!(chat.forwarded(&other).await, other);
    let trimmed = [common[1].clone(), user(ASK_TEA), assistant("Oolong."), user(NEXT)];
    assert_eq!(chat.forwarded(&trimmed).await, trimmed);
}

#[tokio::test]
async fn an_image_tells_branches_apart() {
    let chat = Chat::start("last_user", &[]).await;
    let look = |image: &str| json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": image}}, {"type": "text", "text": ASK_BOAT}]});
    chat.forwarded(&[look("data:,a")]).await;
    let later = |image: &str| [look(image), assistant("Petrel."), user(NEXT)];
    assert_ne!(chat.forwarded(&later("data:,a")).await, later("data:,a"));
    assert_eq!(chat.forwarded(&later("data:,b")).await, later("data:,b"));
}

#[tokio::test]
async fn the_same_words_with_other_answers_are_told_apart_once_memory_has_changed() {
    let backend = Backend::start(|request| {
        let tea = request.text().contains(TEA);
        Reply::says(if tea { "Tea, then." } else { "Water." })
    })
    .await;
    let app = TestApp::with_backend(
        &backend.url(),
        &[
            ("proxy.context_position", "last_user"),
            ("proxy.auto_remember", "false"),
        ],
    )
    .await;
    let chat = Chat { backend, app };
    chat.app.remember("default", [BOAT]).await;
    let before = chat.forwarded(&[user(ASK_TEA)]).await;
    chat.app.remember("default", [TEA]).await;
    let after = chat.forwarded(&[user(ASK_TEA)]).await;
    assert_ne!(before, after);
    let ends = [("Water.", before), ("Tea, then.", after)];
    for (answer, first) in ends {
        let next = chat.forwarded(&[user(ASK_TEA), assistant(answer), user(NEXT)]).await;
        assert_eq!(next[0], first[0], "{answer}");
    }
}

#[tokio::test]
async fn nothing_crosses_namespaces_or_positions() {
    let chat = Chat::start("last_user", &[]).await;
    chat.app.create_namespace("other", json!({})).await;
    let first = chat.forwarded(&two_turns()[..2]).await;
    let body = json!({"messages": two_turns()}).to_string();
    assert_eq!(chat.send(Call::chat(body.as_str()).of("other")).await.1, two_turns());
    let settings = json!({"config": {"context_position": "first_user"}});
    let patched = chat.app.api("PATCH", "/v1/namespaces/default", settings).await;
    assert_eq!(patched.status, 200);
    let (answer, forwarded) = chat.ask(&two_turns()).await;
    assert_eq!(forwarded[1], with(&[TEA], ASK_BOAT), "a conversation of its own");
    assert_eq!(counts(&answer).1, "1");
    assert_ne!(forwarded[..2], first);
}

#[tokio::test]
async fn without_reuse_every_turn_gets_its_context_anew() {
    let chat = Chat::start("system", &[("proxy.context_reuse", "false")]).await;
    chat.ask(&two_turns()[..2]).await;
    let (answer, forwarded) = chat.ask(&two_turns()).await;
    let mut expected = two_turns();
    expected[0] = system(&format!("Be brief.\n\n{}", block(&[TEA])));
    assert_eq!(forwarded, expected);
    assert_eq!((counts(&answer).0.as_str(), counts(&answer).1.as_str()), ("1", "1"));
}

#[tokio::test]
async fn a_turn_without_memory_is_forwarded_as_it_is_and_the_next_one_goes_on() {
    let chat = Chat::start("last_user", &[]).await;
    let first = chat.forwarded(&two_turns()[..2]).await;
    let body = json!({"messages": two_turns()}).to_string();
    let (answer, skipped) = chat.send(Call::chat(body).header("X-MAIA-Skip-Memory", "true")).await;
    assert_eq!(skipped, two_turns());
    assert_eq!(counts(&answer), ("0".into(), "0".into(), "0".into()));
    let third = [two_turns(), vec![assistant("Oolong."), user(ASK_BIKE)]].concat();
    let forwarded = chat.forwarded(&third).await;
    assert_eq!(forwarded[..2], first);
    assert_eq!(forwarded[3], user(ASK_TEA), "what was skipped is not made up for");
    assert_eq!(forwarded[5], with(&[BIKE], ASK_BIKE));
}

#[tokio::test]
async fn a_memory_that_changed_takes_its_block_with_it() {
    for change in ["delete", "edit"] {
        let chat = Chat::start("last_user", &[]).await;
        let third = [two_turns(), vec![assistant("Oolong."), user(NEXT)]].concat();
        chat.forwarded(&two_turns()[..2]).await;
        chat.forwarded(&two_turns()).await;
        let path = format!("/v1/namespaces/default/memories/{}", chat.id_of(BOAT).await);
        let changed = if change == "delete" {
            chat.app.api("DELETE", &path, Value::Null).await
        } else {
            let edited = json!({"content": "User's boat is called Gannet"});
            chat.app.api("PATCH", &path, edited).await
        };
        assert_eq!(changed.status, 200, "{}", changed.text());
        let forwarded = chat.forwarded(&third).await;
        assert_eq!(forwarded[1], user(ASK_BOAT), "{change}");
        assert_eq!(forwarded[3], with(&[TEA], ASK_TEA), "{change}: the other block stays");
    }
}

#[tokio::test]
async fn what_something_newer_took_the_place_of_is_not_replayed() {
    let chat = Chat::start("last_user", &[]).await;
    let say = |text: &str| json!({"messages": [user(text)]});
    let learn = async |text: &str| {
        let answer = chat.app.api("POST", "/v1/namespaces/default/extract", say(text)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    learn("I live in Bergen.").await;
    let ask = [user("Where do I live?"), assistant("Bergen."), user(NEXT)];
    assert_eq!(
        chat.forwarded(&ask[..1]).await,
        [with(&["User lives in Bergen"], "Where do I live?")]
    );
    learn("I moved to Oslo.").await;
    let forwarded = chat.forwarded(&ask).await;
    assert_eq!(forwarded[0], user("Where do I live?"));
}

#[tokio::test]
async fn replayed_tokens_count_and_a_used_up_budget_adds_nothing_until_the_conversation_has_grown() {
    let each = count_tokens(&block(&[BOAT])).max(count_tokens(&block(&[TEA])));
    let budget = (each * 3 / 2).to_string();
    let settings = [
        ("proxy.token_budget", budget.as_str()),
        ("proxy.context_reuse_refresh", "4"),
    ];
    let chat = Chat::start("last_user", &settings).await;
    let first = chat.forwarded(&two_turns()[..2]).await;
    let (answer, second) = chat.ask(&two_turns()).await;
    assert!(second.starts_with(&first));
    assert_eq!(second.last().unwrap(), &user(ASK_TEA), "there is no room");
    assert_eq!(
        counts(&answer),
        ("1".into(), "0".into(), count_tokens(&block(&[BOAT])).to_string())
    );
    let long = [
        two_turns(),
        vec![assistant(&"Oolong, of course. ".repeat(30)), user(ASK_TEA)],
    ]
    .concat();
    let (answer, third) = chat.ask(&long).await;
    let mut afresh = long.clone();
    *afresh.last_mut().unwrap() = with(&[TEA], ASK_TEA);
    assert_eq!(third, afresh);
    assert_eq!((counts(&answer).0.as_str(), counts(&answer).1.as_str()), ("1", "1"));
    let fourth = [long, vec![assistant("Oolong!"), user(NEXT)]].concat();
    assert!(
        chat.forwarded(&fourth).await.starts_with(&third),
        "what came before the new beginning stays away"
    );
}

#[tokio::test]
async fn a_request_with_a_smaller_budget_than_what_would_be_replayed_starts_afresh_within_it() {
    let chat = Chat::start("last_user", &[]).await;
    chat.forwarded(&two_turns()[..2]).await;
    chat.forwarded(&two_turns()).await;
    let third = [two_turns(), vec![assistant("Oolong."), user(ASK_BIKE)]].concat();
    let budget = count_tokens(&block(&[BIKE]));
    let body = json!({"messages": third}).to_string();
    let (answer, forwarded) = chat
        .send(Call::chat(body).header("X-MAIA-Token-Budget", &budget.to_string()))
        .await;
    let mut expected = third;
    *expected.last_mut().unwrap() = with(&[BIKE], ASK_BIKE);
    assert_eq!(forwarded, expected);
    assert_eq!(counts(&answer), ("1".into(), "1".into(), budget.to_string()));
}

#[tokio::test]
async fn replayed_blocks_are_not_extracted() {
    let backend = Backend::replying(Reply::says("Well.")).await;
    let app = TestApp::with_backend(&backend.url(), &[("proxy.context_position", "last_user")]).await;
    let mut chat = Chat { backend, app };
    chat.app.remember("default", [BOAT, "I have a parrot called Pip"]).await;
    let known = chat.app.memories("default").await;
    let parrot = "What is my parrot called?";
    chat.forwarded(&[user(parrot)]).await;
    let forwarded = chat.forwarded(&[user(parrot), assistant("Pip."), user(ASK_BOAT)]).await;
    assert!(
        forwarded[0]["content"].as_str().unwrap().contains("I have a parrot"),
        "{forwarded:?}"
    );
    // What is heard is the client's own words; a stop finishes all that was heard.
    chat.app = chat.app.restart().await;
    assert_eq!(chat.app.memories("default").await, known);
}

#[tokio::test]
async fn a_memory_that_is_deleted_while_its_block_waits_for_the_answer_is_not_kept() {
    let mut backend = ManualBackend::start().await;
    let settings = [
        ("proxy.context_position", "last_user"),
        ("proxy.auto_remember", "false"),
    ];
    let app = TestApp::with_backend(&backend.url(), &settings).await;
    let canary = "User's boat is called Quokkacanary";
    let memory = app.create_memory("default", json!({"content": canary})).await;
    let ask = |messages: &[Value]| Call::chat(json!({"messages": messages, "stream": true}).to_string());
    let first = app.open(ask(&[user(ASK_BOAT)]));
    let (_answer, mut asked) = tokio::join!(first, async {
        let mut asked = backend.next().await;
        asked.read_body().await;
        asked.begin_stream().await;
        asked
    });
    assert!(asked.request.text().contains(canary), "{}", asked.request.text());
    let path = format!("/v1/namespaces/default/memories/{}", memory["id"].as_str().unwrap());
    assert_eq!(app.api("DELETE", &path, Value::Null).await.status, 200);
    // The next turn comes before the first answer has ended, as when somebody presses stop.
    let next = app.open(ask(&[user(ASK_BOAT), assistant("Quo"), user(NEXT)]));
    let (_answer, mut next) = tokio::join!(next, async {
        let mut next = backend.next().await;
        next.read_body().await;
        next.begin_stream().await;
        next
    });
    assert!(!next.request.text().contains("canary"), "{}", next.request.text());
    for exchange in [&mut asked, &mut next] {
        exchange.chunk("data: [DONE]\n\n").await;
        exchange.end_stream().await;
    }
    let directory = app.stop().await;
    let file = std::fs::read(directory.path().join("maia.db")).unwrap();
    for word in ["Quokkacanary", "quokkacanari"] {
        assert!(
            !file.windows(word.len()).any(|bytes| bytes == word.as_bytes()),
            "{word}"
        );
    }
}

#[tokio::test]
async fn what_a_backend_had_cached_is_counted() {
    let usage = r#""usage":{"prompt_tokens":100,"completion_tokens":1,"total_tokens":101,"prompt_tokens_details":{"cached_tokens":90}}"#;
    let whole = format!(
        r#"{{"choices":[{{"index":0,"message":{{"role":"assistant","content":"A."}},"finish_reason":"stop"}}],{usage}}}"#
    );
    let streamed = format!("data: {{\"choices\":[],{usage}}}\n\ndata: [DONE]\n\n");
    for reply in [Reply::json("200 OK", whole), Reply::stream([streamed])] {
        let backend = Backend::replying(reply).await;
        let app = TestApp::with_backend(&backend.url(), &[]).await;
        app.remember("default", [BOAT, TEA]).await;
        app.chat(json!({"messages": two_turns()[..2]}).to_string()).await;
        app.chat(json!({"messages": two_turns()}).to_string()).await;
        let metrics = app.send(Call::get("/metrics")).await.text().to_owned();
        let value = |series: &str| -> u32 {
            let line = metrics
                .lines()
                .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
            line.expect(series).parse().unwrap()
        };
        assert_eq!(value("maia_proxy_prompt_tokens_total{source=\"cache\"}"), 180);
        assert_eq!(value("maia_proxy_prompt_tokens_total{source=\"read\"}"), 20);
        assert!(value("maia_proxy_context_tokens_total{kind=\"new\"}") > 0);
        assert!(value("maia_proxy_context_tokens_total{kind=\"reused\"}") > 0);
    }
}
