//! A Unix socket in the place of a port: who may connect, what becomes of the file, and commands that find it.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use maia::config::Server;
use maia::listener::Listener;
use reqwest::{Client, Response};
use tempfile::TempDir;

use crate::support::soon;
use crate::support_process::{Ended, Program, Starting, command, run};
use crate::support_raw::StubBackend;

const SOCKET: [&str; 2] = ["--set", "server.socket=maia.sock"];

fn start(folder: &TempDir, more: &[&str]) -> Program {
    Program::start(folder.path(), &[&SOCKET, more].concat())
}

/// A new client, which has no connection yet.
fn client(folder: &TempDir) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().unix_socket(folder.path().join("maia.sock"));
    client.build().unwrap()
}

async fn get(client: &Client, url: &str) -> Response {
    soon("an answer", client.get(url).send()).await.unwrap()
}

#[track_caller]
fn refused(folder: &TempDir, problem: &str) {
    let (status, log) = Starting::spawn(&mut command(folder.path(), &SOCKET)).ended();
    assert_eq!(status.code(), Some(3), "{log}");
    assert_eq!(log, format!("maia: server.socket: {problem}\n"));
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

#[tokio::test]
async fn a_chat_goes_through_a_socket_that_is_its_owners_alone_and_gone_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let backend = StubBackend::chatting();
    let maia = start(&folder, &["--backend", &backend.url()]);
    assert!(
        maia.log
            .contains("listening on unix:maia.sock (proxy: /proxy/v1), backend"),
        "{}",
        maia.log
    );
    let path = folder.path().join("maia.sock");
    assert!(is_socket(&path));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    let client = client(&folder);
    let request = client
        .post("http://localhost/proxy/v1/chat/completions")
        .header("content-type", "application/json")
        .body(r#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#);
    let answer = soon("an answer", request.send()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(soon("its body", answer.text()).await.unwrap().contains("Hello."));
    assert_eq!(backend.requests().len(), 1);
    // Who stands between a browser and the socket does not make every name ours.
    assert_eq!(get(&client, "http://evil.example/health").await.status(), 403);

    maia.stop();
    assert!(!path.exists());
}

#[tokio::test]
async fn the_socket_of_a_dead_server_is_replaced_and_that_of_a_live_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("maia.sock");
    start(&folder, &[]).kill();
    assert!(is_socket(&path));
    let maia = start(&folder, &[]);
    refused(
        &folder,
        "a program listens on maia.sock already; stop it, or choose another path",
    );
    assert_eq!(get(&client(&folder), "http://localhost/health").await.status(), 200);

    // What somebody else puts there while maia runs is not maia's to remove.
    fs::remove_file(&path).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    maia.stop();
    assert!(is_socket(&path));
    drop(other);
}

#[test]
fn of_many_that_find_the_socket_of_a_dead_server_at_once_one_takes_its_place() {
    const RIVALS: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("maia.sock");
    let settings = Server {
        socket: Some(path.clone()),
        ..Server::default()
    };
    for round in 0..100 {
        // Nobody listens on what it leaves behind.
        drop(UnixListener::bind(&path).unwrap());
        let (begin, end) = (Barrier::new(RIVALS), Barrier::new(RIVALS));
        let bound = thread::scope(|scope| {
            let rivals: Vec<_> = (0..RIVALS)
                .map(|_| {
                    scope.spawn(|| {
                        let runtime = tokio::runtime::Builder::new_current_thread()
                            .enable_all()
                            .build()
                            .unwrap();
                        begin.wait();
                        let listener = runtime.block_on(Listener::bind(&settings));
                        // Nobody goes before all have tried.
                        end.wait();
                        listener.is_ok()
                    })
                })
                .collect();
            rivals
                .into_iter()
                .map(|rival| rival.join().unwrap())
                .filter(|bound| *bound)
                .count()
        });
        assert_eq!(bound, 1, "in round {round}");
        assert!(!path.exists(), "the one that had it has removed it");
    }
}

#[test]
fn what_is_no_socket_stays_and_a_folder_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("maia.sock");
    let problem = "maia.sock is there and is no socket; it is left as it is, choose another path";
    fs::write(&path, "a diary").unwrap();
    refused(&folder, problem);
    assert_eq!(fs::read_to_string(&path).unwrap(), "a diary");
    fs::rename(&path, folder.path().join("diary")).unwrap();
    std::os::unix::fs::symlink("diary", &path).unwrap();
    refused(&folder, problem);
    assert_eq!(fs::read_to_string(&path).unwrap(), "a diary");

    let ended = run(folder.path(), &["--set", "server.socket=none/maia.sock"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.stderr.contains("server.socket: cannot listen on none/maia.sock"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("its folder must exist"), "{ended:?}");
    assert!(!folder.path().join("maia.db").exists());
}

#[tokio::test]
async fn all_clients_of_a_socket_share_one_rate_limit() {
    let folder = tempfile::tempdir().unwrap();
    let limits = [
        "--set",
        "security.rate_limit_rps=1",
        "--set",
        "security.rate_limit_burst=1",
    ];
    let maia = start(&folder, &limits);
    let mut answers = Vec::new();
    for _ in 0..20 {
        let answer = get(&client(&folder), "http://localhost/v1/namespaces").await;
        answers.push(answer.status().as_u16());
    }
    assert_eq!(answers[0], 200);
    assert!(answers.contains(&429), "{answers:?}");
    maia.stop();

    // A proxy before the socket is trusted by the address that stands for it.
    let proxied = ["--set", "server.trusted_proxies=127.0.0.1"];
    let maia = start(&folder, &[&limits[..], &proxied].concat());
    for last in 1..=20 {
        let request = client(&folder).get("http://localhost/v1/namespaces");
        let request = request.header("x-forwarded-for", format!("192.0.2.{last}"));
        assert_eq!(soon("an answer", request.send()).await.unwrap().status(), 200);
    }
    maia.stop();
}

#[test]
fn commands_find_the_server() {
    fn done(ended: Ended) -> String {
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        ended.stdout
    }
    let folder = tempfile::tempdir().unwrap();
    let backend = StubBackend::answering("200 OK", r#"{"object":"list","data":[{"id":"llama3.2"}]}"#);
    let maia = start(&folder, &["--backend", &backend.url()]);
    // On standard error it would say that it uses the file.
    done(run(
        folder.path(),
        &[&["add", "User likes rye bread"], &SOCKET[..]].concat(),
    ));
    let seen = done(run(folder.path(), &[&["doctor"], &SOCKET[..]].concat()));
    assert!(seen.contains("server         answers at unix:maia.sock\n"), "{seen}");

    let elsewhere = tempfile::tempdir().unwrap();
    let url = format!("unix:{}", folder.path().join("maia.sock").display());
    let listed = done(run(elsewhere.path(), &["list", "--url", &url]));
    assert!(listed.contains("User likes rye bread"), "{listed}");
    maia.stop();

    let gone = run(elsewhere.path(), &["list", "--url", &url]);
    assert_eq!(gone.code, Some(1), "{gone:?}");
    assert!(gone.stderr.contains(&format!("no maia answers at {url}")), "{gone:?}");
    let fallen_back = run(folder.path(), &[&["list"], &SOCKET[..]].concat());
    assert_eq!(fallen_back.code, Some(0), "{fallen_back:?}");
    assert!(
        fallen_back
            .stderr
            .contains("no maia answers at unix:maia.sock; using ./maia.db"),
        "{fallen_back:?}"
    );
}
