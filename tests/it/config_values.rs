//! Values of settings: which are taken, which are refused, and what is never said of them.

use std::time::Duration;

use proptest::prelude::*;

use crate::config::{OTHERS, load, problem, problem_of, with_flag};

#[test]
fn values_are_checked() {
    for (key, values) in [
        ("server.host", &["", "example.com", "1.2.3", "127.0.0.1:80"][..]),
        ("server.port", &["", "-1", "65536", "8e3", "http"]),
        ("server.allowed_hosts", &["a b", "http://a", "a:80", "a,b/c"]),
        (
            "server.allowed_origins",
            &["example.com", "ftp://a", "https://a/", "https://*", "*"],
        ),
        ("server.max_connections", &["0", "-1"]),
        ("storage.path", &[""]),
        ("storage.backup_interval", &["daily", "0s", "24"]),
        ("storage.backup_keep", &["0", "10001", "-1", "some"]),
        (
            "proxy.backend",
            &[
                "",
                "localhost",
                "localhost:11434",
                "ftp://a",
                "http://",
                "http://user:pw@a",
                "/v1",
                "http://a b",
            ],
        ),
        ("proxy.backend_path", &["v1", "/a b", "/a?b", "none"]),
        ("proxy.backend_api_key", &["a b", "é", "a\tb"]),
        ("proxy.headers", &["x", "a b=c", "=c"]),
        ("proxy.auto_remember", &["", "maybe", "2"]),
        ("proxy.context_position", &["", "System", "first"]),
        ("proxy.token_budget", &["0", "-5", "1.5", "1000001", "4k"]),
        ("proxy.context_reuse", &["", "maybe", "2"]),
        (
            "proxy.context_reuse_refresh",
            &["", "0.9", "1001", "NaN", "inf", "twice"],
        ),
        ("proxy.max_body_bytes", &["0", "1023"]),
        ("memory.default_namespace", &["", "-a", "a b"]),
        (
            "memory.rules",
            &[
                "x",
                "[a]",
                "{name: a}",
                "[{name: a}]",
                "[{name: a, pattern: b}]",
                "[{name: A b, pattern: b, template: c}]",
                "[{name: a, pattern: (b, template: c}]",
                "[{name: a, pattern: b, template: ''}]",
                "[{name: a, pattern: b, template: c $1}]",
                "[{name: a, pattern: b, template: c $who}]",
                "[{name: a, pattern: b, template: c, type: fact}]",
                "[{name: a, pattern: b, template: c, confidence: 2}]",
                "[{name: a, pattern: b, template: c, confidence: high}]",
                "[{name: a, pattern: b, template: c, colour: red}]",
                "[{name: a, pattern: [b], template: c}]",
            ],
        ),
        ("security.keys", &["x", "[a]", "{name: a}"]),
        ("security.rate_limit_burst", &["0"]),
        ("logging.level", &["", "maia=loud"]),
        ("logging.format", &["", "JSON"]),
    ] {
        for value in values {
            let problem = problem(key, value);
            assert!(problem.starts_with(&format!("{key} (command line): ")), "{problem}");
        }
    }
    for (key, values) in [
        ("server.host", &["localhost", "::1", "[::1]", "127.0.0.2"][..]),
        (
            "proxy.auto_remember",
            &["true", "yes", "on", "1", "FALSE", "no", "off", "0"],
        ),
        (
            "proxy.backend",
            &["http://localhost:11434", "https://a.example/v1/", "http://[::1]:1"],
        ),
        ("proxy.backend_path", &["auto", "", "/", "/v2/"]),
        ("logging.level", &["error", "info,maia=debug"]),
    ] {
        for value in values {
            with_flag(key, value).unwrap_or_else(|problems| panic!("{key} {value}: {problems:?}"));
        }
    }
    for yaml in [
        "server: { port: [1] }",
        "server: { port: { a: 1 } }",
        "proxy: { headers: [a] }",
        "server: { allowed_hosts: { a: b } }",
    ] {
        let problem = problem_of(yaml);
        assert!(problem.contains("must be a"), "{problem}");
    }
}

#[test]
fn durations_have_a_number_and_a_unit() {
    for (text, milliseconds) in [
        ("1ms", 1),
        ("500ms", 500),
        ("60s", 60_000),
        ("2m", 120_000),
        ("1h", 3_600_000),
        ("8760h", 31_536_000_000),
        ("5 s", 5_000),
    ] {
        let config = with_flag("proxy.timeout", text).unwrap();
        assert_eq!(config.proxy.timeout, Duration::from_millis(milliseconds), "{text}");
    }
    for text in [
        "",
        "60",
        "s",
        "-1s",
        "1.5s",
        "1d",
        "60 seconds",
        "1m30s",
        "0s",
        "0ms",
        "8761h",
        "99999999999999999999s",
        "18446744073709551615h",
        "٣s",
        "1S",
    ] {
        let problem = problem("proxy.timeout", text);
        assert!(
            problem.starts_with("proxy.timeout (command line): must be "),
            "{problem}"
        );
    }
    assert_eq!(with_flag("proxy.timeout_idle", "").unwrap().proxy.timeout_idle, None);
}

#[test]
fn secrets_are_never_printed() {
    let canary = "sk-canary 7";
    let file = format!(
        "proxy: {{ backend_api_key: \"{canary}\", headers: {{ X-Key: \"{canary}\u{e9}\" }} }}\nsecurity: {{ api_key: \"{canary}\", apikey: \"{canary}\" }}"
    );
    let variables = [
        ("MAIA_PROXY_API_KEY", canary),
        ("MAIA_SECURITY_KEY", canary),
        ("MAIA_PROXY_HEADERS", "Authorization: Bearer sk-canary=="),
    ];
    for problems in [
        load(&file, &[], &[]),
        load("", &variables, &[]),
        load(
            "",
            &[],
            &[("proxy.backend_api_key", canary), ("security.api_kye", canary)],
        ),
        load("", &[], &[("proxy.backend", "https://user:sk-canary@example.com")]),
        load(
            "",
            &[],
            &[
                ("security.api_key", "sk-canary"),
                ("proxy.backend_api_key", "sk-canary"),
            ],
        ),
    ] {
        let problems = problems.unwrap_err().join("\n");
        assert!(!problems.contains("canary"), "{problems}");
    }
    let secrets = [
        ("proxy.backend_api_key", "sk-canary"),
        ("security.api_key", "canary"),
        ("proxy.headers", "x=canary"),
    ];
    let config = load("", &[], &secrets).unwrap();
    assert!(!format!("{config:?}").contains("canary"), "{config:?}");
}

#[test]
fn beyond_this_machine_a_key_is_needed() {
    for host in ["0.0.0.0", "::", "192.168.1.7"] {
        let problem = with_flag("server.host", host).unwrap().problems_beside(&[]).concat();
        assert!(problem.contains(host), "{problem}");
        assert!(problem.contains("security.api_key"), "{problem}");
        assert!(problem.contains("maia keys create"), "{problem}");
        assert!(problem.contains("security.allow_public_without_key: true"), "{problem}");
        for (key, value) in [
            ("security.api_key", "key"),
            ("security.allow_public_without_key", "true"),
        ] {
            let config = load("", &[], &[("server.host", host), (key, value)]).unwrap();
            assert_eq!(config.server.host.to_string(), host);
            assert_eq!(config.problems_beside(&[]), [""; 0]);
        }
        let empty = load("", &[], &[("server.host", host), ("security.api_key", "")]).unwrap();
        assert_eq!(empty.problems_beside(&[]).len(), 1);
    }
    for host in ["127.0.0.1", "127.9.9.9", "::1", "localhost"] {
        assert_eq!(with_flag("server.host", host).unwrap().problems_beside(&[]), [""; 0]);
    }
}

#[test]
fn a_socket_is_local_and_has_no_tls_and_tls_takes_a_pair() {
    let local = load("", &[], &[("server.host", "0.0.0.0"), ("server.socket", "maia.sock")]).unwrap();
    assert_eq!(local.problems_beside(&[]), [""; 0]);
    for (set, missing) in [
        ("server.tls_cert", "server.tls_key"),
        ("server.tls_key", "server.tls_cert"),
    ] {
        let expected = format!("{set}: needs {missing} too, for TLS takes both");
        assert_eq!(load("", &[], &[(set, "file")]).unwrap_err(), [expected]);
    }
    let all = [
        ("server.socket", "maia.sock"),
        ("server.tls_cert", "tls.crt"),
        ("server.tls_key", "tls.key"),
    ];
    let problems = load("", &[], &all).unwrap_err();
    assert_eq!(
        problems,
        ["server.socket: has no TLS; unset server.tls_cert and server.tls_key, or listen on a port"]
    );
}

#[test]
fn the_two_keys_must_differ() {
    let problems = load(
        "",
        &[],
        &[("security.api_key", "same"), ("proxy.backend_api_key", "same")],
    )
    .unwrap_err();
    assert!(problems.concat().contains("proxy.backend_api_key"), "{problems:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn durations_come_back_as_written(number in 1_u64..8_760, unit in 0_usize..4) {
        let (unit, milliseconds) = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)].into_iter().nth(unit).unwrap();
        let config = with_flag("proxy.timeout", &format!("{number}{unit}")).unwrap();
        prop_assert_eq!(config.proxy.timeout, Duration::from_millis(number * milliseconds));
    }

    #[test]
    fn numbers_come_back_as_written(port: u16, budget in 1_u32..=1_000_000) {
        let yaml = format!("server: {{ port: {port} }}\nproxy: {{ token_budget: {budget} }}");
        let config = load(&yaml, &[], &[]).unwrap();
        prop_assert_eq!(config.server.port, port);
        prop_assert_eq!(config.proxy.token_budget, budget);
    }

    #[test]
    fn no_value_panics(value: String) {
        for (key, _) in OTHERS {
            // Whether it is taken does not matter here.
            let _ = with_flag(key, &value);
        }
    }
}
