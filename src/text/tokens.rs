//! Tokens as `o200k_base` counts them, the encoding of current `OpenAI` models (<https://github.com/openai/tiktoken>).
//! Other models differ by a few per cent; a budget in one fixed unit is worth more to its user than a guess for each model.

/// Tokens of a text.
#[must_use]
pub fn count(text: &str) -> u32 {
    u32::try_from(bpe_openai::o200k_base().count(text)).unwrap_or(u32::MAX)
}

/// Tokens of a line with its line break.
///
/// The encoding never joins what stands before a line break with what stands after it, save a `/` that begins the next line.
/// So the cost of lines adds up, and can be stored with each memory instead of being counted at each request.
#[must_use]
pub fn line_cost(line: &str) -> u32 {
    count(&format!("{line}\n"))
}

/// Loads the tables now, so that the first request does not wait for them.
pub fn load() {
    let _ = count("a");
}
