//! Nothing crosses from the namespaces of one key to those of another, on any route, however the other is spelled.

use std::collections::BTreeSet;

use maia::http::ROUTES;
use proptest::prelude::*;
use proptest::test_runner::{Config as CaseConfig, TestRunner};

use crate::description::routes;
use crate::support_keys::{ABSENT_ID, ABSENT_NAMESPACE, CANARY, OWNER, Target, World};
use crate::support_raw::{Call, Reply};

/// Ways to spell what the key `a` may not reach.
fn spelled(world: &World) -> Vec<Target> {
    let id = world.quagga.1.as_str();
    let names = [
        "b/quagga",
        "B/quagga",
        "b/Quagga",
        "b/quagga/",
        "a/../b/quagga",
        "a/own/../../b/quagga",
        "../b/quagga",
        "./b/quagga",
        "b//quagga",
        " b/quagga",
        "b/quagga ",
        "b\u{2215}quagga",
        "b/\u{FF51}uagga",
        "a/own\0b/quagga",
        "a/own,b/quagga",
        "b/*",
        "*",
        "",
        "default",
    ];
    let mut targets: Vec<Target> = names.into_iter().map(|name| Target::new(name, id)).collect();
    targets.push(Target::new(&world.quagga.0, id));
    targets.push(Target::new(&world.quagga.0.to_uppercase(), &id.to_uppercase()));
    let segments = [
        "a%2F..%2Fb%2Fquagga",
        "a%2Fown/../b%2Fquagga",
        "%2e%2e%2Fb%2Fquagga",
        "b%252Fquagga",
        "b%2fquagga",
        "%62%2Fquagga",
        "b/quagga",
    ];
    targets.extend(segments.map(|segment| Target {
        segment: segment.to_owned(),
        ..Target::new("b/quagga", id)
    }));
    targets
}

#[test]
fn however_another_is_spelled_nothing_of_it_is_told_or_changed() {
    let world = World::new();
    let before = world.others();
    for (method, route, _) in ROUTES {
        for target in spelled(&world) {
            world.renew();
            for call in world.calls(method, route, &target) {
                let reply = world.ask(&call);
                assert!(reply.status < 500, "{call}: {reply}");
            }
        }
        assert_eq!(world.others(), before, "{method} {route}");
    }
    let backup = world.ask(&Call::get("/v1/backup"));
    backup.expect_error(403, "forbidden", None);
    for request in world.backend.requests() {
        assert!(!request.contains(CANARY), "{request}");
    }
    let metrics = world.maia.get("/metrics").text();
    assert!(
        world.secrets.iter().all(|(secret, _)| !metrics.contains(secret)),
        "{metrics}"
    );
    // The other key sees its own as before, and the server did not mix the two up on the way.
    let its_own = Call::get("/v1/namespaces").header("X-API-Key", &world.b);
    assert_eq!(world.maia.send(&its_own).expect(200)["total"], 2);
}

#[test]
fn what_is_not_there_is_refused_as_what_is_there() {
    let world = World::new();
    let there = [
        Target::new("b/quagga", &world.quagga.1),
        Target::new(&world.quagga.0, &world.quagga.1),
    ];
    let absent = [
        Target::new("b/absent", ABSENT_ID),
        Target::new(ABSENT_NAMESPACE, ABSENT_ID),
    ];
    for (method, route, _) in ROUTES {
        for (there, absent) in there.iter().zip(&absent) {
            let called = |reply: &Reply, target: &Target| {
                let text = reply.text().replace(&target.id, "ID").replace(&target.name, "NAME");
                (reply.status, text)
            };
            let pairs = world.calls(method, route, there).into_iter();
            for (call, other) in pairs.zip(world.calls(method, route, absent)) {
                // What is told of oneself may have changed in between.
                if call_is_about_others(route) {
                    assert_eq!(
                        called(&world.ask(&call), there),
                        called(&world.ask(&other), absent),
                        "{call}"
                    );
                }
            }
        }
    }
}

fn call_is_about_others(route: &str) -> bool {
    !["/v1/namespaces", "/v1/stats", "/proxy/v1/{*path}"].contains(&route)
}

/// The other half: the same calls about its own are let in, so that no test above passes because everything is refused.
#[test]
fn its_own_is_open_to_a_key() {
    for (method, route, right) in ROUTES {
        let world = World::new();
        let own = world.own.borrow().clone();
        let target = Target::new("a/own", &own);
        for call in world.calls(method, route, &target) {
            let reply = world.ask(&call);
            let refused = matches!(reply.status, 401 | 403);
            assert_eq!(refused, right.as_str() == "admin", "{call}: {reply}");
        }
    }
}

fn name() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec!["b/quagga", "b/okapi", "a/own", "b", "a", "default"]);
    let change = prop::sample::select(vec![
        "", "/", "..", "%2F", "*", "%", "A", "\u{0301}", "\u{200b}", "-", "a/", "b/",
    ]);
    prop_oneof![
        3 => (known, change, 0..12usize).prop_map(|(name, change, at)| {
            let at = at.min(name.len());
            format!("{}{change}{}", &name[..at], &name[at..])
        }),
        1 => "[abAB*./%~_ -]{0,10}",
    ]
}

#[test]
fn random_calls_cross_nothing() {
    let world = World::new();
    let before = world.others();
    let ids = prop::sample::select(vec![Some(world.quagga.1.clone()), Some(ABSENT_ID.to_owned()), None]);
    let routes = prop::sample::select(ROUTES.to_vec());
    let cases = CaseConfig {
        failure_persistence: None,
        ..CaseConfig::with_cases(300)
    };
    let mut runner = TestRunner::new(cases);
    runner
        .run(&(routes, name(), ids), |((method, route, _), name, id)| {
            world.renew();
            let id = id.unwrap_or_else(|| world.own.borrow().clone());
            for call in world.calls(method, route, &Target::new(&name, &id)) {
                let reply = world.ask(&call);
                prop_assert!(reply.status < 500, "{call}: {reply}");
            }
            prop_assert_eq!(world.others(), before.clone(), "{} {} {:?}", method, route, name);
            Ok(())
        })
        .unwrap();
    for request in world.backend.requests() {
        assert!(!request.contains(CANARY), "{request}");
    }
}

/// The table of rights and the router know the same routes, so that none is without a right, and by the calls above none without a test.
#[test]
fn the_table_of_rights_has_every_route() {
    let world = World::new();
    let with_door = |path: &String| path.starts_with("/v1/") || path.starts_with("/proxy/");
    let routed: BTreeSet<String> = routes().into_iter().filter(with_door).collect();
    let known: BTreeSet<String> = ROUTES.iter().map(|(_, path, _)| (*path).to_owned()).collect();
    assert_eq!(routed, known);
    for path in known {
        let methods = ROUTES.iter().filter(|(_, known, _)| *known == path);
        let methods: BTreeSet<&str> = methods.map(|(method, ..)| *method).collect();
        if methods.contains("*") {
            continue;
        }
        let asked = path
            .replace("{namespace}", "a%2Fown")
            .replace("{id}", ABSENT_ID)
            .replace("{key}", "x");
        let reply = world
            .maia
            .send(&Call::new("OPTIONS", &asked).header("X-API-Key", OWNER));
        let allowed = reply.header("allow").unwrap().to_owned();
        let allowed = allowed
            .split(',')
            .filter(|method| !matches!(*method, "HEAD" | "OPTIONS"));
        assert_eq!(allowed.collect::<BTreeSet<_>>(), methods, "{path}");
    }
}
