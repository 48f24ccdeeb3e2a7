//! Every command that the documentation gives for backing up, restoring and moving, run as it stands there.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support_process::{Program, files};

const MEMORIES: &str = "/v1/namespaces/default/memories";

/// The commands of a text, block by block.
pub(crate) fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("```sh\n") {
        let (block, after) = after.split_once("```").unwrap();
        blocks.push(block.to_owned());
        rest = after;
    }
    blocks
}

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// Runs a block in a shell that knows the command `maia`.
#[track_caller]
fn shell(folder: &Path, block: &str) {
    let binary = Path::new(env!("CARGO_BIN_EXE_maia")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-euc", block])
        .current_dir(folder)
        .env("PATH", path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{block}\n{output:?}");
}

/// Follows a text from its first command to its last, stopping the server where it says so; each restore must bring back what was there.
fn follow(text: &str) -> usize {
    let (folder, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut maia = Program::start(folder.path(), &[]);
    maia.post(MEMORIES, &json!({ "content": "User was here before" }))
        .expect(201);
    let blocks = blocks(text);
    for block in &blocks {
        let block = block.replace("localhost:8080", &maia.address().to_string());
        if block.contains("storage.backup_interval") {
            // It does not end by itself, and is tried in a test of its own.
            continue;
        }
        if block.contains("restore moving.db") {
            fs::copy(folder.path().join("moving.db"), new.path().join("moving.db")).unwrap();
            shell(new.path(), &block);
            assert_remembers(new.path(), &["User was here before"]);
        } else if block.contains("maia restore") || block.contains("--repair") {
            maia.stop();
            shell(folder.path(), &block);
            assert_remembers(folder.path(), &["User was here before"]);
            maia = Program::start(folder.path(), &[]);
        } else {
            shell(folder.path(), &block);
        }
    }
    maia.stop();
    for name in ["maia-backup.db", "maia-copy.db", "moving.db"] {
        let copy = tempfile::tempdir().unwrap();
        fs::copy(folder.path().join(name), copy.path().join("maia.db")).unwrap();
        assert_remembers(copy.path(), &["User was here before"]);
    }
    assert!(files(folder.path()).contains(&"memories.jsonl".to_owned()));
    blocks.len()
}

#[track_caller]
fn assert_remembers(folder: &Path, contents: &[&str]) {
    let maia = Program::start(folder, &[]);
    let list = maia.get(MEMORIES).expect(200);
    let found: Vec<&str> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["content"].as_str().unwrap())
        .collect();
    assert_eq!(found, contents);
    maia.stop();
}

#[test]
fn the_commands_of_the_readme_work_as_they_stand() {
    let readme = read("README.md");
    let (_, section) = readme.split_once("\n## Backups\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    assert!(follow(section) >= 8);
}

#[test]
fn the_commands_of_the_long_form_work_as_they_stand() {
    assert!(follow(&read("docs/backup.md")) >= 8);
}
