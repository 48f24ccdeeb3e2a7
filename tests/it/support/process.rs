//! The real program, as a process of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::soon;

/// A running `maia`. Dropping it kills it.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
    /// Reads what it logs, so that it never waits for a reader.
    log: JoinHandle<String>,
}

impl Process {
    /// The program, not started yet, with `directory` as its current directory and nothing of our environment.
    pub(crate) fn command(directory: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_maia"));
        command.current_dir(directory).env_clear().kill_on_drop(true);
        command
    }

    /// Starts it on a free port and returns when it listens.
    pub(crate) async fn start(directory: &Path, arguments: &[&str]) -> Self {
        let mut command = Self::command(directory);
        command.args(["serve", "--port", "0"]).args(arguments);
        Self::run(command).await
    }

    /// Starts a command line that ends up in maia, and returns when it listens.
    pub(crate) async fn run(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut begun = String::new();
        let address = loop {
            let from = begun.len();
            let read = soon("maia listening", log.read_line(&mut begun)).await.unwrap();
            assert_ne!(read, 0, "maia did not start: {begun}");
            let listening = begun[from..].split_once("listening on http://");
            if let Some(address) = listening.and_then(|(_, rest)| rest.split(' ').next()?.parse().ok()) {
                break address;
            }
        };
        let log = tokio::spawn(async move {
            let read = log.read_to_string(&mut begun).await;
            read.expect("a log of text");
            begun
        });
        Self { address, child, log }
    }

    /// Its resident memory, in bytes.
    pub(crate) fn resident(&self) -> usize {
        let id = self.child.id().expect("a running maia");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
        kilobytes.expect("VmRSS in kB") << 10
    }

    /// How many files, sockets and the like it has open.
    pub(crate) fn descriptors(&self) -> usize {
        self.open().len()
    }

    /// How many sockets it has open.
    pub(crate) fn sockets(&self) -> usize {
        let is_socket = |target: &&PathBuf| target.to_string_lossy().starts_with("socket:");
        self.open().iter().filter(is_socket).count()
    }

    fn open(&self) -> Vec<PathBuf> {
        let id = self.child.id().expect("a running maia");
        let entries = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap();
        // One that is closed while we look is not open.
        entries
            .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
            .collect()
    }

    /// Closes our end of its log.
    pub(crate) fn close_log(&self) {
        self.log.abort();
    }

    /// Sends it a signal, by name (`TERM`, `INT`, `KILL`).
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("a running maia").to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().await.unwrap();
        assert!(status.success());
    }

    /// Waits for its end; how it ended, and all that it logged.
    pub(crate) async fn ended(mut self) -> (ExitStatus, String) {
        let status = soon("the end of maia", self.child.wait()).await.unwrap();
        (status, self.log.await.unwrap())
    }
}
