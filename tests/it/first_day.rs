//! Somebody's first day with maia at a terminal, from an empty folder on, as `first_day.txt` has recorded it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::Value;

use crate::support_process::Program;
use crate::support_raw::StubBackend;
use crate::support_terminal::Terminal;

const RECORDED: &str = include_str!("first_day.txt");

/// Columns of the terminal.
const COLUMNS: u16 = 100;

/// A terminal beside a running server.
struct Session {
    folder: tempfile::TempDir,
    environment: Vec<(&'static str, String)>,
    /// What was typed and shown.
    record: String,
}

impl Session {
    fn begin(&self, arguments: &[&str]) -> Terminal {
        let environment: Vec<(&str, &str)> = self.environment.iter().map(|(name, value)| (*name, &**value)).collect();
        Terminal::run(self.folder.path(), COLUMNS, arguments, &environment)
    }

    /// Types a command and reads what it shows; `{}` stands for the id of the first memory, `~` for a space in an argument.
    #[track_caller]
    fn types(&mut self, command: &str, id: &str) -> String {
        let arguments: Vec<String> = command
            .split(' ')
            .map(|word| word.replace('~', " ").replace("{}", id))
            .collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, screen) = self.begin(&arguments).ended();
        assert_eq!(code, Some(0), "{command}\n{screen}");
        self.note(command, &screen);
        screen
    }

    fn note(&mut self, command: &str, screen: &str) {
        let command = command.replace('~', " ");
        let written = writeln!(self.record, "$ maia {command}\n{}\n", screen.trim_end());
        written.unwrap();
    }
}

#[test]
fn a_first_day_goes_as_it_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let backend = StubBackend::chatting();
    let maia = Program::start(
        folder.path(),
        &["--backend", &backend.url(), "--set", "security.api_key=owner"],
    );
    fs::write(
        folder.path().join("editor"),
        "#!/bin/sh\necho 'User prefers light mode' > \"$1\"\n",
    )
    .unwrap();
    let mut session = Session {
        environment: vec![
            ("NO_COLOR", "1".to_owned()),
            ("MAIA_URL", format!("http://{}", maia.address())),
            ("MAIA_KEY", "owner".to_owned()),
            ("MAIA_PROXY_BACKEND", backend.url()),
            ("EDITOR", "sh editor".to_owned()),
        ],
        folder,
        record: String::new(),
    };
    let id = {
        session.types("add User~prefers~dark~mode --tag ui", "");
        let page: Value = maia_json(&session, &["list", "--json"]);
        page["data"][0]["id"].as_str().unwrap().to_owned()
    };
    for command in [
        "add User~is~vegetarian",
        "list",
        "search dark~mode",
        "context Suggest~something~for~dinner.",
        "show {}",
        "edit {}",
        "edit {} --pin",
        "namespaces create team/alice token_budget=500",
        "add -n team/alice User~is~called~Alice",
        "list -n team/alice",
        "namespaces list",
        "namespaces set team/alice retention_days=90 token_budget=none",
        "namespaces show team/alice",
        "namespaces create team/bob",
        "namespaces rm -y team/bob",
        "keys create phone -n team/* -r read -r chat",
        "keys list",
        "keys revoke -y phone",
    ] {
        session.types(command, &id);
    }
    let mut chat = session.begin(&["chat", "-m", "m1"]);
    chat.wait_for("leaves\n> ");
    chat.press("I live in Rome.\r");
    chat.wait_for("learned   User lives in Rome\n> ");
    chat.press("\u{4}");
    let (code, screen) = chat.ended();
    assert_eq!(code, Some(0), "{screen}");
    session.note("chat -m m1", &screen);
    session.types("rm -y {}", &id);
    session.types("stats", "");
    let record = masked(&session.record, &backend.url(), &maia.address().to_string());
    assert_eq!(record, RECORDED);

    let doctor = session.types("doctor", "");
    assert!(doctor.contains("ok      key            accepted"), "{doctor}");
    let completions = maia_text(&session, &["completions", "bash"]);
    assert!(completions.contains("_maia"), "{completions}");
    let manual = maia_text(&session, &["man"]);
    assert!(manual.contains(".TH maia 1"), "{manual}");
    maia.stop();
}

/// What differs from day to day.
fn masked(record: &str, backend: &str, address: &str) -> String {
    let mut record = record.replace(backend, "BACKEND").replace(address, "ADDRESS");
    for (pattern, mask) in [
        (r"maia_[0-9a-f]{64}", "maia_KEY"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}", "ID"),
        (r"20\d\d-\d\d-\d\dT[0-9:.]+Z", "TIME"),
        (r"20\d\d-\d\d-\d\d", "DATE"),
        (r"\b[0-9a-f]{8}\b", "SHORT-ID"),
        (r"\d+(?:\.\d+)? (ms|KiB|MiB|B)\b", "N $1"),
        // Written once a second.
        (r"(chats|memories injected|memories learned)( +)\d+", "${1}${2}N"),
    ] {
        record = Regex::new(pattern).unwrap().replace_all(&record, mask).into_owned();
    }
    record
}

fn maia_text(session: &Session, arguments: &[&str]) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_maia"))
        .args(arguments)
        .current_dir(session.folder.path() as &Path)
        .envs(session.environment.iter().map(|(name, value)| (*name, value)))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn maia_json(session: &Session, arguments: &[&str]) -> Value {
    serde_json::from_str(&maia_text(session, arguments)).unwrap()
}
