//! The memory API on the command line: what it prints, to the letter, with a server and without one.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support_process::{Ended, Program, SILENT_PORT, command, run, run_with};
use crate::support_terminal::Terminal;

const DARK: &str = "01a206a4-8860-7092-9989-745facfe1cd3";
const TEA: &str = "01a206a4-8860-7092-9989-9c01ab22ffee";
const LONG: &str = "01a206a4-8861-7092-9989-00000000beef";

/// A folder whose database holds three memories with ids and times that a test can name.
pub(crate) fn filled() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        json!({"id": DARK, "namespace": "default", "content": "User prefers dark mode", "source": "user", "tags": ["ui"],
               "created_at": "2026-01-29T12:00:00Z", "updated_at": "2026-01-29T12:00:00Z"}),
        json!({"id": TEA, "namespace": "default", "content": "用户每天早上喜欢喝一杯热的绿茶，下午喜欢喝乌龙茶", "source": "user", "pinned": true,
               "created_at": "2026-01-30T12:00:00Z", "updated_at": "2026-01-30T12:00:00Z"}),
        json!({"id": LONG, "namespace": "default", "type": "episodic", "source": "imported",
               "content": "User told the story\nof the blue bicycle, which was stolen in Porto and found again in Lisbon",
               "created_at": "2026-01-31T12:00:00Z", "updated_at": "2026-01-31T12:00:00Z"}),
    ];
    let lines = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let imported = run_with(folder.path(), &["import", "-"], &lines);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    folder
}

#[track_caller]
pub(crate) fn done(ended: Ended) -> String {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout
}

#[track_caller]
fn failed(ended: &Ended, code: i32) -> &str {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert_eq!(ended.stdout, "", "{ended:?}");
    ended.stderr.lines().last().unwrap().strip_prefix("maia: ").unwrap()
}

#[track_caller]
pub(crate) fn screen(folder: &Path, columns: u16, arguments: &[&str]) -> String {
    let (code, text) = Terminal::run(folder, columns, arguments, &[("NO_COLOR", "1")]).ended();
    assert_eq!(code, Some(0), "{text}");
    text
}

#[test]
fn a_list_at_eighty_columns() {
    let folder = filled();
    assert_eq!(
        screen(folder.path(), 80, &["list", "--database", "maia.db"]),
        "\
ID        DATE        TYPE      MEMORY
0000beef  2026-01-31  episodic  User told the story of the blue bicycle, which …
ab22ffee  2026-01-30  semantic  用户每天早上喜欢喝一杯热的绿茶，下午喜欢喝乌龙…
acfe1cd3  2026-01-29  semantic  User prefers dark mode  #ui"
    );
}

#[test]
fn a_list_at_forty_columns() {
    let folder = filled();
    assert_eq!(
        screen(folder.path(), 40, &["list", "--database", "maia.db"]),
        "\
ID        MEMORY
0000beef  User told the story of the bl…
ab22ffee  用户每天早上喜欢喝一杯热的绿…
acfe1cd3  User prefers dark mode  #ui"
    );
}

#[test]
fn a_list_that_goes_into_a_pipe_is_whole() {
    let folder = filled();
    let ended = run(folder.path(), &["list", "--limit", "2"]);
    assert_eq!(ended.code, Some(0));
    assert_eq!(
        ended.stdout,
        "\
ID                                    DATE        TYPE      MEMORY
01a206a4-8861-7092-9989-00000000beef  2026-01-31  episodic  User told the story of the blue bicycle, which was stolen in Porto and found again in Lisbon
01a206a4-8860-7092-9989-9c01ab22ffee  2026-01-30  semantic  用户每天早上喜欢喝一杯热的绿茶，下午喜欢喝乌龙茶  pinned
"
    );
    assert_eq!(
        ended.stderr,
        "maia: no maia answers at http://127.0.0.1:9; using ./maia.db\n1 to 2 of 3 memories; --offset 2 shows what follows\n"
    );
}

#[test]
fn a_search_a_context_and_namespaces_at_eighty_columns() {
    let folder = filled();
    assert_eq!(
        screen(
            folder.path(),
            80,
            &["search", "-d", "maia.db", "dark", "display", "mode"]
        )
        .lines()
        .map(|line| line.get(7..).unwrap())
        .collect::<Vec<_>>(),
        [
            "ID        DATE        MEMORY",
            "acfe1cd3  2026-01-29  User prefers dark mode  #ui"
        ]
    );
    assert_eq!(
        screen(folder.path(), 80, &["context", "-d", "maia.db", "Dark", "mode?"]),
        "\
## Relevant Context

用户每天早上喜欢喝一杯热的绿茶，下午喜欢喝乌龙茶
User prefers dark mode

ID        WHY     TOKENS  MEMORY
ab22ffee  pinned      20  用户每天早上喜欢喝一杯热的绿茶，下午喜欢喝乌龙茶
acfe1cd3  match        5  User prefers dark mode
2 memories, 28 of 4000 tokens"
    );
    let list = screen(folder.path(), 80, &["ns", "list", "-d", "maia.db"]);
    let day = &list.lines().nth(1).unwrap()[18..28];
    assert_eq!(
        list,
        format!("MEMORIES  TOKENS  CREATED     NAME\n       3      45  {day}  default")
    );
}

#[test]
fn every_command_says_the_same_with_a_server_and_without() {
    let (beside, alone) = (filled(), filled());
    let maia = Program::start(beside.path(), &[]);
    let url = format!("http://{}/", maia.address());
    let commands: &[&[&str]] = &[
        &["list"],
        &[
            "list",
            "--json",
            "--tag",
            "ui",
            "--type",
            "semantic",
            "--after",
            "2026-01-01",
        ],
        &["show", "acfe1cd3"],
        &["show", "--json", DARK],
        &["show", "--history", "acfe1cd3"],
        &["search", "--json", "dark mode"],
        &["context", "--explain", "Which mode, dark or light?"],
        &[
            "edit",
            "acfe1cd3",
            "--text",
            "User prefers light mode",
            "--pin",
            "--meta",
            "by=hand",
        ],
        &["edit", "1cd3", "--unpin", "--type", "working"],
        &["list", "--source", "user"],
        &["rm", "--tag", "ui", "--dry-run"],
        &["rm", "--tag", "ui"],
        &["rm", "01a206a4-8861"],
        &[
            "namespaces",
            "create",
            "team/alice",
            "token_budget=100",
            "context_position=first_user",
        ],
        &[
            "namespaces",
            "set",
            "team/alice",
            "token_budget=none",
            "retention_days=9",
        ],
        &["namespaces", "show", "team/alice"],
        &[
            "add",
            "-n",
            "team/alice",
            "--tag",
            "name",
            "User",
            "is",
            "called",
            "Alice",
        ],
        &["list", "-n", "team/alice"],
        &["namespaces", "rm", "--force", "team/alice"],
        &["namespaces", "list"],
    ];
    // Ids and times of what the commands themselves make differ.
    let made =
        regex::Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}|20\d\d-\d\d-\d\dT[0-9:.]+Z|[0-9.]+ms").unwrap();
    for arguments in commands {
        let asked = run(
            beside.path(),
            &[&["--set", "memory.profile_tokens=300"], *arguments, &["--url", &url]].concat(),
        );
        let opened = run(alone.path(), arguments);
        assert_eq!(asked.code, Some(0), "{arguments:?}: {asked:?}");
        assert_eq!(opened.code, Some(0), "{arguments:?}: {opened:?}");
        assert_ne!(opened.stdout, "", "{arguments:?}: {opened:?}");
        assert_eq!(
            made.replace_all(&asked.stdout, "…"),
            made.replace_all(&opened.stdout, "…"),
            "{arguments:?}"
        );
        assert!(!asked.stderr.contains("using"), "{asked:?}");
        assert!(opened.stderr.contains("using ./maia.db"), "{opened:?}");
    }
    maia.stop();
}

#[test]
fn json_is_what_the_api_answers() {
    let folder = filled();
    let maia = Program::start(folder.path(), &[]);
    let port = maia.address().port().to_string();
    let set = format!("server.port={port}");
    let printed = done(run(folder.path(), &["list", "--json", "--limit", "2", "--set", &set]));
    let answered = maia.get("/v1/namespaces/default/memories?limit=2&offset=0");
    assert_eq!(printed, format!("{}\n", answered.text()));
    let added = done(run(folder.path(), &["add", "--json", "User sails", "--set", &set]));
    let added: Value = serde_json::from_str(&added).unwrap();
    let path = format!("/v1/namespaces/default/memories/{}", added["id"].as_str().unwrap());
    assert_eq!(maia.get(&path).expect(200), added);
    maia.stop();
}

#[test]
fn a_command_on_the_file_and_a_server_share_it() {
    let folder = filled();
    let maia = Program::start(folder.path(), &[]);
    for number in 0..10 {
        // The port of the configuration is not the server's, so the command opens the file that the server has open.
        done(run(folder.path(), &["add", &format!("User counts to {number}")]));
    }
    assert_eq!(maia.get("/v1/namespaces/default/memories").expect(200)["total"], 13);
    done(run(folder.path(), &["rm", "--before", "2026-02-01"]));
    assert_eq!(maia.get("/v1/namespaces/default/memories").expect(200)["total"], 10);
    maia.stop();
    assert_eq!(crate::support_process::files(folder.path()), ["maia.db"]);
}

#[test]
fn standard_input_is_a_memory() {
    let folder = tempfile::tempdir().unwrap();
    let added = done(run_with(folder.path(), &["add"], "User plays\nthe cello\n"));
    assert!(added.ends_with("  User plays the cello\n"), "{added}");
    let added = done(run_with(folder.path(), &["add", "-", "--json"], "User sings\n"));
    assert_eq!(serde_json::from_str::<Value>(&added).unwrap()["content"], "User sings");
    let empty = run_with(folder.path(), &["add"], "\n");
    assert_eq!(failed(&empty, 1), "content: must not be empty");
}

#[test]
fn what_is_wrong_is_said_on_standard_error_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let none = run(folder.path(), &["list"]);
    assert_eq!(
        failed(&none, 4),
        "there is no database at ./maia.db, and no maia answers at http://127.0.0.1:9; start maia, or say where it is with --url or --database"
    );
    assert_eq!(
        crate::support_process::files(folder.path()),
        [""; 0],
        "nothing was made"
    );

    let folder = filled();
    let on_file = |arguments: &[&str]| run(folder.path(), &[&["-d", "maia.db"], arguments].concat());
    let refused = on_file(&["list", "--type", "sematic"]);
    assert!(failed(&refused, 1).contains("sematic"), "{refused:?}");
    let missing = on_file(&["show", "deadbeef"]);
    assert!(
        failed(&missing, 1).contains("maia list shows what is there"),
        "{missing:?}"
    );
    assert!(failed(&on_file(&["show", "xyz"]), 1).contains("is no id"));
    let many = on_file(&["rm", "01a206a4-8860"]);
    assert_eq!(many.code, Some(1));
    assert!(many.stderr.contains(DARK) && many.stderr.contains(TEA), "{many:?}");
    assert_eq!(on_file(&["rm"]).code, Some(2));
    assert_eq!(on_file(&["rm", "beef", "--tag", "ui"]).code, Some(2));
    let full = on_file(&["namespaces", "rm", "default"]);
    assert_eq!(
        failed(&full, 1),
        "default holds 3 memories; --force deletes them with it"
    );

    let nobody = run(
        folder.path(),
        &["list", "--url", &format!("http://127.0.0.1:{SILENT_PORT}")],
    );
    assert!(failed(&nobody, 1).contains("is it running"), "{nobody:?}");
    let wrong = run(folder.path(), &["list", "--url", "localhost:8080"]);
    assert!(failed(&wrong, 2).contains("such as http://localhost:8080"), "{wrong:?}");
}

#[test]
fn the_key_comes_from_a_file_the_environment_or_the_configuration() {
    let folder = filled();
    let maia = Program::start(folder.path(), &["--set", "security.api_key=correct-horse"]);
    let url = format!("http://{}/proxy/v1", maia.address());
    let ask = |arguments: &[&str], environment: &[(&str, &str)]| {
        let arguments = [&["list", "--url", &url], arguments].concat();
        let mut command = command(folder.path(), &arguments);
        Ended::from(command.envs(environment.iter().copied()).output().unwrap())
    };
    let refused = ask(&[], &[]);
    assert!(failed(&refused, 1).contains("--key-file"), "{refused:?}");
    fs::write(folder.path().join("key"), "correct-horse\n").unwrap();
    for (arguments, environment) in [
        (&["--key-file", "key"][..], &[("MAIA_KEY", "wrong")][..]),
        (
            &[],
            &[("MAIA_KEY", "correct-horse"), ("MAIA_SECURITY_API_KEY", "wrong")],
        ),
        (&[], &[("MAIA_SECURITY_API_KEY", "correct-horse")]),
        (&[], &[("MAIA_KEY_FILE", "key")]),
    ] {
        assert!(
            done(ask(arguments, environment)).contains("dark mode"),
            "{arguments:?} {environment:?}"
        );
    }
    // Whoever can open the file needs no key.
    let opened = run(folder.path(), &["list", "--set", "security.api_key=correct-horse"]);
    assert!(done(opened).contains("dark mode"));
    maia.stop();
}

#[test]
fn the_figures_of_a_server_elsewhere_are_those_of_its_api() {
    let folder = filled();
    let maia = Program::start(folder.path(), &[]);
    let elsewhere = tempfile::tempdir().unwrap();
    let url = format!("http://{}", maia.address());
    let printed = done(run(elsewhere.path(), &["stats", "--json", "--url", &url]));
    let stats: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(stats["total_memories"], 3);
    assert_eq!(stats, maia.get("/v1/stats").expect(200));
    let text = done(run(elsewhere.path(), &["stats", "--url", &url]));
    for line in [
        format!("server             {url}"),
        "memories           3".to_owned(),
        "episodic           1 (type)".to_owned(),
        "imported           1 (source)".to_owned(),
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line:?} in {text}");
    }
    maia.stop();
}

#[test]
fn a_machine_without_certificates_needs_them_for_https_only() {
    let folder = filled();
    let maia = Program::start(folder.path(), &[]);
    let url = format!("http://{}", maia.address());
    let without = |arguments: &[&str]| {
        let mut command = command(folder.path(), arguments);
        command
            .env("SSL_CERT_FILE", "/nonexistent")
            .env("SSL_CERT_DIR", "/nonexistent");
        let ended = command.output().unwrap();
        (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
    };
    assert_eq!(without(&["list", "--url", &url]), (Some(0), String::new()));
    maia.stop();
    assert_eq!(without(&["list", "-d", "maia.db"]), (Some(0), String::new()));
    let (code, problem) = without(&["list", "-d", "maia.db", "--set", "proxy.backend=https://127.0.0.1:1"]);
    assert_eq!(code, Some(2), "{problem}");
    assert!(problem.contains("install the package ca-certificates"), "{problem}");
}
