//! maia
pub mod memory;
