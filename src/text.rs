//! Text as the store and recall see it: words, lines of a context block, tokens. Pure functions below everything else.

mod common;
mod lexicon;
mod line;
mod sentences;
mod stop;
mod time;
mod tokens;
mod words;

pub use common::is_common_word;
pub use line::{fingerprint, line};
pub use sentences::{is_question, sentences};
pub use stop::{is_negation, is_stop_word};
pub use time::{asks_when, mentions_time};
pub use tokens::{count as count_tokens, line_cost};
pub use words::{Term, all_terms, index_text, terms, word_count, words};
