//! The README names everything that a user can meet: error codes, metrics, headers and settings.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// What the first group of a pattern matches in a source file.
fn named_in(file: &str, pattern: &str) -> BTreeSet<String> {
    let text = read(file);
    let pattern = Regex::new(pattern).unwrap();
    let names = pattern.captures_iter(&text).filter_map(|found| found.get(1));
    names.map(|name| name.as_str().to_owned()).collect()
}

#[track_caller]
fn assert_documented(names: impl IntoIterator<Item = String>, at_least: usize) {
    let readme = read("README.md").to_lowercase();
    let mut count = 0;
    for name in names {
        let name = name.to_lowercase();
        // Of several that begin alike, as `X-RateLimit-Limit`, `-Remaining`, the later ones need not be written out.
        let ending = name.rsplit_once('-').map(|(_, last)| format!("`-{last}`"));
        let mentioned = readme.contains(&name) || ending.is_some_and(|ending| readme.contains(&ending));
        assert!(mentioned, "README.md does not mention {name}");
        count += 1;
    }
    assert!(count >= at_least, "only {count} names were found in the source");
}

#[test]
fn every_error_code() {
    let types = [
        "rate_limit_error",
        "authentication_error",
        "permission_error",
        "api_error",
        "timeout_error",
    ];
    let mut codes = named_in("src/http/error.rs", r#""([a-z]+(?:_[a-z]+)*)""#);
    for word in types
        .iter()
        .chain(&["invalid_request_error", "error", "message", "type", "param", "code"])
    {
        assert!(codes.remove(*word), "{word}");
    }
    assert_documented(codes, 14);
}

#[test]
fn every_metric() {
    assert_documented(named_in("src/metrics.rs", r#""(maia_\w+)""#), 10);
}

#[test]
fn every_header() {
    let files = [
        "src/http/chat_options.rs",
        "src/http/chat.rs",
        "src/http/log.rs",
        "src/http/rate_limit.rs",
        "src/cli/chat/turn.rs",
    ];
    let headers: BTreeSet<String> = files
        .iter()
        .flat_map(|file| named_in(file, r#""((?i:x-[a-z0-9-]+))""#))
        .collect();
    assert_documented(headers, 10);
}

#[test]
fn every_setting() {
    assert_documented(crate::config::keys(), 30);
}
