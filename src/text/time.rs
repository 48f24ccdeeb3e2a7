//! Words about time. They tell, of several sentences about one thing, which answers "when".

use super::words::words;

/// Words that place something in time, sorted.
const TIME_WORDS: &[&str] = &[
    "ago",
    "april",
    "august",
    "december",
    "evening",
    "fall",
    "february",
    "friday",
    "january",
    "july",
    "june",
    "last",
    "march",
    "may",
    "monday",
    "month",
    "months",
    "morning",
    "next",
    "november",
    "october",
    "recently",
    "saturday",
    "september",
    "since",
    "soon",
    "spring",
    "summer",
    "sunday",
    "thursday",
    "today",
    "tomorrow",
    "tonight",
    "tuesday",
    "wednesday",
    "week",
    "weekend",
    "weeks",
    "winter",
    "year",
    "years",
    "yesterday",
];

/// Whether a text says when something is, was or will be.
#[must_use]
pub fn mentions_time(text: &str) -> bool {
    let is_year =
        |word: &str| word.len() == 4 && word.starts_with(['1', '2']) && word.bytes().all(|b| b.is_ascii_digit());
    words(text).any(|word| TIME_WORDS.binary_search(&&*word).is_ok() || is_year(&word))
}

/// Whether a question asks for a time.
#[must_use]
pub fn asks_when(text: &str) -> bool {
    let words: Vec<_> = words(text).take(4).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    matches!(
        words.as_slice(),
        ["when", ..] | ["how", "long", ..] | ["what" | "which", "date" | "day" | "week" | "month" | "year", ..]
    )
}
