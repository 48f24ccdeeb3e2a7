//! The configuration, whole and valid. Nothing below this line reads the environment or a file of settings.
//!
//! [`Layers`] holds what was written (file, environment, flags), [`Config::resolve`] turns it into what is meant and reports every problem at once.

mod duration;
mod layers;
mod reader;
mod record;
mod security;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;

pub use layers::Layers;
pub use security::Security;

use crate::model::{ContextPosition, Key, NamespaceName, Rule};
use reader::Reader;

/// Everything that is wrong with a configuration, a sentence a problem.
#[derive(Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

/// All settings.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where maia listens, and to whom.
    pub server: Server,
    /// The database.
    pub storage: Storage,
    /// The backend, and what is done to requests.
    pub proxy: Proxy,
    /// Namespaces and recall.
    pub memory: Memory,
    /// Keys and limits.
    pub security: Security,
    /// Logs.
    pub logging: Logging,
}

/// Where maia listens, and to whom.
#[derive(Clone, Debug)]
pub struct Server {
    /// Address to bind.
    pub host: IpAddr,
    /// Port to bind; 0 takes a free one.
    pub port: u16,
    /// Unix socket to listen on instead of address and port.
    pub socket: Option<PathBuf>,
    /// Certificate to show, and those that vouch for it, a PEM file; `None`: no TLS.
    pub tls_cert: Option<PathBuf>,
    /// Its key, a PEM file.
    pub tls_key: Option<PathBuf>,
    /// Names, besides addresses and `localhost`, that a `Host` header may hold.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may call maia.
    pub allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Most connections open at once.
    pub max_connections: usize,
    /// How long a client may take for the headers of a request, and for each next piece of its body.
    pub read_timeout: Duration,
    /// How long a shutdown waits for answers that are on their way.
    pub shutdown_timeout: Duration,
}

/// The database.
#[derive(Clone, Debug)]
pub struct Storage {
    /// The file.
    pub path: PathBuf,
    /// How often the database is backed up; `None`: never.
    pub backup_interval: Option<Duration>,
    /// How many of these backups are kept.
    pub backup_keep: usize,
    /// The folder that they are in; `None`: `backups` beside the database.
    pub backup_dir: Option<PathBuf>,
}

/// The backend, and what is done to requests.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Address of the backend, with or without `/v1`.
    pub backend: String,
    /// Path between the backend's address and the path of a call; `None`: `/v1` unless the address names a version itself.
    pub backend_path: Option<String>,
    /// Key sent to the backend instead of the client's.
    pub backend_api_key: Option<SecretString>,
    /// Headers sent to the backend with every request.
    pub headers: Vec<(String, SecretString)>,
    /// More certificate authorities to trust, a PEM file.
    pub ca_file: Option<PathBuf>,
    /// Whether conversations are remembered.
    pub auto_remember: bool,
    /// Whether memories are injected.
    pub auto_context: bool,
    /// Where they go.
    pub context_position: ContextPosition,
    /// Tokens of injected context a request may get.
    pub token_budget: u32,
    /// Whether what was injected into a conversation stands in its later turns as it was.
    pub context_reuse: bool,
    /// How many times as long as at its last beginning a conversation must be before its context begins afresh once the budget is used up.
    pub context_reuse_refresh: f64,
    /// To connect, to the first byte, then between two bytes, where the three below say nothing else.
    pub timeout: Duration,
    /// To connect.
    pub timeout_connect: Option<Duration>,
    /// From the end of the request to the first byte of the answer.
    pub timeout_first_byte: Option<Duration>,
    /// Between two bytes of the answer.
    pub timeout_idle: Option<Duration>,
    /// Largest body of a chat request, in bytes.
    pub max_body_bytes: usize,
}

/// Namespaces and recall.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Namespace of requests that name none.
    pub default_namespace: NamespaceName,
    /// Whether the proxy makes namespaces on their first use.
    pub auto_create_namespace: bool,
    /// Part of the budget for facts about the user that share no word with the message, in tokens.
    pub profile_tokens: u32,
    /// Part of the budget for pieces of conversations, in tokens.
    pub turns_tokens: u32,
    /// Whether the proxy keeps the words of each exchange besides the facts in them.
    pub remember_turns: bool,
    /// Whether it is noted, request by request, what was injected and what was learned.
    pub activity: bool,
    /// Rules of one's own that find memories in what the user says.
    pub rules: Vec<Rule>,
}

/// Logs.
#[derive(Clone, Debug)]
pub struct Logging {
    /// What is logged, as `tracing` reads it: a level, or levels by module.
    pub level: String,
    /// How.
    pub format: LogFormat,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            host: IpAddr::from([127, 0, 0, 1]),
            port: 8080,
            socket: None,
            tls_cert: None,
            tls_key: None,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            max_connections: 4_096,
            read_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(30),
        }
    }
}

impl Server {
    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.socket.is_some() || self.host.is_loopback()
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            path: "./maia.db".into(),
            backup_interval: None,
            backup_keep: 7,
            backup_dir: None,
        }
    }
}

impl Default for Proxy {
    fn default() -> Self {
        Self {
            backend: "http://localhost:11434/v1".into(),
            backend_path: None,
            backend_api_key: None,
            headers: Vec::new(),
            ca_file: None,
            auto_remember: true,
            auto_context: true,
            context_position: ContextPosition::System,
            token_budget: 4_000,
            context_reuse: true,
            context_reuse_refresh: 1.5,
            timeout: Duration::from_mins(1),
            timeout_connect: None,
            timeout_first_byte: None,
            timeout_idle: None,
            max_body_bytes: 64 << 20,
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            default_namespace: NamespaceName::default(),
            auto_create_namespace: true,
            profile_tokens: 300,
            turns_tokens: 2_000,
            remember_turns: false,
            activity: true,
            rules: Vec::new(),
        }
    }
}

impl Default for Logging {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: LogFormat::Text,
        }
    }
}

impl Config {
    /// The defaults, overlaid with what was written.
    ///
    /// # Errors
    /// All problems: unknown keys, values that cannot be understood, settings that contradict each other.
    pub fn resolve(layers: Layers) -> Result<Self, Problems> {
        let mut config = Self::default();
        let mut read = Reader::new(layers);
        config.read_server(&mut read);
        config.read_proxy(&mut read);
        config.read_storage(&mut read);
        read.set(
            "memory.default_namespace",
            &mut config.memory.default_namespace,
            NamespaceName::parse,
        );
        read.set(
            "memory.auto_create_namespace",
            &mut config.memory.auto_create_namespace,
            reader::boolean,
        );
        read.set(
            "memory.profile_tokens",
            &mut config.memory.profile_tokens,
            reader::number(0..=1_000_000),
        );
        read.set(
            "memory.turns_tokens",
            &mut config.memory.turns_tokens,
            reader::number(0..=1_000_000),
        );
        read.set(
            "memory.remember_turns",
            &mut config.memory.remember_turns,
            reader::boolean,
        );
        read.set("memory.activity", &mut config.memory.activity, reader::boolean);
        read.set_records("memory.rules", &mut config.memory.rules, reader::rule);
        config.security.read(&mut read);
        read.set("logging.level", &mut config.logging.level, reader::log_filter);
        read.set("logging.format", &mut config.logging.format, reader::log_format);
        let mut problems = read.finish();
        problems.extend(config.contradictions());
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(Problems(problems))
        }
    }

    fn read_server(&mut self, read: &mut Reader) {
        let server = &mut self.server;
        read.set("server.host", &mut server.host, reader::host);
        read.set("server.port", &mut server.port, reader::number(0..=u16::MAX));
        read.set("server.socket", &mut server.socket, reader::optional_path);
        read.set("server.tls_cert", &mut server.tls_cert, reader::optional_path);
        read.set("server.tls_key", &mut server.tls_key, reader::optional_path);
        read.set_list("server.allowed_hosts", &mut server.allowed_hosts, reader::host_name);
        read.set_list("server.allowed_origins", &mut server.allowed_origins, reader::origin);
        read.set_list("server.trusted_proxies", &mut server.trusted_proxies, reader::network);
        read.set(
            "server.max_connections",
            &mut server.max_connections,
            reader::number(1..=1_000_000),
        );
        read.set("server.read_timeout", &mut server.read_timeout, duration::parse);
        read.set("server.shutdown_timeout", &mut server.shutdown_timeout, duration::parse);
    }

    fn read_storage(&mut self, read: &mut Reader) {
        let storage = &mut self.storage;
        read.set("storage.path", &mut storage.path, reader::path);
        let interval = &mut storage.backup_interval;
        read.set("storage.backup_interval", interval, duration::parse_optional);
        let keep = reader::number(1..=10_000);
        read.set("storage.backup_keep", &mut storage.backup_keep, keep);
        read.set("storage.backup_dir", &mut storage.backup_dir, reader::optional_path);
    }

    fn read_proxy(&mut self, read: &mut Reader) {
        let proxy = &mut self.proxy;
        read.set("proxy.backend", &mut proxy.backend, reader::backend);
        read.set("proxy.backend_path", &mut proxy.backend_path, reader::backend_path);
        read.set("proxy.backend_api_key", &mut proxy.backend_api_key, reader::secret);
        read.set_map("proxy.headers", &mut proxy.headers, reader::header);
        read.set("proxy.ca_file", &mut proxy.ca_file, reader::optional_path);
        read.set("proxy.auto_remember", &mut proxy.auto_remember, reader::boolean);
        read.set("proxy.auto_context", &mut proxy.auto_context, reader::boolean);
        read.set("proxy.context_position", &mut proxy.context_position, |name| {
            ContextPosition::parse(name).map_err(|error| error.to_string())
        });
        read.set(
            "proxy.token_budget",
            &mut proxy.token_budget,
            reader::number(1..=1_000_000),
        );
        read.set("proxy.context_reuse", &mut proxy.context_reuse, reader::boolean);
        let refresh = &mut proxy.context_reuse_refresh;
        read.set("proxy.context_reuse_refresh", refresh, reader::ratio);
        read.set("proxy.timeout", &mut proxy.timeout, duration::parse);
        read.set(
            "proxy.timeout_connect",
            &mut proxy.timeout_connect,
            duration::parse_optional,
        );
        read.set(
            "proxy.timeout_first_byte",
            &mut proxy.timeout_first_byte,
            duration::parse_optional,
        );
        read.set("proxy.timeout_idle", &mut proxy.timeout_idle, duration::parse_optional);
        read.set(
            "proxy.max_body_bytes",
            &mut proxy.max_body_bytes,
            reader::number(1_024..=usize::MAX >> 8),
        );
    }

    /// Whether maia must ask for a key: it can be reached from other machines, and nobody said that all may come in.
    #[must_use]
    pub fn needs_key(&self) -> bool {
        !self.server.is_local() && !self.security.allow_public_without_key
    }

    /// What is wrong with these settings beside the keys of a database.
    #[must_use]
    pub fn problems_beside(&self, stored: &[Key]) -> Vec<String> {
        let open = self.open_to_all().filter(|_| stored.is_empty());
        open.into_iter().chain(self.security.clashes(stored)).collect()
    }

    /// What is wrong with listening where the database has no key either.
    fn open_to_all(&self) -> Option<String> {
        let has_key = self.security.api_key.is_some() || !self.security.keys.is_empty();
        (self.needs_key() && !has_key).then(|| {
            format!(
                "server.host: {} can be reached from other machines and there is no key: set security.api_key, make a key with `maia keys create`, \
                 or set security.allow_public_without_key: true if that is meant",
                self.server.host
            )
        })
    }

    fn contradictions(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let server = &self.server;
        for (set, other, missing) in [
            (
                "tls_cert",
                "tls_key",
                server.tls_cert.is_some() && server.tls_key.is_none(),
            ),
            (
                "tls_key",
                "tls_cert",
                server.tls_key.is_some() && server.tls_cert.is_none(),
            ),
        ] {
            if missing {
                problems.push(format!("server.{set}: needs server.{other} too, for TLS takes both"));
            }
        }
        if server.socket.is_some() && (server.tls_cert.is_some() || server.tls_key.is_some()) {
            problems.push(
                "server.socket: has no TLS; unset server.tls_cert and server.tls_key, or listen on a port".into(),
            );
        }
        problems.extend(self.security.contradictions(self.proxy.backend_api_key.as_ref()));
        problems
    }
}
