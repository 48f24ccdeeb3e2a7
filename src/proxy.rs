//! The backend: its address and keys, forwarding, and a copy of what it says. Knows nothing of memories.

mod address;
mod answer;
mod backend;
mod body;
mod error;
mod headers;
mod sse;
mod tee;

pub use answer::Answer;
pub use backend::{Backend, CHAT_COMPLETIONS, OwnKey};
pub use body::{BackendBody, BodyError};
pub use error::{BackendError, SetUpError};
pub use tee::tee;
