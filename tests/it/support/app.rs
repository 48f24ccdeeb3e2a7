//! A maia in this process, on a free port and a file of its own.

use std::net::SocketAddr;

use maia::app::App;
use maia::config::{Config, Layers};
use maia::store::Store;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::client::{Answer, Call, Incoming};
use super::soon;

/// Where nobody listens.
const NO_BACKEND: &str = "http://127.0.0.1:9";

/// A running maia. Dropping it ends it with the test; [`TestApp::stop`] ends it as a user would.
pub(crate) struct TestApp {
    pub(crate) address: SocketAddr,
    directory: TempDir,
    settings: Vec<(String, String)>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl TestApp {
    /// Starts without a backend. A setting is `("proxy.token_budget", "2000")`; the rate limit is off unless one of them sets it.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        Self::with_backend(NO_BACKEND, settings).await
    }

    /// Starts in front of the backend at that address.
    pub(crate) async fn with_backend(backend: &str, settings: &[(&str, &str)]) -> Self {
        let mut all = vec![
            ("proxy.backend".to_owned(), backend.to_owned()),
            ("security.rate_limit_rps".to_owned(), "0".to_owned()),
        ];
        all.extend(
            settings
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
        );
        Self::run(tempfile::tempdir().unwrap(), all).await
    }

    async fn run(directory: TempDir, settings: Vec<(String, String)>) -> Self {
        let path = directory.path().join("maia.db");
        let layers = settings
            .iter()
            .fold(Layers::new(), |layers, (key, value)| layers.with_flag(key, value));
        let config = Config::resolve(layers.with_flag("storage.path", path.to_str().unwrap())).expect("valid settings");
        let app = App::new(config, Store::open(&path).unwrap(), Handle::current()).unwrap();
        app.prepare().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(maia::serve(listener, app, async {
            // An error is a test that went away without stopping.
            let _ = stopped.await;
        }));
        Self {
            address,
            directory,
            settings,
            stop,
            served,
        }
    }

    /// Stops gracefully: everything that was begun is finished and written. The directory stays as long as what is returned.
    pub(crate) async fn stop(self) -> TempDir {
        let _ = self.stop.send(());
        soon("a graceful stop", self.served)
            .await
            .expect("no panic while serving")
            .expect("threads to serve with");
        self.directory
    }

    /// Stops gracefully and starts again on the same file.
    pub(crate) async fn restart(self) -> Self {
        let settings = self.settings.clone();
        Self::run(self.stop().await, settings).await
    }

    pub(crate) async fn send(&self, call: Call) -> Answer {
        call.send(self.address).await
    }

    /// Sends and returns with the head of the answer.
    pub(crate) async fn open(&self, call: Call) -> Incoming {
        call.open(self.address).await
    }

    /// A chat completion in the default namespace.
    pub(crate) async fn chat(&self, body: impl Into<Vec<u8>>) -> Answer {
        self.send(Call::chat(body)).await
    }

    /// A call to `/v1` with a JSON body (`null`: none).
    pub(crate) async fn api(&self, method: &str, path: &str, body: Value) -> Answer {
        let call = Call::new(method, path);
        let call = if body.is_null() {
            call
        } else {
            call.header("content-type", "application/json").body(body.to_string())
        };
        self.send(call).await
    }

    /// Makes a namespace with settings.
    pub(crate) async fn create_namespace(&self, name: &str, config: Value) -> Value {
        let body = json!({"name": name, "config": config});
        let answer = self.api("POST", "/v1/namespaces", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    /// Stores a memory from its fields.
    pub(crate) async fn create_memory(&self, namespace: &str, fields: Value) -> Value {
        let path = format!("/v1/namespaces/{}/memories", encoded(namespace));
        let answer = self.api("POST", &path, fields).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    /// Stores facts, in this order.
    pub(crate) async fn remember<T: AsRef<str>>(&self, namespace: &str, contents: impl IntoIterator<Item = T>) {
        for content in contents {
            self.create_memory(namespace, json!({"content": content.as_ref()}))
                .await;
        }
    }

    /// The contents of the memories of a namespace, in alphabetical order; none where there is no such namespace.
    pub(crate) async fn memories(&self, namespace: &str) -> Vec<String> {
        let path = format!("/v1/namespaces/{}/memories?limit=1000", encoded(namespace));
        let answer = self.send(Call::get(&path)).await;
        if answer.status == 404 {
            return Vec::new();
        }
        assert_eq!(answer.status, 200, "{}", answer.text());
        let page = answer.json();
        let mut contents: Vec<String> = page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|memory| memory["content"].as_str().unwrap().to_owned())
            .collect();
        contents.sort_unstable();
        contents
    }
}

/// A name as one segment of a path.
pub(crate) fn encoded(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}
