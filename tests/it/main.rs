//! Integration tests: a whole maia on real sockets and real files, and a file for each capability.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod backend;
mod budget;
mod cancellation;
mod extract;
mod injection;
mod isolation;
mod rate_limit;
mod recall;
mod relay;
mod smoke;
mod streaming;
mod support;
