//! A maia inside the test's own process, on a thread of its own, with a database of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use maia::app::App;
use maia::config::Config;
use maia::store::Store;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::support_raw::{Call, Reply};

/// It stops when it is dropped.
pub(crate) struct Served {
    address: SocketAddr,
    folder: TempDir,
    /// The store that the server uses.
    pub(crate) store: Store,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// Starts with the defaults, changed by `change`. Its backend is a port where nobody listens.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.storage.path = folder.path().join("maia.db");
        config.proxy.backend = "http://127.0.0.1:9/v1".into();
        config.security.rate_limit_rps = 0;
        change(&mut config);
        let store = Store::open(&config.storage.path).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let app = App::new(config, store.clone(), runtime.handle().clone()).unwrap();
        let (address_sender, address) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                app.prepare().await.unwrap();
                address_sender.send(listener.local_addr().unwrap()).unwrap();
                // A sender that is gone means the same as one that has sent.
                maia::serve(listener, app, async { stopped.await.unwrap_or_default() })
                    .await
                    .unwrap();
            });
        });
        Self {
            address: address.recv().unwrap(),
            folder,
            store,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The database file.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("maia.db")
    }

    pub(crate) fn send(&self, call: &Call) -> Reply {
        call.send(self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send(&Call::get(path))
    }

    pub(crate) fn delete(&self, path: &str) -> Reply {
        self.send(&Call::new("DELETE", path))
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.send(&Call::json(method, path, body))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.call("POST", path, body)
    }

    /// Makes a namespace and returns it.
    #[track_caller]
    pub(crate) fn namespace(&self, name: &str) -> Value {
        self.post("/v1/namespaces", &json!({ "name": name })).expect(201)
    }

    /// Makes a memory in `default` and returns it.
    #[track_caller]
    pub(crate) fn memory(&self, content: &str) -> Value {
        self.post("/v1/namespaces/default/memories", &json!({ "content": content }))
            .expect(201)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has failed the test already.
            let _ = thread.join();
        }
    }
}
