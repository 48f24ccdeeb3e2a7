//! A memory as one line of a context block.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::words;

/// The content as one line: white space (line and paragraph separators too) folded to single spaces, control characters out.
///
/// A line that Markdown would read as a heading, a separator or a code fence begins with a backslash, Markdown's own escape, so that no memory
/// can end the block that it stands in or begin another one.
#[must_use]
pub fn line(content: &str) -> String {
    let mut line = String::with_capacity(content.len() + 1);
    for word in content.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if is_block_syntax(&line) {
        line.insert(0, '\\');
    }
    line
}

fn is_block_syntax(line: &str) -> bool {
    let of_only = |marks: &str| {
        let mut rule = line.chars().filter(|c| *c != ' ').peekable();
        let first = rule.peek().copied();
        first.is_some_and(|first| marks.contains(first) && rule.all(|c| c == first))
    };
    line.starts_with('#') || line.starts_with("```") || line.starts_with("~~~") || of_only("-*_=")
}

/// The key under which the same fact is recognised again: its words, lower case, without diacritics and punctuation (16 bytes of SHA-256).
#[must_use]
pub fn fingerprint(content: &str) -> [u8; 16] {
    let mut normal = String::with_capacity(content.len());
    for word in words(content) {
        // Writing to a string cannot fail.
        let _ = write!(normal, "{word} ");
    }
    if normal.is_empty() {
        content.trim().clone_into(&mut normal);
    }
    let mut key = [0; 16];
    key.iter_mut()
        .zip(Sha256::digest(normal.as_bytes()))
        .for_each(|(to, from)| *to = from);
    key
}
