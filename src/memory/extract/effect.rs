//! What something does to the speaker, and what it means to them: "Dancing helps me relax", "Privacy is important to me".

use super::{
    clause::word,
    grammar,
    policy::{Setting, Verdict, Wants},
    sentence::Word,
    source::CUT,
    verbs::{BASES, is_gerund},
    words::{HEDGES, POINTERS, RELATIONS, STOP_WORDS, TASK_NOUNS, TECHNICAL, words},
};

words! {
    /// What is given or brought to somebody by what they do, eat and love.
    GIVEN = "
        joy peace energy headache migraine hives anxiety comfort strength hope purpose heartburn nightmare confidence goosebumps pleasure happiness
        rash satisfaction cramps hangover courage calm";

    /// Verbs that somebody is the object of when a thing moves them.
    MOVES = "motivates motivate inspires inspire relaxes relax calms calm soothes soothe energizes energize bores bore scares scare terrifies terrify stresses stress annoys annoy grounds";

    /// Verbs of the body and the mood after "makes me".
    FEELS = "feel smile laugh cry sneeze itch";

    /// How something matters.
    DEAR = "important special dear sacred essential";
}

/// The longest subject, in words.
const LONGEST_SUBJECT: usize = 7;

/// The memory in such a clause.
pub(super) fn of(part: &[Word], setting: Setting) -> Option<(String, Verdict)> {
    let part = alone(part);
    let verb = (1..part.len().min(LONGEST_SUBJECT + 1)).find(|at| moves(part, *at) || matters(part, *at))?;
    let subject = part.get(..verb)?;
    let first = subject.first()?.lower.as_str();
    let named = is_gerund(first)
        || !STOP_WORDS.has(first)
        || matches!(first, "my" | "our") && subject.iter().any(|word| RELATIONS.has_noun(&word.lower));
    let spoiled = part.iter().any(|word| {
        HEDGES.has(&word.lower)
            || TASK_NOUNS.has_noun(&word.lower)
            || word.text.contains(CUT)
            || matches!(word.lower.as_str(), "you" | "your" | "'re" | "?" | "this" | "that's")
    });
    let technical = setting.technical || subject.iter().any(|word| TECHNICAL.has_noun(&word.lower));
    let pointing = subject
        .iter()
        .any(|word| POINTERS.has(&word.lower) || word.lower == "i" || word.lower == ",");
    (named && !spoiled && !pointing && !technical && setting.wants != Wants::Task)
        .then(|| (grammar::about_user(part), ("effect", 0.7)))
}

/// The clause without what is joined to it ("…, so I wanted …").
fn alone(part: &[Word]) -> &[Word] {
    let joined = part.iter().enumerate().position(|(at, word)| {
        matches!(word.lower.as_str(), "," | "so" | "but" | "and" | "because")
            && part.iter().skip(at + 1).take(2).any(|next| {
                matches!(
                    next.lower.as_str(),
                    "i" | "so" | "but" | "because" | "it" | "it's" | "which"
                )
            })
    });
    joined.and_then(|end| part.get(..end)).unwrap_or(part)
}

/// Whether the verb at `at` has the speaker as its object, and what it does to them lasts.
fn moves(part: &[Word], at: usize) -> bool {
    let verb = word(part, at);
    if word(part, at + 1) != "me" {
        return false;
    }
    let next = word(part, at + 2);
    let object = part.iter().skip(at + 2).take(4).any(|word| GIVEN.has_noun(&word.lower));
    match verb {
        "helps" | "help" => BASES.has(next) && !matches!(next, "understand" | "see" | "find") || next == "de-stress",
        "makes" | "make" => {
            FEELS.has(next) || !next.is_empty() && !BASES.has(next) && !STOP_WORDS.has(next) && next != "think"
        }
        "gives" | "give" | "brings" | "bring" => object,
        "keeps" | "keep" => !next.is_empty() && !STOP_WORDS.has(next) && next != "posted",
        _ => MOVES.has(verb),
    }
}

/// Whether the clause says that its subject matters to the speaker.
fn matters(part: &[Word], at: usize) -> bool {
    let to_me = |at: usize| word(part, at) == "to" && word(part, at + 1) == "me";
    match word(part, at) {
        "matters" | "matter" => to_me(at + 1),
        "means" | "mean" => (at + 2..at + 5).any(to_me),
        "is" | "are" => (at + 1..at + 4).any(|at| DEAR.has(word(part, at)) && to_me(at + 1)),
        _ => false,
    }
}
