//! What a message asks of memory: the words to look for, and whether it is about or for the user.
//!
//! Words alone cannot find what a person expects: "Suggest something for dinner" shares none with "User is vegetarian". So a message that asks about
//! the user, or wants something chosen for them, gets facts about the user besides the matches. The cues are few and closed-class on purpose: a question
//! about the world or about a piece of code must not drag the user's life in.

use std::sync::LazyLock;

use regex::Regex;

use crate::store::SearchQuery;
use crate::text::{self, Term};

/// Words up to which a message that points back ("Where is it?") is taken for a follow-up; a longer one says what it is about.
const SHORT: usize = 12;
/// Telling words with which a query needs no message from before.
const ENOUGH_TERMS: usize = 2;
/// Weight of words from a message before, against those of the newest.
const EARLIER_WEIGHT: f64 = 0.8;
/// Weight of words that stand around a question in its message, against its own: they say more about the evening than about what is wanted.
const AROUND_WEIGHT: f64 = 0.1;
/// Weight of things of the kind that a word names, against the word itself.
const KIND_WEIGHT: f64 = 0.4;
/// Kinds of a message that are looked for.
const MAX_KINDS: usize = 3;
/// Messages of the user that are looked at, the newest included.
pub const MESSAGES: usize = 3;
/// Text of a message that is looked at, in bytes. A question stands at the beginning or the end of what is pasted around it.
const HEAD: usize = 2_000;
const TAIL: usize = 1_000;

/// Whether facts about the user belong in the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AboutUser {
    /// The message is about something else.
    No,
    /// The message asks for a choice or an opinion: it is for the user where memory knows the subject.
    IfRelated,
    /// The message is about or for the user.
    Yes,
}

/// What a conversation asks of memory.
#[derive(Clone, Debug)]
pub struct Query {
    /// What to look for. Words of the newest message come first.
    pub search: SearchQuery,
    /// Whether facts about the user belong in the context.
    pub about_user: AboutUser,
}

impl Query {
    /// Plans the query for what the user said, newest message first.
    pub fn plan<T: AsRef<str>>(user_texts: impl IntoIterator<Item = T>) -> Self {
        let mut query = Self {
            search: SearchQuery::default(),
            about_user: AboutUser::No,
        };
        let mut follows_up = false;
        let terms = &mut query.search.terms;
        for (age, message) in user_texts.into_iter().take(MESSAGES).enumerate() {
            let message = message.as_ref();
            if age == 0 {
                // In code a question mark asks nothing.
                let holds_code = message.contains(['`', '{', '<']);
                let (asking, around): (Vec<&str>, Vec<&str>) = excerpts(message)
                    .flat_map(text::sentences)
                    .partition(|sentence| !holds_code && text::is_question(sentence));
                query.about_user = about_user(message, if asking.is_empty() { &around } else { &asking });
                query.search.about_time =
                    text::asks_when(message) || asking.iter().any(|sentence| text::asks_when(sentence));
                follows_up = is_follow_up(message);
                let leans = asking.iter().all(|sentence| is_follow_up(sentence));
                add_terms(terms, &asking, 1.0);
                let weight = match (asking.is_empty(), leans) {
                    (true, _) => 1.0,
                    (false, true) => EARLIER_WEIGHT,
                    (false, false) => AROUND_WEIGHT,
                };
                add_terms(terms, &around, weight);
            } else if follows_up && (age == 1 || terms.len() < ENOUGH_TERMS) {
                add_terms(terms, &excerpts(message).collect::<Vec<_>>(), EARLIER_WEIGHT);
            } else {
                break;
            }
        }
        add_kinds(terms);
        query
    }

    /// What to look for in a search. Where no word tells anything, all of them are what was asked for.
    #[must_use]
    pub fn search(text: &str) -> SearchQuery {
        let telling = text::terms(text);
        let terms = if telling.is_empty() {
            text::all_terms(text)
        } else {
            telling
        };
        let mut terms = terms.into_iter().map(|term| (term, 1.0)).collect();
        add_kinds(&mut terms);
        SearchQuery {
            terms,
            about_time: text::asks_when(text),
        }
    }
}

/// Whether a message leans on what was said before it: it has no word that tells anything, or it is short and points back.
fn is_follow_up(message: &str) -> bool {
    let tells = |term: &Term| !text::is_common_word(term.as_str()) && !POINTING.contains(&term.as_str());
    if !text::terms(message).iter().any(tells) {
        return true;
    }
    let words: Vec<_> = text::words(message).take(SHORT + 1).collect();
    let points = |at: usize, word: &str| {
        let before = at.checked_sub(1).and_then(|at| words.get(at)).map_or("", AsRef::as_ref);
        match word {
            // "Is there a …" and "a function that …" point at nothing.
            "there" => !matches!(before, "is" | "are" | "was" | "were"),
            "that" => matches!(before, "about" | "is" | "was" | "of") || at + 1 == words.len(),
            _ => POINTING.contains(&word),
        }
    };
    let joins = || matches!(words.first().map(AsRef::as_ref), Some("and" | "but" | "or"));
    words.len() <= SHORT && (joins() || words.iter().enumerate().any(|(at, word)| points(at, word)))
}

/// Words that stand for something said before.
const POINTING: &[&str] = &[
    "he", "her", "hers", "him", "his", "it", "its", "one", "ones", "she", "their", "theirs", "them", "they",
];

/// Adds the words of texts that are not there yet.
fn add_terms(terms: &mut Vec<(Term, f64)>, texts: &[&str], weight: f64) {
    for term in texts.iter().flat_map(|text| text::terms(text)) {
        if !terms.iter().any(|(known, _)| *known == term) {
            terms.push((term, weight));
        }
    }
}

/// Adds things of the kinds that the terms name: "Which instruments?" asks for a violin too.
fn add_kinds(terms: &mut Vec<(Term, f64)>) {
    let kinds: Vec<(Term, f64)> = terms
        .iter()
        .filter_map(|(term, weight)| Some((term.of_kind()?, weight * KIND_WEIGHT)))
        .take(MAX_KINDS)
        .collect();
    terms.extend(kinds);
}

/// The message, or its beginning and its end where it is long.
fn excerpts(message: &str) -> impl Iterator<Item = &str> {
    let long = message.len() > HEAD + TAIL;
    let head = if long {
        message.get(..message.floor_char_boundary(HEAD))
    } else {
        Some(message)
    };
    let tail = if long {
        message.get(message.ceil_char_boundary(message.len() - TAIL)..)
    } else {
        None
    };
    head.into_iter().chain(tail)
}

/// Reads the cues of a message, and of the sentences that say what is wanted.
fn about_user(message: &str, wanting: &[&str]) -> AboutUser {
    let message = &message.to_ascii_lowercase();
    if ABOUT_ME.is_match(message) {
        return AboutUser::Yes;
    }
    // What holds code or an error message is about the code, whoever asks.
    if message.contains('`') || message.len() > HEAD {
        return AboutUser::No;
    }
    if FOR_ME.is_match(message) {
        return AboutUser::Yes;
    }
    // "We meet for my birthday." is no request for anything.
    let mine = wanting.iter().any(|sentence| {
        let sentence = &sentence.to_ascii_lowercase();
        let wants = !STATES.is_match(sentence) || WISHES.is_match(sentence);
        wants
            && MY_THING.captures_iter(sentence).any(|mine| {
                let thing = mine.get(1).map_or("", |thing| thing.as_str());
                !WORK_AT_HAND.contains(&thing) && !WORK_AT_HAND.contains(&thing.trim_end_matches('s'))
            })
    });
    if mine {
        AboutUser::Yes
    } else if CHOICE.is_match(message) {
        AboutUser::IfRelated
    } else {
        AboutUser::No
    }
}

fn pattern(alternatives: &[&str]) -> Regex {
    compiled(&format!(r"\b(?:{})\b", alternatives.join("|")))
}

fn beginning(pattern: &str) -> Regex {
    compiled(&format!(r"^\W*{pattern}"))
}

/// A pattern of words that are English and in lower case: what all of Unicode holds beside takes several times the memory.
#[expect(clippy::expect_used, reason = "the patterns are constants that every test compiles")]
fn compiled(pattern: &str) -> Regex {
    let ascii = pattern
        .replace(r"\b", r"(?-u:\b)")
        .replace(r"\w", "[0-9a-z_]")
        .replace(r"\W", "[^0-9a-z_]");
    Regex::new(&ascii).expect("a valid pattern")
}

/// The message asks what is known of the user.
static ABOUT_ME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&[
        r"(?:know|knew|remember|recall|learned|noted|told you|memor(?:y|ies)|facts?|anything|everything|something|information|summary|summari[sz]e|describe) (?:\w+ ){0,3}(?:about|of|on) (?:me|myself|us)",
        r"(?:know|remember|recall|describe|introduce) (?:me|myself)",
        r"who (?:am|are) (?:i|we)",
        r"(?:am|do|did|was|have|had|can|could|would|will|should) i (?:\w+ )?(?:like|love|hate|enjoy|prefer|want|own|live|lived|work|worked|study|studied|speak|drink|eat|drive|play|have|tell|told|say|said|mention|mentioned|born|allergic|married)",
        r"(?:like|love|hate|enjoy|prefer|own|live|work|study|speak|drink|drive|told|tell|said|say|mentioned|mention) (?:\w+ )?i (?:like|love|tell|told|say|said|mention)",
    ])
});

/// The message wants something chosen, planned or advised for the user.
static FOR_ME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&[
        r"(?:what|which|where|when|who|how)\b[^.?!\n]*? should (?:i|we)",
        r"should (?:i|we)",
        r"(?:suggest|recommend|advise|pick|choose|find|plan|cook|order|book) (?:me |us |for me |for us )?(?:a|an|some|something|anything|someone|somewhere|my|our)",
        r"(?:suggestions?|recommendations?|advice|ideas?|tips?|options) (?:\w+ )?(?:for|on|about) (?:\w+ ){0,2}(?:me|us|dinner|lunch|breakfast|tonight|today|tomorrow|the weekend|a gift|a present|a date|a trip|holidays?|vacation)",
        r"(?:what|any)\b[^.?!\n]*? (?:do you|would you|can you|could you) (?:suggest|recommend|advise)",
        r"what (?:to|can i|could i|shall i|do i) (?:eat|cook|drink|wear|watch|read|play|listen|buy|give|visit|do (?:today|tonight|tomorrow|this|on|for|with))",
        r"(?:good|best|right|suitable|better) (?:\w+ ){0,3}for (?:me|us)",
        r"help (?:me|us) (?:to )?(?:choose|decide|pick|plan|find|prepare|pack|organi[sz]e)",
        r"(?:would|will|might) i (?:like|enjoy|love|prefer)",
        r"i(?:'m| am) (?:bored|hungry|thirsty)",
    ])
});

/// The message asks about something of the user's: the word behind `my`.
static MY_THING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&[
        r"(?:what|where|when|who|whose|which|how|is|are|was|were|does|do|did|has|have|will|can|could|remember|remind|tell|about|for|with|to)(?:'s|’s|'re|’re)?\b[^.?!\n]*?\b(?:my|our) (\w+)",
    ])
});

/// The sentence states something, and asks for nothing.
static STATES: LazyLock<Regex> = LazyLock::new(|| {
    beginning(
        r"(?:i|we|he|she|they|it|that|this|these|those|there|the|my|our|somebody|everybody)(?:['’](?:m|ve|d|s|re|ll))?\b[^?]*$",
    )
});

/// The sentence states a wish.
static WISHES: LazyLock<Regex> = LazyLock::new(|| {
    beginning(
        r"(?:i|we)(?:['’]d| would)?(?: am|['’]m| are|['’]re)? (?:really |just )?(?:need|want|like|love|wish|looking|trying to (?:find|choose|pick))\b",
    )
});

/// Things that are the user's only for the task at hand.
const WORK_AT_HAND: &[&str] = &[
    "algorithm",
    "answer",
    "api",
    "app",
    "application",
    "argument",
    "array",
    "assignment",
    "browser",
    "bug",
    "build",
    "cell",
    "class",
    "classe",
    "cluster",
    "code",
    "codebase",
    "column",
    "command",
    "component",
    "computer",
    "config",
    "configuration",
    "container",
    "css",
    "data",
    "database",
    "dataframe",
    "dataset",
    "device",
    "docker",
    "dockerfile",
    "document",
    "driver",
    "email",
    "equation",
    "error",
    "essay",
    "example",
    "excel",
    "exception",
    "expression",
    "file",
    "folder",
    "form",
    "formula",
    "function",
    "git",
    "graph",
    "homework",
    "html",
    "image",
    "input",
    "javascript",
    "json",
    "keyboard",
    "kernel",
    "laptop",
    "last",
    "letter",
    "library",
    "list",
    "log",
    "loop",
    "machine",
    "method",
    "model",
    "module",
    "network",
    "next",
    "notebook",
    "output",
    "package",
    "page",
    "paper",
    "password",
    "pc",
    "phone",
    "pipeline",
    "plot",
    "prompt",
    "program",
    "project",
    "proof",
    "python",
    "query",
    "question",
    "react",
    "regex",
    "repo",
    "repository",
    "request",
    "resume",
    "script",
    "sentence",
    "server",
    "site",
    "solution",
    "spreadsheet",
    "sql",
    "state",
    "string",
    "system",
    "table",
    "terminal",
    "test",
    "text",
    "thesis",
    "type",
    "url",
    "variable",
    "vm",
    "web",
    "webpage",
    "website",
    "wifi",
    "windows",
    "work",
];

/// The message weighs one thing against another.
static CHOICE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&[
        r"(?:which|what)\b[^.?!\n]*?\b(?:better|best|right|prefer|suits?|worth)",
        r"is it (?:better|worth)",
        r"(?:suggest|recommend)\w*",
    ])
});
