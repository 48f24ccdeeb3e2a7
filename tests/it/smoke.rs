//! One conversation from end to end, in this process and in the real program.

use serde_json::json;

use crate::support::{Backend, Call, Process, Reply, TestApp, eventually};

#[tokio::test]
async fn a_conversation_is_remembered_and_comes_back() {
    let backend = Backend::replying(Reply::says("Noted.")).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let told = app
        .chat(json!({"model": "m", "messages": [{"role": "user", "content": "I prefer dark mode."}]}).to_string())
        .await;
    assert_eq!(told.status, 200);
    assert_eq!(told.header("x-maia-memories-used"), "0");
    eventually("the memory", || async {
        (app.memories("default").await == ["User prefers dark mode"]).then_some(())
    })
    .await;

    let app = app.restart().await;
    let asked = app
        .chat(r#"{"model":"m","messages":[{"role":"user","content":"What settings should I configure?"}]}"#)
        .await;
    assert_eq!(asked.status, 200);
    assert_eq!(asked.header("x-maia-memories-used"), "1");
    assert_eq!(
        backend.last().text(),
        r###"{"model":"m","messages":[{"role":"system","content":"## Relevant Context\n\nUser prefers dark mode"},{"role":"user","content":"What settings should I configure?"}]}"###
    );
    app.stop().await;
}

#[tokio::test]
async fn the_program_serves_until_it_is_told_to_stop() {
    let directory = tempfile::tempdir().unwrap();
    let process = Process::start(directory.path(), &[]).await;
    let health = Call::get("/health").send(process.address).await;
    assert_eq!(health.json(), json!({"status": "ok", "service": "maia"}));
    process.signal("TERM").await;
    let (status, log) = process.ended().await;
    assert!(status.success(), "{status}: {log}");
    assert!(directory.path().join("maia.db").is_file());
}
