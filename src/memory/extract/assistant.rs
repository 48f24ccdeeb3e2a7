//! The assistant's side: only where it says that it is taking a note.
//!
//! What it has noted of the user is read as if the user had said it ("you prefer" as "I prefer"), so that one policy
//! judges both sides and the same fact comes out in the same words.

use super::{
    Extracted, Speaker, grammar,
    instruction::is_injection,
    pattern::pattern,
    policy::{Setting, Wants},
    secrets,
    sentence::{Sentence, Word, sentences, words},
    source,
    user::from_sentence,
    verbs::is_third_person,
};

/// Mentions of "the user" above which an answer is about users in general, as software texts are.
const MANY_USERS: usize = 1;

pattern!(
    NOTED,
    r"(?xi)\A(?:[\w'\u{2019}]+(?:\ [\w'\u{2019}]+){0,3}[,!.:\u{2014}-]+\ )?(?:and\ |so\ |also,?\ |then\ )?
    (?:(?:i(?:'|\u{2019})ll|i\ will|i(?:'|\u{2019})ve|i\ have|let\ me)\ (?:now\ |also\ |be\ sure\ to\ |make\ sure\ to\ )?(?:remember(?:ed)?|noted?|note\ down|keep\ in\ mind|make\ a\ note|made\ a\ note|recorded|record|saved?)\ (?:the\ fact\ )?(?:for\ (?:next\ time|the\ future|later)\ )?(?:that\ |,\ |:\ )?
    |noted:\ |noted\ that\ |noted,\ |noted\ [\u{2014}\u{2013}-]\ )(?P<rest>.+)"
);
pattern!(
    MENTIONED,
    r"(?i)\A(?:as |since |because |earlier,? |previously,? )?you(?:'ve|\x{2019}ve| have)? (?:also )?(?:mentioned|said|told me|noted|shared|stated)(?: earlier| before| previously)? (?:that )?(?P<rest>(?:you|your)\b.+)"
);
pattern!(ABOUT_USER, r"(?i)\A(?:the )?user(?:'s|\x{2019}s)? .+");
pattern!(
    IMPORTANT,
    r"(?i)\A(?:important|important note|important to note|important reminder|key (?:fact|date)):\s+(?P<rest>.+)"
);
pattern!(
    LASTING_FACT,
    r"(?xi)\A(?:the\ )?user(?:
      (?:'s|\u{2019}s)\ (?:(?:name|nickname|hometown|employer)\ is\ (?-i:[A-Z])
        |(?:favou?rite\ [\w\ ]{1,30}|birthday|deadline|wife|husband|partner|son|daughter|dog|cat|mother|father|boss|job|age|time\ ?zone|preferred\ [\w\ ]{1,30}|[\w\ ]{1,20}\ (?:deadline|birthday|flight|appointment))\ (?:is|are|was|works?|lives?)\b)
      |\ (?:strongly\ |really\ |currently\ |also\ |generally\ |usually\ )?(?:prefers\ |(?:likes|loves|dislikes|hates|enjoys)\ (?:[\w-]+ing\b|to\ |[\w-]+\.?\z|(?-i:[A-Z]))|lives\ (?:in|with|near|alone)|works\ (?:as|remotely|from\ home|(?:at|for|in)\ (?-i:[A-Z]))|speaks|grew\ up|was\ born|moved\ to\ (?-i:[A-Z])
        |doesn(?:'|\u{2019})t\ (?:eat|drink|like|own|speak|smoke)
        |is\ (?:allergic|vegan|vegetarian|married|single\b|from\ (?-i:[A-Z])|based\ in|[0-9]{1,3}\ years|left-handed|diabetic|pregnant|fluent|learning\ (?-i:[A-Z])|studying\ |planning\ a\ |retired|interested\ in|an?\ (?:vegan|vegetarian|nurse|doctor|teacher|student|engineer|developer|designer|lawyer|writer|artist|musician|parent|father|mother|beginner)\b)
        |has\ (?:an?\ |two\ |three\ |[0-9]\ )?(?:[\w-]+\ )?(?:wife|husband|son|daughter|sons|daughters|kids?|children|dogs?|cats?|brothers?|sisters?|siblings?|allergy|asthma|diabetes|pets?)\b))"
);
// Something dated, or a limit, of a project that can only be the user's.
pattern!(
    SCHEDULED,
    r"(?xi)\A(?:the|our|your)\ (?:[\w'-]+\ ){0,4}(?:deadline|due\ date|meeting|appointment|launch|release|exam|flight|delivery|review|demo|interview|presentation|budget|kick-?off|standup|stand-up|birthday|wedding|go-live|migration|maintenance\ window|milestone|trip|party|train|reservation)\ 
    (?:is|was|are|has\ been\ moved|has\ moved|moved|will\ be|starts|begins|ends|must\ be|cannot|can(?:'|\u{2019})t)\ "
);
pattern!(
    DATED,
    r"(?i)\b(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|today|tomorrow|tonight|noon|midnight|week|month)\b|[0-9]"
);
pattern!(
    ADVICE,
    r"(?i)\b(?:should|must|need to|needs to|have to|has to|want to|recommend|remember to|make sure|ensure|always|never|if|(?-i:may)|might|could|typically|usually|generally|often|depends|for filing|taxes?|each|every|any)\b"
);

/// What the assistant's answer notes.
pub(super) fn extract(text: &str) -> Vec<Extracted> {
    let redacted = secrets::redact(text);
    let own = source::own_words(&redacted, Speaker::Assistant);
    let users = own.to_lowercase().matches("the user").count();
    sentences(&own)
        .iter()
        .filter(|sentence| !sentence.question && !is_injection(&sentence.text))
        .flat_map(|sentence| noted(sentence, users))
        .collect()
}

fn noted(sentence: &Sentence, users: usize) -> Vec<Extracted> {
    let text = sentence.text.trim_start_matches(|c: char| !c.is_alphanumeric());
    let rest = [&NOTED, &MENTIONED, &IMPORTANT]
        .into_iter()
        .find_map(|pattern| pattern.captures(text)?.name("rest"));
    let about = rest.map_or(text, |rest| rest.as_str());
    let marked = IMPORTANT.is_match(text) || NOTED.is_match(text);
    if ABOUT_USER.is_match(about) {
        return if LASTING_FACT.is_match(about) && (marked || users <= MANY_USERS) {
            vec![memory(&plain(about), "assistant-user-fact", 0.8, sentence)]
        } else {
            Vec::new()
        };
    }
    if rest.is_none() {
        return Vec::new();
    }
    if marked && SCHEDULED.is_match(about) && DATED.is_match(about) && !ADVICE.is_match(about) && !is_yours(about) {
        return vec![memory(
            &grammar::about_user(&words(about)),
            "assistant-schedule",
            0.7,
            sentence,
        )];
    }
    if !speaks_to_user(about) || IMPORTANT.is_match(text) && ADVICE.is_match(about) {
        return Vec::new();
    }
    let said = Sentence {
        text: as_user(about),
        question: false,
    };
    let setting = Setting {
        wants: Wants::Noting,
        ..Setting::default()
    };
    from_sentence(&said, setting, Speaker::Assistant, &mut None)
        .into_iter()
        .filter(|found| !found.content.contains(" want") && found.rule != "instruction")
        .map(|found| Extracted {
            sentence: sentence.text.clone(),
            rule: "assistant-note".into(),
            confidence: found.confidence.min(0.8),
            ..found
        })
        .collect()
}

fn memory(content: &str, rule: &'static str, confidence: f64, sentence: &Sentence) -> Extracted {
    Extracted::new(content.to_owned(), (rule, confidence), Speaker::Assistant, sentence)
}

/// "The user prefers dark mode." → "User prefers dark mode".
fn plain(about: &str) -> String {
    let line = grammar::about_user(&words(about));
    let line = line.strip_prefix("The ").unwrap_or(&line);
    let mut chars = line.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn is_yours(text: &str) -> bool {
    text.to_lowercase().starts_with("your ")
}

/// Whether the note is about the listener: its first words are "you" or "your".
fn speaks_to_user(text: &str) -> bool {
    let found: Vec<Word> = words(text);
    matches!(found.first().map(|word| word.lower.as_str()), Some("you" | "your"))
        && !found.iter().any(|word| {
            matches!(
                word.lower.as_str(),
                "i" | "my" | "me" | "should" | "must" | "can" | "might" | "could"
            ) || word.text == "may"
        })
        && (found.len() > 2 || found.iter().any(|word| is_third_person(&word.lower)))
}

/// The note as the user would have said it.
fn as_user(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    for word in words(text) {
        if word.spaced && !said.is_empty() {
            said.push(' ');
        }
        said.push_str(match word.lower.as_str() {
            "you" => "I",
            "your" => "my",
            "yours" => "mine",
            "yourself" => "myself",
            "'re" => "'m",
            "are" if said.ends_with("I ") => "am",
            "were" if said.ends_with("I ") => "was",
            _ => &word.text,
        });
    }
    said
}
