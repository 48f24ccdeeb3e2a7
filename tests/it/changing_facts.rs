//! Facts that are said again, change, end and are forgotten; where they came from, and how that is purged.

use std::thread;

use serde_json::{Value, json};

use crate::support_served::Served;

/// Tells maia something through the extraction call; returns what came of it.
#[track_caller]
pub(crate) fn tell(maia: &Served, message: &str) -> Value {
    let body = json!({ "messages": [{ "role": "user", "content": message }] });
    maia.post("/v1/namespaces/default/extract", &body).expect(200)
}

pub(crate) fn contents(page: &Value) -> Vec<&str> {
    let data = page["data"].as_array().unwrap();
    data.iter().map(|memory| memory["content"].as_str().unwrap()).collect()
}

/// What is valid, newest first.
fn valid(maia: &Served) -> Vec<String> {
    let page = maia.get("/v1/namespaces/default/memories").expect(200);
    contents(&page).into_iter().map(str::to_owned).collect()
}

pub(crate) fn path_of(memory: &Value) -> String {
    format!("/v1/namespaces/default/memories/{}", memory["id"].as_str().unwrap())
}

#[test]
fn the_same_fact_again_is_confirmed() {
    let maia = Served::start();
    let first = tell(&maia, "I live in Berlin.")["data"][0].clone();
    assert_eq!(first["result"], "stored");
    let memory = maia.get(&path_of(&first)).expect(200);
    assert_eq!(memory["confirmation_count"], 0);
    assert_eq!(memory["last_confirmed_at"], memory["created_at"]);
    // In the same words, and in others that give the same value.
    for again in ["i live in berlin!", "I'm living in Berlin now."] {
        let again = tell(&maia, again)["data"][0].clone();
        assert_eq!(
            (&again["result"], &again["id"]),
            (&json!("known"), &first["id"]),
            "{again}"
        );
    }
    let memory = maia.get(&path_of(&first)).expect(200);
    assert_eq!(memory["confirmation_count"], 2);
    assert!(memory["last_confirmed_at"].as_str() >= memory["created_at"].as_str());
    assert_eq!(valid(&maia), ["User lives in Berlin"]);
}

#[test]
fn a_new_value_takes_the_place_of_the_old_one() {
    for (before, after) in [
        ("My name is Sam.", "My name is Alexandra."),
        ("Call me Sam.", "Call me Alex."),
        ("I live in Berlin.", "I live in Paris."),
        ("I live in Berlin.", "I moved to Paris last week."),
        ("I live in Berlin.", "I moved from Berlin to Paris."),
        ("I work at Siemens.", "I work for Bosch."),
        (
            "I work at Siemens as an engineer.",
            "I started a new job at Bosch in May.",
        ),
        ("My time zone is CET.", "My time zone is America/Chicago."),
        ("I'm 34 years old.", "I'm 35 years old."),
        ("I'm 34.", "I turned 35 yesterday."),
        ("I'm a vegetarian.", "I'm vegan now."),
        ("My favourite colour is green.", "My favorite color is blue."),
        ("My favourite food is ramen.", "Pho is my favourite food."),
        ("My phone number is 555-0100.", "My phone number is 555-0199."),
        ("My email is sam@example.org.", "My email address is sam@example.net."),
        ("I'm single.", "I'm married to Ana."),
        ("I'm married.", "I got divorced last year."),
        ("I smoke cigars.", "I no longer smoke cigars."),
        ("I smoke cigars.", "I stopped smoking cigars."),
        ("I play the piano.", "I don't play the piano anymore."),
        ("I work at Siemens.", "I don't work at Siemens anymore."),
        ("I live in Berlin.", "I no longer live in Berlin."),
        ("I have a dog named Rex.", "I no longer have a dog."),
        ("I'm vegetarian.", "I'm no longer vegetarian."),
        ("I no longer smoke cigars.", "I smoke cigars again."),
        ("I no longer live in Berlin.", "I live in Paris."),
    ] {
        let maia = Served::start();
        let old = tell(&maia, before)["data"][0].clone();
        let new = tell(&maia, after)["data"][0].clone();
        assert_eq!(new["superseded"], json!([old["id"]]), "{before} {after} {new}");
        let now = valid(&maia);
        assert_eq!(now, [new["content"].as_str().unwrap()], "{before} {after}");

        // The old one is readable, and neither found nor injected.
        let old = maia.get(&path_of(&old)).expect(200);
        assert_eq!(old["superseded_by"], new["id"], "{before} {after}");
        assert!(old["superseded_at"].is_string());
        let all = maia
            .get("/v1/namespaces/default/memories?include_superseded=true")
            .expect(200);
        assert_eq!(all["total"], 2);
        let query = json!({ "query": old["content"] });
        let found = maia.post("/v1/namespaces/default/memories/search", &query).expect(200);
        assert!(
            !found.to_string().contains(old["id"].as_str().unwrap()),
            "{before} {after}"
        );
        let about = json!({ "query": "What do you know about me?" });
        let block = maia.post("/v1/namespaces/default/context", &about).expect(200);
        assert_eq!(block["memories"].as_array().unwrap().len(), 1, "{before} {after}");
    }
}

#[test]
fn what_does_not_contradict_stays_beside_each_other() {
    for (before, after) in [
        ("I live in Berlin.", "My brother lives in Paris."),
        ("I live in Berlin.", "I no longer live in Paris."),
        ("I work at Siemens.", "I also work at a bakery on weekends."),
        ("I work at Siemens.", "My wife works at Bosch."),
        ("My name is Sam.", "My dog's name is Rex."),
        ("My favourite colour is green.", "My favourite food is pho."),
        ("I have a dog.", "I have a cat."),
        ("I speak French.", "I speak Dutch."),
        ("I like hiking.", "I like swimming."),
        ("My email is sam@example.org.", "My work email is sam@example.com."),
        ("I'm 34 years old.", "My daughter is 5 years old."),
        ("I'm allergic to nuts.", "I'm allergic to eggs."),
        ("I lived in Oslo as a child.", "I live in Berlin."),
        ("I play tennis.", "I no longer play chess."),
        ("I like pizza.", "I no longer like pizza with pineapple."),
    ] {
        let maia = Served::start();
        tell(&maia, before);
        let new = tell(&maia, after)["data"][0].clone();
        assert_eq!(new["result"], "stored", "{after}");
        assert_eq!(valid(&maia).len(), 2, "{before} {after}");
    }
}

#[test]
fn of_several_things_that_may_have_ended_none_does() {
    let maia = Served::start();
    tell(&maia, "I play the piano.");
    tell(&maia, "I play tennis.");
    tell(&maia, "I no longer play.");
    assert!(valid(&maia).contains(&"User plays the piano".to_owned()));
    assert!(valid(&maia).contains(&"User plays tennis".to_owned()));
}

#[test]
fn history_shows_the_chain_and_the_old_value_can_come_back() {
    let maia = Served::start();
    let ids: Vec<Value> = ["Berlin", "Paris", "Rome"]
        .iter()
        .map(|city| tell(&maia, &format!("I live in {city}."))["data"][0].clone())
        .collect();
    let chain = ["User lives in Berlin", "User lives in Paris", "User lives in Rome"];
    for one in &ids {
        let history = maia.get(&format!("{}/history", path_of(one))).expect(200);
        assert_eq!(contents(&history), chain);
        assert_eq!(history["total"], 3);
    }
    // A gap in the middle is closed.
    assert_eq!(maia.delete(&path_of(&ids[1])).expect(200), json!({ "deleted": true }));
    let history = maia.get(&format!("{}/history", path_of(&ids[0]))).expect(200);
    assert_eq!(contents(&history), [chain[0], chain[2]]);

    let answer = maia.delete(&format!("{}?restore=true", path_of(&ids[2]))).expect(200);
    assert_eq!(answer, json!({ "deleted": true, "restored": [ids[0]["id"]] }));
    assert_eq!(valid(&maia), [chain[0]]);
    let found = maia
        .post("/v1/namespaces/default/memories/search", &json!({ "query": "Berlin" }))
        .expect(200);
    assert_eq!(found["total"], 1);

    // Without that, what was superseded stays so, and says nothing of a successor that is gone.
    let paris = tell(&maia, "I live in Paris.")["data"][0].clone();
    maia.delete(&path_of(&paris)).expect(200);
    assert_eq!(valid(&maia), Vec::<String>::new());
    let berlin = maia.get(&path_of(&ids[0])).expect(200);
    assert_eq!(berlin["superseded_by"], Value::Null);
    assert!(berlin["superseded_at"].is_string());
    let unknown = "/v1/namespaces/default/memories/01890000-0000-7000-8000-000000000000/history";
    assert_eq!(maia.get(unknown).status, 404);
}

#[test]
fn facts_told_at_the_same_moment_are_kept_once_and_in_one_chain() {
    let maia = Served::start();
    thread::scope(|scope| {
        for at in 0..16 {
            let maia = &maia;
            scope.spawn(move || {
                tell(maia, "I'm allergic to nuts.");
                tell(maia, &format!("I live in Town{}.", char::from(b'A' + at)));
            });
        }
    });
    let valid = valid(&maia);
    assert_eq!(valid.len(), 2, "{valid:?}");
    let all = maia
        .get("/v1/namespaces/default/memories?include_superseded=true&limit=100")
        .expect(200);
    assert_eq!(all["total"], 17);
    let nuts = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|memory| memory["content"] == "User is allergic to nuts");
    assert_eq!(nuts.unwrap()["confirmation_count"], 15);
    let towns: Vec<_> = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|memory| memory["content"] != "User is allergic to nuts")
        .collect();
    assert_eq!(towns.iter().filter(|town| town["superseded_at"].is_null()).count(), 1);
}

#[test]
fn a_thing_is_forgotten_with_what_it_was_before() {
    let maia = Served::start();
    for message in [
        "My favourite food is sushi.",
        "My favourite food is ramen.",
        "I live in Rome.",
        "I live in Paris with my dog.",
        "Forget my favourite food.",
        "Forget that I live in Paris.",
    ] {
        tell(&maia, message);
    }
    let left = maia
        .get("/v1/namespaces/default/memories?include_superseded=true")
        .expect(200);
    assert_eq!(contents(&left), ["User lives in Rome"]);
}

#[test]
fn what_the_user_wants_forgotten_is_deleted_and_nothing_else() {
    for (message, gone) in [
        ("Forget that I live in Berlin.", Some("User lives in Berlin")),
        (
            "Please forget that I'm allergic to nuts.",
            Some("User is allergic to nuts"),
        ),
        ("Forget my phone number.", Some("User's phone number is 555-0100")),
        ("It's no longer true that I smoke.", Some("User smokes a pipe")),
        ("Forget that I live in Paris.", None),
        ("Forget my dog.", None),
        ("Forget that.", None),
        ("Forget it!", None),
        ("That's no longer true.", None),
        ("Forget everything.", None),
        ("Forget about the second paragraph.", None),
        ("I forget where I live.", None),
        ("Don't forget that I'm allergic to nuts.", None),
        ("Did you forget that I live in Berlin?", None),
    ] {
        let maia = Served::start();
        for fact in [
            "I live in Berlin.",
            "I'm allergic to nuts.",
            "My phone number is 555-0100.",
            "My dog Rex is a beagle.",
            "My dog Max is a poodle.",
            "I smoke a pipe.",
        ] {
            tell(&maia, fact);
        }
        let mut expected = valid(&maia);
        assert_eq!(expected.len(), 6);
        tell(&maia, message);
        expected.retain(|fact| Some(fact.as_str()) != gone);
        let mut left = valid(&maia);
        left.retain(|fact| !fact.contains("no longer"));
        assert_eq!(left, expected, "{message}");
    }
}

#[test]
fn what_is_not_to_be_remembered_is_not() {
    let maia = Served::start();
    for message in [
        "Don't remember this: I live in Berlin.",
        "I live in Berlin. Please don't save that.",
        "I'm pregnant. Forget I said that.",
        "I cheat at cards. Don't store this.",
    ] {
        assert_eq!(tell(&maia, message)["total"], 0, "{message}");
    }
    assert_eq!(valid(&maia), Vec::<String>::new());
    tell(&maia, "I live in Berlin. I don't remember that film.");
    assert_eq!(valid(&maia), ["User lives in Berlin"]);
}

#[test]
fn what_came_from_somewhere_can_be_purged() {
    let maia = Served::start();
    let told = |conversation: &str, message: &str| {
        let body = json!({ "conversation_id": conversation, "messages": [{ "role": "user", "content": message }] });
        maia.post("/v1/namespaces/default/extract", &body).expect(200);
    };
    told("good", "I live in Berlin. I have two cats.");
    told("bad", "I live in Ulm. I own a yacht.");
    maia.memory("User wrote this by hand");
    let memories = "/v1/namespaces/default/memories";
    let purge = |filter: &str| maia.delete(&format!("{memories}?{filter}"));

    for (query, status) in [
        ("", 400),
        ("dry_run=true", 400),
        ("restore=true", 400),
        ("source=extracted&colour=red", 400),
        ("source=extracted&dry_run=maybe", 400),
    ] {
        assert_eq!(purge(query).status, status, "{query}");
    }
    let bad = "source=extracted&conversation_id=bad";
    assert_eq!(
        purge(&format!("{bad}&dry_run=true")).expect(200),
        json!({ "deleted": 2, "dry_run": true })
    );
    assert_eq!(maia.get(&format!("{memories}?{bad}")).expect(200)["total"], 2);
    assert_eq!(valid(&maia).len(), 4);
    let answer = purge(&format!("{bad}&restore=true")).expect(200);
    assert_eq!(answer, json!({ "deleted": 2, "restored": 1, "dry_run": false }));
    assert_eq!(
        valid(&maia),
        ["User wrote this by hand", "User has two cats", "User lives in Berlin"]
    );
    // Superseded ones go too.
    told("other", "I live in Rome.");
    assert_eq!(purge("source=extracted").expect(200)["deleted"], 3);
    assert_eq!(valid(&maia), ["User wrote this by hand"]);
    assert_eq!(
        maia.get(&format!("{memories}?include_superseded=true")).expect(200)["total"],
        1
    );
}
