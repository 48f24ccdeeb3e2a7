//! The context block: a heading, a blank line, then one memory a line, never more tokens than the budget.

use crate::text::{count_tokens, line, line_cost};

/// The first line of every block.
pub const HEADING: &str = "## Relevant Context";

/// A block that is being filled.
#[derive(Clone, Debug)]
pub struct Block {
    budget: u32,
    lines: Vec<String>,
    /// Tokens of the heading and the lines, each with its line break.
    cost: u32,
    /// Tokens that the last line has less because no line break follows it.
    spared: u32,
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
            spared: 0,
        }
    }

    /// Adds a memory as a line where it fits whole; whether it did. `cost` is [`line_cost`] of its line, as stored with it.
    pub fn add(&mut self, statement: &str, cost: u32) -> bool {
        let text = line(statement);
        // What follows a line break never joins it, save a slash: then nothing stored is true.
        let slash = text.starts_with('/');
        let cost = if slash { line_cost(&text) + 1 } else { cost };
        let spared = cost.saturating_sub(count_tokens(&text));
        if text.is_empty() || self.cost.saturating_add(cost - spared) > self.budget {
            return false;
        }
        self.cost += cost;
        self.spared = spared;
        self.lines.push(text);
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
        if self.is_empty() { 0 } else { self.cost - self.spared }
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
