//! TLS on maia's own side: what clients see, files that are wrong, files that change, and commands that find the server.

use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use reqwest::tls::TlsInfo;
use reqwest::{Certificate, Client, ClientBuilder, Version};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tempfile::TempDir;

use crate::support::{ManualBackend, soon};
use crate::support_process::{Ended, Program, command, run};
use crate::support_raw::StubBackend;

/// The one name in the certificates of these tests: no client reaches maia by it unless it is told how.
const NAME: &str = "maia.example";

/// A certificate that vouches for itself, and its key.
struct Pair {
    certificate: String,
    key: String,
}

impl Pair {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
        Self {
            certificate: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
        }
    }

    fn der(&self) -> Vec<u8> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes())
            .unwrap()
            .to_vec()
    }

    /// A new client, which has no connection yet and trusts this certificate alone.
    fn client(&self, maia: &Program, change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let trusted = Certificate::from_pem(self.certificate.as_bytes()).unwrap();
        let builder = Client::builder()
            .tls_certs_only([trusted])
            .tls_info(true)
            .no_proxy()
            .resolve(NAME, maia.address());
        change(builder).build().unwrap()
    }
}

/// A folder with a pair in it.
struct Home {
    folder: TempDir,
}

impl Home {
    fn with(pair: &Pair) -> Self {
        let home = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        home.put("tls.crt", &pair.certificate);
        home.put("tls.key", &pair.key);
        home
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn start(&self, more: &[&str]) -> Program {
        let name = format!("server.allowed_hosts={NAME}");
        Program::start(self.path(), &[&SETTINGS[..], &["--set", &name], more].concat())
    }
}

const SETTINGS: [&str; 4] = ["--set", "server.tls_cert=tls.crt", "--set", "server.tls_key=tls.key"];

fn url(maia: &Program, path: &str) -> String {
    format!("https://{NAME}:{}{path}", maia.address().port())
}

/// The certificate that a client's connection was shown, when it asked for something.
async fn shown(client: &Client, maia: &Program) -> Vec<u8> {
    let answer = soon("an answer", client.get(url(maia, "/health")).send())
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let info = answer.extensions().get::<TlsInfo>().unwrap();
    info.peer_certificate().unwrap().to_vec()
}

/// Stops it on another thread, for clients of HTTP/2 have to answer its farewell.
async fn stop(maia: Program) {
    tokio::task::spawn_blocking(|| maia.stop()).await.unwrap();
}

#[tokio::test]
async fn a_chat_is_streamed_over_http_2_and_1() {
    let pair = Pair::new();
    let home = Home::with(&pair);
    let mut backend = ManualBackend::start().await;
    let maia = home.start(&["--backend", &backend.url()]);
    let by_choice = pair.client(&maia, |client| client);
    let only_1 = pair.client(&maia, ClientBuilder::http1_only);
    for (client, version) in [(by_choice, Version::HTTP_2), (only_1, Version::HTTP_11)] {
        let request = client
            .post(url(&maia, "/proxy/v1/chat/completions"))
            .header("content-type", "application/json")
            .body(r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi"}]}"#);
        let answering = async {
            let mut exchange = backend.next().await;
            exchange.read_body().await;
            exchange.begin_stream().await;
            exchange.chunk("data: 1\n\n").await;
            exchange
        };
        let (answer, mut exchange) = soon("both ends", async { tokio::join!(request.send(), answering) }).await;
        let mut answer = answer.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
        // The first piece is there before the second is sent.
        let first = soon("the first piece", answer.chunk()).await.unwrap();
        assert_eq!(first.unwrap(), "data: 1\n\n");
        exchange.chunk("data: [DONE]\n\n").await;
        exchange.end_stream().await;
        assert_eq!(soon("the rest", answer.bytes()).await.unwrap(), "data: [DONE]\n\n");
    }
    stop(maia).await;
}

#[tokio::test]
async fn on_a_hangup_new_connections_get_the_new_certificate_and_a_bad_one_changes_nothing() {
    let (old, new) = (Pair::new(), Pair::new());
    let home = Home::with(&old);
    let mut maia = home.start(&[]);
    let before = old.client(&maia, |client| client);
    assert_eq!(shown(&before, &maia).await, old.der());

    home.put("tls.crt", &new.certificate);
    home.put("tls.key", &new.key);
    maia.signal("HUP");
    maia.wait_for("certificate and key were read again");
    assert_eq!(shown(&new.client(&maia, |client| client), &maia).await, new.der());
    // It would not trust the new certificate: this is the connection that it had.
    assert_eq!(shown(&before, &maia).await, old.der());

    home.put("tls.key", &old.key);
    maia.signal("HUP");
    maia.wait_for("server.tls_key: tls.key: is not the key of the (first) certificate in tls.crt; the certificate that was read before stays");
    assert_eq!(shown(&new.client(&maia, |client| client), &maia).await, new.der());
    fs::remove_file(home.path().join("tls.crt")).unwrap();
    maia.signal("HUP");
    maia.wait_for("server.tls_cert: tls.crt: No such file");
    assert_eq!(shown(&new.client(&maia, |client| client), &maia).await, new.der());
    stop(maia).await;
}

#[test]
fn files_that_are_wrong_stop_the_start_and_are_named() {
    let (pair, other) = (Pair::new(), Pair::new());
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let nonsense = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (certificate, key, problem) in [
        (None, Some(pair.key.as_str()), "server.tls_cert: tls.crt: No such file"),
        (
            Some(pair.key.as_str()),
            Some(&pair.key),
            "server.tls_cert: tls.crt: holds no certificate (as PEM)",
        ),
        (
            Some(no_certificate),
            Some(&pair.key),
            "server.tls_cert: tls.crt: the certificate cannot be used",
        ),
        (Some(&pair.certificate), None, "server.tls_key: tls.key: No such file"),
        (
            Some(&pair.certificate),
            Some(&pair.certificate),
            "server.tls_key: tls.key: holds no private key (as PEM)",
        ),
        (
            Some(&pair.certificate),
            Some(encrypted),
            "server.tls_key: tls.key: the key is encrypted, and maia has no password for it",
        ),
        (
            Some(&pair.certificate),
            Some(nonsense),
            "server.tls_key: tls.key: the key cannot be used",
        ),
        (
            Some(&pair.certificate),
            Some(&other.key),
            "server.tls_key: tls.key: is not the key of the (first) certificate in tls.crt",
        ),
    ] {
        let home = Home::with(&pair);
        for (name, text) in [("tls.crt", certificate), ("tls.key", key)] {
            match text {
                Some(text) => drop(home.put(name, text)),
                None => fs::remove_file(home.path().join(name)).unwrap(),
            }
        }
        let ended = run(home.path(), &SETTINGS);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(problem), "{problem}: {}", ended.stderr);
        assert!(!home.path().join("maia.db").exists(), "{problem}");
    }
}

#[test]
fn a_key_that_everybody_can_read_is_warned_of() {
    let pair = Pair::new();
    let home = Home::with(&pair);
    let warning = "every user of this machine can read tls.key; chmod 600 tls.key";
    assert!(!home.start(&[]).stop().contains(warning));
    fs::set_permissions(home.path().join("tls.key"), Permissions::from_mode(0o644)).unwrap();
    let log = home.start(&[]).stop();
    assert!(log.contains(warning), "{log}");
}

/// Everything that maia sends until it closes the connection, which it must do soon.
fn rest_of(mut stream: TcpStream) -> Vec<u8> {
    let begun = Instant::now();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut rest = Vec::new();
    if let Err(error) = stream.read_to_end(&mut rest) {
        // A reset is an end too.
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    assert!(begun.elapsed() < Duration::from_secs(10));
    rest
}

#[tokio::test]
async fn who_does_not_speak_tls_is_let_go_of() {
    let pair = Pair::new();
    let home = Home::with(&pair);
    let maia = home.start(&[]);
    let mut plain = TcpStream::connect(maia.address()).unwrap();
    plain
        .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let answer = String::from_utf8(rest_of(plain)).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "this port speaks TLS: use https:// in the address");
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    assert_eq!(shown(&pair.client(&maia, |client| client), &maia).await, pair.der());
    stop(maia).await;

    // With one place, the next client is served only after the first is given up.
    let maia = home.start(&[
        "--set",
        "server.read_timeout=300ms",
        "--set",
        "server.max_connections=1",
    ]);
    let silent = TcpStream::connect(maia.address()).unwrap();
    assert_eq!(shown(&pair.client(&maia, |client| client), &maia).await, pair.der());
    assert_eq!(rest_of(silent), b"");
    stop(maia).await;
}

#[test]
fn commands_find_the_server() {
    let (pair, stranger) = (Pair::new(), Pair::new());
    let home = Home::with(&pair);
    let backend = StubBackend::answering("200 OK", r#"{"object":"list","data":[{"id":"llama3.2"}]}"#);
    let maia = home.start(&["--backend", &backend.url()]);
    let port = format!("server.port={}", maia.address().port());
    // Where the configuration says which certificate the server shows, its names do not matter.
    let configured = [&SETTINGS[..], &["--set", &port]].concat();
    let added = run(
        home.path(),
        &[&["add", "User likes rye bread"], &configured[..]].concat(),
    );
    assert_eq!((added.code, added.stderr.as_str()), (Some(0), ""), "{added:?}");
    let seen = run(home.path(), &[&["doctor"], &configured[..]].concat());
    assert_eq!(seen.code, Some(0), "{seen:?}");
    let line = format!("server         answers at https://{}\n", maia.address());
    assert!(seen.stdout.contains(&line), "{seen:?}");

    // Elsewhere there is only an address, and a file.
    let elsewhere = tempfile::tempdir().unwrap();
    let url = format!("https://{}", maia.address());
    let own = home.path().join("tls.crt");
    let other = home.put("other.crt", &stranger.certificate);
    let list = ["list", "--url", &url];
    let listed = run(
        elsewhere.path(),
        &[&list[..], &["--ca-file", own.to_str().unwrap()]].concat(),
    );
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert!(listed.stdout.contains("User likes rye bread"), "{listed:?}");
    for untrusted in [&[][..], &["--ca-file", other.to_str().unwrap()]] {
        let refused = run(elsewhere.path(), &[&list[..], untrusted].concat());
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains("certificate"), "{refused:?}");
    }
    let mut by_variable = command(elsewhere.path(), &list);
    let listed = Ended::from(by_variable.env("MAIA_CA_FILE", &own).output().unwrap());
    assert!(listed.stdout.contains("User likes rye bread"), "{listed:?}");
    // The certificate of the configuration is that of its own server: for others it counts for nothing.
    let refused = run(home.path(), &[&list[..], &SETTINGS].concat());
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let missing = run(elsewhere.path(), &[&list[..], &["--ca-file", "none.pem"]].concat());
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(missing.stderr.contains("none.pem: No such file"), "{missing:?}");
    maia.stop();
}

#[test]
fn who_trusts_an_authority_looks_at_the_name_and_the_chain_is_shown() {
    fn signing(name: &str, by: Option<&Issuer<'_, KeyPair>>) -> (String, Issuer<'static, KeyPair>) {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = match by {
            Some(issuer) => params.signed_by(&key, issuer),
            None => params.self_signed(&key),
        };
        (certificate.unwrap().pem(), Issuer::new(params, key))
    }
    let (root, root_issuer) = signing("root", None);
    let (middle, issuer) = signing("middle", Some(&root_issuer));
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap().pem();
    let pair = Pair {
        certificate: leaf + &middle,
        key: key.serialize_pem(),
    };
    let home = Home::with(&pair);
    home.put("root.crt", &root);
    let maia = home.start(&[]);
    let list = |host: &str| {
        let url = format!("https://{host}:{}", maia.address().port());
        run(home.path(), &["list", "--url", &url, "--ca-file", "root.crt"])
    };
    let listed = list("localhost");
    assert_eq!(listed.code, Some(0), "{listed:?}");
    let refused = list("127.0.0.1");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("certificate"), "{refused:?}");
    maia.stop();
}
