//! maia
fn main() {}
