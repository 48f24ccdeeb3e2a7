//! A rule that finds facts by a pattern: of a language, or of somebody's own.

use regex::{Captures, Regex};

use super::MemoryType;

/// Finds a fact in a sentence, and says how to put it.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, as it stands with what it found.
    pub name: String,
    /// What a sentence must hold.
    pub pattern: Regex,
    /// The memory; `$1` and `${name}` stand for groups of the pattern.
    pub template: String,
    /// What kind of knowledge it finds.
    pub kind: MemoryType,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
}

impl Rule {
    /// Checks that a pattern can be understood, and that the template names only groups that it has.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn new(name: &str, pattern: &str, template: &str, kind: MemoryType, confidence: f64) -> Result<Self, String> {
        let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(valid) {
            return Err(format!(
                "name must be 1 to 64 of a-z, 0-9 and - (got {:?})",
                name.chars().take(64).collect::<String>()
            ));
        }
        let compiled = Regex::new(pattern).map_err(|error| format!("pattern of {name}: {error}"))?;
        if template.trim().is_empty() {
            return Err(format!("template of {name} must not be empty"));
        }
        if !(0.0..=1.0).contains(&confidence) {
            return Err(format!("confidence of {name} must be from 0 to 1 (got {confidence})"));
        }
        let rule = Self {
            name: name.to_owned(),
            pattern: compiled,
            template: template.to_owned(),
            kind,
            confidence,
        };
        match rule.unknown_group() {
            Some(group) => Err(format!(
                "template of {name} names ${group}, and the pattern has no such group"
            )),
            None => Ok(rule),
        }
    }

    /// What the rule makes of a sentence.
    #[must_use]
    pub fn apply(&self, sentence: &str) -> Option<String> {
        self.pattern.captures(sentence).map(|found| self.expanded(&found))
    }

    fn expanded(&self, found: &Captures<'_>) -> String {
        let mut text = String::new();
        found.expand(&self.template, &mut text);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// A group that the template names and the pattern does not have: it would silently stand for nothing.
    fn unknown_group(&self) -> Option<&str> {
        let mut rest = self.template.as_str();
        while let Some((_, after)) = rest.split_once('$') {
            rest = after;
            if let Some(escaped) = after.strip_prefix('$') {
                rest = escaped;
                continue;
            }
            let group = if let Some(braced) = after.strip_prefix('{') {
                braced.split('}').next().unwrap_or_default()
            } else {
                let end = after
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(after.len());
                after.get(..end).unwrap_or_default()
            };
            let known = match group.parse::<usize>() {
                Ok(number) => number < self.pattern.captures_len(),
                Err(_) => self.pattern.capture_names().flatten().any(|name| name == group),
            };
            if !known && !group.is_empty() {
                return Some(group);
            }
        }
        None
    }
}
