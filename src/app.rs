//! Puts the parts together: what a request can use, and what goes on in the background.

mod backups;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;
use tokio_util::task::TaskTracker;

use crate::config::{self, Config};
use crate::http;
use crate::http::RateLimit;
use crate::memory;
use crate::memory::access::AccessLog;
use crate::metrics::Metrics;
use crate::model::{self, NamespaceName};
use crate::proxy::{Backend, OwnKey, SetUpError};
use crate::store::Store;
use crate::text;

/// How often counts of use are written.
const ACCESS_INTERVAL: Duration = Duration::from_secs(1);
/// How often namespaces are held to their limits.
const RETENTION_INTERVAL: Duration = Duration::from_mins(1);
/// How often the rate limit forgets clients that are gone.
const RATE_LIMIT_INTERVAL: Duration = Duration::from_mins(1);

/// What every request can use. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The parts that requests share.
pub struct Shared {
    /// The database.
    pub store: Store,
    /// The backend of the proxy.
    pub backend: Backend,
    /// Counters.
    pub metrics: Metrics,
    /// Uses of memories that are not written yet.
    pub access: AccessLog,
    /// Work that outlives its request and that a shutdown waits for.
    pub tasks: TaskTracker,
    /// Settings of the proxy.
    pub proxy: config::Proxy,
    /// Settings of namespaces and recall.
    pub memory: config::Memory,
    /// maia's own key.
    pub api_key: Option<SecretString>,
    /// What the client's key headers mean in a proxied request.
    pub own_key: OwnKey,
    /// Requests a client may make.
    pub rate_limit: Option<RateLimit>,
    /// Whom maia answers.
    pub audience: http::Audience,
    /// A place for each copy of the database that may be on its way to a client.
    pub downloads: Arc<Semaphore>,
}

/// A maia that is ready to serve.
pub struct App {
    state: AppState,
    server: config::Server,
    storage: config::Storage,
}

impl App {
    /// Builds the parts on an open store.
    ///
    /// # Errors
    /// A setting of the backend cannot be used.
    pub fn new(config: Config, store: Store) -> Result<Self, SetUpError> {
        let backend = Backend::new(&config.proxy)?;
        let metrics = Metrics::default();
        text::load_tokenizer();
        memory::warm_up();
        let own_key = match (&config.security.api_key, backend.has_key()) {
            (None, _) => OwnKey::None,
            (Some(_), false) => OwnKey::InHeader,
            (Some(_), true) => OwnKey::InBearer,
        };
        let state = AppState(Arc::new(Shared {
            store,
            backend,
            metrics,
            access: AccessLog::default(),
            tasks: TaskTracker::new(),
            proxy: config.proxy,
            memory: config.memory,
            api_key: config.security.api_key,
            own_key,
            rate_limit: RateLimit::new(config.security.rate_limit_rps, config.security.rate_limit_burst),
            audience: http::Audience::new(&config.server),
            downloads: Arc::new(Semaphore::new(1)),
        }));
        Ok(Self {
            state,
            server: config.server,
            storage: config.storage,
        })
    }

    /// The routes.
    pub fn router(&self) -> Router {
        http::router(self.state.clone())
    }

    /// Limits of the server.
    #[must_use]
    pub fn server(&self) -> &config::Server {
        &self.server
    }

    /// Makes sure that the namespace of requests that name none is there.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn prepare(&self) -> Result<(), crate::store::StoreError> {
        let default: NamespaceName = self.state.memory.default_namespace.clone();
        self.state.store.ensure_namespace(default).await.map(|_| ())
    }

    /// Background work, until the future is dropped.
    pub async fn run_background(&self) {
        // Beside each other: a backup takes longer than the rest should wait.
        tokio::join!(self.keep_house(), backups::run(&self.state, &self.storage));
    }

    async fn keep_house(&self) {
        let mut access = tokio::time::interval(ACCESS_INTERVAL);
        let mut rate_limit = tokio::time::interval(RATE_LIMIT_INTERVAL);
        let mut retention = tokio::time::interval(RETENTION_INTERVAL);
        access.set_missed_tick_behavior(MissedTickBehavior::Delay);
        retention.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = access.tick() => self.write_access().await,
                _ = retention.tick() => self.enforce_limits().await,
                _ = rate_limit.tick() => {
                    if let Some(rate_limit) = &self.state.rate_limit {
                        rate_limit.forget_idle();
                    }
                }
            }
        }
    }

    /// Finishes what was begun and closes the database.
    pub async fn close(&self) {
        self.state.tasks.close();
        self.state.tasks.wait().await;
        self.write_access().await;
        self.state.store.close().await;
    }

    async fn enforce_limits(&self) {
        match self.state.store.enforce_limits(model::now()).await {
            Ok(removed) => self.state.metrics.removed(removed.expired, removed.surplus),
            Err(error) => {
                tracing::warn!(%error, "namespaces could not be held to their limits");
                self.state.metrics.memory_failed("retention");
            }
        }
    }

    async fn write_access(&self) {
        if let Err(error) = self.state.access.flush(&self.state.store).await {
            tracing::warn!(%error, "uses of memories could not be counted");
            self.state.metrics.memory_failed("access");
        }
    }
}
