//! The program on a database, and clients that write to it.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Client, request};
use crate::namespace_name;

pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    /// From the start of the process to the first `/ready`.
    pub(crate) ready_after: Duration,
}

impl Server {
    pub(crate) fn start(file: &Path) -> Self {
        let log = file.with_extension("log");
        let begun = Instant::now();
        let process = Command::new(env!("CARGO_BIN_EXE_maia"))
            .args(["--port", "0", "--set", "security.rate_limit_rps=0", "--database"])
            .arg(file)
            .env_clear()
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"))
            .spawn()
            .expect("maia starts");
        let address = loop {
            let text = std::fs::read_to_string(&log).expect("the log");
            let address = text
                .split_once("listening on http://")
                .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
            if let Some(address) = address {
                break address;
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "maia does not start: {text}");
            thread::sleep(Duration::from_millis(1));
        };
        let ready = format!("GET /ready HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let answer = Client::connect(address).exchange(ready.as_bytes());
        assert!(answer.head.starts_with("HTTP/1.1 200"), "{}", answer.head);
        Self {
            process,
            address,
            ready_after: begun.elapsed(),
        }
    }

    /// Resident memory in MB, as Linux counts it: now and at its highest.
    pub(crate) fn resident_memory(&self) -> (f64, f64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let megabytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok())
                .map_or(f64::NAN, |kilobytes: f64| kilobytes / 1024.0)
        };
        (megabytes("VmRSS:"), megabytes("VmHWM:"))
    }

    /// Creates memories over so many connections for so long: acknowledged a second, and the slowest. One thread serves them all in turn, and has each
    /// send again as soon as it has read its answer: the two ends share one machine.
    pub(crate) fn create(&self, connections: u64, time: Duration, sentence: impl Fn(u64) -> String) -> (f64, Duration) {
        let call = |number| {
            let body = json!({ "content": sentence(number) }).to_string();
            request(self.address, "/v1/namespaces/default/memories", "", &body)
        };
        let mut numbers = 0..;
        let mut ask = |client: &mut Client| {
            client.send(&call(numbers.next().unwrap_or_default()));
            Instant::now()
        };
        let mut clients: Vec<Client> = (0..connections).map(|_| Client::connect(self.address)).collect();
        let begun = Instant::now();
        let mut since: Vec<Instant> = clients.iter_mut().map(&mut ask).collect();
        let (mut count, mut slowest) = (0.0, Duration::ZERO);
        let mut take = |client: &mut Client, since: Instant| {
            let answer = client.receive();
            assert!(answer.head.starts_with("HTTP/1.1 201"), "{}", answer.head);
            slowest = slowest.max(since.elapsed());
            count += 1.0;
        };
        while begun.elapsed() < time {
            for (client, since) in clients.iter_mut().zip(&mut since) {
                take(client, *since);
                *since = ask(client);
            }
        }
        for (client, since) in clients.iter_mut().zip(since) {
            take(client, since);
        }
        (count / begun.elapsed().as_secs_f64(), slowest)
    }

    /// Searches so often over one connection, in namespaces in turn.
    pub(crate) fn search(&self, namespaces: u64, questions: &[String], count: u64) {
        let mut client = Client::connect(self.address);
        for (number, question) in (0..count).zip(questions.iter().cycle()) {
            let body = json!({ "query": question, "limit": 10 }).to_string();
            let path = format!(
                "/v1/namespaces/{}/memories/search",
                namespace_name(number % namespaces).as_str()
            );
            let answer = client.exchange(&request(self.address, &path, "", &body));
            assert!(answer.head.starts_with("HTTP/1.1 200"), "{}", answer.head);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked to stop, so that it leaves one file.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}
