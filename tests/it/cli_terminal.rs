//! What commands owe a terminal, a pipe and a shell: nothing that steers them, a question before a deletion, a quiet end.

use std::fs;
use std::io::{BufRead as _, BufReader};

use serde_json::{Value, json};

use crate::cli_memories::{done, filled, screen};
use crate::support_process::{Ended, command, run, run_with};
use crate::support_terminal::Terminal;

#[test]
fn nothing_in_a_memory_steers_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let evil = json!({"namespace": "default", "content": "User\u{1b}[2J\u{1b}]0;owned\u{7} likes\u{9b}31m \u{202e}tea\r\nand cake", "tags": ["\u{1b}[31mred"]});
    done(run_with(folder.path(), &["import", "-"], &format!("{evil}\n")));
    let id = done(run(folder.path(), &["list", "--json"]));
    let id: Value = serde_json::from_str(&id).unwrap();
    let id = id["data"][0]["id"].as_str().unwrap();
    for arguments in [
        &["list"][..],
        &["show", id],
        &["search", "tea"],
        &["context", "Which tea?"],
        &["rm", "--dry-run", id],
    ] {
        let shown = run(folder.path(), arguments);
        let printed = format!("{}{}", shown.stdout, shown.stderr);
        assert!(printed.contains("likes"), "{printed}");
        assert!(
            printed.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'),
            "{printed:?}"
        );
    }
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let folder = filled();
    let bytes = |environment: &[(&str, &str)]| Terminal::run(folder.path(), 80, &["list"], environment).ended_raw();
    assert!(bytes(&[]).contains(&0x1b));
    assert!(!bytes(&[("NO_COLOR", "1")]).contains(&0x1b));
    assert!(!bytes(&[("TERM", "dumb")]).contains(&0x1b));
    assert!(!done(run(folder.path(), &["list"])).contains('\u{1b}'));
}

#[test]
fn a_terminal_is_asked_before_anything_is_deleted() {
    let folder = filled();
    let arguments = ["rm", "-d", "maia.db", "acfe1cd3"];
    let mut no = Terminal::run(folder.path(), 80, &arguments, &[("NO_COLOR", "1")]);
    no.wait_for("Delete 1 memory of default? [y/N]");
    no.press("n\r");
    let (code, text) = no.ended();
    assert_eq!(code, Some(1));
    assert_eq!(
        text,
        "acfe1cd3  User prefers dark mode  #ui\nDelete 1 memory of default? [y/N] n\nmaia: nothing was deleted"
    );
    let mut yes = Terminal::run(folder.path(), 80, &arguments, &[("NO_COLOR", "1")]);
    yes.wait_for("[y/N]");
    yes.press("y\r");
    let (code, text) = yes.ended();
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.ends_with("deleted acfe1cd3  User prefers dark mode  #ui"),
        "{text}"
    );
    let left = screen(folder.path(), 80, &["rm", "-y", "-d", "maia.db", "beef"]);
    assert_eq!(
        left,
        "deleted 0000beef  User told the story of the blue bicycle, which was stolen in Porto and found again in Lisbon"
    );
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let lines = (0..1_000)
        .map(|number| format!("Fact {number} {}", "word ".repeat(200)))
        .map(|content| json!({"namespace": "default", "content": content}).to_string())
        .collect::<Vec<_>>()
        .join("\n");
    done(run_with(folder.path(), &["import", "-"], &lines));
    let mut child = command(folder.path(), &["list", "--limit", "1000", "-d", "maia.db"])
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    assert!(first.starts_with("ID "), "{first}");
    drop(out);
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains("maia:"), "{ended:?}");
}

#[test]
fn completions_and_pages_name_every_command() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.yaml"), "wrong: true").unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = done(run(folder.path(), &["completions", shell]));
        for name in ["add", "chat", "doctor", "namespaces", "completions"] {
            assert!(script.contains(name), "{name} is not completed in {shell}");
        }
    }
    assert_eq!(run(folder.path(), &["completions", "csh"]).code, Some(2));
    assert!(done(run(folder.path(), &["man"])).contains(".TH maia 1"));
    done(run(folder.path(), &["man", "--dir", "pages"]));
    let pages = crate::support_process::files(&folder.path().join("pages"));
    for page in ["maia.1", "maia-add.1", "maia-namespaces-set.1", "maia-chat.1"] {
        assert!(pages.contains(&page.to_owned()), "{pages:?}");
    }
}

#[test]
fn every_command_has_examples_and_exit_codes_in_its_help() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "chat",
        "add",
        "list",
        "show",
        "edit",
        "rm",
        "search",
        "context",
        "namespaces",
        "doctor",
        "completions",
        "man",
        "stats",
    ] {
        let help = done(run(folder.path(), &[name, "--help"]));
        assert!(
            help.contains("Examples:\n") && help.contains("Exit codes: 0 "),
            "{name}: {help}"
        );
    }
}
