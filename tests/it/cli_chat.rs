//! `maia chat`: a conversation at a terminal and through a pipe, with a model that follows a script.

use std::io::Write as _;
use std::net::TcpStream;

use serde_json::json;

use crate::support_process::{Ended, Program, command, run_with};
use crate::support_raw::{DEADLINE, StubBackend, gate};
use crate::support_terminal::Terminal;

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

fn piece(stream: &mut TcpStream, text: &str) {
    let chunk = json!({ "choices": [{ "index": 0, "delta": { "content": text } }] });
    let _ = write!(stream, "data: {chunk}\n\n");
}

/// A model that says the same to everything.
fn talking(words: &'static [&'static str]) -> StubBackend {
    StubBackend::with(move |stream| {
        let _ = stream.write_all(HEAD.as_bytes());
        for word in words {
            piece(stream, word);
        }
        let _ = stream.write_all(b"data: [DONE]\n\n");
    })
}

#[test]
fn a_conversation_shows_what_is_used_learned_replaced_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let backend = talking(&["I ", "see."]);
    let url = backend.url();
    let environment = [("NO_COLOR", "1"), ("MAIA_PROXY_BACKEND", url.as_str())];
    let mut chat = Terminal::run(folder.path(), 80, &["chat", "-d", "maia.db", "-m", "m1"], &environment);
    chat.wait_for("leaves\n> ");
    for (line, last) in [
        ("I am vegetarian and I live in Rome.", "learned   User lives in Rome"),
        ("Suggest something for dinner.", "used      User is vegetarian"),
        ("I moved to Lyon.", "replaced  User lives in Rome"),
        ("I am vegetarian.", "knew      User is vegetarian"),
        ("Forget that I moved to Lyon.", "forgot    User moved to Lyon"),
        ("/namespace alice", "namespace alice, a new conversation"),
        ("What should I eat for dinner?", "nothing used, nothing learned"),
        ("/nonsense", "maia: there is no command /nonsense; /help lists them"),
        ("\u{3}", "Ctrl-D or /quit leaves"),
    ] {
        chat.press(line);
        if line != "\u{3}" {
            chat.press("\r");
        }
        chat.wait_for(&format!("{last}\n> "));
    }
    chat.press("\u{4}");
    let (code, text) = chat.ended();
    assert_eq!(code, Some(0), "{text}");
    // What the memory that is used comes before another is the ranking's business.
    let screen = "\
model m1, namespace default, without a server
/help lists the commands; Ctrl-C stops an answer, Ctrl-D leaves
> I am vegetarian and I live in Rome.
I see.
  learned   User is vegetarian
  learned   User lives in Rome
> Suggest something for dinner.
I see.
";
    assert!(text.starts_with(screen), "{text}");
    let bodies: Vec<String> = backend.requests();
    let last = bodies.last().unwrap();
    assert!(
        last.contains(r#""messages":[{"content":"What should I eat for dinner?","role":"user"}]"#),
        "{last}"
    );
    assert!(!last.to_lowercase().contains("x-maia"), "{last}");
    let third = bodies.get(2).unwrap();
    assert!(third.contains(r#"{"content":"I see.","role":"assistant"}"#), "{third}");
}

#[test]
fn ctrl_c_stops_the_answer_and_not_the_conversation() {
    let folder = tempfile::tempdir().unwrap();
    let (open, wait) = gate();
    let backend = StubBackend::with(move |stream| {
        let _ = stream.write_all(HEAD.as_bytes());
        piece(stream, "An endless ");
        wait();
    });
    let maia = Program::start(folder.path(), &["--backend", &backend.url()]);
    let url = format!("http://{}", maia.address());
    let mut chat = Terminal::run(
        folder.path(),
        80,
        &["chat", "--url", &url, "-m", "m"],
        &[("NO_COLOR", "1")],
    );
    chat.wait_for("> ");
    chat.press("I live in Rome. Tell me a story.\r");
    chat.wait_for("An endless ");
    chat.press("\u{3}");
    chat.wait_for("stopped\n  learned   User lives in Rome\n> ");
    chat.press("/quit\r");
    let (code, text) = chat.ended();
    assert_eq!(code, Some(0), "{text}");
    open.send(()).unwrap();
    maia.stop();
}

#[test]
fn through_a_pipe_the_answers_are_all_that_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let backend = talking(&["It is\u{1b}[31m ", "risotto.\n"]);
    let setting = format!("proxy.backend={}", backend.url());
    let arguments = ["chat", "-m", "m", "-d", "maia.db", "--set", &setting];
    let ended = run_with(
        folder.path(),
        &arguments,
        "I am vegetarian.\n\nWhat should I cook tonight?\n/quit\nnever sent\n",
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, "It is\u{fffd}[31m risotto.\nIt is\u{fffd}[31m risotto.\n");
    assert_eq!(
        ended.stderr,
        "  learned   User is vegetarian\n  used      User is vegetarian\n"
    );
    assert_eq!(backend.requests().len(), 2);
    let once = [
        &arguments[..],
        &["--no-memory", "--no-remember", "What", "should", "I", "eat?"],
    ]
    .concat();
    let ended = run_with(folder.path(), &once, "");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stderr, "  nothing used, nothing learned\n");
}

#[test]
fn the_first_model_that_the_backend_lists_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let backend = StubBackend::answering(
        "200 OK",
        r#"{"data":[{"id":"first"},{"id":"second"}],"choices":[{"index":0,"message":{"role":"assistant","content":"Not streamed."},"finish_reason":"stop"}]}"#,
    );
    let setting = format!("proxy.backend={}", backend.url());
    let ended = run_with(
        folder.path(),
        &["chat", "-d", "maia.db", "--set", &setting, "Hello"],
        "",
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, "Not streamed.\n");
    assert!(backend.requests().last().unwrap().contains(r#""model":"first""#));
}

#[test]
fn what_goes_wrong_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let chat = |setting: &str, more: &[&str]| {
        let arguments = [&["chat", "-d", "maia.db", "--set", setting], more].concat();
        run_with(folder.path(), &arguments, "Hello\nagain\n")
    };
    let nobody: Ended = chat("proxy.backend=http://127.0.0.1:9", &[]);
    assert_eq!(nobody.code, Some(1));
    assert!(
        nobody.stderr.contains("no connection to http://127.0.0.1:9"),
        "{nobody:?}"
    );
    assert!(nobody.stderr.contains("maia doctor looks at the backend"), "{nobody:?}");

    let broken = StubBackend::with(|stream| {
        let _ = stream.write_all(HEAD.as_bytes());
        piece(stream, "Half ");
        let _ = stream.write_all(b"data: {\"error\":{\"message\":\"out of memory\"}}\n\n");
    });
    let ended = chat(&format!("proxy.backend={}", broken.url()), &["-m", "m"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.stdout, "Half \n");
    assert!(
        ended.stderr.ends_with("maia: the answer broke off: out of memory\n"),
        "{ended:?}"
    );
    assert_eq!(broken.requests().len(), 1, "a script does not go on");
}

#[test]
fn who_asks_is_told_which_memories_were_injected() {
    let folder = tempfile::tempdir().unwrap();
    let backend = StubBackend::chatting();
    let maia = Program::start(folder.path(), &["--backend", &backend.url()]);
    let memory = maia
        .post(
            "/v1/namespaces/default/memories",
            &json!({ "content": "User is vegetarian", "pinned": true }),
        )
        .expect(201);
    let body = json!({ "model": "m", "messages": [{ "role": "user", "content": "Hi" }] });
    let call = crate::support_raw::Call::json("POST", "/proxy/v1/chat/completions", &body);
    assert_eq!(call.send(maia.address()).header("x-maia-memory-ids"), None);
    let asked = call.clone().header("X-MAIA-Show-Memories", "true").send(maia.address());
    assert_eq!(asked.header("x-maia-memory-ids"), memory["id"].as_str());
    call.header("X-MAIA-Show-Memories", "perhaps")
        .send(maia.address())
        .expect_error(400, "bad_request", Some("X-MAIA-Show-Memories"));
    let seen = backend.requests().concat().to_lowercase();
    assert!(!seen.contains("x-maia"), "{seen}");
    maia.stop();
}

#[test]
fn a_conversation_needs_no_terminal_to_end_by_ctrl_c() {
    let folder = tempfile::tempdir().unwrap();
    let backend = talking(&["Hello."]);
    let setting = format!("proxy.backend={}", backend.url());
    let mut command = command(folder.path(), &["chat", "-m", "m", "-d", "maia.db", "--set", &setting]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"Hello\n").unwrap();
    let mut answer = [0; 7];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut answer).unwrap();
    let id = child.id().to_string();
    let killed = std::process::Command::new("kill")
        .args(["-s", "TERM", &id])
        .status()
        .unwrap();
    assert!(killed.success());
    let (sender, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait()));
    let status = ended.recv_timeout(DEADLINE).expect("it ends").unwrap();
    assert_eq!(status.code(), Some(130));
    drop(input);
    assert_eq!(crate::support_process::files(folder.path()), ["maia.db"]);
}
