//! maia
