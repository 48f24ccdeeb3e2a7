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
mod backend;
mod backup;
mod backup_docs;
mod budget;
mod cancellation;
mod cli;
mod config;
mod config_values;
mod conversations;
mod documented;
mod durability;
mod extract;
mod injection;
mod isolation;
mod lists;
mod memories;
mod messages;
mod namespaces;
mod ops;
mod rate_limit;
mod recall;
mod relay;
mod restore;
mod retention;
mod search;
mod smoke;
mod streaming;
mod support;
mod support_process;
mod support_raw;
mod support_served;
mod tidy;
mod tokens;
mod transfer;
