//! Regular expressions that are compiled once.

use regex::Regex;

/// Declares a static [`Regex`], compiled on first use.
macro_rules! pattern {
    ($name:ident, $text:expr) => {
        static $name: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| super::pattern::compiled($text));
    };
}
pub(super) use pattern;

/// Compiles a pattern of this module.
///
/// `\b`, `\w` and `\d` are taken in their ASCII and Latin sense: the engine leaves its fast path at the first
/// non-ASCII character when it has to know what a word is in all of Unicode.
#[expect(
    clippy::expect_used,
    reason = "the patterns are constants, none of them made from input, and the tests compile every one"
)]
pub(super) fn compiled(text: &str) -> Regex {
    let text = text
        .replace(r"\b", r"(?-u:\b)")
        .replace(r"\w", r"[A-Za-z0-9_\u{C0}-\u{24F}]")
        .replace(r"\d", "[0-9]");
    Regex::new(&text).expect("a pattern of this module is well formed")
}
