//! Where logs go: standard error, as text for people or as JSON for programs.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Logging};

/// Starts logging. A second call changes nothing.
pub fn start(logging: &Logging) {
    let filter = EnvFilter::try_new(&logging.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Where standard error is closed there is nobody to tell, and trying to would end the thread.
        .log_internal_errors(false)
        .with_writer(io::stderr);
    // A second start, as in a test, keeps the first one's settings.
    let _ = match logging.format {
        LogFormat::Text => subscriber
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
}
