//! Where messages come from: a terminal with a line that can be edited, or a pipe.

use std::io;

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use super::Failure;

/// A source of messages. Each line is read on a thread of its own, for the reader waits as long as the writer thinks.
pub(super) struct Input {
    /// `None` for a pipe.
    editor: Option<DefaultEditor>,
}

pub(super) enum Line {
    Text(String),
    /// Ctrl-C, with nothing to stop.
    Interrupted,
    End,
}

impl Input {
    pub(super) fn open(at_terminal: bool) -> Result<Self, Failure> {
        let editor = at_terminal.then(DefaultEditor::new).transpose();
        let editor = editor.map_err(|error| Failure::Failed(format!("the terminal cannot be used: {error}")))?;
        Ok(Self { editor })
    }

    pub(super) async fn next(&mut self) -> Result<Line, Failure> {
        let mut editor = self.editor.take();
        let reading = tokio::task::spawn_blocking(move || {
            let line = match &mut editor {
                Some(editor) => typed(editor),
                None => piped(),
            };
            (line, editor)
        });
        let (line, editor) = reading.await.map_err(|error| Failure::Failed(error.to_string()))?;
        self.editor = editor;
        line
    }
}

fn typed(editor: &mut DefaultEditor) -> Result<Line, Failure> {
    match editor.readline("> ") {
        Ok(line) => {
            // A history that is full forgets; it is no reason to stop.
            let _ = editor.add_history_entry(line.as_str());
            Ok(Line::Text(line))
        }
        Err(ReadlineError::Interrupted) => Ok(Line::Interrupted),
        Err(ReadlineError::Eof) => Ok(Line::End),
        Err(error) => Err(Failure::Failed(format!("the terminal: {error}"))),
    }
}

fn piped() -> Result<Line, Failure> {
    let mut line = String::new();
    match io::stdin().read_line(&mut line) {
        Ok(0) => Ok(Line::End),
        Ok(_) => Ok(Line::Text(line)),
        Err(error) => Err(Failure::Failed(format!("standard input: {error}"))),
    }
}
