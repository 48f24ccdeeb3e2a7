//! Keys of the configuration: what they open, how they are shown, and what is said where something is wrong with them.

use std::fs;

use maia::model::KeyHash;
use serde_json::{Value, json};

use crate::config::load;
use crate::support_process::{Program, command, run};
use crate::support_raw::{Call, Reply};

const ROOT: &str = "root-key-of-the-file";
const PHONE: &str = "phone-key-of-the-file";

fn hash(key: &str) -> String {
    KeyHash::of(key.as_bytes()).to_string()
}

/// A configuration with a key for everything and one for `team/*`.
fn settings() -> String {
    format!(
        "security:\n  keys:\n    - {{ name: root, hash: {}, rights: [admin] }}\n    - name: phone\n      hash: {}\n      namespaces: [own, \"team/*\"]\n      rights: [read, chat]\n",
        hash(ROOT),
        hash(PHONE).to_uppercase(),
    )
}

fn by(maia: &Program, key: &str, call: Call) -> Reply {
    call.header("X-API-Key", key).send(maia.address())
}

#[test]
fn a_declared_key_opens_what_it_is_for_and_is_listed_with_those_of_the_database() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.yaml"), settings()).unwrap();
    let maia = Program::start(folder.path(), &[]);
    maia.get("/v1/namespaces").expect(401);
    by(&maia, "guess", Call::get("/v1/namespaces")).expect(401);
    by(&maia, &hash(ROOT), Call::get("/v1/namespaces")).expect(401);
    by(&maia, PHONE, Call::get("/v1/keys")).expect_error(403, "forbidden", None);
    for name in ["team/a", "other"] {
        let make = |key| {
            by(
                &maia,
                key,
                Call::json("POST", "/v1/namespaces", &json!({ "name": name })),
            )
        };
        make(PHONE).expect_error(403, "forbidden", None);
        make(ROOT).expect(201);
    }
    by(&maia, PHONE, Call::get("/v1/namespaces/team%2Fa")).expect(200);
    by(&maia, PHONE, Call::get("/v1/namespaces/other")).expect_error(403, "forbidden", Some("namespace"));

    let body = json!({ "name": "made", "namespaces": ["*"], "rights": ["read"] });
    by(&maia, ROOT, Call::json("POST", "/v1/keys", &body)).expect(201);
    let list = by(&maia, ROOT, Call::get("/v1/keys")).expect(200);
    let shown = |name: &str| {
        let found = list["data"].as_array().unwrap().iter().find(|key| key["name"] == name);
        found.unwrap().clone()
    };
    let names: Vec<&Value> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["name"])
        .collect();
    assert_eq!(
        (json!(names), &list["total"]),
        (json!(["made", "phone", "root"]), &json!(3))
    );
    assert_eq!(shown("made")["source"], "database");
    let phone = shown("phone");
    let expected = json!({
        "id": phone["id"], "name": "phone", "namespaces": ["own", "team/*"], "rights": ["read", "chat"],
        "source": "configuration", "created_at": null,
    });
    assert_eq!(phone, expected);
    assert_eq!(shown("root")["namespaces"], json!(["*"]));
    for place in ["phone", phone["id"].as_str().unwrap()] {
        let one = Call::get(&format!("/v1/keys/{place}"));
        assert_eq!(by(&maia, ROOT, one).expect(200), phone);
        let revoke = by(&maia, ROOT, Call::new("DELETE", &format!("/v1/keys/{place}")));
        let message = revoke.expect_error(409, "conflict", Some("key"));
        assert!(message.contains("take it out of security.keys"), "{message}");
    }
    let body = json!({ "name": "phone", "namespaces": ["*"], "rights": ["read"] });
    let taken = by(&maia, ROOT, Call::json("POST", "/v1/keys", &body)).expect_error(409, "conflict", Some("name"));
    assert!(taken.contains("security.keys"), "{taken}");
    by(&maia, PHONE, Call::get("/v1/namespaces/team%2Fa")).expect(200);

    // Its id is that of the next start too, and a key that is taken out opens nothing.
    maia.stop();
    let without_root = settings().replace("name: root", "name: chief");
    fs::write(folder.path().join("config.yaml"), without_root).unwrap();
    let maia = Program::start(folder.path(), &[]);
    let again = by(&maia, ROOT, Call::get("/v1/keys/phone")).expect(200);
    assert_eq!(again["id"], phone["id"]);
    maia.stop();
    fs::write(folder.path().join("config.yaml"), "").unwrap();
    let maia = Program::start(folder.path(), &[]);
    by(&maia, ROOT, Call::get("/v1/namespaces")).expect(401);
}

#[test]
fn the_command_line_makes_entries_and_shows_where_keys_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let create = [
        "keys",
        "create",
        "ci",
        "-n",
        "ci/*",
        "-r",
        "chat",
        "-r",
        "read",
        "--print-config",
    ];
    let ended = run(folder.path(), &create);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (entry, key) = ended.stdout.split_once("\nkey  ").unwrap();
    let key = key.trim();
    assert!(!entry.contains(key) && key.starts_with("maia_"), "{ended:?}");
    assert!(
        fs::read_dir(folder.path()).unwrap().next().is_none(),
        "nothing is opened"
    );
    fs::write(folder.path().join("config.yaml"), entry).unwrap();

    let made = run(folder.path(), &["keys", "create", "root", "-r", "admin", "--json"]);
    let root: Value = serde_json::from_str(&made.stdout).unwrap();
    for path in [true, false] {
        let maia = path.then(|| Program::start(folder.path(), &[]));
        let url = maia.as_ref().map(|maia| format!("http://{}", maia.address()));
        let in_keys = |arguments: &[&str]| {
            let mut command = command(folder.path(), &[&["keys"], arguments].concat());
            if let Some(url) = &url {
                command
                    .args(["--url", url])
                    .env("MAIA_KEY", root["key"].as_str().unwrap());
            }
            let output = command.output().unwrap();
            (
                output.status.code(),
                String::from_utf8(output.stdout).unwrap(),
                String::from_utf8(output.stderr).unwrap(),
            )
        };
        let (code, list, note) = in_keys(&["list"]);
        assert_eq!(code, Some(0), "{note}");
        let rows: Vec<Vec<&str>> = list
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(rows[0], ["-", "configuration", "ci", "read,chat", "ci/*"]);
        assert_eq!(rows[1][1..], ["database", "root", "admin", "*"]);
        let (code, _, problem) = in_keys(&["revoke", "-y", "ci"]);
        assert_eq!(code, Some(1));
        assert!(problem.contains("take it out of security.keys"), "{problem}");
        if let Some(maia) = maia {
            by(&maia, key, Call::get("/v1/namespaces")).expect(200);
            by(&maia, key, Call::get("/v1/keys")).expect_error(403, "forbidden", None);
            maia.stop();
        }
    }
    let refused = run(folder.path(), &["keys", "create", "x", "-r", "read", "--print-config"]);
    assert_eq!(
        (refused.code, refused.stderr.as_str()),
        (Some(2), "maia: namespaces: is missing\n")
    );
    let json = run(folder.path(), &[&create[..], &["--json"]].concat());
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    let expected = json!({
        "name": "ci", "hash": hash(json["key"].as_str().unwrap()), "namespaces": ["ci/*"], "rights": ["read", "chat"], "key": json["key"],
    });
    assert_eq!(json, expected);
}

#[test]
fn beyond_this_machine_a_declared_key_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.yaml"), settings()).unwrap();
    let maia = Program::begin(folder.path(), &["--host", "0.0.0.0"]).ready();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], maia.address().port()));
    Call::get("/v1/namespaces").send(address).expect(401);
    Call::get("/v1/namespaces")
        .header("X-API-Key", ROOT)
        .send(address)
        .expect(200);
}

#[test]
fn a_name_or_a_key_of_the_database_stops_the_start_until_one_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let made = run(
        folder.path(),
        &["keys", "create", "phone", "-n", "*", "-r", "read", "--json"],
    );
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    let secret = made["key"].as_str().unwrap();
    for (settings, problem) in [
        (settings(), "item 2: name: is that of the key phone in the database"),
        (
            settings()
                .replace("name: phone", "name: other")
                .replace(&hash(PHONE).to_uppercase(), &hash(secret)),
            "item 2: hash: is that of the key phone in the database",
        ),
    ] {
        fs::write(folder.path().join("config.yaml"), settings).unwrap();
        let (status, log) = Program::begin(folder.path(), &[]).ended();
        assert_eq!(status.code(), Some(2), "{log}");
        assert!(log.contains(&format!("\n  - security.keys: {problem}")), "{log}");
        let doctor = run(folder.path(), &["doctor", "--json"]);
        assert_eq!(doctor.code, Some(5), "{doctor:?}");
        let report: Value = serde_json::from_str(&doctor.stdout).unwrap();
        let checks = report["checks"].as_array().unwrap();
        let access = checks.iter().find(|check| check["name"] == "access").unwrap();
        assert_eq!(access["status"], "failed");
        let detail = access["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("security.keys: {problem}")), "{detail}");
        assert_eq!(access["hint"], "until then the server does not start");
    }
    let revoked = run(folder.path(), &["keys", "revoke", "-y", "phone"]);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    let maia = Program::start(folder.path(), &[]);
    by(&maia, ROOT, Call::get("/v1/keys")).expect(200);
}

#[test]
fn every_problem_of_a_declared_key_names_its_field() {
    let good = hash("one");
    for (item, problem) in [
        (format!("hash: {good}, rights: [admin]"), "name is missing"),
        ("name: a, rights: [admin]".into(), "hash is missing"),
        (format!("name: a, hash: {good}"), "rights is missing"),
        (
            format!("name: a/b, hash: {good}, rights: [admin]"),
            "name must consist of letters",
        ),
        (
            format!("name: [a], hash: {good}, rights: [admin]"),
            "name must be a single value",
        ),
        (
            "name: a, hash: maia_1, rights: [admin]".into(),
            "hash must be the SHA-256",
        ),
        (
            format!("name: a, hash: +{}, rights: [admin]", &good[1..]),
            "hash must be the SHA-256",
        ),
        (
            format!("name: a, hash: {good}0, rights: [admin]"),
            "hash must be the SHA-256",
        ),
        (
            format!("name: a, hash: {good}, rights: []"),
            "rights must hold at least one",
        ),
        (
            format!("name: a, hash: {good}, rights: [read, root]"),
            "rights[1] must be one of",
        ),
        (
            format!("name: a, hash: {good}, rights: [read]"),
            "namespaces is missing",
        ),
        (
            format!("name: a, hash: {good}, rights: read, namespaces: [a, \"*b\"]"),
            "namespaces[1] must be a namespace name",
        ),
        (
            format!("name: a, hash: {good}, rights: admin, namespaces: a"),
            "namespaces must be",
        ),
        (
            format!("name: a, hash: {good}, rights: admin, key: x"),
            "there is no field key; a key has name, hash, namespaces and rights",
        ),
    ] {
        let problems = load(&format!("security: {{ keys: [{{ {item} }}] }}"), &[], &[]).expect_err(&item);
        assert_eq!(problems.len(), 1, "{problems:?}");
        let (place, said) = problems[0]
            .split_once("): item 1: ")
            .unwrap_or_else(|| panic!("{problems:?}"));
        assert!(place.starts_with("security.keys ("), "{problems:?}");
        assert!(said.starts_with(problem), "{item}: {said}");
    }
    let secret = load(
        "security: { keys: [{ name: a, hash: maia_secret, rights: admin }] }",
        &[],
        &[],
    );
    assert!(!secret.unwrap_err()[0].contains("maia_secret"));
}

#[test]
fn all_problems_of_declared_keys_are_listed_at_once() {
    let (one, own, backend) = (hash("one"), hash("own"), hash("backend"));
    let yaml = format!(
        "proxy: {{ backend_api_key: backend }}\nsecurity:\n  api_key: own\n  keys:\n    - {{ name: a, hash: {one}, rights: admin }}\n    - {{ name: a, hash: {}, rights: admin }}\n    - {{ name: b, hash: {one}, rights: admin }}\n    - {{ name: c, hash: {own}, rights: admin }}\n    - {{ name: d, hash: {backend}, rights: admin }}\n",
        hash("two"),
    );
    let expected = [
        "security.keys: item 2: name: a is the name of item 1 already",
        "security.keys: item 3: hash: is that of item 1 already",
        "security.keys: item 4: hash: is that of security.api_key, which may do everything",
        "security.keys: item 5: hash: must not be the same as proxy.backend_api_key, for it would then reach the backend",
    ];
    assert_eq!(load(&yaml, &[], &[]).unwrap_err(), expected);
    let two_bad = "security: { keys: [{ name: a }, { name: b, rights: [x] }] }";
    assert_eq!(load(two_bad, &[], &[]).unwrap_err().len(), 2);
    // A hash may come from the environment; it is what `printf %s one | sha256sum` says.
    assert_eq!(one, "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed");
    let from_there = "security: { keys: [{ name: a, hash: \"${HASH}\", rights: [\"${RIGHT}\"] }] }";
    let config = load(from_there, &[("HASH", &one), ("RIGHT", "admin")], &[]).unwrap();
    assert_eq!(config.security.keys[0].hash.to_string(), one);
}
