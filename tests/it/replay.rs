//! What was injected into a conversation stands in its later turns as it was, and only what is new is added.

use maia::text::count_tokens;
use serde_json::{Value, json};

use crate::support::Call;
use crate::support_chat::{
    ASK_BIKE, ASK_BOAT, ASK_TEA, BIKE, BOAT, Chat, NEXT, TEA, assistant, block, counts, system, two_turns, user, with,
};

#[tokio::test]
async fn each_position_keeps_what_it_injected_and_adds_what_is_new() {
    let third = [two_turns(), vec![assistant("Oolong."), user(NEXT)]].concat();
    let boat = block(&[BOAT]);
    let expected = [
        (
            "system",
            vec![
                system(&format!("Be brief.\n\n{boat}")),
                user(ASK_BOAT),
                assistant("Petrel."),
                with(&[TEA], ASK_TEA),
            ],
        ),
        (
            "first_user",
            vec![
                system("Be brief."),
                with(&[BOAT], ASK_BOAT),
                assistant("Petrel."),
                with(&[TEA], ASK_TEA),
            ],
        ),
        (
            "last_user",
            vec![
                system("Be brief."),
                with(&[BOAT], ASK_BOAT),
                assistant("Petrel."),
                with(&[TEA], ASK_TEA),
            ],
        ),
        (
            "before_last",
            vec![
                system("Be brief."),
                system(&boat),
                user(ASK_BOAT),
                assistant("Petrel."),
                system(&block(&[TEA])),
                user(ASK_TEA),
            ],
        ),
    ];
    for (position, expected) in expected {
        let chat = Chat::start(position, &[]).await;
        let (answer, first) = chat.ask(&two_turns()[..2]).await;
        let each = count_tokens(&boat);
        assert_eq!(counts(&answer), ("1".into(), "1".into(), each.to_string()));
        let (answer, second) = chat.ask(&two_turns()).await;
        assert_eq!(second, expected, "{position}");
        assert!(second.starts_with(&first), "{position}");
        let both = each + count_tokens(&block(&[TEA]));
        assert_eq!(
            counts(&answer),
            ("2".into(), "1".into(), both.to_string()),
            "{position}"
        );
        let (answer, third) = chat.ask(&third).await;
        assert_eq!(
            third,
            [expected, vec![assistant("Oolong."), user(NEXT)]].concat(),
            "{position}"
        );
        assert_eq!(
            counts(&answer),
            ("2".into(), "0".into(), both.to_string()),
            "{position}"
        );
    }
}

#[tokio::test]
async fn it_survives_a_restart() {
    let mut chat = Chat::start("system", &[]).await;
    let first = chat.forwarded(&two_turns()[..2]).await;
    chat.app = chat.app.restart().await;
    assert!(chat.forwarded(&two_turns()).await.starts_with(&first));
}

#[tokio::test]
async fn a_first_turn_that_got_nothing_stays_as_it_was() {
    let mut chat = Chat::start("system", &[]).await;
    let opening = [user("Hello there!"), assistant("Hi."), user(ASK_BOAT)];
    assert_eq!(chat.forwarded(&opening[..1]).await, opening[..1]);
    chat.app = chat.app.restart().await;
    let expected = [user("Hello there!"), assistant("Hi."), with(&[BOAT], ASK_BOAT)];
    assert_eq!(chat.forwarded(&opening).await, expected);
    // In a namespace that its first request made, too.
    let ask = |messages: &[Value]| Call::chat(json!({"messages": messages}).to_string()).of("fresh");
    chat.send(ask(&opening[..1])).await;
    chat.app.remember("fresh", [BOAT]).await;
    assert_eq!(chat.send(ask(&opening)).await.1, expected);
}

#[tokio::test]
async fn what_a_tool_found_changes_nothing_before_it() {
    let chat = Chat::start("system", &[]).await;
    let call = |arguments: &str| json!({"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}]});
    let asked = [
        user("Look something up."),
        call(r#"{"a":1,"b":2}"#),
        json!({"role": "tool", "tool_call_id": "1", "content": "{}"}),
    ];
    assert_eq!(chat.forwarded(&asked[..1]).await, asked[..1]);
    // What was learned meanwhile waits for the next message of the user.
    chat.app
        .remember("default", ["User wants to look something up every day"])
        .await;
    assert_eq!(chat.forwarded(&asked).await, asked);
    let next = [asked.to_vec(), vec![assistant("Done."), user(ASK_BOAT)]].concat();
    let forwarded = chat.forwarded(&next).await;
    assert_eq!(forwarded[..4], next[..4]);
    assert_eq!(forwarded[4], with(&[BOAT], ASK_BOAT));
    let last = [next, vec![assistant("P."), user(NEXT)]].concat();
    assert_eq!(chat.forwarded(&last).await[..5], forwarded);
    // The same call with its keys in another order, white space and another id is the same call.
    let mut reordered = last;
    reordered[1] = call(r#"{ "b": 2, "a": 1 }"#);
    reordered[1]["tool_calls"][0]["id"] = json!("2");
    assert_eq!(chat.forwarded(&reordered).await[4], with(&[BOAT], ASK_BOAT));
    reordered[1] = call(r#"{"a":1,"b":3}"#);
    assert_eq!(
        chat.forwarded(&reordered).await[4],
        user(ASK_BOAT),
        "another call is another branch"
    );
}

#[tokio::test]
async fn answers_come_back_a_little_changed() {
    let chat = Chat::start("system", &[]).await;
    let messages = [
        user(ASK_BOAT),
        assistant("<think>\nA boat?\n</think>\n\nPetrel, it says. "),
        user(ASK_TEA),
        assistant("Oolong."),
        user(ASK_BIKE),
    ];
    chat.forwarded(&messages[..1]).await;
    let second = chat.forwarded(&messages[..3]).await;
    let same = [
        assistant("Petrel, it says."),
        json!({"content": " Petrel, it says.\n", "reasoning_content": "A boat?", "role": "assistant", "refusal": null}),
        json!({"role": "assistant", "content": [{"type": "text", "text": "Petrel, it says."}]}),
    ];
    for answer in same {
        let mut changed = messages.to_vec();
        changed[1] = answer.clone();
        let third = chat.forwarded(&changed).await;
        let expected = [
            &[second[0].clone(), second[1].clone(), answer][..],
            &[with(&[TEA], ASK_TEA), assistant("Oolong."), with(&[BIKE], ASK_BIKE)],
        ]
        .concat();
        assert_eq!(third, expected);
    }
}

/// The string with every character written by its number.
fn by_numbers(text: &str) -> String {
    let numbers: Vec<String> = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{}\"", numbers.concat())
}

#[tokio::test]
async fn a_conversation_is_known_again_however_its_json_is_spelled() {
    let asked = "Grüße! \"What\" is my boat called?\n\tIt lies in C:\\users/boat.\u{1b} \u{b}";
    let answered = "\n\u{c}<think>\nA \\n boat?\n</think>\r\nPetrel 🚤 \\n";
    let chat = Chat::start("last_user", &[]).await;
    let first = [user(asked)];
    let given = chat.forwarded(&first).await[0]["content"].clone();
    assert!(given.as_str().unwrap().starts_with(&block(&[BOAT])), "{given}");

    let plain = |text: &str| serde_json::to_string(text).unwrap();
    let spelled = [
        (plain(asked), plain(answered)),
        (plain(asked).replace('/', "\\/"), plain(answered).replace('/', "\\/")),
        (by_numbers(asked), by_numbers(answered)),
        (by_numbers(&format!(" \n{}", asked.trim())), by_numbers(answered.trim())),
        (plain(asked.trim()), plain("Petrel 🚤 \\n")),
        (
            format!(r#"[{{"type":"text","text":{}}}]"#, by_numbers(asked)),
            format!(r#"[{{"text":{},"type":"text"}}]"#, plain(answered)),
        ),
    ];
    for (asked, answered) in spelled {
        let body = format!(
            r#"{{"messages":[{{"role":"user","content":{asked}}},{{"role":"assistant","content":{answered}}},{{"role":"user","content":"{ASK_TEA}"}}]}}"#
        );
        let (answer, _) = chat.send(Call::chat(body.clone())).await;
        assert_eq!(answer.header("x-maia-memories-used"), "2", "{body}");
        assert_eq!(answer.header("x-maia-memories-new"), "1", "{body}");
    }
}

#[tokio::test]
async fn what_only_looks_like_white_space_at_the_end_is_told_apart() {
    for (asked, other) in [
        (r"What is my boat called, \n", "What is my boat called, \n"),
        (r"What is my boat called, \\n", r"What is my boat called, \"),
        (r"What is my boat called, \u000b", "What is my boat called, \u{b}"),
    ] {
        let chat = Chat::start("last_user", &[]).await;
        chat.forwarded(&[user(asked)]).await;
        for (text, known) in [(asked, "1"), (other, "0")] {
            let messages = [user(text), assistant("Petrel."), user(NEXT)];
            let (answer, _) = chat.ask(&messages).await;
            assert_eq!(answer.header("x-maia-memories-used"), known, "{text:?}");
        }
    }
}
