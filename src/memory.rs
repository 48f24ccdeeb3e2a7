//! Memory.
pub mod extract;
