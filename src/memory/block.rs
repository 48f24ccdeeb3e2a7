//! The context block: a heading, a blank line, then one memory a line, never more tokens than the budget.

use crate::text::{count_tokens, line};

/// The first line of every block.
pub const HEADING: &str = "## Relevant Context";

/// A block that is being filled.
#[derive(Clone, Debug)]
pub struct Block {
    budget: u32,
    lines: Vec<String>,
    /// Tokens of the heading and the lines, each with its line break.
    cost: u32,
    /// Tokens of the text, which has no line break at its end.
    tokens: u32,
    /// Whether a line begins with a slash, so that the whole text is counted anew with each line.
    joined: bool,
}

impl Block {
    /// An empty block that may grow to `budget` tokens.
    #[must_use]
    pub fn new(budget: u32) -> Self {
        // The blank line after the heading is one token with the heading's own line break.
        let cost = count_tokens(&format!("{HEADING}\n\n"));
        Self {
            budget,
            lines: Vec::new(),
            cost,
            tokens: 0,
            joined: false,
        }
    }

    /// Adds a memory as a line where it fits whole; whether it did. `cost` is [`line_cost`](crate::text::line_cost) of its line, as stored with it.
    pub fn add(&mut self, statement: &str, cost: u32) -> bool {
        let text = line(statement);
        if text.is_empty() {
            return false;
        }
        // What follows a line break never joins it, save a slash behind a punctuation mark: from then on nothing stored is true.
        let joined = self.joined || text.starts_with('/');
        let last = count_tokens(&text);
        self.lines.push(text);
        let tokens = if joined {
            count_tokens(&self.text())
        } else {
            self.cost.saturating_add(last)
        };
        if tokens > self.budget {
            self.lines.pop();
            return false;
        }
        self.cost = self.cost.saturating_add(cost);
        self.tokens = tokens;
        self.joined = joined;
        true
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Tokens of the text; 0 where nothing was added.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        self.tokens
    }

    /// The block; empty where nothing was added.
    #[must_use]
    pub fn text(&self) -> String {
        if self.is_empty() {
            String::new()
        } else {
            format!("{HEADING}\n\n{}", self.lines.join("\n"))
        }
    }
}
