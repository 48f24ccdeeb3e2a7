//! A terminal with somebody before it: keys go in, and what the screen then shows can be read.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

use crate::support_process::SILENT_PORT;
use crate::support_raw::DEADLINE;

/// Lines of the screen.
const LINES: u16 = 40;

/// A program at a terminal. It is killed when it is dropped.
pub(crate) struct Terminal {
    child: Child,
    keys: Arc<Pty>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// Every byte that was shown.
    pub(crate) bytes: Vec<u8>,
}

impl Terminal {
    /// Runs maia in a folder, at a terminal of so many columns.
    pub(crate) fn run(folder: &Path, columns: u16, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(LINES, columns)).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_maia"))
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("TERM", "xterm-256color")
            .env("MAIA_SECURITY_RATE_LIMIT_RPS", "0")
            .env("MAIA_SERVER_PORT", SILENT_PORT)
            .envs(environment.iter().copied())
            .spawn(pts)
            .unwrap();
        let keys = Arc::new(pty);
        let reading = Arc::clone(&keys);
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut piece = [0; 4_096];
            // The last reader of a terminal whose program has gone sees an error.
            while let Ok(length @ 1..) = (&*reading).read(&mut piece) {
                if sender.send(piece[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            keys,
            output,
            screen: vt100::Parser::new(LINES, columns, 0),
            bytes: Vec::new(),
        }
    }

    pub(crate) fn press(&self, keys: &str) {
        (&*self.keys).write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the screen shows this.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) {
        let begun = Instant::now();
        while !self.text().contains(text) {
            let piece = self.output.recv_timeout(DEADLINE.saturating_sub(begun.elapsed()));
            let piece = piece.unwrap_or_else(|_| panic!("{text:?} was never shown:\n{}", self.text()));
            self.show(&piece);
        }
    }

    /// Waits for the end: the exit code, and the screen as it was left.
    #[track_caller]
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let begun = Instant::now();
        while let Ok(piece) = self.output.recv_timeout(DEADLINE.saturating_sub(begun.elapsed())) {
            self.show(&piece);
        }
        assert!(begun.elapsed() < DEADLINE, "it did not end:\n{}", self.text());
        (self.child.wait().unwrap().code(), self.text())
    }

    /// As [`Self::ended`], with every byte that was shown in place of the screen.
    pub(crate) fn ended_raw(mut self) -> Vec<u8> {
        while let Ok(piece) = self.output.recv_timeout(DEADLINE) {
            self.show(&piece);
        }
        std::mem::take(&mut self.bytes)
    }

    fn show(&mut self, piece: &[u8]) {
        self.screen.process(piece);
        self.bytes.extend(piece);
    }

    /// What the screen shows.
    pub(crate) fn text(&self) -> String {
        self.screen.screen().contents()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
