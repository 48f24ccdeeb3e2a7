//! "Forget that …": what the user wants gone.
//!
//! What is named is removed and never more; where it is not clear what is meant, nothing happens. Of a message that is not to be remembered nothing is.

use super::{
    Extracted, Speaker, facts,
    policy::Setting,
    sentence::{Sentence, Word},
    split::without_openers,
    user::statement,
};

/// What is to be forgotten.
pub(super) enum Forgotten {
    /// A statement: "User lives in Berlin".
    Statement(String),
    /// A thing of the user: "phone number".
    Thing(String),
    /// What held is over: "User no longer lives in Berlin".
    Over(String),
    /// Something, and it is not clear what.
    Unclear,
}

impl Forgotten {
    pub(super) fn into_memory(self, sentence: &Sentence) -> Option<Extracted> {
        let forget = |content, fact| Extracted {
            fact,
            forget: true,
            ..Extracted::new(content, ("forget", 0.9), Speaker::User, sentence)
        };
        match self {
            Self::Statement(content) => Some(forget(content, None)),
            Self::Thing(thing) => {
                let fact = facts::named(&thing);
                Some(forget(format!("User's {thing}"), Some(fact)))
            }
            Self::Over(content) => Some(Extracted::new(content, ("ended", 0.85), Speaker::User, sentence)),
            Self::Unclear => None,
        }
    }
}

/// Whether a sentence asks that the message it stands in be not remembered.
pub(super) fn is_off_the_record(words: &[Word]) -> bool {
    let words = without_openers(words);
    let lower: Vec<&str> = words.iter().map(|word| word.lower.as_str()).collect();
    let keeps = |word: &str| {
        matches!(
            word,
            "remember" | "save" | "store" | "memorize" | "memorise" | "record" | "note"
        )
    };
    let this = |rest: &[&str]| {
        matches!(
            rest,
            ["this" | "that" | "it" | "any" | "anything", ..] | ["what", "i", ..]
        ) && !matches!(rest, ["that", "i" | "my" | "we" | "our", ..])
    };
    // An order, and not what somebody says they do: "I don't remember that".
    let ordered = |at: usize| {
        at == 0
            || matches!(
                lower.get(at - 1),
                Some(&"please" | &"," | &"and" | &"but" | &"just" | &"so" | &":" | &"-" | &"\u{2014}")
            )
    };
    let refused = (0..lower.len())
        .filter(|at| ordered(*at))
        .any(|at| match lower.get(at..) {
            Some(["don't" | "never", verb, rest @ ..] | ["do", "not", verb, rest @ ..]) => keeps(verb) && this(rest),
            _ => false,
        });
    refused
        || matches!(
            lower.as_slice(),
            ["forget", "that" | "this" | "it" | "everything", "." | "!" | ","]
                | ["forget", "that" | "this" | "it"]
                | ["forget", "what", "i", "just", "said", ..]
                | ["forget", "i" | "we", "said", "that" | "this" | "anything" | "it", ..]
                | [.., "off", "the", "record"]
                | [.., "off", "the", "record", "." | "!"]
        )
}

/// What a sentence wants gone, where it wants something gone.
pub(super) fn asked(words: &[Word], setting: Setting) -> Option<Forgotten> {
    let lower: Vec<&str> = words.iter().map(|word| word.lower.as_str()).collect();
    let at = lower.iter().position(|word| {
        !matches!(
            *word,
            "please" | "can" | "could" | "you" | "just" | "," | "also" | "now"
        )
    })?;
    let rest = lower.get(at..)?;
    let no_longer = match rest {
        ["it" | "that", "is" | "'s", rest @ ..] | ["it's" | "that's", rest @ ..] => {
            matches!(
                rest,
                ["no", "longer", "true" | "the", ..] | ["not", "true", "anymore", ..]
            )
        }
        _ => false,
    };
    if no_longer {
        return Some(over(words, at, setting).unwrap_or(Forgotten::Unclear));
    }
    let after = match rest {
        ["forget" | "delete" | "erase" | "remove", "the", "fact", "that", ..] => at + 4,
        ["don't", "remember", "that", "i" | "my" | "we" | "our", ..]
        | ["stop", "remembering", "that", "i" | "my" | "we" | "our", ..] => at + 3,
        [
            "forget" | "delete" | "erase",
            "that" | "about",
            "i" | "my" | "we" | "our",
            ..,
        ]
        | ["don't", "remember", "my" | "our", ..] => at + 2,
        ["forget" | "delete" | "erase", "i" | "my" | "we" | "our", ..] => at + 1,
        ["forget", "everything" | "all" | "what" | "whatever" | "anything", ..] => return Some(Forgotten::Unclear),
        _ => return None,
    };
    let deletes_thing = matches!(rest.first(), Some(&"delete" | &"erase" | &"remove"));
    let named = without_end(words.get(after..)?);
    let asked = Setting { asked: true, ..setting };
    if let Some((content, _)) = statement(named, asked) {
        return Some(Forgotten::Statement(content));
    }
    // A thing by its name, and not a file or a function of the task.
    let thing = match named.first().map(|word| word.lower.as_str()) {
        Some("my" | "our") if !(deletes_thing && setting.technical) => named.get(1..)?,
        _ => return Some(Forgotten::Unclear),
    };
    let plain = (1..=4).contains(&thing.len()) && thing.iter().all(Word::is_word);
    let text: Vec<&str> = thing.iter().map(|word| word.text.as_str()).collect();
    Some(if plain {
        Forgotten::Thing(text.join(" "))
    } else {
        Forgotten::Unclear
    })
}

/// "It's no longer true that I live in Berlin" → "User no longer lives in Berlin".
fn over(words: &[Word], from: usize, setting: Setting) -> Option<Forgotten> {
    let that = words.iter().skip(from).position(|word| word.lower == "that")? + from + 1;
    let named = without_end(words.get(that..)?);
    let mut denied: Vec<Word> = Vec::with_capacity(named.len() + 2);
    let first = named.first()?;
    let verb = match first.lower.as_str() {
        "i" | "we" => 1 + usize::from(matches!(named.get(1)?.lower.as_str(), "'m" | "am" | "'re" | "are")),
        _ => {
            named
                .iter()
                .position(|word| matches!(word.lower.as_str(), "is" | "are"))?
                + 1
        }
    };
    denied.extend(named.iter().take(verb).cloned());
    for text in ["no", "longer"] {
        denied.push(Word {
            text: text.into(),
            lower: text.into(),
            spaced: true,
        });
    }
    denied.extend(named.iter().skip(verb).cloned());
    let asked = Setting { asked: true, ..setting };
    statement(&denied, asked).map(|(content, _)| Forgotten::Over(content))
}

fn without_end(words: &[Word]) -> &[Word] {
    let end = words
        .iter()
        .rposition(|word| word.is_word() && !matches!(word.lower.as_str(), "please" | "anymore" | "thanks"))
        .map_or(0, |last| last + 1);
    words.get(..end).unwrap_or_default()
}
