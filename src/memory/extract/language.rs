//! Other languages than English: rules read from data files, one a language.
//!
//! A file says how the language is told, which sentences are not believed, and by which patterns a statement of the first person is put in the third.
//! To add a language, write a file beside the others and name it in [`FILES`]; `docs/languages.md` explains the fields. Where no language is told,
//! English is tried, and its own check keeps it from reading what is not English.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use config::{Config, File, FileFormat};
use regex::Regex;
use serde::Deserialize;

use super::{
    Extracted, Speaker, capped, facts,
    sentence::{Sentence, sentences},
    source::CUT,
};
use crate::model::{Fact, MemoryType, Rule, Slot};

const FILES: &[&str] = &[
    include_str!("languages/de.yaml"),
    include_str!("languages/fr.yaml"),
    include_str!("languages/es.yaml"),
    include_str!("languages/pt.yaml"),
    include_str!("languages/zh.yaml"),
];

/// How much of a message is looked at to tell its language, in bytes.
const SAMPLE_BYTES: usize = 2_048;
/// Words by which English is told from the languages of [`FILES`].
const ENGLISH: &str = r"(?i)\b(?:i|i'm|my|the|is|are|and|of|to|have|with|that|for|you|it|not|was|do|does|what|how|please|call|never|always|from|use|we|at|this|me|helps?|gives?|makes?|brings?|keeps?|has|got|just|been|she|he|his|they)\b";

/// A language as its file writes it.
#[derive(Deserialize)]
struct Written {
    /// Matches words that only this language has; the more of them, the surer.
    told_by: String,
    /// From a match on, the message is not the speaker's own: pasted, made up, or material of a task.
    ends_at: String,
    /// A sentence that holds a match is no plain statement.
    refuses: String,
    /// Between two statements in a sentence; the group `next` begins the second.
    joint: String,
    /// Where a second verb goes without its subject: "ich wohne in Kiel und arbeite bei Bayer".
    elided: Option<Elided<String>>,
    /// Words that say that something holds no longer; they are left out where statements are compared.
    denial: String,
    /// Verbs in the first person, and the same in the third: `{verb}` in a pattern stands for any of them, `$verb` for the third person.
    verbs: BTreeMap<String, String>,
    rules: Vec<WrittenRule>,
}

#[derive(Deserialize)]
struct Elided<Pattern> {
    /// Between the two; the group `next` begins the second. `{verb}` stands for any verb in the first person.
    joint: Pattern,
    /// What the second goes without.
    subject: String,
}

#[derive(Deserialize)]
struct WrittenRule {
    name: String,
    pattern: String,
    template: String,
    confidence: Option<f64>,
    slot: Option<String>,
    #[serde(default)]
    ended: bool,
}

struct Language {
    told_by: Regex,
    written: Written,
    /// Made when the language is first met: five of them take more memory than the rest of maia, and most people speak one.
    grammar: OnceLock<Grammar>,
}

struct Grammar {
    ends_at: Regex,
    refuses: Regex,
    joint: Regex,
    elided: Option<Elided<Regex>>,
    denial: Regex,
    verbs: BTreeMap<String, String>,
    rules: Vec<LanguageRule>,
}

struct LanguageRule {
    rule: Rule,
    slot: Option<String>,
    ended: bool,
}

static LANGUAGES: LazyLock<Vec<Language>> = LazyLock::new(|| FILES.iter().map(|text| language(text)).collect());
static IS_ENGLISH: LazyLock<Regex> = LazyLock::new(|| regex(ENGLISH));

/// The memories in a message, where it is in one of the languages here.
pub(super) fn extract(text: &str) -> Option<Vec<Extracted>> {
    let sample = capped(text, SAMPLE_BYTES);
    let english = IS_ENGLISH.find_iter(sample).count();
    let (told, language) = LANGUAGES
        .iter()
        .map(|language| (language.told_by.find_iter(sample).count(), language))
        .max_by_key(|(told, _)| *told)?;
    if told <= english {
        return None;
    }
    let grammar = language.grammar.get_or_init(|| grammar(&language.written));
    let own = grammar
        .ends_at
        .find(text)
        .map_or(text, |found| text.get(..found.start()).unwrap_or_default());
    Some(
        sentences(own)
            .iter()
            .flat_map(|sentence| grammar.read(sentence))
            .collect(),
    )
}

impl Grammar {
    fn read(&self, sentence: &Sentence) -> Vec<Extracted> {
        if sentence.question {
            return Vec::new();
        }
        parts(&self.joint, &sentence.text)
            .into_iter()
            .filter(|said| !said.contains(CUT) && !self.refuses.is_match(said))
            .flat_map(|said| self.with_subjects(said))
            .filter_map(|said| self.rules.iter().find_map(|rule| self.apply(rule, &said, sentence)))
            .collect()
    }

    /// The statements of one subject, each with it.
    fn with_subjects<'t>(&self, said: &'t str) -> Vec<Cow<'t, str>> {
        let Some(elided) = &self.elided else {
            return vec![said.into()];
        };
        let mut statements = parts(&elided.joint, said).into_iter();
        let first = statements.next().map(Cow::Borrowed);
        let others = statements.map(|other| Cow::Owned(format!("{} {other}", elided.subject)));
        first.into_iter().chain(others).collect()
    }

    fn apply(&self, rule: &LanguageRule, said: &str, sentence: &Sentence) -> Option<Extracted> {
        let found = rule.rule.pattern.captures(said)?;
        let verb = found.name("verb").map_or("", |verb| verb.as_str());
        let third = self.verbs.get(&verb.to_lowercase()).map_or(verb, String::as_str);
        // It may have begun the sentence.
        let denial = found.name("no").map_or(String::new(), |no| no.as_str().to_lowercase());
        let mut content = String::new();
        let template = rule.rule.template.replace("$verb", third).replace("${no}", &denial);
        found.expand(&template, &mut content);
        let content = content.split_whitespace().collect::<Vec<_>>().join(" ");
        let value = found
            .name("value")
            .map(|value| value.as_str().trim().to_lowercase())
            .filter(|value| !value.is_empty());
        let of = found
            .name("of")
            .map_or(String::new(), |of| format!(" {}", of.as_str().to_lowercase()));
        let slot = rule.slot.as_ref().zip(value).map(|(name, value)| Slot {
            name: format!("{name}{of}"),
            value,
        });
        let fact = Fact {
            slot,
            statement: facts::statement(&self.denial.replace_all(&content, " ")),
            ended: rule.ended || self.denial.is_match(&content),
        };
        let verdict = ("", rule.rule.confidence);
        Some(Extracted {
            rule: rule.rule.name.clone().into(),
            fact: Some(fact),
            ..Extracted::new(content, verdict, Speaker::User, sentence)
        })
    }
}

/// What stands between the joints, each part without marks around it.
fn parts<'t>(joint: &Regex, sentence: &'t str) -> Vec<&'t str> {
    let mut found = Vec::new();
    let mut start = 0;
    for joint in joint.captures_iter(sentence) {
        let (Some(whole), Some(next)) = (joint.get(0), joint.name("next")) else {
            continue;
        };
        found.push(sentence.get(start..whole.start()).unwrap_or_default());
        start = next.start();
    }
    found.push(sentence.get(start..).unwrap_or_default());
    found
        .into_iter()
        .map(|said| said.trim_matches(|c: char| c.is_whitespace() || ".,;:!…。，！；、¡".contains(c)))
        .filter(|said| !said.is_empty())
        .collect()
}

#[expect(
    clippy::expect_used,
    reason = "the files are part of the program, none of them made from input, and the tests read every one"
)]
fn language(text: &str) -> Language {
    let written: Written = Config::builder()
        .add_source(File::from_str(text, FileFormat::Yaml))
        .build()
        .and_then(Config::try_deserialize)
        .expect("a file of a language is well formed");
    Language {
        told_by: regex(&written.told_by),
        written,
        grammar: OnceLock::new(),
    }
}

#[expect(clippy::expect_used, reason = "the same holds of their rules")]
fn grammar(written: &Written) -> Grammar {
    let verbs = written
        .verbs
        .keys()
        .map(|verb| regex::escape(verb))
        .collect::<Vec<_>>()
        .join("|");
    let rules = written.rules.iter().map(|rule| LanguageRule {
        rule: Rule::new(
            &rule.name,
            &rule.pattern.replace("{verb}", &verbs),
            &rule.template,
            MemoryType::Semantic,
            rule.confidence.unwrap_or(0.8),
        )
        .expect("a rule of a language is well formed"),
        slot: rule.slot.clone(),
        ended: rule.ended,
    });
    Grammar {
        ends_at: regex(&written.ends_at),
        refuses: regex(&written.refuses),
        joint: regex(&written.joint),
        elided: written.elided.as_ref().map(|elided| Elided {
            joint: regex(&elided.joint.replace("{verb}", &verbs)),
            subject: elided.subject.clone(),
        }),
        denial: regex(&written.denial),
        rules: rules.collect(),
        verbs: written.verbs.clone(),
    }
}

#[expect(clippy::expect_used, reason = "the same holds of their patterns")]
fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of a language is well formed")
}
