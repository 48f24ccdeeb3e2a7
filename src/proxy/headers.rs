//! Which headers pass through a proxy.

use http::header::{self, HeaderMap, HeaderName};

/// Headers that belong to one connection (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// maia's own headers; none of them reaches a backend.
const OWN_PREFIX: &str = "x-maia-";

/// Takes out what belongs to the connection that the headers came over, the headers that `Connection` names included.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
    // `TE: trailers` is the one value that means the same on the next connection.
    if headers.get(header::TE).is_some_and(|value| value != "trailers") {
        headers.remove(header::TE);
    }
}

/// Takes out of a request what is for maia alone. The length is set anew from the body that is sent; `Origin` was judged here and means nothing there.
pub(super) fn strip_own(headers: &mut HeaderMap) {
    let own: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with(OWN_PREFIX))
        .cloned()
        .collect();
    for name in own
        .iter()
        .chain(&[header::HOST, header::CONTENT_LENGTH, header::ORIGIN, header::EXPECT])
    {
        headers.remove(name);
    }
}
