//! The backend: its address and keys, forwarding, and a copy of what it says. Knows nothing of memories.

mod address;
mod answer;
mod backend;
mod body;
mod copy;
mod decode;
mod error;
mod headers;
mod sse;
mod tee;

pub use address::Address;
pub use answer::{Answer, Unread};
pub use backend::{Backend, CHAT_COMPLETIONS, OwnKey};
pub use body::{BackendBody, BodyError, TimedBody};
pub use error::{BackendError, SetUpError};
pub use sse::{SseParser, TooLong};
pub use tee::tee;
