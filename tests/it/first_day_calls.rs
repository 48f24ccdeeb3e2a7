//! Somebody's first day with the API, from an empty folder on: `first_day_calls.txt` is what was typed and what came back, and is followed line by line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;

use crate::support_process::Program;
use crate::support_raw::StubBackend;

const RECORDED: &str = include_str!("first_day_calls.txt");

/// A shell in a folder, beside a server that is started anew where the record says so.
struct Session {
    folder: tempfile::TempDir,
    backend: StubBackend,
    maia: Option<Program>,
    variables: BTreeMap<String, String>,
    /// What was typed and shown.
    record: String,
}

impl Session {
    /// `$ maia serve …` stops the server that runs and starts another.
    fn serve(&mut self, command: &str) {
        self.maia.take().map(Program::stop);
        let url = self.backend.url();
        let arguments = command.split(' ').skip(2).chain(["--backend", &url]);
        let maia = Program::start(self.folder.path(), &arguments.collect::<Vec<_>>());
        let scheme = if command.contains("tls_cert") { "https" } else { "http" };
        self.variables
            .insert("MAIA".into(), format!("{scheme}://{}", maia.address()));
        self.maia = Some(maia);
        writeln!(self.record, "$ {command}").unwrap();
    }

    /// `$ NAME=$(…)` keeps what is shown for later commands; any other command shows it.
    fn types(&mut self, command: &str) {
        let keeps = Regex::new(r"^([A-Z]+)=\$\((.*)\)$").unwrap();
        let kept = keeps.captures(command);
        let text = kept.as_ref().map_or(command, |kept| kept.get(2).unwrap().as_str());
        let binary = Path::new(env!("CARGO_BIN_EXE_maia")).parent().unwrap();
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
        let output = Command::new("sh")
            .args([
                "-uc",
                &if kept.is_some() {
                    text.to_owned()
                } else {
                    format!("exec 2>&1; {text}")
                },
            ])
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", path)
            .env("MAIA_SERVER_PORT", crate::support_process::SILENT_PORT)
            .envs(&self.variables)
            .output()
            .unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let shown = masked(&told);
        writeln!(self.record, "$ {command}").unwrap();
        match kept {
            Some(kept) => {
                assert!(!told.trim().is_empty(), "{command} kept nothing\n{}", self.record);
                let name = kept.get(1).unwrap().as_str().to_owned();
                self.variables.insert(name, told.trim().to_owned());
            }
            None if shown.is_empty() || shown.ends_with('\n') => self.record.push_str(&shown),
            None => writeln!(self.record, "{shown}").unwrap(),
        }
    }
}

/// What differs from day to day.
fn masked(text: &str) -> String {
    let mut text = text.replace('\r', "");
    for (pattern, mask) in [
        (r"https?://127\.0\.0\.1:\d+(/v1)?", "ADDRESS"),
        (r"maia_[0-9a-f]{64}", "maia_KEY"),
        (r"\b[0-9a-f]{64}\b", "HASH"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f-]{21}", "ID"),
        (r"20\d\d-\d\d-\d\dT[0-9:.]+Z", "TIME"),
        (r"20\d\d-\d\d-\d\d", "DATE"),
        (r"\b[0-9a-f]{16}\b", "TAG"),
        (r#"_ms":[0-9.]+"#, "_ms\":N"),
        (r#""(storage_size_bytes)":\d+"#, "\"$1\":N"),
        (r"\d+(?:\.\d+)? ?(ms|KiB|MiB)\b", "N $1"),
        (r"\d\.\d\d?(?:\.\d+)? \(Linux\)", "N"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, mask).into_owned();
    }
    text
}

#[test]
fn the_calls_of_a_first_day_go_as_they_were_recorded() {
    let mut session = Session {
        folder: tempfile::tempdir().unwrap(),
        backend: StubBackend::chatting(),
        maia: None,
        variables: BTreeMap::new(),
        record: String::new(),
    };
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let pair = rcgen::generate_simple_self_signed(names).unwrap();
    for (file, text) in [
        ("tls.crt", pair.cert.pem()),
        ("tls.key", pair.signing_key.serialize_pem()),
    ] {
        fs::write(session.folder.path().join(file), text).unwrap();
    }
    for line in RECORDED.lines() {
        if let Some(remark) = line.strip_prefix('#') {
            let gap = if session.record.is_empty() { "" } else { "\n" };
            writeln!(session.record, "{gap}#{remark}").unwrap();
        } else if let Some(command) = line.strip_prefix("$ ") {
            if command.starts_with("maia serve") {
                session.serve(command);
            } else {
                session.types(command);
            }
        }
    }
    session.maia.take().map(Program::stop);
    assert_eq!(session.record, RECORDED, "{}", session.record);
}
