//! Text that its user writes in an editor of theirs. What was written is never lost: where it cannot be used, its file stays.

use std::io::Write as _;
use std::process::Command;

use tempfile::NamedTempFile;

use super::Failure;

/// The editor where none is set.
const USUAL_EDITOR: &str = "vi";

/// What was written.
pub(super) struct Draft {
    file: NamedTempFile,
    text: String,
}

impl Draft {
    /// Opens an editor on a text and waits until it is closed.
    pub(super) fn written(before: &str) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::Failed(format!("no file for the editor: {error}"));
        let mut file = tempfile::Builder::new()
            .prefix("maia-")
            .suffix(".txt")
            .tempfile()
            .map_err(failed)?;
        file.write_all(before.as_bytes())
            .and_then(|()| file.flush())
            .map_err(failed)?;
        Self {
            file,
            text: before.to_owned(),
        }
        .edited(before)
    }

    fn edited(mut self, before: &str) -> Result<Self, Failure> {
        let editor = ["VISUAL", "EDITOR"]
            .iter()
            .filter_map(|name| std::env::var(name).ok())
            .find(|editor| !editor.trim().is_empty())
            .unwrap_or_else(|| USUAL_EDITOR.to_owned());
        // By way of a shell, for a setting such as `code --wait` is a command line and no program.
        let status = Command::new("sh")
            .arg("-c")
            .arg(format!("{editor} \"$1\""))
            .arg("sh")
            .arg(self.file.path())
            .status();
        let ended = match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!(
                "the editor {editor:?} ended with {status}; VISUAL or EDITOR chooses another"
            )),
            Err(error) => Err(format!("no shell to start an editor with: {error}")),
        };
        // Editors may put another file in the place of this one, so it is read by its name.
        let read = std::fs::read(self.file.path());
        match (ended, read.map(String::from_utf8)) {
            (Ok(()), Ok(Ok(text))) => {
                // Editors end the last line, and a memory does not.
                text.strip_suffix('\n').unwrap_or(&text).clone_into(&mut self.text);
                Ok(self)
            }
            (Err(problem), Ok(Ok(text))) if text == before => Err(Failure::Failed(problem)),
            (Err(problem), Err(_)) => Err(Failure::Failed(problem)),
            (Err(problem), _) => Err(Failure::Failed(problem).but(&self.keep())),
            (Ok(()), Ok(Err(_))) => Err(Failure::Failed("the text is no UTF-8".into()).but(&self.keep())),
            (Ok(()), Err(error)) => Err(Failure::Failed(format!("what was written cannot be read: {error}"))),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Leaves the file where it is, and says so.
    pub(super) fn keep(self) -> String {
        let path = self.file.path().to_owned();
        match self.file.into_temp_path().keep() {
            Ok(path) => format!("what you wrote is kept in {}", path.display()),
            Err(error) => format!("what you wrote could not be kept in {}: {error}", path.display()),
        }
    }
}
