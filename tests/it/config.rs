//! Settings: their defaults, where they come from, and what is said about wrong ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use maia::config::{Config, Layers, LogFormat};
use maia::model::ContextPosition;
use secrecy::ExposeSecret as _;

use crate::support_process::{Program, Starting, command};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config.example.yaml");

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Resolves a file's text, environment variables and flags.
pub(crate) fn load(yaml: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    fs::write(&file, yaml).unwrap();
    let environment = map(environment);
    let layers = Layers::new()
        .with_file(&file, &environment)
        .map_err(|problem| vec![problem])?
        .with_environment(&environment);
    let layers = flags
        .iter()
        .fold(layers, |layers, (key, value)| layers.with_flag(key, value));
    Config::resolve(layers).map_err(|problems| problems.0)
}

pub(crate) fn with_flag(key: &str, value: &str) -> Result<Config, Vec<String>> {
    load("", &[], &[(key, value)])
}

/// The one problem of a flag.
#[track_caller]
pub(crate) fn problem(key: &str, value: &str) -> String {
    let problems = with_flag(key, value).expect_err(value);
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.concat()
}

fn shown(config: &Config) -> String {
    format!("{config:#?}")
}

/// Every setting, as the fields of [`Config`] have it: `section.key`.
pub(crate) fn keys() -> Vec<String> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in shown(&Config::default()).lines() {
        let name = line.trim_start();
        let depth = line.len() - name.len();
        let Some((name, _)) = name.split_once(": ") else {
            continue;
        };
        match depth {
            4 => name.clone_into(&mut section),
            8 => keys.push(format!("{section}.{name}")),
            _ => {}
        }
    }
    keys
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let config = load("", &[], &[]).unwrap();
    assert_eq!(shown(&config), shown(&Config::default()));
    assert_eq!(config.server.host.to_string(), "127.0.0.1");
    assert_eq!(config.server.port, 8080);
    assert_eq!(config.storage.path, Path::new("./maia.db"));
    assert_eq!(config.proxy.backend, "http://localhost:11434/v1");
    assert!(config.proxy.backend_api_key.is_none());
    assert!(config.proxy.auto_remember);
    assert!(config.proxy.auto_context);
    assert_eq!(config.proxy.context_position, ContextPosition::System);
    assert_eq!(config.proxy.token_budget, 4000);
    assert!(config.proxy.context_reuse);
    assert_eq!(config.proxy.timeout, Duration::from_mins(1));
    assert_eq!(config.memory.default_namespace.as_str(), "default");
    assert!(config.memory.auto_create_namespace);
    assert_eq!(config.memory.profile_tokens, 300);
    assert_eq!(config.memory.turns_tokens, 2_000);
    assert!(!config.memory.remember_turns);
    assert!(config.security.api_key.is_none());
    assert_eq!(config.security.rate_limit_rps, 100);
    assert_eq!(config.security.rate_limit_burst, 150);
    assert_eq!(config.logging.level, "info");
    assert_eq!(config.logging.format, LogFormat::Text);
}

#[test]
fn the_example_is_the_defaults_and_explains_every_key() {
    let environment = BTreeMap::new();
    let layers = Layers::new().with_file(Path::new(EXAMPLE), &environment).unwrap();
    let config = Config::resolve(layers).unwrap();
    assert_eq!(shown(&config), shown(&Config::default()));
    let text = fs::read_to_string(EXAMPLE).unwrap();
    let keys = keys();
    assert!(keys.len() > 25, "{keys:?}");
    for key in keys {
        let (section, key) = key.split_once('.').unwrap();
        let (_, rest) = text
            .split_once(&format!("\n{section}:\n"))
            .unwrap_or_else(|| panic!("no {section}"));
        let rest: Vec<&str> = rest
            .lines()
            .take_while(|line| line.is_empty() || line.starts_with("  "))
            .collect();
        let line = rest.iter().position(|line| line.starts_with(&format!("  {key}: ")));
        let line = line.unwrap_or_else(|| panic!("{section}.{key} is not in the example"));
        let comment = line.checked_sub(1).and_then(|above| rest.get(above)).unwrap();
        assert!(
            comment.starts_with("  # Default: ") && comment.contains(". Example: "),
            "{section}.{key}: {comment}"
        );
    }
}

/// A value for each key that is not its default.
pub(crate) const OTHERS: &[(&str, &str)] = &[
    ("server.host", "::1"),
    ("server.port", "9"),
    ("server.socket", "/tmp/maia.sock"),
    ("server.tls_cert", "/tmp/tls.crt"),
    ("server.tls_key", "/tmp/tls.key"),
    ("server.allowed_hosts", "maia.home"),
    ("server.allowed_origins", "https://app.example.com"),
    ("server.trusted_proxies", "10.0.0.0/8"),
    ("server.max_connections", "7"),
    ("server.read_timeout", "2s"),
    ("server.shutdown_timeout", "1s"),
    ("storage.path", "/tmp/other.db"),
    ("storage.backup_interval", "24h"),
    ("storage.backup_keep", "3"),
    ("storage.backup_dir", "/tmp/backups"),
    ("proxy.backend", "https://api.openai.com"),
    ("proxy.backend_path", "/api/v3"),
    ("proxy.backend_api_key", "sk-1"),
    ("proxy.headers", "x-title=maia"),
    ("proxy.ca_file", "/tmp/ca.pem"),
    ("proxy.auto_remember", "false"),
    ("proxy.auto_context", "false"),
    ("proxy.context_position", "before_last"),
    ("proxy.token_budget", "1"),
    ("proxy.context_reuse", "false"),
    ("proxy.context_reuse_refresh", "2.5"),
    ("proxy.timeout", "2m"),
    ("proxy.timeout_connect", "3s"),
    ("proxy.timeout_first_byte", "4s"),
    ("proxy.timeout_idle", "5s"),
    ("proxy.max_body_bytes", "2048"),
    ("memory.default_namespace", "alice"),
    ("memory.auto_create_namespace", "false"),
    ("memory.profile_tokens", "0"),
    ("memory.turns_tokens", "0"),
    ("memory.remember_turns", "true"),
    ("memory.activity", "false"),
    (
        "memory.rules",
        "[{name: pet, pattern: my pet is (.+), template: User has $1}]",
    ),
    ("security.api_key", "key"),
    (
        "security.keys",
        "[{name: ci, hash: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, rights: [admin]}]",
    ),
    ("security.allow_public_without_key", "true"),
    ("security.rate_limit_rps", "0"),
    ("security.rate_limit_burst", "1"),
    ("logging.level", "debug"),
    ("logging.format", "json"),
];

#[test]
fn every_key_can_be_set_in_every_way() {
    let mut known: Vec<&str> = OTHERS.iter().map(|(key, _)| *key).collect();
    let mut keys = keys();
    known.sort_unstable();
    keys.sort_unstable();
    assert_eq!(known, keys);
    for (key, value) in OTHERS {
        let (section, name) = key.split_once('.').unwrap();
        // What cannot be set alone goes with the rest of its pair.
        let mut environment = match *key {
            "server.tls_cert" => vec![("MAIA_SERVER_TLS_KEY", "/tmp/tls.key")],
            "server.tls_key" => vec![("MAIA_SERVER_TLS_CERT", "/tmp/tls.crt")],
            _ => Vec::new(),
        };
        let by_file = load(&format!("{section}: {{ {name}: \"{value}\" }}"), &environment, &[]).unwrap();
        let by_flag = load("", &environment, &[(*key, *value)]).unwrap();
        assert_ne!(shown(&by_file), shown(&Config::default()), "{key}");
        let variable = format!("MAIA_{}", key.replace('.', "_").to_uppercase());
        environment.push((&variable, value));
        let by_environment = load("", &environment, &[]).unwrap();
        assert_eq!(shown(&by_environment), shown(&by_file), "{key}");
        assert_eq!(shown(&by_flag), shown(&by_file), "{key}");
    }
}

#[test]
fn flags_go_before_the_environment_and_that_before_the_file() {
    let file = "proxy: { token_budget: 1, timeout: 1s, backend: http://file }\nserver: { port: 1 }";
    let environment = [
        ("MAIA_PROXY_TOKEN_BUDGET", "2"),
        ("MAIA_PROXY_TIMEOUT", "2s"),
        ("MAIA_MEMORY_PROFILE_TOKENS", "2"),
    ];
    let flags = [
        ("proxy.token_budget", "3"),
        ("logging.level", "warn"),
        ("memory.profile_tokens", "3"),
    ];
    let config = load(file, &environment, &flags).unwrap();
    assert_eq!(config.proxy.token_budget, 3);
    assert_eq!(config.proxy.timeout, Duration::from_secs(2));
    assert_eq!(config.proxy.backend, "http://file");
    assert_eq!(config.server.port, 1);
    assert_eq!(config.memory.profile_tokens, 3);
    assert_eq!(config.logging.level, "warn");
    assert_eq!(config.security.rate_limit_rps, 100);
}

#[test]
fn the_program_reads_all_four_layers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(
        path.join("config.yaml"),
        "proxy: { backend: http://from-the-folder/v1 }",
    )
    .unwrap();
    let maia = Program::start(path, &[]);
    assert!(maia.log.contains("backend http://from-the-folder/v1,"), "{}", maia.log);
    drop(maia);
    let other = "proxy: { backend: 'http://${NAME}/v1' }\nstorage: { path: other.db }";
    fs::write(path.join("other.yaml"), other).unwrap();
    let start = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = command(path, arguments);
        command.envs(variables.iter().copied());
        Starting::spawn(command.args(["--port", "0"])).ready()
    };
    let maia = start(&["--config", "other.yaml"], &[("NAME", "from-a-name")]);
    assert!(
        maia.log.contains("backend http://from-a-name/v1, database other.db"),
        "{}",
        maia.log
    );
    let variables = [
        ("NAME", "x"),
        ("MAIA_CONFIG", "other.yaml"),
        ("MAIA_PROXY_BACKEND", "http://from-the-environment"),
        ("MAIA_STORAGE_PATH", "by-environment.db"),
    ];
    let maia = start(&[], &variables);
    assert!(
        maia.log
            .contains("backend http://from-the-environment, database by-environment.db"),
        "{}",
        maia.log
    );
    let flags = ["--backend", "http://from-a-flag", "--set", "storage.path=by-flag.db"];
    let maia = start(&flags, &variables);
    assert!(
        maia.log.contains("backend http://from-a-flag, database by-flag.db"),
        "{}",
        maia.log
    );
}

#[test]
fn names_in_the_file_are_read_from_the_environment() {
    let file = "proxy: { backend_api_key: \"${KEY}\", backend: \"http://${HOST}:${PORT}/v1\", headers: { X-Team: \"a-${KEY}\" } }\n\
                server: { allowed_hosts: [\"${HOST}\"] }\n# ${COMMENT}";
    let environment = [("KEY", "sk-1"), ("HOST", "backend.home"), ("PORT", "99")];
    let config = load(file, &environment, &[]).unwrap();
    assert_eq!(config.proxy.backend, "http://backend.home:99/v1");
    assert_eq!(config.proxy.backend_api_key.unwrap().expose_secret(), "sk-1");
    assert_eq!(config.server.allowed_hosts, ["backend.home"]);
    let (name, value) = config.proxy.headers.first().unwrap();
    assert_eq!((name.as_str(), value.expose_secret()), ("x-team", "a-sk-1"));
    let problems = load(file, &[("PORT", "99"), ("HOST", "h")], &[]).unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
    for problem in problems {
        assert!(problem.contains("the environment variable KEY is not set"), "{problem}");
        assert!(problem.contains("config.yaml"), "{problem}");
    }
    let problems = load("storage: { path: \"${OPEN\" }", &[], &[]).unwrap_err().concat();
    assert!(
        problems.contains("storage.path") && problems.contains("closing"),
        "{problems}"
    );
    // What the environment holds is taken as it is.
    let config = load("logging: { level: \"${A}\" }", &[("A", "info,${B}=warn")], &[]);
    assert!(config.is_err() || config.unwrap().logging.level.contains("${B}"));
}

#[test]
fn unknown_keys_are_listed_with_a_hint() {
    for (problems, place) in [
        (load("proxy: { token_bugdet: 5 }", &[], &[]), "config.yaml"),
        (load("", &[], &[("proxy.token_bugdet", "5")]), "command line"),
    ] {
        let problem = problems.unwrap_err().concat();
        assert!(problem.starts_with("proxy.token_bugdet ("), "{problem}");
        assert!(problem.contains(place), "{problem}");
        assert!(
            problem.ends_with("there is no such setting; did you mean proxy.token_budget?"),
            "{problem}"
        );
    }
    let problem = load("", &[("MAIA_PROXY_TOKEN_BUGDET", "5")], &[]).unwrap_err().concat();
    let expected =
        "MAIA_PROXY_TOKEN_BUGDET (environment): there is no such setting; did you mean MAIA_PROXY_TOKEN_BUDGET?";
    assert_eq!(problem, expected);
    let problem = problem_of("banana: 1");
    assert!(
        problem.starts_with("banana (") && !problem.contains("did you mean"),
        "{problem}"
    );
    let problem = problem_of("banana: { peel: 1 }");
    assert!(problem.starts_with("banana.peel ("), "{problem}");
    let problem = problem_of("proxy: http://localhost");
    assert!(problem.starts_with("proxy ("), "{problem}");
    load("", &[("MAIA", "1"), ("XMAIA_PORT", "1"), ("PORT", "1")], &[]).unwrap();
    load("proxy:\nserver:\n  port:\n", &[], &[]).unwrap();
}

pub(crate) fn problem_of(yaml: &str) -> String {
    load(yaml, &[], &[]).unwrap_err().concat()
}

#[test]
fn every_problem_is_said_at_once() {
    let file = "server: { port: 70000, host: somewhere }\nproxy: { timeout: 60, contxt_position: system, context_position: top }";
    let environment = [("MAIA_LOGGING_FORMAT", "xml"), ("MAIA_SERVER_PROT", "1")];
    let problems = load(file, &environment, &[("memory.profile_tokens", "many"), ("a.b", "c")]).unwrap_err();
    for (start, rule) in [
        ("server.port (", "from 0 to 65535 (got \"70000\")"),
        (
            "server.host (",
            "must be an IP address or localhost (got \"somewhere\")",
        ),
        ("proxy.timeout (", "such as 500ms, 60s, 2m or 1h"),
        ("proxy.contxt_position (", "did you mean proxy.context_position?"),
        ("proxy.context_position (", "system, first_user, before_last, last_user"),
        (
            "logging.format (MAIA_LOGGING_FORMAT)",
            "must be text or json (got \"xml\")",
        ),
        ("MAIA_SERVER_PROT (environment)", "did you mean MAIA_SERVER_PORT?"),
        (
            "memory.profile_tokens (command line)",
            "from 0 to 1000000 (got \"many\")",
        ),
        ("a.b (command line)", "no such setting"),
    ] {
        let said = problems
            .iter()
            .filter(|problem| problem.starts_with(start) && problem.contains(rule));
        assert_eq!(said.count(), 1, "{start} {rule}: {problems:#?}");
    }
    assert_eq!(problems.len(), 9, "{problems:#?}");
}
