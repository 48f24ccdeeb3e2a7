//! Sentences without their subject, as people write in a hurry: "Just moved to Lyon", "Been learning the cello".
//!
//! The speaker is put back only where the first words can hardly begin anything else. An order ("Plan a trip"), a heading
//! ("Planning a trip is fun") and the lines of a résumé ("Led a team of six") must stay what they are.

use super::{
    clause::{is_auxiliary, skip_adverbs, word},
    sentence::Word,
    verbs::{BASES, is_gerund, is_past, is_third_person},
    words::words,
};

words! {
    /// Past forms that nobody uses to qualify a noun, and that tell of a life rather than of work done.
    TOLD = "took went bought met joined visited moved adopted graduated lost got started quit grew spent found had";

    /// What stands after those where they are verbs.
    AFTER_TOLD = "a an the my our to from for in into on up two three four five another some back out off married engaged divorced promoted";

    /// Adverbs that come before a verb whose subject is left out.
    JUST = "just recently finally";

    /// What is going on in a life, without "I'm".
    UNDER_WAY = "planning training moving saving learning studying flying travelling traveling thinking considering";

    /// What stands after those where they are verbs.
    AFTER_UNDER_WAY = "a an to for in at on of about up my our with";

    /// What somebody is, without "I'm", before the words that make it a statement.
    BEING = "allergic_to married_to married_with divorced_with retired_from pregnant_with born_and originally_from diagnosed_with";
}

/// `words` with the speaker put back, where a subject was left out. Before a question less is clear: "Flying at night, is it legal?".
pub(super) fn with_subject(words: &[Word], question: bool) -> Option<Vec<Word>> {
    let at = skip_adverbs(words, 0);
    let (first, next) = (word(words, at), word(words, at + 1));
    let just = words.iter().take(at).any(|word| JUST.has(&word.lower));
    let verb = skip_adverbs(words, at + 1);
    let subject: &[&str] = match first {
        "been" if is_gerund(word(words, verb)) || next == "to" => &["I", "'ve"],
        "gonna" if BASES.has(next) && next != "be" => &["I", "'m"],
        _ if just && at > 0 && is_past(first) && words.len() > at + 2 => &["I"],
        "had" if next == "to" => return None,
        _ if UNDER_WAY.has(first) && question && !matches!(first, "planning" | "moving" | "saving") => return None,
        _ if TOLD.has(first) && (AFTER_TOLD.has(next) || is_gerund(next)) && !is_heading(words, at + 1) => &["I"],
        _ if UNDER_WAY.has(first) && AFTER_UNDER_WAY.has(next) && !is_heading(words, at + 1) => &["I", "'m"],
        _ if BEING.has(&format!("{first}_{next}")) => &["I", "'m"],
        _ => return None,
    };
    let subject = subject.iter().enumerate().map(|(at, text)| Word {
        text: (*text).to_owned(),
        lower: text.to_lowercase(),
        spaced: at == 0,
    });
    // What began the sentence had a capital for that.
    let rest = words.iter().enumerate().map(|(at, word)| Word {
        text: if at == 0 { word.lower.clone() } else { word.text.clone() },
        ..word.clone()
    });
    Some(subject.chain(rest).collect())
}

/// Whether the words up to the first comma have a verb of their own, so that what stands before it is its subject.
fn is_heading(words: &[Word], from: usize) -> bool {
    words
        .iter()
        .skip(from)
        .take_while(|word| {
            !matches!(
                word.lower.as_str(),
                "," | "and" | "but" | "so" | "that" | "who" | "which" | "because"
            )
        })
        .any(|word| is_auxiliary(&word.lower) || is_third_person(&word.lower) && word.lower != "plans")
}
