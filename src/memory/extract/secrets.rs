//! Secrets, recognised by the shape of the value and replaced before anything else reads the text.
//!
//! A bare word ("password", "token") is no evidence: it needs a value beside it. Identifiers that merely look random
//! (UUIDs, git hashes, order numbers) stay, because they are what people ask to have remembered.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Captures, Regex};

use super::{
    pattern::pattern,
    words::{STOP_WORDS, words},
};

/// What stands where a secret stood.
pub(super) const REDACTED: &str = "[redacted]";

/// How many content words must be left beside a redacted value for the sentence to be worth keeping.
const WORTH_KEEPING: usize = 3;

/// Shapes that are secrets wherever they stand; the source is the vendors' documented prefixes.
const SHAPES: &str = r"(?x)
    -----BEGIN\ [A-Z0-9\ ]{0,40}-----(?s:.*?)(?:-----END\ [A-Z0-9\ ]{0,40}-----|\z)
    | \b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}
    | \bgh[pousr]_[A-Za-z0-9]{16,} | \bgithub_pat_[A-Za-z0-9_]{16,} | \bglpat-[A-Za-z0-9_-]{16,}
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,} | \bhf_[A-Za-z0-9]{16,} | \bnpm_[A-Za-z0-9]{30,} | \bpypi-[A-Za-z0-9_-]{30,}
    | \b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b | \bAIza[A-Za-z0-9_-]{30,} | \bya29\.[A-Za-z0-9_-]{20,}
    | \bmaia_[0-9a-f]{32,} | \bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,} | \bAGE-SECRET-KEY-[A-Z0-9]{20,} | \bgsk_[A-Za-z0-9]{20,} | \bxai-[A-Za-z0-9]{20,}
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?
    | \b[0-9]{8,10}:[A-Za-z0-9_-]{35}\b
    | (?i:\bbearer\ +)[A-Za-z0-9._~+/-]{20,}=*
";

/// A value given as a secret: "my password for the router is …".
const GIVEN: &str = r#"(?xi)
    (?P<intro>
        \b(?P<kind> pass(?:word|code|phrase|wd)? | pwd | pin(?:\ (?:code|number))? | (?:api|access|secret|private|auth|license)[\ _-]?key
          | (?:api|access|auth|bearer|refresh|session)?[\ _-]?token | (?:client\ )?secret | recovery\ code | cvv | cvc | login )
        (?:(?:'|\u{2019})s\ +|(?:\ (?:for|to|of|on|in)(?:\ [\w.'-]+){1,4}?)?
        (?: \s*(?:=|:=|:|->|=>)\s* | \ (?:is|was|to|are|will\ be)(?:\ (?:now|still|just|always|currently))?:?\ + ))
    )
    (?P<value> "[^"\n]{3,80}" | '[^'\n]{3,80}' | `[^`\n]{3,80}` | [^\s"'`]{3,} )
    (?P<rest> (?:\ [A-Za-z]+){0,7} )
"#;

pattern!(SHAPE, SHAPES);
pattern!(GIVEN_AS, GIVEN);
pattern!(
    CREDENTIAL_URL,
    r"(?P<intro>\b[a-z][a-z0-9+.-]{1,20}://)[^\s/@:]+:[^\s/@]+@"
);
pattern!(TAIL, r"(?:,| and|, and) [^,]{0,60}\[redacted\]$");
pattern!(CARD, r"\b[0-9](?:[ -]?[0-9]){12,18}\b");
pattern!(IBAN, r"(?i)\b[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}\b");

words! {
    /// What people say of a password that is not the password.
    SAID_OF_PASSWORDS = "
        wrong weak strong long short safe secure stolen lost not too very the reset that this a an my your in on at for and or
        stored saved shared needed required correct incorrect invalid valid being case never always something different same
        important empty missing unknown public private easy hard simple complex good bad great fine okay here there still what
        gone known unique change reset log get keep protect access make be use how why when it to of visible hidden broken
        about because due secret sensitive optional mandatory old new working confidential outdated";

    /// Words that name a secret, and so say nothing beside a redacted one.
    SECRET_WORDS = "
        user user's password passcode passphrase pin api key token secret card credit debit number iban account bank code login
        wifi wi-fi private access license cvv redacted wants assistant remember new current email";
}

/// `text` with every secret replaced.
pub(super) fn redact(text: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(text);
    rewrite(&mut out, &SHAPE, |_| Some(REDACTED.to_owned()));
    rewrite(&mut out, &CREDENTIAL_URL, |found| {
        Some(format!("{}{REDACTED}@", group(found, "intro")))
    });
    rewrite(&mut out, &GIVEN_AS, given);
    rewrite(&mut out, &CARD, |found| {
        is_card(group(found, "")).then(|| REDACTED.to_owned())
    });
    rewrite(&mut out, &IBAN, iban);
    out
}

/// Whether a memory is only the place where a secret was.
pub(super) fn nothing_left(content: &str) -> bool {
    content.contains(REDACTED)
        && content
            .split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-')
            .map(str::to_lowercase)
            .filter(|word| !word.is_empty() && !STOP_WORDS.has(word) && !SECRET_WORDS.has(word))
            .count()
            < WORTH_KEEPING
}

/// `content` without a last part that only says where a secret was: "…, and the password is [redacted]".
pub(super) fn without_tail(content: &str) -> &str {
    match TAIL.find(content) {
        Some(tail) => content.get(..tail.start()).unwrap_or(content),
        _ => content,
    }
}

fn rewrite(text: &mut Cow<'_, str>, pattern: &LazyLock<Regex>, with: impl Fn(&Captures<'_>) -> Option<String>) {
    let replaced = pattern.replace_all(text, |found: &Captures<'_>| {
        with(found).unwrap_or_else(|| group(found, "").to_owned())
    });
    if let Cow::Owned(new) = replaced {
        *text = Cow::Owned(new);
    }
}

/// A named group, or the whole match for the empty name.
fn group<'t>(found: &Captures<'t>, name: &str) -> &'t str {
    let part = if name.is_empty() {
        found.get(0)
    } else {
        found.name(name)
    };
    part.map_or("", |part| part.as_str())
}

/// Replaces a value that was given as a secret, where it looks like one.
fn given(found: &Captures<'_>) -> Option<String> {
    let kind = group(found, "kind").to_lowercase();
    let quoted = group(found, "value");
    let value = quoted.trim_matches(|c| "\"'`.,;!?)".contains(c));
    let (intro, rest) = (group(found, "intro"), group(found, "rest"));
    let tail = quoted
        .rsplit_once(value)
        .map_or("", |(_, tail)| tail.trim_matches(|c| "\"'`".contains(c)));
    if value == REDACTED || value.is_empty() || value.starts_with('[') {
        return None;
    }
    if kind == "passphrase" && !SAID_OF_PASSWORDS.has(&value.to_lowercase()) {
        return Some(format!("{intro}{REDACTED}{tail}"));
    }
    let secret = if kind.starts_with("pass") || kind == "pwd" || kind == "login" || kind == "secret" {
        looks_chosen(value)
            || (quoted.starts_with(['"', '\'', '`']) || rest.is_empty()) && kind != "login" && is_plain_password(value)
    } else if kind.starts_with("pin") || kind.starts_with("cv") {
        value.len() >= 3 && value.bytes().all(|b| b.is_ascii_digit())
    } else {
        value.len() >= 8 && looks_chosen(value)
    };
    secret.then(|| format!("{intro}{REDACTED}{tail}{rest}"))
}

/// Whether `value` has a shape that words do not have: letters with digits or symbols, capitals inside, digits only.
fn looks_chosen(value: &str) -> bool {
    let chars = value.chars().count();
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let letters = value.chars().filter(|c| c.is_alphabetic()).count();
    let capitals_inside = value.chars().skip(1).any(char::is_uppercase) && value.chars().any(char::is_lowercase);
    let symbols = value.chars().any(|c| "!@#$%^&*_+=~|<>?/\\".contains(c));
    chars >= 4 && (digits > 0 && letters > 0 || digits == chars || capitals_inside || symbols && letters + digits > 0)
}

/// Whether a plain word at the end of "my password is …" is the password rather than something said of it.
fn is_plain_password(value: &str) -> bool {
    let lower = value.to_lowercase();
    value.chars().count() >= 4
        && value.chars().all(char::is_alphabetic)
        && !SAID_OF_PASSWORDS.has(&lower)
        && !lower.ends_with("ed")
        && !lower.ends_with("ing")
        && !lower.ends_with("ble")
}

/// Whether the digits are a payment card's: an issuer's prefix and length, and the Luhn check digit (ISO/IEC 7812-1).
fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let prefix = digits.iter().take(4).fold(0, |number, digit| number * 10 + digit);
    let issued = match digits.len() {
        13 | 19 => prefix / 1000 == 4 || prefix / 100 == 62,
        14 => matches!(prefix / 100, 36 | 38) || matches!(prefix / 10, 300..=305),
        15 => matches!(prefix / 100, 34 | 37),
        16 => {
            matches!(prefix / 100, 40..=49 | 51..=55 | 35 | 62 | 65)
                || matches!(prefix, 2221..=2720 | 6011 | 6440..=6499)
        }
        17 | 18 => prefix / 100 == 62,
        _ => false,
    };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &d)| if i % 2 == 0 { d } else { d * 2 / 10 + d * 2 % 10 })
        .sum();
    issued && sum.is_multiple_of(10)
}

/// Replaces the longest valid IBAN (ISO 13616, mod 97) at the start of the match.
fn iban(found: &Captures<'_>) -> Option<String> {
    let text = group(found, "");
    let mut compact = String::new();
    let mut end = None;
    for (at, c) in text.char_indices() {
        if c.is_ascii_alphanumeric() {
            compact.push(c.to_ascii_uppercase());
            if (15..=34).contains(&compact.len()) && iban_remainder(&compact) == Some(1) {
                end = Some(at + c.len_utf8());
            }
        }
    }
    let rest = text.get(end?..)?;
    Some(format!("{REDACTED}{rest}"))
}

fn iban_remainder(compact: &str) -> Option<u32> {
    let (head, tail) = compact.split_at_checked(4)?;
    tail.chars().chain(head.chars()).try_fold(0, |remainder, c| {
        let digit = c.to_digit(36)?;
        Some(
            if digit < 10 {
                remainder * 10 + digit
            } else {
                remainder * 100 + digit
            } % 97,
        )
    })
}
