//! `maia edit` and `maia add` with an editor: what is written is stored, or kept where its writer finds it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use crate::support_process::{Ended, Program, command, run, run_with};
use crate::support_terminal::Terminal;

const ID: &str = "01a206a4-8860-7092-9989-745facfe1cd3";

fn filled() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let line = json!({"id": ID, "namespace": "default", "content": "User prefers dark mode"});
    let imported = run_with(folder.path(), &["import", "-"], &format!("{line}\n"));
    assert_eq!(imported.code, Some(0), "{imported:?}");
    fs::create_dir(folder.path().join("tmp")).unwrap();
    folder
}

/// An editor that is a shell script; `$1` is the file.
fn editor(folder: &Path, script: &str) -> String {
    let path = folder.join("editor with space.sh");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    format!("'{}'", path.display())
}

fn edit(folder: &Path, script: &str) -> Ended {
    let mut command = command(folder, &["edit", "acfe1cd3", "-d", "maia.db"]);
    command
        .env("PATH", std::env::var("PATH").unwrap())
        .env("TMPDIR", folder.join("tmp"))
        .env("EDITOR", "false")
        .env("VISUAL", editor(folder, script));
    Ended::from(command.output().unwrap())
}

fn content(folder: &Path) -> String {
    let shown = run(folder, &["show", "--json", ID]);
    let memory: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    memory["content"].as_str().unwrap().to_owned()
}

/// The file that a message names, and which must be the only one that is left.
#[track_caller]
fn kept(folder: &Path, ended: &Ended) -> PathBuf {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let (_, path) = ended
        .stderr
        .trim_end()
        .split_once("what you wrote is kept in ")
        .unwrap();
    let path = PathBuf::from(path);
    assert_eq!(fs::read_dir(folder.join("tmp")).unwrap().count(), 1);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    path
}

#[track_caller]
fn nothing_kept(folder: &Path) {
    assert_eq!(fs::read_dir(folder.join("tmp")).unwrap().count(), 0);
}

#[test]
fn what_was_written_is_stored() {
    let folder = filled();
    let ended = edit(folder.path(), "sed -i s/dark/light/ \"$1\"");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, format!("changed {ID}  User prefers light mode\n"));
    assert_eq!(content(folder.path()), "User prefers light mode");
    nothing_kept(folder.path());
}

#[test]
fn what_was_not_changed_is_not_stored() {
    let folder = filled();
    for script in ["true", "echo 'User prefers dark mode' > \"$1\""] {
        let ended = edit(folder.path(), script);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.stderr, "nothing was changed\n");
    }
    nothing_kept(folder.path());
}

#[test]
fn an_editor_that_fails_loses_nothing() {
    let folder = filled();
    let ended = edit(folder.path(), "echo 'half a thought' > \"$1\"; exit 3");
    assert!(
        ended
            .stderr
            .contains("exit status: 3; VISUAL or EDITOR chooses another"),
        "{ended:?}"
    );
    assert_eq!(
        fs::read_to_string(kept(folder.path(), &ended)).unwrap(),
        "half a thought\n"
    );
    assert_eq!(content(folder.path()), "User prefers dark mode");
}

#[test]
fn an_editor_that_fails_at_once_leaves_no_file() {
    let folder = filled();
    let ended = edit(folder.path(), "exit 1");
    assert_eq!(ended.code, Some(1));
    assert!(!ended.stderr.contains("kept"), "{ended:?}");
    nothing_kept(folder.path());
}

#[test]
fn a_text_that_is_refused_is_kept() {
    let folder = filled();
    let ended = edit(folder.path(), "head -c 10001 /dev/zero | tr '\\0' x > \"$1\"");
    assert!(ended.stderr.contains("10001"), "{ended:?}");
    assert_eq!(fs::read(kept(folder.path(), &ended)).unwrap(), vec![b'x'; 10_001]);
    assert_eq!(content(folder.path()), "User prefers dark mode");
}

#[test]
fn a_change_by_somebody_else_is_not_written_over() {
    let folder = filled();
    let maia = Program::start(folder.path(), &[]);
    let address = maia.address();
    let other = format!(
        "{} edit {ID} --text 'User prefers mauve' --url http://{address} >/dev/null && echo mine > \"$1\"",
        env!("CARGO_BIN_EXE_maia")
    );
    let ended = edit(folder.path(), &other);
    assert!(ended.stderr.contains("changed by somebody else meanwhile"), "{ended:?}");
    assert_eq!(fs::read_to_string(kept(folder.path(), &ended)).unwrap(), "mine\n");
    maia.stop();
    assert_eq!(content(folder.path()), "User prefers mauve");
}

#[test]
fn add_opens_an_editor_on_a_terminal() {
    let folder = filled();
    let (editor, tmp) = (
        editor(folder.path(), "echo 'User sails' > \"$1\""),
        folder.path().join("tmp"),
    );
    let environment = [
        ("EDITOR", editor.as_str()),
        ("TMPDIR", tmp.to_str().unwrap()),
        ("NO_COLOR", "1"),
    ];
    let (code, text) = Terminal::run(folder.path(), 80, &["add", "-d", "maia.db"], &environment).ended();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("added ") && text.ends_with("  User sails"), "{text}");
    nothing_kept(folder.path());
}
