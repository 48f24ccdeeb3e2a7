//! Puts the parts together: what a request can use, and what goes on in the background.

mod backups;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use secrecy::SecretString;
use tokio::runtime::Handle;
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

/// How often counts of use are written.
const ACCESS_INTERVAL: Duration = Duration::from_secs(1);
/// How often namespaces are held to their limits.
const RETENTION_INTERVAL: Duration = Duration::from_mins(1);
/// How often the rate limit forgets clients that are gone.
const RATE_LIMIT_INTERVAL: Duration = Duration::from_mins(1);

/// What every request can use. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    shared: Arc<Shared>,
    /// The backend of the proxy. Each worker has connections of its own, so that no request waits for another thread.
    pub backend: Arc<Backend>,
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// The parts that all requests share.
pub struct Shared {
    /// The database.
    pub store: Store,
    /// Counters.
    pub metrics: Metrics,
    /// Uses of memories that are not written yet.
    pub access: AccessLog,
    /// Work that outlives its request and that a shutdown waits for.
    pub tasks: TaskTracker,
    /// Where that work runs: workers end before it does.
    pub background: Handle,
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
    /// One for each worker.
    states: Vec<AppState>,
    shared: Arc<Shared>,
    server: config::Server,
    storage: config::Storage,
}

/// What a log says of it.
impl fmt::Display for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without its query, which may hold what is not for a log.
        let backend = self.shared.proxy.backend.split('?').next().unwrap_or_default();
        let database = self.shared.store.path().display();
        write!(f, "backend {backend}, database {database}")
    }
}

impl App {
    /// Builds the parts on an open store. What outlives its request runs on `background`.
    ///
    /// # Errors
    /// A setting of the backend cannot be used.
    pub fn new(config: Config, store: Store, background: Handle) -> Result<Self, SetUpError> {
        let backends = (0..http::worker_count())
            .map(|_| Backend::new(&config.proxy).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        let has_key = backends.first().is_some_and(|backend| backend.has_key());
        let metrics = Metrics::default();
        memory::warm_up();
        let own_key = match (&config.security.api_key, has_key) {
            (None, _) => OwnKey::None,
            (Some(_), false) => OwnKey::InHeader,
            (Some(_), true) => OwnKey::InBearer,
        };
        let shared = Arc::new(Shared {
            store,
            metrics,
            access: AccessLog::default(),
            tasks: TaskTracker::new(),
            background,
            proxy: config.proxy,
            memory: config.memory,
            api_key: config.security.api_key,
            own_key,
            rate_limit: RateLimit::new(config.security.rate_limit_rps, config.security.rate_limit_burst),
            audience: http::Audience::new(&config.server),
            downloads: Arc::new(Semaphore::new(1)),
        });
        let state = |backend| AppState {
            shared: Arc::clone(&shared),
            backend,
        };
        Ok(Self {
            states: backends.into_iter().map(state).collect(),
            shared,
            server: config.server,
            storage: config.storage,
        })
    }

    /// The routes, once for each worker.
    pub fn routers(&self) -> Vec<Router> {
        self.states.iter().cloned().map(http::router).collect()
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
        let default: NamespaceName = self.shared.memory.default_namespace.clone();
        self.shared.store.ensure_namespace(default).await.map(|_| ())
    }

    /// Background work, until the future is dropped.
    pub async fn run_background(&self) {
        // Beside each other: a backup takes longer than the rest should wait.
        tokio::join!(self.keep_house(), backups::run(&self.shared, &self.storage));
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
                    if let Some(rate_limit) = &self.shared.rate_limit {
                        rate_limit.forget_idle();
                    }
                }
            }
        }
    }

    /// Finishes what was begun and closes the database.
    pub async fn close(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.write_access().await;
        self.shared.store.close().await;
    }

    async fn enforce_limits(&self) {
        match self.shared.store.enforce_limits(model::now()).await {
            Ok(removed) => self.shared.metrics.removed(removed.expired, removed.surplus),
            Err(error) => {
                tracing::warn!(%error, "namespaces could not be held to their limits");
                self.shared.metrics.memory_failed("retention");
            }
        }
    }

    async fn write_access(&self) {
        if let Err(error) = self.shared.access.flush(&self.shared.store).await {
            tracing::warn!(%error, "uses of memories could not be counted");
            self.shared.metrics.memory_failed("access");
        }
    }
}
