//! What can go wrong between maia and the backend before an answer begins.

use std::error::Error;

use super::body::BodyError;

/// The backend gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// No connection, or no first byte, in time.
    #[error("Backend request timed out")]
    TimedOut,
    /// No connection, or one that broke before the answer began.
    #[error("{0}")]
    Unreachable(String),
    /// The client sent no more of its own request body.
    #[error("{0}")]
    SlowUpload(BodyError),
    /// The client broke off its own request body.
    #[error("the request body ended early: {0}")]
    RequestBody(String),
}

/// The settings of the backend cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SetUpError(pub(super) String);

/// An error and what it comes from, as one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        source = error.source();
    }
    line
}
