//! What of a message is its sender's own text.
//!
//! Code, quotations, pasted material and our own injected block are cut out before a sentence is looked for, so that
//! nothing in them can become a memory, whatever it says. A cut inside a line leaves [`CUT`] behind, which spoils the
//! clause it stands in: what was said around a quotation makes no sense without it.

use super::{Speaker, paste};

/// Stands where something was cut out of a line.
pub(super) const CUT: char = '\u{FFFC}';

/// The heading of the block that is injected into requests.
const CONTEXT_HEADING: &str = "## relevant context";
/// Above this many characters what is left of a message is taken for pasted text.
const LONG_MESSAGE: usize = 4_000;
/// The same for one line, that is, one paragraph.
const LONG_LINE: usize = 1_000;
/// The longest quotation that may be a name or a title, in words.
const LONG_QUOTE: usize = 5;
/// The longest opening tag, in bytes.
const LONGEST_TAG: usize = 200;
/// Names of tags without a closing tag that are looked for before giving up, which bounds the work on hostile text.
const MAX_UNCLOSED: usize = 16;

/// The speaker's own text in `text`, line by line, markup removed.
///
/// An answer may be long without being pasted; only what is set off in it is dropped.
pub(super) fn own_words(text: &str, speaker: Speaker) -> String {
    let text = without_tags(&text.replace("\r\n", "\n"));
    let text = without_code(&without_context(&text));
    let text = if speaker == Speaker::User {
        paste::without_pasted(&text)
    } else {
        text
    };
    let mut own = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with('>') || line.chars().count() > LONG_LINE {
            own.push('\n');
            continue;
        }
        push_unquoted(&mut own, &line.replace("**", "").replace("__", ""));
        own.push('\n');
    }
    if speaker == Speaker::User && own.chars().count() > LONG_MESSAGE {
        String::new()
    } else {
        own
    }
}

/// Drops each injected block: the heading, the memories under it, and the separator after it.
fn without_context(text: &str) -> String {
    #[derive(PartialEq)]
    enum At {
        Text,
        Heading,
        Memories,
        AfterMemories,
    }
    let mut kept = String::with_capacity(text.len());
    let mut at = At::Text;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.to_lowercase().starts_with(CONTEXT_HEADING) {
            at = At::Heading;
            continue;
        }
        at = match (at, trimmed) {
            (At::Text, _) => At::Text,
            (_, "---") => {
                at = At::Text;
                continue;
            }
            (At::Heading, "") => At::Heading,
            (At::Heading | At::Memories, line) if !line.is_empty() => At::Memories,
            (At::Memories | At::AfterMemories, "") => At::AfterMemories,
            _ => At::Text,
        };
        if at == At::Text {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// Drops fenced, indented and inline code.
fn without_code(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("~~~") {
            fenced = !fenced;
            continue;
        }
        for (i, part) in line.split("```").enumerate() {
            fenced ^= i > 0;
            let indented = i == 0 && (line.starts_with("    ") || line.starts_with('\t'));
            if !fenced && !indented {
                for (j, span) in part.split('`').enumerate() {
                    if j % 2 == 0 {
                        kept.push_str(span);
                    } else {
                        kept.push(CUT);
                    }
                }
            }
        }
        kept.push('\n');
    }
    kept
}

/// Drops what stands between XML-like tags: `<context>…</context>`, `<document index="1">…</document>`.
fn without_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    let mut unclosed: Vec<&str> = Vec::new();
    while let Some((before, tail)) = rest.split_once('<') {
        kept.push_str(before);
        let name_len = tail
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
            .count();
        let name = tail.get(..name_len).unwrap_or_default();
        let opens = name.starts_with(|c: char| c.is_ascii_alphabetic()) && closes_soon(tail);
        if opens && !unclosed.contains(&name) && unclosed.len() < MAX_UNCLOSED {
            let close = format!("</{name}>");
            if let Some(at) = memchr::memmem::find(tail.as_bytes(), close.as_bytes()) {
                kept.push('\n');
                rest = tail.get(at + close.len()..).unwrap_or_default();
                continue;
            }
            unclosed.push(name);
        }
        if opens && is_document_tag(name) {
            return kept;
        }
        kept.push('<');
        rest = tail;
    }
    kept.push_str(rest);
    kept
}

/// Whether a tag that has begun ends within what a tag may hold.
fn closes_soon(tail: &str) -> bool {
    let head = tail.as_bytes().get(..LONGEST_TAG.min(tail.len())).unwrap_or_default();
    memchr::memchr(b'>', head).is_some()
}

/// Whether a tag that is never closed still says that a document follows.
fn is_document_tag(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "context"
            | "document"
            | "documents"
            | "doc"
            | "article"
            | "email"
            | "log"
            | "logs"
            | "text"
            | "transcript"
            | "file"
            | "source"
            | "page"
            | "memory"
            | "memories"
    )
}

/// Copies `line`, leaving [`CUT`] for each quotation that is more than a name or a title.
fn push_unquoted(out: &mut String, line: &str) {
    let mut rest = line;
    while let Some(at) = rest.find(['"', '\u{201C}', '\u{201E}', '\u{AB}']) {
        let (before, quoted) = rest.split_at(at);
        let mut chars = quoted.chars();
        let opener = chars.next().unwrap_or('"');
        let inner = chars.as_str();
        let opens = opener != '"' || before.is_empty() || before.ends_with([' ', '(', ':', ',', '\t']);
        let closer = match opener {
            '\u{AB}' => inner.find('\u{BB}'),
            '"' => inner.find('"'),
            _ => inner.find(['\u{201D}', '\u{201C}', '"']),
        };
        out.push_str(before);
        let (Some(close), true) = (closer, opens) else {
            out.push(opener);
            rest = inner;
            continue;
        };
        let (quote, tail) = inner.split_at(close);
        let mut tail = tail.chars();
        let end = tail.next().unwrap_or('"');
        if is_name(quote) {
            out.push(opener);
            out.push_str(quote);
            out.push(end);
        } else {
            out.push(CUT);
        }
        rest = tail.as_str();
    }
    out.push_str(rest);
}

/// Whether quotation marks hold a name or a title rather than somebody's speech.
fn is_name(quote: &str) -> bool {
    let lower = quote.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    words.len() <= LONG_QUOTE
        && !quote.ends_with(['.', '!', '?'])
        && !words.iter().any(|word| {
            let word = word.split(['\'', '\u{2019}']).next().unwrap_or(word);
            matches!(
                word.trim_matches(|c: char| !c.is_alphanumeric()),
                "i" | "my" | "me" | "we" | "our" | "you" | "your" | "remember" | "note"
            )
        })
}
