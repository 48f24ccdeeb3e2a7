//! How many requests one client may make. A client is a named key, or else an address: what it says of itself in headers can be made up, unless a proxy
//! that is trusted says it.

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
use ipnet::IpNet;
use uuid::Uuid;

use super::auth::Caller;
use super::error::ApiError;
use crate::app::AppState;

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Client {
    Key(Uuid),
    Address(IpAddr),
}

/// Limits requests by client.
#[derive(Debug)]
pub struct RateLimit {
    limiter: RateLimiter<Client, DashMapStateStore<Client>, DefaultClock, StateInformationMiddleware>,
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
    fn check(&self, client: Client) -> Result<HeaderMap, HeaderMap> {
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
    let client = match request.extensions().get::<Caller>() {
        Some(Caller::Key(key)) => Client::Key(key.id),
        // Many use the one key of `security.api_key`, each with a limit of its own. Who tries wrong keys has one for all of them.
        _ => Client::Address(counted(sender(peer.ip(), request.headers(), &state.trusted_proxies))),
    };
    match rate_limit.check(client) {
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

/// The address that a request comes from: that of the connection, or, where a trusted proxy has that, the last one in `X-Forwarded-For` that is no trusted
/// proxy. What stands before it may be made up.
fn sender(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address.to_canonical()));
    let values = headers.get_all("x-forwarded-for").iter().rev();
    let mut hops = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    let mut sender = peer;
    while is_trusted(sender) {
        match hops.next().and_then(address) {
            Some(before) => sender = before,
            None => break,
        }
    }
    sender
}

/// An address as proxies write it, some with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port)
}

/// An IPv6 client has 2⁶⁴ addresses of its own, so its network counts.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)).into(),
    }
}
