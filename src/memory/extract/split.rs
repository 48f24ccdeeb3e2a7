//! Cutting a sentence into clauses that can stand alone, and off what opens it and says nothing.

use super::{
    clause::{is_adverb, is_auxiliary, is_subordinator, noun_phrase_end, word},
    sentence::Word,
    verbs::{BASES, NOUN_BASES, is_gerund, is_past, is_third_person},
    words::{ADVERBIALS, OPENERS, OPENING_PHRASES},
};

/// `words` without what opens a sentence and says nothing ("Hey Ana, well, by the way …"), and without closing marks.
pub(super) fn without_openers(mut words: &[Word]) -> &[Word] {
    loop {
        let Some(first) = words.first() else { return words };
        let phrase = (2..=4).rev().find(|n| {
            words.get(..*n).is_some_and(|start| {
                OPENING_PHRASES.has(
                    &start
                        .iter()
                        .map(|word| word.lower.as_str())
                        .collect::<Vec<_>>()
                        .join("_"),
                )
            })
        });
        let skip = if !first.is_word() {
            1
        } else if let Some(n) = phrase {
            n
        } else if is_vocative(words)
            || word(words, 1) == ","
                && first.lower.ends_with("ly")
                && is_adverb(&first.lower)
                && !matches!(
                    first.lower.as_str(),
                    "currently"
                        | "recently"
                        | "usually"
                        | "normally"
                        | "typically"
                        | "generally"
                        | "previously"
                        | "formerly"
                        | "originally"
                        | "occasionally"
                )
        {
            2
        } else if OPENERS.has(&first.lower)
            && !(matches!(
                first.lower.as_str(),
                "same" | "great" | "cool" | "nice" | "sure" | "right"
            ) && word(words, 1) != ","
                && word(words, 1) != "!")
        {
            1
        } else {
            return words;
        };
        words = words.get(skip..).unwrap_or_default();
    }
}

/// Whether the words begin with a name or a nickname that is being addressed: "Ana, I …", "Hey Ana! I …".
fn is_vocative(words: &[Word]) -> bool {
    let speaker = |at| matches!(word(words, at), "i" | "my" | "we" | "our");
    words.first().is_some_and(|first| {
        first.is_capitalised()
            && !speaker(0)
            && !ADVERBIALS.has(&first.lower)
            && !is_adverb(&first.lower)
            && !is_gerund(&first.lower)
    }) && matches!(word(words, 1), "," | "!" | "-" | ":")
        && (speaker(2) || OPENERS.has(word(words, 2)))
}

/// The reason that begins a sentence ("Since I lost my job at the mill, …"): it is vouched for like any statement.
pub(super) fn reason(words: &[Word]) -> Option<&[Word]> {
    let speaker = matches!(word(words, 1), "i" | "my");
    let comma = words.iter().position(|word| word.lower == ",")?;
    (speaker && matches!(word(words, 0), "since" | "because" | "although" | "though"))
        .then(|| words.get(1..comma))
        .flatten()
        .filter(|part| part.len() > 2)
}

/// Cuts a sentence into the clauses that could stand alone: each but the first begins with the speaker.
pub(super) fn clauses(words: &[Word]) -> Vec<&[Word]> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut has_verb = false;
    let mut at = if is_subordinator(word(words, 0)) || word(words, 1) == "time" {
        words
            .iter()
            .position(|word| word.lower == ",")
            .map_or(0, |comma| comma + 1)
    } else {
        0
    };
    while let Some(this) = words.get(at) {
        let joint = match this.lower.as_str() {
            "-" | "\u{2013}" | "\u{2014}" | ";" | ":" if this.spaced || this.lower != "-" => Some(at + 1),
            "," | "and" | "but" | "so" | "plus" | "yet" | "or" => Some(joined(words, at)),
            _ => None,
        };
        if let Some(next) = joint {
            let mark = !this.is_word() && this.lower != ",";
            if mark && this.lower != ":" || has_verb && begins_clause(words, next) {
                found.push(words.get(start..at).unwrap_or_default());
                start = next;
                has_verb = false;
            }
            at = next.max(at + 1);
            continue;
        }
        has_verb |=
            is_auxiliary(&this.lower) || is_contracted(&this.lower) || (at > start && follows_subject(words, at));
        at += 1;
    }
    found.push(words.get(start..).unwrap_or_default());
    found.retain(|clause| clause.len() > 1);
    found
}

/// Whether a word holds a verb cut short ("'m", "that's").
fn is_contracted(word: &str) -> bool {
    word.starts_with('\'')
        || matches!(
            word,
            "that's" | "it's" | "he's" | "she's" | "there's" | "here's" | "what's" | "they're" | "let's"
        )
}

/// Whether the word at `at` comes after a pronoun or is a verb that can end a noun phrase.
fn follows_subject(words: &[Word], at: usize) -> bool {
    let this = word(words, at);
    let before = word(words, at - 1);
    (matches!(before, "i" | "we") || is_adverb(before)) && !is_adverb(this)
        || is_past(this)
        || is_third_person(this)
        || BASES.has(this)
}

/// Place after a comma and the conjunction that follows it.
fn joined(words: &[Word], at: usize) -> usize {
    let mut next = at + 1;
    while matches!(
        word(words, next),
        "and" | "but" | "so" | "plus" | "yet" | "also" | "then" | ","
    ) {
        next += 1;
    }
    next
}

/// Whether a clause about the speaker, with a verb of its own, begins at `at`.
fn begins_clause(words: &[Word], at: usize) -> bool {
    let before = word(words, at.saturating_sub(1));
    match word(words, at) {
        "i" | "we" => {
            // "saved so I can travel", "so that I could" give a reason, not a fact of their own.
            !(before == "so"
                && matches!(
                    word(words, at + 1),
                    "can" | "could" | "would" | "'d" | "don't" | "won't" | "will" | "'ll"
                ))
        }
        _ if before == "so"
            && words.get(at).is_some_and(Word::is_word)
            && !matches!(word(words, at), "far" | "much" | "many") =>
        {
            true
        }
        // "…, but my favourite is hip hop" says of what only in the clause before it.
        "my" | "our" if word(words, at + 1).starts_with("favo") && is_auxiliary(word(words, at + 2)) => false,
        "my" | "our" => noun_phrase_end(words, at + 1).is_some_and(|end| {
            !words.get(at..end).unwrap_or_default().iter().any(|word| {
                matches!(
                    word.lower.as_str(),
                    "," | "that" | "which" | "who" | "i" | "and" | "or" | "but"
                )
            })
        }),
        "the" | "a" | "an" | "his" | "her" | "their" => (at + 2..at + 6).any(|place| {
            is_auxiliary(word(words, place))
                || place > at + 2
                    && is_third_person(word(words, place - 1))
                    && !NOUN_BASES.has(word(words, place - 1).strip_suffix('s').unwrap_or_default())
        }),
        "you" | "your" | "it" | "it's" | "that" | "that's" | "they" | "he" | "she" | "he's" | "she's" | "they're"
        | "there" | "this" | "what" | "how" | "neither" | "none" => true,
        // "…, write it for me": an order, whatever was stated before it.
        "please" | "can" | "could" | "take" | "check" | "write" | "help" | "tell" | "give" | "show" | "explain"
        | "suggest" => {
            before == ","
                && matches!(
                    word(words, at + 1),
                    "me" | "us"
                        | "it"
                        | "this"
                        | "that"
                        | "you"
                        | "a"
                        | "an"
                        | "the"
                        | "some"
                        | "help"
                        | "write"
                        | "give"
                        | "suggest"
                )
        }
        _ => false,
    }
}
