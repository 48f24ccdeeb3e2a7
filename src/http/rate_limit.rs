//! How many requests one client may make. A client is its address: what it says of itself in headers can be made up.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::error::ApiError;
use crate::app::AppState;

/// Limits requests by client address.
#[derive(Debug)]
pub struct RateLimit {
    limiter: RateLimiter<IpAddr, DashMapStateStore<IpAddr>, DefaultClock, StateInformationMiddleware>,
    per_second: u32,
    burst: u32,
}

impl RateLimit {
    /// So many requests a second, and so many at once; 0 a second: no limit.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Option<Self> {
        let rate = NonZeroU32::new(per_second)?;
        let at_once = NonZeroU32::new(burst).unwrap_or(rate);
        let quota = Quota::per_second(rate).allow_burst(at_once);
        let limiter = RateLimiter::dashmap(quota).with_middleware();
        Some(Self {
            limiter,
            per_second,
            burst: at_once.get(),
        })
    }

    /// Forgets clients that have not been seen for a while, so that the table does not grow with every address.
    pub fn forget_idle(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }

    /// The headers that say how it stands; an error where the client has asked too often.
    fn check(&self, client: IpAddr) -> Result<HeaderMap, HeaderMap> {
        match self.limiter.check_key(&client) {
            Ok(snapshot) => {
                let remaining = snapshot.remaining_burst_capacity();
                let until_full = u64::from(self.burst.saturating_sub(remaining)).div_ceil(u64::from(self.per_second));
                Ok(self.headers(remaining, until_full))
            }
            Err(refused) => {
                let wait = refused.wait_time_from(DefaultClock::default().now());
                // Whole seconds, rounded up: a client that comes back then is let in.
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                let seconds = seconds.max(1);
                let mut headers = self.headers(0, seconds);
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                Err(headers)
            }
        }
    }

    fn headers(&self, remaining: u32, reset_seconds: u64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-limit", HeaderValue::from(self.burst));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(remaining));
        headers.insert("x-ratelimit-reset", HeaderValue::from(reset_seconds));
        headers
    }
}

pub(super) async fn limit(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let Some(rate_limit) = &state.rate_limit else {
        return next.run(request).await;
    };
    match rate_limit.check(client(peer.ip())) {
        Ok(headers) => {
            let mut response = next.run(request).await;
            // The backend's own figures, where it sends some, are what its client acts on.
            for (name, value) in &headers {
                if !response.headers().contains_key(name) {
                    response.headers_mut().insert(name, value.clone());
                }
            }
            response
        }
        Err(headers) => {
            state.metrics.rate_limited.inc();
            ApiError::rate_limited(headers).into_response()
        }
    }
}

/// An IPv6 client has 2⁶⁴ addresses of its own, so its network counts.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)).into(),
    }
}
