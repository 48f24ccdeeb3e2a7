//! What `/metrics` shows. Label values are few and chosen here: never a namespace, a path or a model as a client sent it.

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Encoder as _, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};

/// Upper bounds of durations, in seconds: from a memory call to a long completion.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
];
/// Upper bounds of the time that recall takes, in seconds.
const RECALL_SECONDS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5,
];

/// All counters of one maia.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    proxy_requests: IntCounterVec,
    proxy_duration: HistogramVec,
    api_requests: IntCounterVec,
    /// Requests that the backend failed, by kind.
    backend_errors: IntCounterVec,
    injections: IntCounterVec,
    injected_tokens: IntCounterVec,
    prompt_tokens: IntCounterVec,
    extractions: IntCounterVec,
    unread: IntCounterVec,
    dropped_exchanges: IntCounter,
    waiting_exchanges: IntGauge,
    removed: IntCounterVec,
    memory_errors: IntCounterVec,
    recall_duration: Histogram,
    backups: IntCounterVec,
    last_backup: Gauge,
    /// Requests refused because a client asked too often.
    pub rate_limited: IntCounter,
}

/// Which part of the proxy a request went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyRoute {
    /// Chat completions, with memory.
    Chat,
    /// Everything else, relayed.
    Relay,
}

impl ProxyRoute {
    fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Relay => "relay",
        }
    }
}

impl Default for Metrics {
    /// All counters at zero.
    #[expect(clippy::expect_used, reason = "names and bounds are constants of this file")]
    fn default() -> Self {
        Self::try_new().expect("every metric has a valid name of its own")
    }
}

impl Metrics {
    fn try_new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let opts = |name: &str, help: &str| Opts::new(name, help);
        let histogram =
            |name: &str, help: &str, bounds: &[f64]| HistogramOpts::new(name, help).buckets(bounds.to_vec());
        let metrics = Self {
            proxy_requests: IntCounterVec::new(
                opts(
                    "maia_proxy_requests_total",
                    "Proxied requests by route and status class",
                ),
                &["route", "status"],
            )?,
            proxy_duration: HistogramVec::new(
                histogram(
                    "maia_proxy_request_duration_seconds",
                    "Time from a proxied request to the first byte of its answer",
                    SECONDS,
                ),
                &["route"],
            )?,
            api_requests: IntCounterVec::new(
                opts("maia_api_requests_total", "Requests to /v1 by status class"),
                &["status"],
            )?,
            backend_errors: IntCounterVec::new(
                opts(
                    "maia_proxy_backend_errors_total",
                    "Requests that the backend failed, by kind",
                ),
                &["kind"],
            )?,
            injections: IntCounterVec::new(
                opts(
                    "maia_proxy_context_injections_total",
                    "Chat requests by whether context was injected",
                ),
                &["result"],
            )?,
            injected_tokens: counters(
                "maia_proxy_context_tokens_total",
                "Tokens of injected context, by whether they stood in an earlier turn of the conversation",
                "kind",
            )?,
            prompt_tokens: counters(
                "maia_proxy_prompt_tokens_total",
                "Tokens of prompts whose backend says how many it had cached, by where they came from",
                "source",
            )?,
            extractions: counters(
                "maia_proxy_memory_extractions_total",
                "Facts found in conversations, by what became of them",
                "result",
            )?,
            unread: counters(
                "maia_proxy_unread_answers_total",
                "Chat answers that were relayed but could not be read for memories, by why",
                "reason",
            )?,
            dropped_exchanges: IntCounter::with_opts(opts(
                "maia_extraction_queue_dropped_total",
                "Exchanges that held facts and were let go because too many waited",
            ))?,
            waiting_exchanges: IntGauge::with_opts(opts(
                "maia_extraction_queue_length",
                "Exchanges that hold facts and wait to be remembered",
            ))?,
            removed: IntCounterVec::new(
                opts(
                    "maia_memory_removed_total",
                    "Memories deleted by the limits of their namespaces, by limit",
                ),
                &["limit"],
            )?,
            memory_errors: IntCounterVec::new(
                opts(
                    "maia_memory_errors_total",
                    "Times that memory was in trouble and a completion went on without it",
                ),
                &["operation"],
            )?,
            recall_duration: Histogram::with_opts(histogram(
                "maia_memory_recall_duration_seconds",
                "Time to find the memories for a request",
                RECALL_SECONDS,
            ))?,
            backups: counters("maia_backups_total", "Automatic backups, by how they went", "result")?,
            last_backup: Gauge::new(
                "maia_backup_last_success_timestamp_seconds",
                "When the newest automatic backup was made, in seconds since 1970; 0 for none",
            )?,
            rate_limited: IntCounter::with_opts(opts(
                "maia_rate_limited_total",
                "Requests refused because a client asked too often",
            ))?,
            registry,
        };
        metrics.register()?;
        metrics.begin_at_zero();
        Ok(metrics)
    }

    fn register(&self) -> prometheus::Result<()> {
        let collectors: [Box<dyn Collector>; 17] = [
            Box::new(self.proxy_requests.clone()),
            Box::new(self.proxy_duration.clone()),
            Box::new(self.api_requests.clone()),
            Box::new(self.backend_errors.clone()),
            Box::new(self.injections.clone()),
            Box::new(self.injected_tokens.clone()),
            Box::new(self.prompt_tokens.clone()),
            Box::new(self.extractions.clone()),
            Box::new(self.unread.clone()),
            Box::new(self.dropped_exchanges.clone()),
            Box::new(self.waiting_exchanges.clone()),
            Box::new(self.removed.clone()),
            Box::new(self.memory_errors.clone()),
            Box::new(self.recall_duration.clone()),
            Box::new(self.backups.clone()),
            Box::new(self.last_backup.clone()),
            Box::new(self.rate_limited.clone()),
        ];
        for collector in collectors {
            self.registry.register(collector)?;
        }
        Ok(())
    }

    /// A counter that has never counted would not be shown at all, and a rate over it could not see its first step.
    fn begin_at_zero(&self) {
        for route in [ProxyRoute::Chat, ProxyRoute::Relay] {
            self.proxy_duration.with_label_values(&[route.as_str()]);
            self.proxy_requests.with_label_values(&[route.as_str(), "2xx"]);
        }
        for kind in ["timeout", "unreachable", "status"] {
            self.backend_errors.with_label_values(&[kind]);
        }
        for result in ["injected", "nothing"] {
            self.injections.with_label_values(&[result]);
        }
        for kind in ["new", "reused"] {
            self.injected_tokens.with_label_values(&[kind]);
        }
        for source in ["cache", "read"] {
            self.prompt_tokens.with_label_values(&[source]);
        }
        for result in ["stored", "known", "superseded", "forgotten"] {
            self.extractions.with_label_values(&[result]);
        }
        for result in ["done", "failed"] {
            self.backups.with_label_values(&[result]);
        }
        for reason in ["too_large", "encoding", "format"] {
            self.unread.with_label_values(&[reason]);
        }
        for limit in ["retention_days", "max_memories"] {
            self.removed.with_label_values(&[limit]);
        }
    }

    /// Notes when the newest automatic backup was made, in seconds since 1970.
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
    pub fn newest_backup(&self, seconds: i64) {
        self.last_backup.set(seconds as f64);
    }

    /// Counts an automatic backup.
    pub fn backed_up(&self, done: bool) {
        let result = if done { "done" } else { "failed" };
        self.backups.with_label_values(&[result]).inc();
    }

    /// Counts a proxied request whose answer has begun.
    pub fn proxied(&self, route: ProxyRoute, status: u16, duration: Duration) {
        self.proxy_requests
            .with_label_values(&[route.as_str(), status_class(status)])
            .inc();
        self.proxy_duration
            .with_label_values(&[route.as_str()])
            .observe(duration.as_secs_f64());
    }

    /// Counts a call to `/v1`.
    pub fn api_call(&self, status: u16) {
        self.api_requests.with_label_values(&[status_class(status)]).inc();
    }

    /// Counts a request that the backend failed: `timeout`, `unreachable` or `status`.
    pub fn backend_failed(&self, kind: &'static str) {
        self.backend_errors.with_label_values(&[kind]).inc();
    }

    /// Counts a chat request that was looked up, and the tokens that it got: new ones, and those that stood in an earlier turn.
    pub fn recalled(&self, new: u32, reused: u32) {
        let result = if new > 0 || reused > 0 { "injected" } else { "nothing" };
        self.injections.with_label_values(&[result]).inc();
        self.injected_tokens.with_label_values(&["new"]).inc_by(new.into());
        self.injected_tokens
            .with_label_values(&["reused"])
            .inc_by(reused.into());
    }

    /// Counts the tokens of a prompt that the backend had cached, and those that it had to read.
    pub fn prompt_read(&self, cached: u64, read: u64) {
        self.prompt_tokens.with_label_values(&["cache"]).inc_by(cached);
        self.prompt_tokens.with_label_values(&["read"]).inc_by(read);
    }

    /// Counts the time that a chat request waited for memory.
    pub fn recall_took(&self, duration: Duration) {
        self.recall_duration.observe(duration.as_secs_f64());
    }

    /// Counts what an exchange brought.
    pub fn extracted(&self, stored: usize, known: usize, superseded: usize, forgotten: usize) {
        for (result, count) in [
            ("stored", stored),
            ("known", known),
            ("superseded", superseded),
            ("forgotten", forgotten),
        ] {
            self.extractions.with_label_values(&[result]).inc_by(count as u64);
        }
    }

    /// Counts an answer that was relayed and not read: `too_large`, `encoding` or `format`.
    pub fn unread(&self, reason: &'static str) {
        self.unread.with_label_values(&[reason]).inc();
    }

    /// Counts exchanges whose facts were let go.
    pub fn exchanges_dropped(&self, count: usize) {
        self.dropped_exchanges.inc_by(count as u64);
    }

    /// Shows how many exchanges wait to be remembered.
    pub fn exchanges_waiting(&self, count: usize) {
        self.waiting_exchanges.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts memories deleted by a limit of their namespace: `retention_days` or `max_memories`.
    pub fn removed(&self, limit: &'static str, count: usize) {
        self.removed.with_label_values(&[limit]).inc_by(count as u64);
    }

    /// Counts trouble with memory that maia went on in spite of: `recall`, `extract`, `access`, `activity`, `retention`, `replay` or `log`.
    pub fn memory_failed(&self, operation: &'static str) {
        self.memory_errors.with_label_values(&[operation]).inc();
    }

    /// The exposition, and its content type.
    ///
    /// # Errors
    /// The counters cannot be written as text.
    pub fn render(&self) -> prometheus::Result<(String, String)> {
        let encoder = TextEncoder::new();
        let mut text = Vec::new();
        encoder.encode(&self.registry.gather(), &mut text)?;
        Ok((
            String::from_utf8_lossy(&text).into_owned(),
            encoder.format_type().to_owned(),
        ))
    }
}

/// Counters with one label.
fn counters(name: &str, help: &str, label: &str) -> prometheus::Result<IntCounterVec> {
    IntCounterVec::new(Opts::new(name, help), &[label])
}

fn status_class(status: u16) -> &'static str {
    match status {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}
