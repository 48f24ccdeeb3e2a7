//! Addresses and methods: what `HEAD`, `OPTIONS`, other methods and slashes at the end come to.

use serde_json::json;

use crate::support_raw::Call;
use crate::support_served::Served;

#[test]
fn every_route_says_what_is_possible() {
    let maia = Served::start();
    for (path, methods) in [
        ("/v1/namespaces", "GET,HEAD,POST,OPTIONS"),
        ("/v1/namespaces/default", "GET,HEAD,PUT,PATCH,DELETE,OPTIONS"),
        ("/v1/namespaces/default/memories", "GET,HEAD,POST,DELETE,OPTIONS"),
        ("/v1/namespaces/default/memories/search", "POST,OPTIONS"),
        ("/v1/memories/search", "POST,OPTIONS"),
        ("/v1/stats", "GET,HEAD,OPTIONS"),
    ] {
        let refused = maia.send(&Call::new("TRACE", path));
        refused.expect_error(405, "method_not_allowed", None);
        assert_eq!(refused.header("allow"), Some(methods), "{path}");
        let options = maia.send(&Call::new("OPTIONS", path));
        assert_eq!((options.status, options.body.as_slice()), (204, &b""[..]), "{path}");
        assert_eq!(options.header("allow"), Some(methods), "{path}");
    }
    assert_eq!(maia.send(&Call::new("OPTIONS", "/v1/nothing")).status, 404);
}

#[test]
fn head_is_get_without_a_body() {
    let maia = Served::start();
    let memory = maia.memory("User likes tea");
    let path = format!("/v1/namespaces/default/memories/{}", memory["id"].as_str().unwrap());
    for path in [path.as_str(), "/v1/namespaces", "/v1/namespaces/default", "/health"] {
        let (get, head) = (maia.get(path), maia.send(&Call::new("HEAD", path)));
        assert_eq!((head.status, head.body.as_slice()), (200, &b""[..]), "{path}");
        for header in ["content-length", "content-type", "etag", "x-total-count"] {
            assert_eq!(head.header(header), get.header(header), "{path}: {header}");
        }
    }
}

#[test]
fn a_slash_at_the_end_means_nothing() {
    let maia = Served::start();
    for path in [
        "/v1/namespaces",
        "/v1/namespaces/default",
        "/v1/stats",
        "/health",
        "/v1/namespaces/default/memories",
    ] {
        for slashes in ["/", "//"] {
            assert_eq!(maia.get(&format!("{path}{slashes}")).status, 200, "{path}{slashes}");
        }
    }
    let body = json!({ "content": "User likes tea" });
    maia.post("/v1/namespaces/default/memories/", &body).expect(201);
    assert_eq!(
        maia.get("/v1/namespaces/default/memories/?q=tea&limit=1").expect(200)["total"],
        1
    );
    maia.get("/v1/").expect_error(404, "not_found", None);
    maia.get("/").expect_error(404, "not_found", None);
}
