//! Tokens are counted exactly as the encoding's other implementations count them.

use maia::text::count_tokens;
use proptest::prelude::*;
use proptest::sample::select;

/// Compares with a counter that does it another way, by automata over all tokens.
fn assert_counts(text: &str) {
    let expected = bpe_openai::o200k_base().count(text);
    assert_eq!(count_tokens(text) as usize, expected, "{text:?}");
}

/// What is hard to cut: each of these changes what becomes of its neighbours.
const AWKWARD: &[&str] = &[
    " ",
    "  ",
    "   ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\n\n\n",
    " \n ",
    "\u{a0}",
    "\u{2003}",
    "\u{3000}",
    "\u{85}",
    "\u{2028}",
    "\u{200b}",
    "'s",
    "'S",
    "'ſ",
    "'t",
    "'re",
    "'RE",
    "'rE",
    "'ve",
    "'m",
    "'ll",
    "'Ll",
    "'d",
    "'l",
    "'r",
    "'",
    "’s",
    "''",
    "\"",
    "a",
    "A",
    "aB",
    "Ab",
    "AB",
    "ABc",
    "word",
    "Word",
    "WORD",
    "don't",
    "DON'T",
    "camelCase",
    "HTTPServer",
    "ſ",
    "ß",
    "İ",
    "ǅ",
    "ʰ",
    "ª",
    "1",
    "12",
    "123",
    "1234",
    "3.14",
    "１２",
    "٣",
    "½",
    "Ⅷ",
    "²",
    "१२३",
    "中",
    "中文字",
    "日本語テスト",
    "한국어",
    "、",
    "。",
    "ー",
    "ｶﾞ",
    "👍",
    "👍🏽",
    "👩‍👩‍👧",
    "🇩🇪",
    "❤️",
    "\u{200d}",
    "\u{fe0f}",
    "\u{301}",
    "e\u{301}",
    "\u{301}A",
    "A\u{301}B",
    "\u{20dd}",
    "\u{0903}",
    "مرحبا",
    "اَلْعَرَبِيَّة",
    "नमस्ते",
    "हिन्दी",
    "สวัสดี",
    "ภาษาไทย",
    "Привет",
    "ПРИВЕТ",
    "Ελλάς",
    "שלום",
    "/",
    "//",
    "/\n",
    ".\n/",
    "...",
    "!?",
    "--",
    "==",
    "();\n",
    "{\n    ",
    "->",
    "#",
    "@",
    "_",
    "snake_case",
    "\\n",
    "\0",
    "\u{7f}",
    "\u{ad}",
    "\u{378}",
    "\u{e000}",
    "\u{10ffff}",
    "\u{fffd}",
    "\u{1c89}",
    "\u{1e5d0}",
    "https://example.com/a?b=c&d=%20#e",
    "let x: Vec<u8> = vec![0; 10];",
    "<|endoftext|>",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_is_counted_exactly(text in any::<String>()) {
        assert_counts(&text);
    }

    #[test]
    fn awkward_parts_are_counted_exactly_beside_each_other(parts in prop::collection::vec(select(AWKWARD), 0..12)) {
        assert_counts(&parts.concat());
    }

    #[test]
    fn words_that_are_no_tokens_are_counted_exactly(text in "[a-zA-Z]{1,40}|[a-c]{1,200}|[àâéèêëïîôùûüÿçÀ-Ö]{1,30}|[0-9a-f]{8,64}|[!-/:-@]{1,30}") {
        assert_counts(&text);
    }
}

#[test]
fn characters_are_of_the_right_class() {
    // Scripts densely, what lies beyond them here and there.
    let low = '\0'..'\u{3000}';
    let middle = ('\u{3000}'..'\u{20000}').step_by(7);
    let high = ('\u{20000}'..=char::MAX).step_by(997);
    for character in low.chain(middle).chain(high) {
        // What stands around it tells the classes apart.
        assert_counts(&format!(
            "a{character}b A{character}B 1{character}2 {character}\n.{character}/"
        ));
    }
}

#[test]
fn every_pair_of_awkward_parts_is_counted_exactly() {
    for one in AWKWARD {
        for other in AWKWARD {
            assert_counts(&format!("{one}{other}"));
            assert_counts(&format!("x{one}{other}y"));
        }
    }
}

#[test]
fn real_texts_are_counted_exactly() {
    for text in [
        include_str!("../../README.md"),
        include_str!("../../docs/architecture.md"),
        include_str!("../../src/text/words.rs"),
        include_str!("../../Cargo.lock"),
        include_str!("tokens.rs"),
    ] {
        assert_counts(text);
        text.lines().for_each(assert_counts);
        assert_counts(&text.to_uppercase());
    }
}

#[test]
fn long_runs_are_counted_exactly() {
    for part in [
        "a", "A", "ab", "xyz", " ", "\n", "=", "1", "中", "é", "👍", "\u{301}", "'s", "/", "ว", "Aa",
    ] {
        for times in [63, 64, 65, 127, 128, 129, 10_000] {
            assert_counts(&part.repeat(times));
            assert_counts(&format!("{}b", part.repeat(times)));
        }
    }
}

#[test]
fn known_counts() {
    assert_eq!(count_tokens(""), 0);
    assert_eq!(count_tokens("hello world"), 2);
    assert_eq!(count_tokens("antidisestablishmentarianism"), 6);
}
