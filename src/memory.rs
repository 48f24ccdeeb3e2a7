//! What maia exists for: finding what is known ([`recall`]), putting it into a request ([`inject`]), finding what is new ([`extract`]) and keeping it
//! ([`ingest`]). Knows the store, and nothing of HTTP or of backends.

pub mod access;
pub mod block;
pub mod extract;
pub mod ingest;
pub mod inject;
pub mod query;
pub mod recall;
