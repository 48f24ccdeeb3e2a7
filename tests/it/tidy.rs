//! The invariants of the architecture, held by reading the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Longest file, in lines.
const MAX_LINES: usize = 450;
/// What each floor may import of this crate. An import only ever points down.
const FLOORS: &[(&str, &[&str])] = &[
    ("model", &["model"]),
    ("text", &["text"]),
    ("config", &["config", "model"]),
    ("listener", &["config", "listener"]),
    ("metrics", &["metrics"]),
    ("telemetry", &["config"]),
    ("sync", &[]),
    ("store", &["model", "store", "sync", "text"]),
    ("record", &["memory", "model", "record", "store"]),
    ("memory", &["memory", "model", "store", "sync", "text"]),
    ("proxy", &["config", "proxy", "sync"]),
    (
        "http",
        &[
            "app", "config", "http", "listener", "memory", "metrics", "model", "proxy", "record", "store", "sync",
        ],
    ),
    (
        "app",
        &["config", "http", "memory", "metrics", "model", "proxy", "store", "text"],
    ),
    ("client", &["app", "client", "proxy"]),
    (
        "cli",
        &[
            "app",
            "cli",
            "client",
            "config",
            "listener",
            "model",
            "record",
            "serve",
            "store",
            "telemetry",
        ],
    ),
];

/// Crates that one part alone may name: the others must not know how it does its work.
const CRATES: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("r2d2", &["store"]),
    ("r2d2_sqlite", &["store"]),
    ("reqwest", &["client", "proxy"]),
    ("axum", &["http", "app"]),
    ("utoipa", &["http", "model", "record", "store"]),
    ("governor", &["http"]),
    ("prometheus", &["metrics"]),
    ("tokio_rustls", &["listener"]),
    ("clap", &["cli"]),
    ("console", &["cli"]),
    ("rustyline", &["cli"]),
    ("indicatif", &["cli"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder, by its path from there.
fn rust_files(folder: &str) -> Vec<(PathBuf, String)> {
    let top = root().join(folder);
    let mut folders = vec![top.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path.strip_prefix(&top).unwrap().to_owned(), text));
            }
        }
    }
    assert!(!files.is_empty(), "{folder} holds no source");
    files
}

/// The floor that a file of `src` belongs to: its folder, or its own name.
fn floor(path: &Path) -> String {
    let first = path.components().next().unwrap();
    Path::new(first.as_os_str())
        .file_stem()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}

/// The source without its comments.
fn code(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn imports_point_down() {
    let import = Regex::new(r"\bcrate::(\{|\w+)").unwrap();
    for (path, text) in rust_files("src") {
        let floor = floor(&path);
        if ["lib", "main"].contains(&floor.as_str()) {
            continue;
        }
        let allowed = FLOORS.iter().find(|(name, _)| *name == floor);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{} is on no known floor", path.display()));
        for found in import.captures_iter(&code(&text)) {
            let module = found.get(1).unwrap().as_str();
            assert!(allowed.contains(&module), "{} imports {module}", path.display());
        }
        if path.components().count() == 1 {
            assert!(
                !code(&text).contains("super::"),
                "{} looks above itself",
                path.display()
            );
        }
    }
}

#[test]
fn each_library_is_known_to_one_part() {
    for (library, allowed) in CRATES {
        let name = Regex::new(&format!(r"\b{library}::")).unwrap();
        let users: BTreeSet<String> = rust_files("src")
            .into_iter()
            .filter(|(_, text)| name.is_match(&code(text)))
            .map(|(path, _)| floor(&path))
            .collect();
        assert!(!users.is_empty(), "{library} is used nowhere");
        for user in users {
            assert!(allowed.contains(&user.as_str()), "{user} names {library}");
        }
    }
}

#[test]
fn the_proxy_is_told_apart_from_memory() {
    for (path, text) in rust_files("src") {
        let code = code(&text);
        if code.contains("memory::") && code.contains("proxy::") {
            let name = path.to_str().unwrap();
            let known = ["lib.rs", "main.rs", "app.rs", "http/chat.rs"];
            assert!(known.contains(&name), "{name} knows both memory and proxy");
        }
    }
}

#[test]
fn files_stay_short() {
    for folder in ["src", "tests"] {
        for (path, text) in rust_files(folder) {
            let path = format!("{folder}/{}", path.display());
            let lines = text.lines().count();
            assert!(lines <= MAX_LINES, "{path} has {lines} lines");
        }
    }
}

#[test]
fn nothing_is_waved_through() {
    // Put together here, so that this file does not hold them.
    let banned = [
        concat!("#[", "allow"),
        concat!("#![", "allow"),
        concat!("#[", "ignore"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
    ];
    for folder in ["src", "tests"] {
        for (path, text) in rust_files(folder) {
            for word in banned {
                assert!(!text.contains(word), "{folder}/{} holds {word}", path.display());
            }
        }
    }
    let sleeping = concat!("thread::", "sleep");
    for (path, text) in rust_files("tests") {
        assert!(!text.contains(sleeping), "tests/{} sleeps", path.display());
    }
}

#[test]
fn every_file_says_what_it_is() {
    for folder in ["src", "tests"] {
        for (path, text) in rust_files(folder) {
            assert!(
                text.starts_with("//! "),
                "{folder}/{} does not begin with what it is",
                path.display()
            );
        }
    }
}

#[test]
fn migrations_are_numbered_and_embedded() {
    let name = Regex::new(r"^(\d{4})_[a-z0-9_]+\.sql$").unwrap();
    let mut names: Vec<String> = fs::read_dir(root().join("migrations"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let source = fs::read_to_string(root().join("src/store/migrations.rs")).unwrap();
    assert!(!names.is_empty());
    for (index, file) in names.iter().enumerate() {
        let number = name
            .captures(file)
            .and_then(|parts| parts.get(1)?.as_str().parse().ok());
        assert_eq!(number, Some(index + 1), "{file}");
        assert_eq!(
            source.matches(&format!("/migrations/{file}")).count(),
            1,
            "{file} is not embedded"
        );
    }
}
