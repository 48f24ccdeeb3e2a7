//! How answers look to people: aligned, as wide as the terminal, and without anything in them that could steer it.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};

use console::{Alignment, Style, Term, measure_text_width, pad_str, truncate_str};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Failure;
use super::work::say;
use crate::client::Answer;

/// Characters of an id that are enough for people. The end of a UUID of version 7 is random; its beginning is the time, which many share.
const SHORT_ID: usize = 8;
/// Narrowest column for text.
const MIN_TEXT: usize = 16;

/// A memory as the API shows it, as far as people are shown it.
#[derive(Deserialize)]
pub(super) struct Memory {
    pub(super) id: String,
    #[serde(default)]
    pub(super) namespace: String,
    pub(super) content: String,
    #[serde(default)]
    pub(super) r#type: String,
    #[serde(default)]
    pub(super) source: String,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    #[serde(default)]
    pub(super) metadata: Map<String, Value>,
    #[serde(default)]
    pub(super) confidence: f64,
    #[serde(default)]
    pub(super) pinned: bool,
    #[serde(default)]
    pub(super) created_at: String,
    #[serde(default)]
    pub(super) updated_at: String,
    #[serde(default)]
    pub(super) accessed_at: String,
    #[serde(default)]
    pub(super) access_count: i64,
    pub(super) superseded_at: Option<String>,
    pub(super) superseded_by: Option<String>,
}

impl Memory {
    /// Its words on one line, and what else one wants to know at a glance.
    pub(super) fn summary(&self) -> String {
        let mut marks: Vec<String> = self.tags.iter().map(|tag| format!("#{}", one_line(tag))).collect();
        marks.extend(self.pinned.then(|| "pinned".to_owned()));
        marks.extend(self.superseded_at.is_some().then(|| "superseded".to_owned()));
        let mut line = one_line(&self.content);
        for mark in marks {
            line.push_str("  ");
            line.push_str(&dim().apply_to(mark).to_string());
        }
        line
    }

    /// The day on which it was made.
    pub(super) fn day(&self) -> &str {
        self.created_at.split('T').next().unwrap_or_default()
    }
}

/// The short form of an id on a terminal, and all of it for programs.
pub(super) fn id(id: &str) -> Cow<'_, str> {
    let short = id.len().checked_sub(SHORT_ID).and_then(|start| id.get(start..));
    match short {
        Some(short) if width().is_some() => Cow::Borrowed(short),
        _ => Cow::Borrowed(id),
    }
}

/// The columns of the terminal that standard output is; `None` where it is none.
pub(super) fn width() -> Option<usize> {
    let term = Term::stdout();
    let (_, columns) = term.size_checked()?;
    // A terminal that does not know its own width says 0.
    Some(if columns == 0 { 80 } else { columns.into() })
}

/// Style of what matters less, where there are colours.
pub(super) fn dim() -> Style {
    Style::new().dim()
}

/// A text on one line, without anything that a terminal would act on.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    harmless(&words.join(" "))
}

/// A text without anything that a terminal would act on: memories and answers hold what somebody else has written.
pub(super) fn harmless(text: &str) -> String {
    let steers = |c: char| {
        c.is_control() && c != '\n' && c != '\t'
            || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    text.replace("\r\n", "\n").replace(steers, "\u{FFFD}")
}

/// Rows under headings. The last column takes the room that is left, and is cut where a terminal ends.
pub(super) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    /// Columns whose values stand at the right.
    right: &'static [&'static str],
}

impl Table {
    pub(super) fn new(headings: &[&'static str], right: &'static [&'static str]) -> Self {
        Self {
            headings: headings.to_vec(),
            rows: Vec::new(),
            right,
        }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Leaves out columns, in this order, until a terminal has room for the last one.
    pub(super) fn fitted(mut self, least: &[&str]) -> Self {
        let Some(width) = width() else { return self };
        for name in least {
            let fixed: usize = self.widths().iter().rev().skip(1).map(|width| width + 2).sum();
            let Some(place) = self.headings.iter().position(|heading| heading == name) else {
                continue;
            };
            if fixed + 2 * MIN_TEXT > width {
                self.headings.remove(place);
                for row in &mut self.rows {
                    row.remove(place);
                }
            }
        }
        self
    }

    fn widths(&self) -> Vec<usize> {
        let width = |(column, heading): (usize, &&str)| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let widest = cells.map(|cell| measure_text_width(cell)).max().unwrap_or_default();
            widest.max(heading.len())
        };
        self.headings.iter().enumerate().map(width).collect()
    }

    pub(super) fn text(&self) -> String {
        let widths = self.widths();
        let fixed: usize = widths.iter().rev().skip(1).map(|width| width + 2).sum();
        let room = width().map(|width| width.saturating_sub(fixed).max(MIN_TEXT));
        let heading: Vec<String> = self.headings.iter().map(|heading| (*heading).to_owned()).collect();
        let mut text = format!("{}\n", Style::new().bold().apply_to(self.line(&heading, &widths, room)));
        for row in &self.rows {
            text.push_str(&self.line(row, &widths, room));
            text.push('\n');
        }
        text
    }

    fn line(&self, cells: &[String], widths: &[usize], room: Option<usize>) -> String {
        let mut line = String::new();
        let columns = cells.iter().zip(widths).zip(&self.headings).enumerate();
        for (column, ((cell, width), heading)) in columns {
            let is_last = column + 1 == cells.len();
            let alignment = if self.right.contains(heading) {
                Alignment::Right
            } else {
                Alignment::Left
            };
            match (is_last, room) {
                (false, _) => {
                    line.push_str(&pad_str(cell, *width, alignment, None));
                    line.push_str("  ");
                }
                (true, Some(room)) => line.push_str(&truncate_str(cell, room, "…")),
                (true, None) => line.push_str(cell),
            }
        }
        line.trim_end().to_owned()
    }
}

/// Names and what they are, aligned.
pub(super) fn pairs(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let line = |(name, value): &(&str, String)| {
        let name = pad_str(name, width, Alignment::Left, None).into_owned();
        format!("{}  {value}\n", dim().apply_to(name))
    };
    pairs.iter().map(line).collect()
}

/// A text in lines that a terminal has room for behind so many columns; elsewhere on one line.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let Some(width) = width() else {
        return text.to_owned();
    };
    let room = width.saturating_sub(indent).max(MIN_TEXT);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let fits = |line: &String| measure_text_width(line) + 1 + measure_text_width(word) <= room;
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if fits(line) => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join(&format!("\n{:indent$}", ""))
}

/// What the API answered, byte for byte, and a line end.
pub(super) fn say_json(answer: &Answer) -> Result<(), Failure> {
    say(&format!("{}\n", String::from_utf8_lossy(&answer.body)))
}

/// Prints what the API answers, or what people are shown of it.
pub(super) fn shown(
    as_json: bool,
    answer: &Answer,
    text: impl FnOnce(&Answer) -> Result<String, Failure>,
) -> Result<(), Failure> {
    if as_json { say_json(answer) } else { say(&text(answer)?) }
}

/// A remark beside the answer, for people only.
pub(super) fn note(text: &str) {
    eprintln!("{}", dim().for_stderr().apply_to(text));
}

/// Asks on the terminal; without one nobody is asked, and the command line counts.
pub(super) fn confirmed(question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Ok(true);
    }
    eprint!("{question} [y/N] ");
    let mut line = String::new();
    let read = io::stderr().flush().and_then(|()| io::stdin().read_line(&mut line));
    read.map_err(|error| Failure::Failed(format!("standard input: {error}")))?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}
