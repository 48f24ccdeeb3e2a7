//! Whom "she" and "his" mean, where that is plain: the one person or animal of whom the speaker has just spoken.
//!
//! "I have a cat. Her name is Luna." says nothing of Luna to somebody who reads the second sentence alone, so it is read as
//! "My cat's name is Luna". Where two could be meant, nobody is.

use super::{
    clause::word,
    sentence::Word,
    split::without_openers,
    verbs::is_participle,
    words::{RELATIONS, words},
};

words! {
    /// Those who are "he" and never "she".
    MEN = "
        husband boyfriend fiance fiancé ex-husband father dad daddy brother son grandfather grandpa grandson uncle nephew stepfather stepson
        stepbrother father-in-law brother-in-law";

    /// Those who are "she" and never "he".
    WOMEN = "
        wife girlfriend fiancee fiancée ex-wife mother mom mum mommy sister daughter grandmother grandma granny granddaughter aunt niece
        stepmother stepdaughter stepsister mother-in-law sister-in-law";

    /// More than one, whatever the ending.
    SEVERAL = "family children folks in-laws team fish people";
}

/// Who was spoken of last: the noun that follows "my".
pub(super) type Referent = String;

/// `words` with the pronoun they begin with replaced by whom it means.
pub(super) fn resolved(words: &[Word], about: &str) -> Option<Vec<Word>> {
    let words = without_openers(words);
    let first = word(words, 0);
    let man = matches!(first, "he" | "he's" | "his");
    let woman = matches!(first, "she" | "she's" | "her");
    let meant = if man {
        !WOMEN.has(about)
    } else {
        woman && !MEN.has(about)
    };
    if !meant {
        return None;
    }
    let (noun, verb) = match first {
        "his" | "her" => (format!("{about}'s"), None),
        "he's" | "she's" if word(words, 1) == "got" || is_participle(word(words, 1)) => (about.to_owned(), Some("has")),
        "he's" | "she's" => (about.to_owned(), Some("is")),
        _ => (about.to_owned(), None),
    };
    let new = |text: &str| Word {
        text: text.to_owned(),
        lower: text.to_lowercase(),
        spaced: true,
    };
    let subject = [Some("my"), Some(noun.as_str()), verb].into_iter().flatten().map(new);
    Some(subject.chain(words.iter().skip(1).cloned()).collect())
}

/// The one person or animal of the speaker's that a clause speaks of.
pub(super) fn referent(words: &[Word]) -> Option<Referent> {
    // "He is my friend" is of another than "my friend is a doctor".
    if matches!(
        word(words, 0),
        "he" | "she" | "he's" | "she's" | "they" | "they're" | "it" | "it's" | "this" | "that"
    ) {
        return None;
    }
    let mut nouns = words
        .iter()
        .enumerate()
        .filter(|(_, word)| RELATIONS.has_noun(word.lower.trim_end_matches("'s")));
    let (at, noun) = nouns.next()?;
    let one = noun.lower.trim_end_matches("'s");
    if nouns.next().is_some() || !RELATIONS.has(one) || SEVERAL.has(one) {
        return None;
    }
    let before = words.get(at.saturating_sub(4)..at)?;
    let theirs = before.iter().any(|word| matches!(word.lower.as_str(), "my" | "our"));
    let had = before
        .iter()
        .any(|word| matches!(word.lower.as_str(), "a" | "an" | "another" | "one"))
        && words.iter().take(at).any(|word| {
            matches!(
                word.lower.as_str(),
                "have" | "'ve" | "got" | "adopted" | "rescued" | "bought"
            )
        });
    (theirs || had).then(|| one.to_owned())
}
