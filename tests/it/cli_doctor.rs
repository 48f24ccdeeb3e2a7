//! `maia doctor`: what is in order, what is not, and what to do about it.

use serde_json::Value;

use crate::support_process::{Program, command, run};
use crate::support_raw::StubBackend;
use crate::support_terminal::Terminal;

const MODELS: &str = r#"{"object":"list","data":[{"id":"llama3.2"},{"id":"qwen3"}]}"#;

#[test]
fn all_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let backend = StubBackend::answering("200 OK", MODELS);
    let maia = Program::start(folder.path(), &["--backend", &backend.url()]);
    let port = format!("server.port={}", maia.address().port());
    let seen = run(
        folder.path(),
        &[
            "doctor",
            "--set",
            &port,
            "--set",
            &format!("proxy.backend={}", backend.url()),
        ],
    );
    assert_eq!(seen.code, Some(0), "{seen:?}");
    assert_eq!(seen.stderr, "");
    assert_eq!(
        seen.stdout,
        format!(
            "\
ok      configuration  backend {}
ok      database       ./maia.db: sound, 0 memories in 1 namespace
ok      server         answers at http://{}
ok      key            none is asked for
ok      backend        answers
ok      models         2: llama3.2, qwen3
ok      memory         remembers and injects; 0 memories in default
",
            backend.url(),
            maia.address()
        )
    );
    maia.stop();
}

/// The checks of a doctor that must end with this code, by their names.
#[track_caller]
fn check(
    folder: &std::path::Path,
    backend: &str,
    settings: &[&str],
    code: i32,
    name: &str,
) -> (String, String, String) {
    let backend = format!("proxy.backend={backend}");
    let mut arguments = vec!["doctor", "--json", "--set", &backend];
    for setting in settings {
        arguments.extend(["--set", *setting]);
    }
    let seen = run(folder, &arguments);
    assert_eq!(seen.code, Some(code), "{seen:?}");
    let report: Value = serde_json::from_str(&seen.stdout).unwrap();
    assert_eq!(report["ok"], code == 0, "{report}");
    let found = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no {name} in {report}"));
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("detail"), text("hint"))
}

#[test]
fn a_backend_that_is_not_there_that_wants_a_key_or_that_lists_nothing() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["add", "User sails"]);
    let (status, detail, hint) = check(folder.path(), "http://127.0.0.1:9/v1", &[], 5, "backend");
    assert_eq!(status, "failed");
    assert!(detail.contains("no connection to http://127.0.0.1:9"), "{detail}");
    assert!(hint.contains("ollama serve"), "{hint}");

    let refusing = StubBackend::answering(
        "401 Unauthorized",
        r#"{"error":{"message":"Incorrect API key","code":"invalid_api_key"}}"#,
    );
    let (status, detail, hint) = check(folder.path(), &refusing.url(), &[], 5, "backend");
    assert_eq!(
        (status.as_str(), detail.as_str()),
        ("failed", "answers, but asks for a key: Incorrect API key")
    );
    assert!(hint.contains("OPENAI_API_KEY"), "{hint}");
    let (_, _, hint) = check(
        folder.path(),
        &refusing.url(),
        &["proxy.backend_api_key=sk-x"],
        5,
        "backend",
    );
    assert_eq!(hint, "correct proxy.backend_api_key");

    let empty = StubBackend::answering("200 OK", r#"{"data":[]}"#);
    let (status, _, hint) = check(folder.path(), &empty.url(), &[], 0, "models");
    assert_eq!(
        (status.as_str(), hint.as_str()),
        ("note", "with Ollama: ollama pull llama3.2")
    );

    let off = ["proxy.auto_remember=false"];
    let (status, _, hint) = check(folder.path(), &empty.url(), &off, 0, "memory");
    assert_eq!(
        (status.as_str(), hint.as_str()),
        ("note", "proxy.auto_remember is false")
    );
}

#[test]
fn a_client_sends_its_own_key_to_the_backend() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["add", "User sails"]);
    let backend = StubBackend::answering("200 OK", MODELS);
    let mut command = command(
        folder.path(),
        &["doctor", "--set", &format!("proxy.backend={}", backend.url())],
    );
    let status = command.env("OPENAI_API_KEY", "sk-mine").output().unwrap().status;
    assert!(status.success());
    let requests = backend.requests();
    assert!(
        requests.iter().all(|request| request.contains("Bearer sk-mine")),
        "{requests:?}"
    );
    assert!(!requests.is_empty());
}

#[test]
fn a_wrong_configuration_a_wrong_key_and_a_broken_file() {
    let folder = tempfile::tempdir().unwrap();
    let (status, detail, _) = check(
        folder.path(),
        "http://127.0.0.1:9",
        &["server.prot=1"],
        5,
        "configuration",
    );
    assert_eq!(status, "failed");
    assert!(detail.contains("server.prot"), "{detail}");

    let maia = Program::start(folder.path(), &["--set", "security.api_key=right"]);
    let port = format!("server.port={}", maia.address().port());
    let settings = [port.as_str(), "security.api_key=wrong"];
    let (status, _, hint) = check(folder.path(), "http://127.0.0.1:9", &settings, 5, "key");
    assert_eq!(status, "failed");
    assert!(hint.contains("MAIA_KEY"), "{hint}");
    maia.stop();

    let public = ["server.host=0.0.0.0", "server.port=0"];
    let (status, detail, _) = check(folder.path(), "http://127.0.0.1:9", &public, 5, "access");
    assert_eq!(status, "failed");
    assert!(detail.contains("there is no key"), "{detail}");

    let made = [
        "keys",
        "create",
        "reader",
        "--namespace",
        "a/*",
        "--right",
        "chat",
        "--json",
    ];
    let made: Value = serde_json::from_str(&run(folder.path(), &made).stdout).unwrap();
    let maia = Program::start(folder.path(), &[]);
    let port = format!("server.port={}", maia.address().port());
    let key = format!("security.api_key={}", made["key"].as_str().unwrap());
    let (status, detail, _) = check(folder.path(), "http://127.0.0.1:9", &[&port, &key], 5, "key");
    assert_eq!(status, "note");
    assert!(detail.contains("may not see memories"), "{detail}");
    maia.stop();

    std::fs::write(folder.path().join("maia.db"), "Dear diary,\n".repeat(500)).unwrap();
    let (status, detail, hint) = check(folder.path(), "http://127.0.0.1:9", &[], 5, "database");
    assert_eq!(status, "failed");
    assert!(detail.contains("damaged"), "{detail}");
    assert!(hint.contains("maia check"), "{hint}");
}

#[test]
fn a_fresh_start_is_no_failure_and_fits_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = Terminal::run(folder.path(), 60, &["doctor"], &[("NO_COLOR", "1")]).ended();
    assert_eq!(code, Some(0));
    assert_eq!(
        text,
        "\
ok      configuration  backend http://localhost:11434/v1
note    database       there is none at ./maia.db yet
                       -> the first start of maia makes one;
                       --database or storage.path names
                       another
note    server         none answers at http://127.0.0.1:9
                       -> start it with maia; until then
                       programs have nothing to talk to"
    );
    assert_eq!(crate::support_process::files(folder.path()), [""; 0]);
}
