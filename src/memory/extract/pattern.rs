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
#[expect(
    clippy::expect_used,
    reason = "the patterns are constants, none of them made from input, and the tests compile every one"
)]
pub(super) fn compiled(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of this module is well formed")
}
