//! The tutorial and the page of the API, followed from their first command to their last as they stand there.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::backup_docs::blocks;
use crate::support_process::{Program, files};

#[test]
fn the_tutorial_can_be_followed_as_it_stands() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let maia = Program::start(folder.path(), &[]);
    let binary = Path::new(env!("CARGO_BIN_EXE_maia")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut shown = Vec::new();
    for block in blocks(&text) {
        let block = block.replace("localhost:8080", &maia.address().to_string());
        let output = Command::new("sh")
            .args(["-euc", &block])
            .current_dir(folder.path())
            .env("PATH", &path)
            .env("MAIA_URL", format!("http://{}", maia.address()))
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{block}\n{stderr}");
        assert!(!stderr.contains("maia:"), "{block}\n{stderr}");
        shown.push(String::from_utf8(output.stdout).unwrap());
    }
    let [told, asked, corrected, users, called, kept] = shown.try_into().unwrap();
    for words in [
        "User prefers dark mode",
        "User is vegetarian",
        "User has a dog called Biscuit",
    ] {
        assert!(told.contains(words), "{told}");
    }
    let (searched, context) = asked.split_once("## Relevant Context").unwrap();
    assert!(searched.contains("User prefers dark mode"), "{searched}");
    assert!(context.contains("User is vegetarian"), "{context}");
    assert!(
        corrected.contains("changed") && corrected.contains("deleted"),
        "{corrected}"
    );
    assert!(
        corrected.contains("User prefers light mode  #ui  pinned"),
        "{corrected}"
    );
    assert!(
        users.contains("User is called Alice") && users.contains("team/alice"),
        "{users}"
    );
    let (one, other) = called.trim_end().split_at(called.trim_end().len() / 2);
    assert_eq!(one.trim(), other.trim());
    assert!(kept.contains("deleted team/alice"), "{kept}");
    maia.stop();
    assert_eq!(files(folder.path()), ["maia-backup.db", "maia.db"]);
}

#[test]
fn every_call_on_the_page_of_the_api_is_answered() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let maia = Program::start(folder.path(), &[]);
    let blocks = blocks(&text);
    assert!(blocks.len() > 12, "{blocks:?}");
    for block in blocks {
        let block = block.replace("localhost:8080", &maia.address().to_string());
        // An error of the API is one of curl's then, and ends the block.
        let block = format!("curl() {{ command curl --fail-with-body -sS \"$@\"; }}\n{block}");
        let output = Command::new("sh").args(["-euc", &block]).output().unwrap();
        assert!(output.status.success(), "{block}\n{output:?}");
    }
    maia.stop();
}
