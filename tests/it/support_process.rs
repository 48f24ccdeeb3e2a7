//! The real binary in a folder of its own, as a user starts it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::support_raw::{Call, DEADLINE, Reply};

/// A port on which nobody listens: commands find no server there and open the file.
pub(crate) const SILENT_PORT: &str = "9";

/// A command line of maia, run in `folder` with nothing of the test's own environment.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_maia"));
    command
        .current_dir(folder)
        .env_clear()
        // A test asks faster than a person may.
        .env("MAIA_SECURITY_RATE_LIMIT_RPS", "0")
        .env("MAIA_SERVER_PORT", SILENT_PORT)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a command line that ends by itself.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Ended {
    Ended::from(command(folder, arguments).output().unwrap())
}

/// Runs a command line that reads this.
pub(crate) fn run_with(folder: &Path, arguments: &[&str], input: &str) -> Ended {
    let mut command = command(folder, arguments);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Ended::from(child.wait_with_output().unwrap())
}

/// How a command line ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A maia that listens. It is killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    address: SocketAddr,
    lines: Receiver<String>,
    /// What it has logged, as far as it was read.
    pub(crate) log: String,
}

impl Program {
    /// Starts it on a free port and waits until it says that it listens.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::begin(folder, arguments).ready()
    }

    /// Starts it without waiting.
    pub(crate) fn begin(folder: &Path, arguments: &[&str]) -> Starting {
        let mut command = command(folder, arguments);
        Starting::spawn(command.args(["--port", "0"]))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        Call::get(path).send(self.address)
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Reply {
        Call::json(method, path, body).send(self.address)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.call("POST", path, body)
    }

    /// Sends `TERM` or `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(status.success());
    }

    /// Ends it as a power cut would: no handler runs.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Reads the log until a line holds the text.
    pub(crate) fn wait_for(&mut self, text: &str) {
        let begun = Instant::now();
        let mut last = String::new();
        while !last.contains(text) {
            let left = DEADLINE.saturating_sub(begun.elapsed());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.log.push_str(&line);
                    self.log.push('\n');
                    last = line;
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("{text:?} was never logged:\n{}", self.log)
                }
            }
        }
    }

    /// Waits for the end, which must come by itself.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let begun = Instant::now();
        loop {
            match self.lines.recv_timeout(DEADLINE.saturating_sub(begun.elapsed())) {
                Ok(line) => {
                    self.log.push_str(&line);
                    self.log.push('\n');
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it did not end:\n{}", self.log),
            }
        }
        (self.child.wait().unwrap(), std::mem::take(&mut self.log))
    }

    /// Asks it to stop and waits until it has; it must end well.
    pub(crate) fn stop(self) -> String {
        self.signal("TERM");
        let (status, log) = self.ended();
        assert_eq!(status.code(), Some(0), "{log}");
        log
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A maia that does not listen yet.
pub(crate) struct Starting {
    child: Child,
    lines: Receiver<String>,
}

impl Starting {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// Waits until it says that it listens.
    pub(crate) fn ready(self) -> Program {
        self.ready_after("", || ())
    }

    /// The same, but for something that it says before, and what is to be done then.
    pub(crate) fn ready_after(self, words: &str, then: impl FnOnce()) -> Program {
        let mut program = self.program();
        program.wait_for(words);
        then();
        program.wait_for("listening on ");
        let (_, place) = program.log.split_once("listening on ").unwrap();
        // A socket has no port.
        if let Some((_, address)) = place.split(' ').next().unwrap().split_once("://") {
            program.address = address.parse().unwrap();
        }
        program
    }

    /// Waits for the end of one that must not start.
    pub(crate) fn ended(self) -> (ExitStatus, String) {
        self.program().ended()
    }

    fn program(self) -> Program {
        Program {
            child: self.child,
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
            lines: self.lines,
            log: String::new(),
        }
    }
}

/// Names of the files in a folder, in order.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
