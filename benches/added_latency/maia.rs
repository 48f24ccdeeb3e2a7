//! The program under test.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::chats::Words;
use crate::client::{Client, request};

/// Connections that write memories.
const LOADERS: usize = 32;

/// The release binary, with a database of its own that goes with it.
pub(crate) struct Maia {
    process: Child,
    pub(crate) address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Maia {
    pub(crate) fn start(backend: SocketAddr) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = directory.path().join("log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_maia"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MAIA_")) {
            command.env_remove(name);
        }
        let process = command
            .current_dir(directory.path())
            .args(["--port", "0", "--set", "security.rate_limit_rps=0", "--backend"])
            .arg(format!("http://{backend}/v1"))
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"))
            .spawn()
            .expect("maia starts");
        let address = wait_for_address(&log);
        Self {
            process,
            address,
            _directory: directory,
        }
    }

    /// As Linux counts it; elsewhere unknown.
    pub(crate) fn resident_memory(&self) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes: Option<f64> = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        kilobytes.map_or("unknown".to_owned(), |kilobytes| {
            format!("{:.1} MB", kilobytes / 1024.0)
        })
    }
}

impl Drop for Maia {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn wait_for_address(log: &Path) -> SocketAddr {
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string(log).expect("the log");
        let address = text
            .split_once("listening on http://")
            .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
        if let Some(address) = address {
            return address;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "maia does not start: {text}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Writes so many memories into the default namespace through the API.
pub(crate) fn load(maia: SocketAddr, count: usize) {
    let mut words = Words(42);
    let bodies: Vec<String> = (0..count)
        .map(|number| json!({ "content": words.sentence(), "tags": [format!("batch-{}", number % 50)] }).to_string())
        .collect();
    thread::scope(|scope| {
        for share in bodies.chunks(count.div_ceil(LOADERS)) {
            scope.spawn(move || {
                let mut client = Client::connect(maia);
                for body in share {
                    let answer = client.exchange(&request(maia, "/v1/namespaces/default/memories", "", body));
                    assert!(answer.head.starts_with("HTTP/1.1 201"), "{}", answer.head);
                }
            });
        }
    });
}
