//! The context block: a heading, a blank line, then one memory a line, never more tokens than the budget.

use crate::text::{count_tokens, line};

/// The first line of every block.
pub const HEADING: &str = "## Relevant Context";

/// A block that is being filled.
#[derive(Clone, Debug)]
pub struct Block {
    budget: u32,
    lines: Vec<String>,
    /// Tokens of the heading and of all lines but the last, each with its line break.
    before_last: u32,
    /// Tokens of the last line with a line break, and as it stands, without. Either can be the larger.
    last: (u32, u32),
    /// A line begins with a slash, the one character that the encoding joins with a line break before it: costs no longer add up.
    has_slash: bool,
}

impl Block {
    /// An empty block that may grow to `budget` tokens.
    #[must_use]
    pub fn new(budget: u32) -> Self {
        let heading = count_tokens(&format!("{HEADING}\n\n"));
        Self {
            budget,
            lines: Vec::new(),
            before_last: heading,
            last: (0, 0),
            has_slash: false,
        }
    }

    /// Adds a memory as a line where it fits whole; whether it did. `cost` is [`line_cost`](crate::text::line_cost) of its line, as stored with it.
    pub fn add(&mut self, statement: &str, cost: u32) -> bool {
        let line = line(statement);
        if line.is_empty() {
            return false;
        }
        let mut next = Self {
            budget: self.budget,
            before_last: self.before_last.saturating_add(self.last.0),
            last: (cost, count_tokens(&line)),
            has_slash: self.has_slash || line.starts_with('/'),
            lines: Vec::new(),
        };
        std::mem::swap(&mut next.lines, &mut self.lines);
        next.lines.push(line);
        let fits = next.tokens() <= next.budget;
        if fits {
            *self = next;
        } else {
            next.lines.pop();
            self.lines = next.lines;
        }
        fits
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Tokens of the text; 0 where nothing was added.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        if self.is_empty() {
            0
        } else if self.has_slash {
            count_tokens(&self.text())
        } else {
            self.before_last.saturating_add(self.last.1)
        }
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
