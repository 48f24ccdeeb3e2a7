//! What maia exists for: finding what is known ([`recall`]), putting it into a request ([`inject`]), finding what is new ([`extract`]) and keeping it
//! ([`ingest`]). Knows the store, and nothing of HTTP or of backends.

pub mod access;
pub mod activity;
pub mod block;
pub mod explain;
pub mod extract;
pub mod history;
pub mod ingest;
pub mod inject;
pub mod query;
pub mod recall;
pub mod replay;
pub mod turns;
pub mod unwritten;

use chrono::DateTime;

/// Compiles all patterns now, so that the first request does not wait for them.
pub fn warm_up() {
    let _ = query::Query::plan(["What should I cook?"]);
    let exchange = extract::Exchange {
        user: Some("I like tea."),
        assistant: Some("Noted: you like tea."),
        at: DateTime::UNIX_EPOCH,
    };
    let _ = extract::Extractor::default().extract(&exchange);
}
