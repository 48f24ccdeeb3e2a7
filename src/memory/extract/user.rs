//! The user's side: what they say of themselves, and what they ask to have remembered.

use super::{
    Extracted, Speaker,
    clause::Clause,
    effect, elided, forget, grammar, instruction, language,
    pattern::pattern,
    policy::{self, Setting, Verdict, Wants},
    reference::{self, Referent},
    secrets,
    sentence::{Sentence, Word, sentences, words},
    source,
    split::{clauses, reason, without_openers},
    verbs::is_known_verb,
    words::{QUESTION_WORDS, RELATIONS, TASK_NOUNS, TECHNICAL, words},
};
use crate::model::Rule;

words! {
    /// Words by which a sentence is known to be English.
    ENGLISH = "
        the of and to for with at from my our 'm 're 've 'll 'd am have has had was were been by about this that these those not can could would will
        always never every because when who live lives lived love loves likes works worked moved grew got went go stopped quit they them their
        his her she you your is are are an as but than only which own used usually often";
}

/// Words about software that make a message technical.
const ENOUGH_TECHNICAL: usize = 2;

// A part is being handed out, or a world made up: nothing in the message is a fact.
pattern!(
    PLAY,
    r"(?xi)\b(?:(?:act|behave|respond|answer|reply|speak|talk|write)\ (?:\w+\ ){0,2}as\ (?:an?|if|though|the|my|our)\b|pretend|(?:let'?s|please)\ role-?\ ?play|role-?\ ?play(?:ing)?:|role-?\ ?play\ (?:as|with|a|the|this)\b|in\ character|your\ name\ is
    |i\ want\ you\ to\ (?:act|be|play|become|pretend)|you\ will\ (?:act|be|play|pretend|become)|you'll\ (?:act|be|play)\b|from\ the\ (?:perspective|point\ of\ view|viewpoint)\ of
    |in\ the\ (?:voice|style|character|role|persona)\ of|in\ (?:the\ )?first[- ]person|hypothetical(?:ly)?|for\ the\ sake\ of\ argument|(?:what|who|where|how\ old)\ am\ i\b|the\ narrator|my\ character
    |what\ would\ you\ (?:do|say|think)\ if|let'?s\ play|dungeon|as\ a\ user,?\ i|solve\ for\b|\blet\ [a-z]\ be\b|\bfind\ [a-z]\b\.|the\ probability\ (?:that|of)|continue\ (?:the|this)\ (?:story|poem|text|dialogue|sentence))|\A\s*you(?:\ are|'re|\u{2019}re)\ (?:an?|the|now|my)\b"
);
// "Imagine …", "Suppose …": from here on nothing is meant.
pattern!(
    SUPPOSED,
    r"(?i)(?:\A|[.!?:;\n]\s*)(?:so,? |now,? |ok(?:ay)?,? )?(?:imagine|suppose|supposing|assume|assuming|let'?s (?:say|assume|imagine|suppose)|say (?:that )?i\b|what if|picture this|consider (?:a|the|this)\b)"
);
// A sum in words: "I have 3 apples … How many do I have?"
pattern!(
    SUM,
    r"(?i)\b(?:how (?:many|much|old|far|fast|tall|heavy)|what (?:is|are|was) (?:the|my) (?:\w+ )?(?:total|sum|average|mean|median|probability|speed|distance|odds|chance|percentage|cost|area|volume|perimeter|value|age))\b"
);

/// What the user's message holds.
pub(super) fn extract(text: &str, rules: &[Rule]) -> Vec<Extracted> {
    let redacted = secrets::redact(text);
    let own = source::own_words(&redacted, Speaker::User);
    if let Some(found) = language::extract(&own) {
        let by_rules = sentences(&own)
            .into_iter()
            .flat_map(|sentence| by_own_rules(&sentence, rules));
        return by_rules.chain(found).collect();
    }
    if PLAY.is_match(&own)
        || SUM.is_match(&own)
            && own.bytes().filter(u8::is_ascii_digit).count() > 1
            && !own.to_lowercase().contains("should")
    {
        return Vec::new();
    }
    let own = SUPPOSED
        .find(&own)
        .map_or(own.as_str(), |found| own.get(..found.start()).unwrap_or_default());
    let found = sentences(own);
    let setting = Setting {
        technical: is_technical(own),
        wants: wants(&found),
        asked: false,
    };
    if found
        .iter()
        .any(|sentence| forget::is_off_the_record(&words(&sentence.text)))
    {
        return Vec::new();
    }
    let mut about = None;
    found
        .iter()
        .flat_map(|sentence| {
            let own = by_own_rules(sentence, rules);
            if own.is_empty() {
                from_sentence(sentence, setting, Speaker::User, &mut about)
            } else {
                own
            }
        })
        .collect()
}

/// Whether a message asks that something be forgotten, or that it be not remembered itself.
pub(super) fn wants_silence(text: &str) -> bool {
    let own = source::own_words(text, Speaker::User);
    sentences(&own).iter().any(|sentence| {
        let words = words(&sentence.text);
        let asked = forget::asked(without_openers(&words), Setting::default());
        forget::is_off_the_record(&words) || asked.is_some_and(|asked| !matches!(asked, forget::Forgotten::Over(_)))
    })
}

/// What somebody's own rules make of a sentence. Questions are asked about other things than they say.
fn by_own_rules(sentence: &Sentence, rules: &[Rule]) -> Vec<Extracted> {
    if sentence.question || sentence.text.contains(source::CUT) {
        return Vec::new();
    }
    rules
        .iter()
        .filter_map(|rule| {
            let content = rule.apply(&sentence.text)?;
            Some(Extracted {
                rule: rule.name.clone().into(),
                kind: rule.kind,
                ..Extracted::new(content, ("", rule.confidence), Speaker::User, sentence)
            })
        })
        .filter(|found| !found.content.is_empty())
        .collect()
}

/// The memories in one sentence of a message. `about` is whom the sentence before it spoke of, and then whom this one does.
pub(super) fn from_sentence(
    sentence: &Sentence,
    setting: Setting,
    speaker: Speaker,
    about: &mut Option<Referent>,
) -> Vec<Extracted> {
    let spoken_of = about.take();
    let all = words(&sentence.text);
    let memory = |content: String, verdict: Verdict| Extracted::new(content, verdict, speaker, sentence);
    if !is_english(&all) {
        return Vec::new();
    }
    let stated = if sentence.question {
        before_question(&all)
    } else {
        all.as_slice()
    };
    let stated = without_openers(stated);
    if speaker == Speaker::User
        && let Some(found) = forget::asked(stated, setting)
    {
        return found.into_memory(sentence).into_iter().collect();
    }
    if let Some((content, verdict)) = instruction::lasting(stated, setting.wants == Wants::Task)
        .filter(|_| speaker == Speaker::User && !sentence.question)
    {
        return vec![memory(content, verdict)];
    }
    let (stated, asked) = match instruction::remember(stated) {
        Some(rest) => (without_openers(rest), true),
        None => (stated, setting.asked),
    };
    let setting = Setting { asked, ..setting };
    if stated.first().is_some_and(|word| {
        matches!(
            word.lower.as_str(),
            "if" | "unless" | "would" | "should" | "could" | "imagine" | "suppose" | "whether"
        )
    }) {
        return Vec::new();
    }
    let whole = elided::with_subject(stated, sentence.question)
        .filter(|_| speaker == Speaker::User && setting.wants != Wants::Task);
    let stated = whole.as_deref().unwrap_or(stated);
    *about = spoken_of;
    let mut found: Vec<Extracted> = Vec::new();
    for part in reason(stated).into_iter().chain(clauses(stated)) {
        let named = about.as_deref().and_then(|about| reference::resolved(part, about));
        let part = named.as_deref().unwrap_or(part);
        found.extend(statement(without_openers(part), setting).map(|(content, verdict)| memory(content, verdict)));
        *about = reference::referent(part);
    }
    if found.is_empty() && asked && setting.wants != Wants::Task && speaker == Speaker::User {
        found.extend(instruction::told(stated).map(|(content, verdict)| memory(content, verdict)));
    }
    found
}

/// Whether a sentence has a word that hardly another language has. "I", "we" and "me" are words elsewhere too.
fn is_english(words: &[Word]) -> bool {
    words
        .iter()
        .any(|word| ENGLISH.has(&word.lower) || is_known_verb(&word.lower) || word.lower.ends_with("n't"))
}

/// One clause as a memory.
pub(super) fn statement(part: &[Word], setting: Setting) -> Option<(String, Verdict)> {
    if let Some(found) = is_mine(part) {
        return Some(found);
    }
    if let Some(found) = effect::of(part, setting) {
        return Some(found);
    }
    let clause = Clause::read(part)?;
    let verdict = policy::judge(&clause, setting)?;
    Some((grammar::third_person_sentence(&clause), verdict))
}

/// "Pizza is my favourite food", "Ana is my wife": something else is the subject, and the speaker's the predicate.
fn is_mine(part: &[Word]) -> Option<(String, Verdict)> {
    let verb = part
        .iter()
        .position(|word| matches!(word.lower.as_str(), "is" | "are" | "was" | "were"))?;
    let (subject, predicate) = part.split_at(verb);
    let first = subject.first()?;
    let owner = predicate
        .iter()
        .take(6)
        .position(|word| matches!(word.lower.as_str(), "my" | "our"))?;
    let kind = predicate.get(owner + 1..)?;
    let favourite = kind.iter().any(|word| {
        word.lower.starts_with("favo")
            || matches!(
                word.lower.as_str(),
                "passion" | "hobby" | "hobbies" | "hometown" | "dream" | "specialty"
            )
    });
    let related = first.is_capitalised() && kind.iter().take(3).any(|word| RELATIONS.has_noun(&word.lower));
    let vague = subject.len() > 7
        || part
            .iter()
            .any(|word| matches!(word.lower.as_str(), "you" | "your" | "?" | "if" | "maybe" | "probably"))
        || matches!(
            first.lower.as_str(),
            "it" | "that"
                | "this"
                | "these"
                | "those"
                | "they"
                | "he"
                | "she"
                | "which"
                | "what"
                | "who"
                | "there"
                | "one"
                | "here"
                | "i"
                | "my"
                | "we"
                | "our"
                | "where"
                | "how"
                | "so"
        )
        || subject
            .iter()
            .any(|word| matches!(word.lower.as_str(), "that" | "which" | "when" | "where"));
    (!vague && (favourite || related)).then(|| {
        (
            grammar::about_user(part),
            (if related { "relation" } else { "favourite" }, 0.85),
        )
    })
}

/// The statement before the question it leads to: "I have a dog, what about you?".
fn before_question(words: &[Word]) -> &[Word] {
    let cut = words.iter().enumerate().rev().find(|(at, word)| {
        matches!(word.lower.as_str(), "," | "-" | "\u{2014}" | "\u{2013}" | ":")
            && words.get(at + 1).is_some_and(|next| {
                let next = if matches!(next.lower.as_str(), "but" | "and" | "so") {
                    words.get(at + 2).unwrap_or(next)
                } else {
                    next
                };
                QUESTION_WORDS.has(&next.lower)
            })
    });
    match cut {
        // "…, right?" asks whether the statement itself is true.
        Some((at, _)) if words.len() - at > 3 => words.get(..at).unwrap_or_default(),
        _ => &[],
    }
}

/// What the message asks for.
fn wants(found: &[Sentence]) -> Wants {
    if found.iter().any(|sentence| instruction::is_request(&sentence.text)) {
        Wants::Task
    } else if found.iter().any(asks_for_something) {
        Wants::Answer
    } else {
        Wants::Nothing
    }
}

/// Whether a sentence is a question that is not about the listener, as small talk is.
fn asks_for_something(sentence: &Sentence) -> bool {
    let rhetorical = sentence
        .text
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("guess"));
    sentence.question
        && !rhetorical
        && !words(&sentence.text)
            .iter()
            .any(|word| matches!(word.lower.as_str(), "you" | "your" | "yours"))
}

/// Whether the message is about software.
fn is_technical(text: &str) -> bool {
    let mut technical = 0;
    for word in text.split_whitespace() {
        let bare = word
            .trim_matches(|c: char| !c.is_alphanumeric() && c != '+' && c != '#')
            .to_lowercase();
        let looks_coded = word.contains('_') && word.len() > 3
            || word.contains("()")
            || word.contains("::")
            || word.contains("==")
            || word.contains(source::CUT);
        if TECHNICAL.has_noun(&bare) || TASK_NOUNS.has(&bare) && TECHNICAL.has(&bare) || looks_coded {
            technical += 1;
        }
    }
    technical >= ENOUGH_TECHNICAL
}
