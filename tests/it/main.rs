//! Integration tests: a whole maia on real sockets and real files, and a file for each capability.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod activity;
mod audience;
mod auth;
mod backend;
mod backup;
mod backup_docs;
mod batches;
mod budget;
mod cancellation;
mod changing_facts;
mod cli;
mod cli_chat;
mod cli_doctor;
mod cli_edit;
mod cli_keys;
mod cli_memories;
mod cli_terminal;
mod compressed;
mod config;
mod config_values;
mod conversations;
mod cursors;
mod description;
mod documented;
mod durability;
mod extract;
mod extraction_call;
mod extraction_queue;
mod first_day;
mod first_day_calls;
mod flat_routes;
mod hostile;
mod injection;
mod isolation;
mod kept_lists;
mod keys;
mod keys_declared;
mod keys_isolation;
mod languages;
mod lists;
mod memories;
mod memory_use;
mod messages;
mod methods;
mod migration;
mod namespaces;
mod older_memories;
mod ops;
mod patience;
mod poison;
mod rate_limit;
mod raw_requests;
mod recall;
mod relay;
mod relevance;
mod replay;
mod replay_changes;
mod replay_trees;
mod restore;
mod retention;
mod safe_writes;
mod scripts;
mod search;
mod secure;
mod server;
mod smoke;
mod smuggling;
mod socket;
mod splits;
mod streaming;
mod support;
mod support_chat;
mod support_keys;
mod support_process;
mod support_raw;
mod support_served;
mod support_terminal;
mod terms;
mod tidy;
mod tls;
mod tokens;
mod transfer;
mod transfer_of_facts;
mod turns;
mod tutorial_docs;
