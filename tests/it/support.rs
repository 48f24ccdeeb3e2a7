//! What the tests stand on: a maia in this process, a backend with a script, a client that sees bytes, and the real program.

mod app;
mod backend;
mod client;
mod process;
mod secure;
mod wire;

use std::future::Future;
use std::time::Duration;

pub(crate) use app::{TestApp, encoded};
pub(crate) use backend::{Backend, End, Exchange, ManualBackend, Reply};
pub(crate) use client::{Answer, Call, Incoming, connect};
pub(crate) use process::Process;
pub(crate) use secure::{Certificates, SecureBackend};

/// Longest that a test waits for anything.
const DEADLINE: Duration = Duration::from_secs(20);

/// How much larger than usual the amounts are in tests that fill memory or count to large numbers; `make drill-wire` sets it.
pub(crate) fn scale() -> usize {
    std::env::var("TEST_SCALE").map_or(1, |scale| scale.parse().expect("TEST_SCALE is a number"))
}

/// Asks again and again until the answer is there. The only place where a test lets time pass.
pub(crate) async fn eventually<T, F>(what: &str, mut check: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let polls = async {
        loop {
            if let Some(found) = check().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(DEADLINE, polls)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// What a future comes to, which must be within the deadline of all tests.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    within(DEADLINE, what, future).await
}

/// What a future comes to, which must be within `limit`.
pub(crate) async fn within<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, future)
        .await
        .unwrap_or_else(|_| panic!("took longer than {limit:?}: {what}"))
}
