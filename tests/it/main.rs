//! Integration tests: the whole program, on real sockets and real files.

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
mod support_process;
mod support_raw;
mod support_served;
mod tidy;
