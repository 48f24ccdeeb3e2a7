//! Puts the parts together: what a request can use, and what goes on in the background.

mod backups;

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, Response, StatusCode};
use axum::Router;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use ipnet::IpNet;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::MissedTickBehavior;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::config::{self, Config};
use crate::http;
use crate::http::RateLimit;
use crate::memory;
use crate::memory::access::AccessLog;
use crate::memory::activity::{ActivityLog, SearchTimes};
use crate::memory::extract::{self, Extractor};
use crate::memory::ingest::{Ingest, Worked};
use crate::memory::unwritten::Unwritten;
use crate::metrics::Metrics;
use crate::model::{self, NamespaceName};
use crate::proxy::{Backend, SetUpError};
use crate::store::{Store, StoreError};

/// How often what waits in memory is written: counts of use, what requests were given, what was injected.
const PENDING_INTERVAL: Duration = Duration::from_secs(1);
/// How often namespaces are held to their `max_memories`, which costs next to nothing where they keep to it.
const SURPLUS_INTERVAL: Duration = Duration::from_mins(1);
/// How often namespaces are held to their `retention_days`, which takes a look at each memory.
const EXPIRY_INTERVAL: Duration = Duration::from_hours(1);
/// How often the write-ahead log is folded into the file, and with it the remains of what was deleted.
const FOLD_INTERVAL: Duration = Duration::from_secs(10);
/// How often the keys are compared with those of the database, which another process may have changed.
const KEYS_INTERVAL: Duration = Duration::from_millis(500);
/// How often the rate limit forgets clients that are gone.
const RATE_LIMIT_INTERVAL: Duration = Duration::from_mins(1);
/// How soon exchanges that could not be kept are tried again.
const INGEST_RETRY: Duration = Duration::from_secs(1);

/// The body of an answer, frame by frame as it comes.
pub type AnswerBody = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

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
    /// Finds memories in exchanges.
    pub extractor: Extractor,
    /// Uses of memories that are not written yet.
    pub access: AccessLog,
    /// What requests were given and what was learned from them, not written yet.
    pub activity: ActivityLog,
    /// How long searches took.
    pub searches: SearchTimes,
    /// Facts of finished exchanges, on their way to the database.
    pub ingest: Ingest,
    /// What was injected into requests that are not answered yet.
    pub unwritten: Arc<Unwritten>,
    /// Exchanges that are to be read for facts.
    pub finished: http::FinishedExchanges,
    /// Work that outlives its request and that a shutdown waits for.
    pub tasks: TaskTracker,
    /// How long a client may take for each next piece of a request.
    pub read_timeout: Duration,
    /// Where that work runs: workers end before it does.
    pub background: Handle,
    /// Settings of the proxy.
    pub proxy: config::Proxy,
    /// Settings of namespaces and recall.
    pub memory: config::Memory,
    /// Whom maia lets in.
    pub keys: http::KeyRing,
    /// Requests a client may make.
    pub rate_limit: Option<RateLimit>,
    /// Whom the rate limit believes what `X-Forwarded-For` says.
    pub trusted_proxies: Vec<IpNet>,
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
        let metrics = Metrics::default();
        memory::warm_up();
        let keys = http::KeyRing::new(&config.security, config.needs_key());
        let shared = Arc::new(Shared {
            store,
            metrics,
            unwritten: Arc::default(),
            extractor: Extractor::new(config.memory.rules.clone()),
            access: AccessLog::default(),
            activity: ActivityLog::new(config.memory.activity),
            searches: SearchTimes::default(),
            ingest: Ingest::default(),
            finished: http::FinishedExchanges::default(),
            tasks: TaskTracker::new(),
            read_timeout: config.server.read_timeout,
            background,
            proxy: config.proxy,
            memory: config.memory,
            keys,
            rate_limit: RateLimit::new(config.security.rate_limit_rps, config.security.rate_limit_burst),
            trusted_proxies: config.server.trusted_proxies.clone(),
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

    /// Makes sure that the namespace of requests that name none is there, and reads the keys. Until then nobody is let in without one.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        self.shared.keys.load(&self.shared.store).await?;
        let default: NamespaceName = self.shared.memory.default_namespace.clone();
        self.shared.store.ensure_namespace(default).await.map(|_| ())
    }

    /// Does the work and finishes what it has begun: what was said is remembered, what is left to write is written, and the database is closed.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let (no_more, last_exchange) = oneshot::channel();
        let working = async {
            let done = work.await;
            self.finish_reading().await;
            drop(no_more);
            done
        };
        let (done, ()) = tokio::join!(working, self.remember_exchanges(last_exchange));
        self.close().await;
        done
    }

    /// Answers a request that comes from this very process, without a port in between.
    pub async fn answer(&self, mut request: Request<Full<Bytes>>) -> Response<AnswerBody> {
        let Some(state) = self.states.first().cloned() else {
            let mut nothing = Response::new(AnswerBody::default());
            *nothing.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            return nothing;
        };
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        request.extensions_mut().insert(ConnectInfo(here));
        request.extensions_mut().insert(http::FromWithin);
        let answered = http::router(state).oneshot(request.map(axum::body::Body::new)).await;
        answered
            .unwrap_or_else(|never| match never {})
            .map(|body| AnswerBody::new(body.map_err(Into::into)))
    }

    /// Background work, until the future is dropped.
    pub async fn run_background(&self) {
        // Beside each other: a backup takes longer than the rest should wait.
        tokio::join!(
            self.keep_house(),
            backups::run(&self.shared, &self.storage),
            self.read_facts(),
            self.follow_keys()
        );
    }

    /// Reads what an earlier version has stored for what it says, so that something newer can take its place.
    async fn read_facts(&self) {
        loop {
            match self.shared.store.read_facts(extract::fact).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "memories of an earlier version could not be read for facts; the next start goes on");
                    break;
                }
            }
        }
    }

    /// Takes over keys that another process makes or revokes. Beside the rest: a revoked key must not go on for as long as that takes.
    async fn follow_keys(&self) {
        let mut ticks = tokio::time::interval(KEYS_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut in_trouble = false;
        loop {
            ticks.tick().await;
            let followed = self.shared.keys.follow(&self.shared.store).await;
            if let (Err(error), false) = (&followed, in_trouble) {
                tracing::warn!(%error, "the keys cannot be compared with those of the database; they stay as they are until they can");
            }
            in_trouble = followed.is_err();
        }
    }

    async fn keep_house(&self) {
        let mut pending = tokio::time::interval(PENDING_INTERVAL);
        let mut rate_limit = tokio::time::interval(RATE_LIMIT_INTERVAL);
        let mut surplus = tokio::time::interval(SURPLUS_INTERVAL);
        let mut expiry = tokio::time::interval(EXPIRY_INTERVAL);
        let mut fold = tokio::time::interval(FOLD_INTERVAL);
        pending.set_missed_tick_behavior(MissedTickBehavior::Delay);
        surplus.set_missed_tick_behavior(MissedTickBehavior::Delay);
        expiry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        fold.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = pending.tick() => self.write_pending().await,
                _ = surplus.tick() => self.remove_surplus().await,
                _ = expiry.tick() => self.remove_expired().await,
                _ = fold.tick() => self.fold_log().await,
                _ = rate_limit.tick() => {
                    if let Some(rate_limit) = &self.shared.rate_limit {
                        rate_limit.forget_idle();
                    }
                }
            }
        }
    }

    /// Makes memories of what finished exchanges hold, those that an earlier run has left behind first, until there are no more exchanges.
    async fn remember_exchanges(&self, mut no_more: oneshot::Receiver<()>) {
        let mut in_trouble = false;
        loop {
            let worked = self.shared.ingest.work(&self.shared.store).await;
            self.report(worked, &mut in_trouble);
            tokio::select! {
                () = self.shared.ingest.arrival(), if !in_trouble => {}
                () = tokio::time::sleep(INGEST_RETRY), if in_trouble => {}
                // An error is a server that went away without a word.
                _ = &mut no_more => break,
            }
        }
        let worked = self.shared.ingest.work(&self.shared.store).await;
        self.report(worked, &mut in_trouble);
        let lost = self.shared.ingest.unsaved();
        if lost > 0 {
            tracing::error!(lost, "exchanges were lost: the database took nothing before the end");
        }
    }

    /// Finishes the reading of exchanges that have ended.
    async fn finish_reading(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    /// Writes what is left to write and closes the database.
    async fn close(&self) {
        self.write_pending().await;
        self.shared.store.close().await;
    }

    fn report(&self, worked: Worked, in_trouble: &mut bool) {
        let metrics = &self.shared.metrics;
        metrics.extracted(worked.stored, worked.known, worked.superseded, worked.forgotten);
        metrics.exchanges_dropped(worked.dropped);
        metrics.exchanges_waiting(worked.waiting);
        if worked.dropped > 0 {
            tracing::warn!(
                dropped = worked.dropped,
                "exchanges were let go: too many waited, or they could not be read"
            );
        }
        match (&worked.trouble, *in_trouble) {
            (Some(error), false) => {
                tracing::warn!(%error, waiting = worked.waiting, "exchanges cannot be remembered; they wait, and are tried again");
            }
            (None, true) => tracing::info!("exchanges are remembered again"),
            _ => {}
        }
        if worked.trouble.is_some() {
            metrics.memory_failed("extract");
        }
        *in_trouble = worked.trouble.is_some();
        self.shared.activity.learned(worked.outcomes);
    }

    async fn remove_expired(&self) {
        if let Err(error) = self.shared.store.remove_old_injected(model::now()).await {
            tracing::warn!(%error, "old blocks of context could not be erased");
            self.shared.metrics.memory_failed("retention");
        }
        let removed = self.shared.store.remove_expired(model::now()).await;
        self.report_removed("retention_days", removed);
        if let Err(error) = self.shared.store.forget_keys(model::now()).await {
            tracing::warn!(%error, "old idempotency keys could not be forgotten");
        }
        if let Err(error) = self.shared.store.forget_activity(model::now()).await {
            tracing::warn!(%error, "old requests could not be forgotten");
        }
    }

    async fn remove_surplus(&self) {
        let removed = self.shared.store.remove_surplus().await;
        self.report_removed("max_memories", removed);
    }

    fn report_removed(&self, limit: &'static str, removed: Result<usize, StoreError>) {
        match removed {
            Ok(removed) => self.shared.metrics.removed(limit, removed),
            Err(error) => {
                tracing::warn!(%error, "namespaces could not be held to their {limit}");
                self.shared.metrics.memory_failed("retention");
            }
        }
    }

    async fn fold_log(&self) {
        match self.shared.store.fold_log().await {
            Ok(()) => {}
            // Somebody reads for long; there is a next time.
            Err(StoreError::Busy) => tracing::debug!("the write-ahead log is in use and was not emptied"),
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log could not be emptied");
                self.shared.metrics.memory_failed("log");
            }
        }
    }

    async fn write_pending(&self) {
        if let Err(error) = self.shared.access.flush(&self.shared.store).await {
            tracing::warn!(%error, "uses of memories could not be counted");
            self.shared.metrics.memory_failed("access");
        }
        if let Err(error) = self.shared.activity.flush(&self.shared.store).await {
            tracing::warn!(%error, "what requests were given could not be noted");
            self.shared.metrics.memory_failed("activity");
        }
        if let Err(error) = self.shared.unwritten.flush(&self.shared.store).await {
            tracing::warn!(%error, "what was injected could not be kept; the next turns of its conversations get their context anew");
            self.shared.metrics.memory_failed("replay");
        }
    }
}
