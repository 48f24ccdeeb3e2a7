//! Sentences of a message, and which of them ask: roughly, and without a copy, for each chat waits for it. Extraction has a splitter of its own, which knows
//! abbreviations, bullets and emoji.

/// Words that a question begins with where nobody cared for its mark.
const ASKING: &[&str] = &[
    "how", "remind", "tell", "what", "what's", "when", "where", "where's", "which", "who", "who's", "whose", "why",
];

/// The sentences of a text as they stand, each with its end marks. A colon ends one too; a mark inside of a word or a number ends none.
pub fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (sentence, after) = rest.split_at(end_of_first(rest));
        rest = after;
        Some(sentence)
    })
    .map(str::trim)
    .filter(|sentence| sentence.contains(char::is_alphanumeric))
}

/// Where the first sentence ends.
fn end_of_first(text: &str) -> usize {
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let ends = match character {
            '\n' | '。' | '！' | '？' => true,
            '.' | '!' | '?' | '…' | ':' | '؟' | '।' => next.is_none_or(char::is_whitespace),
            _ => false,
        };
        if ends {
            return at + character.len_utf8();
        }
    }
    text.len()
}

/// Whether a sentence asks for something that is known.
#[must_use]
pub fn is_question(sentence: &str) -> bool {
    let bare = sentence.trim_end_matches(['!', ')', '"', '”', '.']);
    let first = sentence
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .find(|word| !word.is_empty());
    bare.ends_with(['?', '？', '؟']) || first.is_some_and(|first| ASKING.contains(&first.to_lowercase().as_str()))
}
