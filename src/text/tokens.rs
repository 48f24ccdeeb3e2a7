//! Tokens as `o200k_base` counts them, the encoding of current `OpenAI` models (<https://github.com/openai/tiktoken>).
//! Other models differ by a few per cent; a budget in one fixed unit is worth more to its user than a guess for each model.
//!
//! The `bpe-openai` crate counts the same, and the tests compare with it. Its tables would take more memory than the rest of maia
//! ten times over, so the few steps of the encoding are done here, on tables that stay where they are in the binary.

mod format;
mod merge;
mod pieces;
mod table;

/// Tokens of a text.
#[must_use]
pub fn count(text: &str) -> u32 {
    let mut merger = merge::Merger::default();
    let tokens: usize = pieces::pieces(text).map(|piece| merger.count(piece.as_bytes())).sum();
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

/// Tokens of a line with its line break.
///
/// The encoding never joins what stands before a line break with what stands after it, save a `/` that begins the next line.
/// So the cost of lines adds up, and can be stored with each memory instead of being counted at each request.
#[must_use]
pub fn line_cost(line: &str) -> u32 {
    count(&format!("{line}\n"))
}
