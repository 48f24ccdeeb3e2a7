//! The verb group of a clause: auxiliaries, negation, tense.

use super::{
    clause::{Shape, Subject, Verb, is_year, skip_adverbs, word},
    sentence::Word,
    verbs::{BASES, SAME_PAST, is_gerund, is_participle, is_past},
};

/// Reads the verb group that begins at `at`.
pub(super) fn verb_group(words: &[Word], at: usize, subject: Subject) -> Option<Verb> {
    let finite = skip_adverbs(words, at);
    let first = words.get(finite).filter(|word| word.is_word())?.lower.as_str();
    let mut negated = first.ends_with("n't")
        || first == "cannot"
        || words
            .iter()
            .skip(at)
            .take(finite - at)
            .any(|word| matches!(word.lower.as_str(), "never" | "hardly" | "rarely" | "longer"));
    let next = skip_adverbs(words, finite + 1);
    negated |= words
        .iter()
        .skip(finite)
        .take(next - finite)
        .any(|word| matches!(word.lower.as_str(), "not" | "never" | "n't"));
    let after = word(words, next);
    let (shape, main) = match first {
        "'m" | "am" | "are" | "'re" | "is" | "isn't" | "aren't" | "ain't" | "'s" => {
            being(words, next, Shape::Be, Shape::Being)
        }
        "was" | "were" | "wasn't" | "weren't" => being(words, next, Shape::Was, Shape::Past),
        "'ve" | "have" | "has" | "haven't" | "hasn't" => having(words, finite, next, Shape::Have),
        "had" | "hadn't" if after == "better" => (Shape::Doubt, next),
        "had" | "hadn't" => having(words, finite, next, Shape::Had),
        "'d" if is_participle(after) && after != "had" || after == "been" => (Shape::Perfect, next),
        "'d" | "would" | "wouldn't" => (Shape::Would, next),
        "'ll" | "will" | "won't" => (Shape::Will, next),
        "can" | "can't" | "cannot" => (Shape::Can, next),
        "must" | "mustn't" => (Shape::Must, next),
        "could" | "couldn't" | "may" | "might" | "should" | "shouldn't" | "shall" | "ought" | "dare" => {
            (Shape::Doubt, next)
        }
        "need" | "needs" | "gotta" if first == "gotta" || after == "to" => {
            (Shape::Must, if after == "to" { next + 1 } else { next })
        }
        "do" | "don't" | "does" | "doesn't" if BASES.has(after) || first.ends_with("n't") => (Shape::Present, next),
        "did" | "didn't" if BASES.has(after) || first.ends_with("n't") => (Shape::Past, next),
        "used" if after == "to" => (Shape::UsedTo, skip_adverbs(words, next + 1)),
        _ if is_past(first) || first == "did" || SAME_PAST.has(first) && is_long_ago(words) => (Shape::Past, finite),
        _ if matches!(subject, Subject::Mine) || first.starts_with(char::is_alphabetic) => (Shape::Present, finite),
        _ => return None,
    };
    Some(Verb {
        finite,
        main,
        shape,
        negated,
    })
}

/// Whether something in the clause puts it in the past: "yesterday", "ago", "last year", "in 2020".
fn is_long_ago(words: &[Word]) -> bool {
    words
        .iter()
        .any(|word| matches!(word.lower.as_str(), "yesterday" | "ago" | "last") || is_year(word))
}

fn being(words: &[Word], next: usize, plain: Shape, progressive: Shape) -> (Shape, usize) {
    let after = word(words, next);
    if matches!(after, "gonna") {
        return (
            if plain == Shape::Be {
                Shape::GoingTo
            } else {
                Shape::Doubt
            },
            next + 1,
        );
    }
    if after == "going" && word(words, next + 1) == "to" && BASES.has(word(words, next + 2)) {
        return (
            if plain == Shape::Be {
                Shape::GoingTo
            } else {
                Shape::Doubt
            },
            next + 2,
        );
    }
    if is_gerund(after) {
        (progressive, next)
    } else {
        (plain, next)
    }
}

fn having(words: &[Word], finite: usize, next: usize, thing: Shape) -> (Shape, usize) {
    let after = word(words, next);
    match after {
        "been" => {
            let next = skip_adverbs(words, next + 1);
            (
                if is_gerund(word(words, next)) {
                    Shape::PerfectBeing
                } else {
                    Shape::PerfectBe
                },
                next,
            )
        }
        "to" => (if thing == Shape::Have { Shape::Must } else { Shape::Past }, next + 1),
        "got" if word(words, next + 1) == "to" => (Shape::Must, next + 2),
        "got" if thing == Shape::Have => (Shape::Have, next + 1),
        _ if is_participle(after) => (Shape::Perfect, next),
        _ if word(words, finite).starts_with('\'') => (Shape::Doubt, next),
        _ => (thing, next),
    }
}
