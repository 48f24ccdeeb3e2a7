//! Integration tests: a whole maia on real sockets and real files, and a file for each capability.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod audience;
mod auth;
mod cli;
mod config;
mod config_values;
mod documented;
mod durability;
mod extract;
mod lists;
mod memories;
mod namespaces;
mod ops;
mod rate_limit;
mod search;
mod smoke;
mod support;
mod support_process;
mod support_raw;
mod support_served;
mod tidy;
