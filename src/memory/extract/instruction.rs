//! Instructions that are meant to last, and what the user asks to have remembered.

use super::{
    grammar,
    pattern::pattern,
    policy::Verdict,
    sentence::Word,
    source::CUT,
    words::{STOP_WORDS, TASK_NOUNS, words},
};

words! {
    /// What a lasting instruction can be about: how to answer.
    ANSWERING = "
        answer reply respond use write give include add explain call address format keep show speak talk ask avoid cite provide start begin end
        sign translate default prefer assume put be say mention tell send suggest recommend remind skip stop make refer quote list convert
        double-check check stick limit capitalize spell do offer drop omit";

    /// What somebody does when they turn to an assistant.
    ASKING = "ask say write send paste mention talk request need want share give tell use greet message";

    /// Verbs that ask for a task to be done now.
    REQUESTS = "
        write rewrite translate summarize summarise explain generate create list describe give make compose draft fix find calculate compute
        design suggest provide tell show help convert implement compare analyze analyse classify outline plan edit correct prove solve
        name identify rank recommend continue complete answer discuss develop build produce refactor optimize debug review evaluate
        categorize extract paraphrase proofread brainstorm craft roast rate cheer calculate convince guess pick remind
        recap spell count sort tell estimate predict simulate quiz interview grade score edit merge flatten plan";

    /// Words that tie an instruction to what is on the table.
    LOCAL = "this these following above below here function code script text paragraph sentence file class method essay story poem email table array list query input output loop ingredient dough pan oven";
}

// What tries to rewrite the rules of the conversation is refused whoever says it.
pattern!(
    INJECTION,
    r"(?xi)\b(?:ignore|disregard|forget|override|bypass|overwrite)\b[^.]{0,40}\b(?:instruction|prompt|rule|guideline|direction|message|context|polic(?:y|ie)|restriction|safety|filter)s?\b
    |\bsystem\ prompt\b|\bdeveloper\ mode\b|\bjailbreak|\bDAN\b|\bno\ restrictions\b|\bunrestricted\b|\bwithout\ (?:any\ )?(?:restrictions|filters)\b|\bdo\ anything\ now\b|\byou\ must\ (?:now|always|obey)\b|\bobey\b"
);

/// Whether a text gives orders about the rules themselves ("ignore previous instructions").
pub(super) fn is_injection(text: &str) -> bool {
    INJECTION.is_match(text)
}

/// Whether a sentence asks for a task to be done.
pub(super) fn is_request(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    let mut words = lower
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty());
    let Some(first) = words.find(|word| {
        !matches!(
            *word,
            "please"
                | "now"
                | "then"
                | "and"
                | "also"
                | "so"
                | "ok"
                | "okay"
                | "hi"
                | "hello"
                | "hey"
                | "kindly"
                | "just"
        )
    }) else {
        return false;
    };
    match first {
        "can" | "could" | "would" | "will" => words.next() == Some("you"),
        "guess" => words.next() != Some("what"),
        _ => REQUESTS.has(first),
    }
}

/// "From now on answer in German", "always use metric units", "call me Sam".
pub(super) fn lasting(words: &[Word], requests: bool) -> Option<(String, Verdict)> {
    let lower: Vec<&str> = words.iter().map(|word| word.lower.as_str()).collect();
    if words.len() > 30 || words.iter().any(|word| word.text.contains(CUT)) {
        return None;
    }
    if let Some(name) = called(words, &lower) {
        return Some((name, ("name", 0.9)));
    }
    if let Some(found) = on_occasion(words).filter(|_| !requests) {
        return Some(found);
    }
    let lead = |phrases: &[&[&str]]| {
        phrases
            .iter()
            .find(|phrase| lower.starts_with(phrase))
            .map(|phrase| phrase.len())
    };
    let opening = lead(&[
        &["from", "now", "on"],
        &["from", "here", "on"],
        &["going", "forward"],
        &["in", "the", "future"],
        &["in", "future"],
        &["for", "all", "future", "answers"],
        &["in", "all", "your", "answers"],
        &["in", "all", "future", "answers"],
        &["in", "your", "answers"],
        &["whenever", "you", "answer"],
        &["when", "you", "answer"],
    ]);
    let skip = |mut at: usize| {
        while lower
            .get(at)
            .is_some_and(|word| matches!(*word, "," | "please" | ":" | "-" | "just" | "you" | "should" | "must"))
        {
            at += 1;
        }
        at
    };
    let (at, marked) = match opening {
        Some(n) => (skip(n), true),
        None => (
            skip(0),
            lower.ends_with(&["from", "now", "on", "."])
                || lower.ends_with(&["from", "now", "on"])
                || lower.ends_with(&["going", "forward", "."])
                || lower.ends_with(&["in", "the", "future", "."]),
        ),
    };
    let frequency = match (lower.get(at).copied()?, lower.get(at + 1).copied()) {
        ("always", _) => Some(("always", at + 1)),
        ("never", _) => Some(("never", at + 1)),
        ("don't", Some("ever")) => Some(("never", at + 2)),
        ("remember" | "make", Some("to" | "sure")) if lower.get(at + 2) == Some(&"always") => Some(("always", at + 3)),
        ("remember" | "make", Some("to" | "sure"))
            if lower.get(at + 2) == Some(&"to") && lower.get(at + 3) == Some(&"always") =>
        {
            Some(("always", at + 4))
        }
        ("don't" | "not", Some(_)) if marked => Some(("not", at + 1)),
        _ if marked => Some(("", at)),
        _ => None,
    };
    let (adverb, verb) = frequency?;
    let ordered = words.get(verb..)?;
    let first = ordered.first()?.lower.as_str();
    let local = ordered.iter().any(|word| LOCAL.has(&word.lower));
    if !ANSWERING.has(first) || ordered.len() < 2 || local || !marked && requests {
        return None;
    }
    let play = matches!(first, "be" | "act")
        && ordered
            .get(1)
            .is_some_and(|word| matches!(word.lower.as_str(), "a" | "an" | "the" | "my"));
    if play || first == "do" && adverb.is_empty() {
        return None;
    }
    let order = grammar::they(ordered);
    let order = order
        .trim_end_matches(" please")
        .trim_end_matches(',')
        .trim_end_matches(" from now on")
        .trim_end_matches(" going forward")
        .trim_end_matches(" in the future")
        .to_owned();
    let content = match (adverb, marked) {
        ("", _) => format!("User wants the assistant to {order} from now on"),
        ("not", _) => format!("User wants the assistant not to {order} from now on"),
        (adverb, _) => format!("User wants the assistant to {adverb} {order}"),
    };
    Some((content, ("instruction", 0.85)))
}

/// "Whenever I ask for code, include type hints": an order that lasts because its occasion comes again.
fn on_occasion(words: &[Word]) -> Option<(String, Verdict)> {
    let recurs = match words {
        [first, ..] if first.lower == "whenever" => true,
        [first, second, ..] => matches!(first.lower.as_str(), "every" | "each" | "any") && second.lower == "time",
        _ => false,
    };
    let comma = words.iter().position(|word| word.lower == ",").filter(|_| recurs)?;
    let (occasion, order) = (words.get(..comma)?, words.get(comma + 1..)?);
    let order = order.get(usize::from(order.first()?.lower == "please")..)?;
    let asked = occasion
        .windows(2)
        .any(|pair| matches!(pair, [i, verb] if i.lower == "i" && ASKING.has(&verb.lower)));
    if !asked || order.len() < 2 || !ANSWERING.has(&order.first()?.lower) {
        return None;
    }
    let (order, occasion) = (grammar::they(order), grammar::they(occasion));
    let content = format!("User wants the assistant to {order} {occasion}");
    Some((content, ("instruction", 0.8)))
}

/// "Call me Sam", "please address me as Dr. Lee".
fn called(words: &[Word], lower: &[&str]) -> Option<String> {
    let at = lower.iter().position(|word| {
        !matches!(
            *word,
            "please" | "just" | "," | "you" | "can" | "may" | "from" | "now" | "on" | "going" | "forward"
        )
    })?;
    let name_at = match lower.get(at..)? {
        ["call", "me", ..] => at + 2,
        ["address" | "refer", "me", "as", ..] => at + 3,
        ["refer", "to", "me", "as", ..] => at + 4,
        _ => return None,
    };
    let name: Vec<&str> = words
        .get(name_at..)?
        .iter()
        .take_while(|word| {
            (word.is_word() || word.lower == ".")
                && !matches!(
                    word.lower.as_str(),
                    "and" | "instead" | "from" | "when" | "if" | "please"
                )
        })
        .map(|word| word.text.as_str())
        .collect();
    let name = name.join(" ").replace(" .", ".");
    let name = name.trim_end_matches('.');
    let later = [
        "back", "later", "at", "on", "when", "tomorrow", "crazy", "a", "an", "maybe", "old", "if", "stupid", "in",
        "tonight", "today", "asap", "up",
    ];
    let first = name.split(' ').next()?.to_lowercase();
    (!name.is_empty() && name.split(' ').count() <= 3 && !later.contains(&first.as_str()))
        .then(|| format!("User wants to be called {name}"))
}

/// What follows "remember that …", "keep in mind that …", "note: …".
pub(super) fn remember(words: &[Word]) -> Option<&[Word]> {
    let lower: Vec<&str> = words.iter().map(|word| word.lower.as_str()).collect();
    let at = lower
        .iter()
        .position(|word| !matches!(*word, "please" | "just" | "," | "also" | "can" | "could" | "you"))?;
    let after = match lower.get(at..)? {
        ["remember", "i" | "my" | "we" | "our", ..] | ["note", "my", ..] => at + 1,
        ["remember", ",", "i" | "my" | "we" | "our", ..]
        | ["remember", "that" | ":" | "this", ..]
        | ["note", "that" | ":", ..]
        | ["don't", "forget", "i" | "my" | "we", ..] => at + 2,
        ["don't", "forget", "that" | ":", ..] | ["keep" | "bear", "in", "mind", "i" | "my", ..] => at + 3,
        ["keep" | "bear", "in", "mind", "that" | ":" | ",", ..]
        | ["make" | "take", "a", "note", "that" | ":" | "of", ..] => at + 4,
        _ => return None,
    };
    let after = if lower.get(after) == Some(&":") || lower.get(after) == Some(&"that") {
        after + 1
    } else {
        after
    };
    words.get(after..).filter(|rest| rest.len() > 1)
}

/// A statement about anything, which the user asked to have remembered.
pub(super) fn told(words: &[Word]) -> Option<(String, Verdict)> {
    let first = words.first()?.lower.as_str();
    let verb = words.iter().position(|word| {
        matches!(
            word.lower.as_str(),
            "is" | "are" | "was" | "were" | "has" | "have" | "will" | "must" | "can" | "can't" | "cannot" | "isn't"
        ) || super::verbs::is_third_person(&word.lower)
    })?;
    let vague = matches!(
        first,
        "it" | "this"
            | "that"
            | "they"
            | "he"
            | "she"
            | "you"
            | "your"
            | "there"
            | "to"
            | "if"
            | "when"
            | "what"
            | "how"
            | "i"
            | "we"
            | "these"
            | "those"
    ) || words.iter().any(|word| {
        matches!(word.lower.as_str(), "you" | "your" | "should" | "if" | "?" | "even")
            || word.text.contains(CUT)
            || TASK_NOUNS.has_noun(&word.lower)
    });
    let said = words
        .iter()
        .skip(verb + 1)
        .any(|word| word.is_word() && !STOP_WORDS.has(&word.lower));
    (verb > 0 && said && !vague && words.len() <= 25).then(|| (grammar::about_user(words), ("remember", 0.9)))
}
