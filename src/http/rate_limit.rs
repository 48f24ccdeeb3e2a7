//! How many requests one client may make. A client is a named key, or else an address: what it says of itself in headers can be made up, unless a proxy
//! that is trusted says it.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;

use axum::http::{HeaderMap, HeaderValue, header};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::{DashMapStateStore, ShrinkableKeyedStateStore};
use governor::{Quota, RateLimiter};
use ipnet::IpNet;
use uuid::Uuid;

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Client {
    Key(Uuid),
    Address(IpAddr),
}

impl Client {
    /// Whoever is at the address that a request comes from.
    pub(super) fn at(peer: SocketAddr, headers: &HeaderMap, trusted_proxies: &[IpNet]) -> Self {
        Self::Address(counted(sender(peer.ip(), headers, trusted_proxies)))
    }
}

/// What the limiter is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Question {
    /// May it make a request? One that is let in is counted.
    Request(Client),
    /// Might it? Nothing is counted.
    Look(Client),
}

/// How it stands with each client.
#[derive(Debug, Default)]
struct Standings(DashMapStateStore<Client>);

impl StateStore for Standings {
    type Key = Question;

    fn measure_and_replace<T, F, E>(&self, question: &Question, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let decision = match question {
            Question::Request(client) => return self.0.measure_and_replace(client, decide),
            Question::Look(client) if self.0.contains_key(client) => {
                // An error leaves the standing as it is.
                let looked = self
                    .0
                    .measure_and_replace(client, |standing| Err::<(Infallible, Nanos), _>(decide(standing)));
                looked.map_or_else(|decision| decision, |never| match never {})
            }
            Question::Look(_) => decide(None),
        };
        decision.map(|(outcome, _)| outcome)
    }
}

impl ShrinkableKeyedStateStore<Question> for Standings {
    fn retain_recent(&self, drop_below: Nanos) {
        ShrinkableKeyedStateStore::retain_recent(&self.0, drop_below);
    }

    fn shrink_to_fit(&self) {
        self.0.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Limits requests by client.
#[derive(Debug)]
pub struct RateLimit {
    limiter: RateLimiter<Question, Standings, DefaultClock, StateInformationMiddleware>,
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
        let limiter = RateLimiter::new(quota, Standings::default(), DefaultClock::default());
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

    /// Counts a request; the headers that say how it stands then, an error where the client has asked too often.
    pub(super) fn check(&self, client: Client) -> Result<HeaderMap, HeaderMap> {
        match self.limiter.check_key(&Question::Request(client)) {
            Ok(left) => Ok(self.headers(left.remaining_burst_capacity())),
            Err(refused) => {
                let wait = refused.wait_time_from(DefaultClock::default().now());
                // Whole seconds, rounded up: a client that comes back then is let in.
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                let mut headers = self.headers(0);
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
                Err(headers)
            }
        }
    }

    /// Says how it stands in an answer that nothing has counted too. No key is looked at there, so that nobody can try keys uncounted: it is the address
    /// that they tell of.
    pub(super) fn show(&self, client: Client, headers: &mut HeaderMap) {
        if !headers.contains_key("x-ratelimit-limit") {
            let looked = self.limiter.check_key(&Question::Look(client));
            // What would be left after a request, and that request.
            add(
                &self.headers(looked.map_or(0, |left| left.remaining_burst_capacity() + 1)),
                headers,
            );
        }
    }

    fn headers(&self, remaining: u32) -> HeaderMap {
        let until_full = u64::from(self.burst.saturating_sub(remaining)).div_ceil(u64::from(self.per_second));
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-limit", HeaderValue::from(self.burst));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(remaining));
        headers.insert("x-ratelimit-reset", HeaderValue::from(until_full));
        headers
    }
}

/// Adds those that are not there yet.
pub(super) fn add(headers: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in headers {
        to.entry(name).or_insert_with(|| value.clone());
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
