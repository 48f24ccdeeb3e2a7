//! The real program, as a process of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, Command};

use super::soon;

/// A running `maia`. Dropping it kills it.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
    log: BufReader<ChildStderr>,
    begun: String,
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
        let mut child = Self::command(directory)
            .args(["serve", "--port", "0"])
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
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
        Self {
            address,
            child,
            log,
            begun,
        }
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

    /// Sends it a signal, by name (`TERM`, `INT`, `KILL`).
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("a running maia").to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().await.unwrap();
        assert!(status.success());
    }

    /// Waits for its end; how it ended, and all that it logged.
    pub(crate) async fn ended(mut self) -> (ExitStatus, String) {
        let status = soon("the end of maia", self.child.wait()).await.unwrap();
        self.log.read_to_string(&mut self.begun).await.unwrap();
        (status, self.begun)
    }
}
