//! The context block: a heading, a blank line, then one memory a line, never more tokens than the budget.

use std::sync::LazyLock;

use crate::text::{count_tokens, line};

/// The first line of every block.
pub const HEADING: &str = "## Relevant Context";

static HEADING_COST: LazyLock<u32> = LazyLock::new(|| count_tokens(&format!("{HEADING}\n\n")));

/// A block that is being filled.
#[derive(Clone, Debug)]
pub struct Block {
    budget: u32,
    lines: Vec<String>,
    /// Tokens of the heading and of all lines but the last, each with its line break.
    before_last: u32,
    /// Tokens of the last line with a line break.
    last: u32,
    /// Whether a line begins with a slash, the one character that the encoding joins with a line break before it: then costs do not add up.
    joined: bool,
}

impl Block {
    /// An empty block that may grow to `budget` tokens.
    #[must_use]
    pub fn new(budget: u32) -> Self {
        Self {
            budget,
            lines: Vec::new(),
            before_last: *HEADING_COST,
            last: 0,
            joined: false,
        }
    }

    /// Adds a memory as a line where it fits whole; whether it did. `cost` is [`line_cost`](crate::text::line_cost) of its line, as stored with it.
    pub fn add(&mut self, statement: &str, cost: u32) -> bool {
        let line = line(statement);
        if line.is_empty() {
            return false;
        }
        // Without its line break a line can cost more than with it, or less by more than the break, but only in the marks that stand at its end.
        let marks = line.len() - line.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
        let marks = u32::try_from(marks).unwrap_or(u32::MAX);
        let with_line = self.tokens_before_next().saturating_add(cost);
        let joined = self.joined || line.starts_with('/');
        if !joined && with_line.saturating_sub(marks.max(1)) > self.budget {
            return false;
        }
        let before = (self.before_last, self.last, self.joined);
        self.before_last = self.tokens_before_next();
        self.last = cost;
        self.joined = joined;
        self.lines.push(line);
        let surely = !joined && with_line.saturating_add(marks) <= self.budget;
        let fits = surely || self.tokens() <= self.budget;
        if !fits {
            self.lines.pop();
            (self.before_last, self.last, self.joined) = before;
        }
        fits
    }

    /// Tokens of the text with the line break after it, or of the heading where nothing was added: what the next line is added to.
    #[must_use]
    pub fn tokens_before_next(&self) -> u32 {
        self.before_last.saturating_add(self.last)
    }

    /// Lets the block grow to so many tokens from here on. What is in it stays.
    pub fn set_budget(&mut self, budget: u32) {
        self.budget = budget;
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Tokens of the text; 0 where nothing was added.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        match self.lines.last() {
            None => 0,
            Some(_) if self.joined => count_tokens(&self.text()),
            Some(last) => self.before_last.saturating_add(count_tokens(last)),
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
