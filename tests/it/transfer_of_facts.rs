//! Export and import of facts that were confirmed, and of those that something newer took the place of.

use serde_json::json;

use crate::support_process::{Program, run};
use crate::transfer::{done, pipe};

const MEMORIES: &str = "/v1/namespaces/default/memories";

/// The words of each memory in the chain of this one, oldest first.
fn chain(maia: &Program, id: &str) -> Vec<String> {
    let history = maia.get(&format!("{MEMORIES}/{id}/history")).expect(200);
    let memories = history["data"].as_array().unwrap();
    let words = memories
        .iter()
        .map(|memory| memory["content"].as_str().unwrap().to_owned());
    words.collect()
}

#[test]
fn what_was_superseded_comes_back_with_what_took_its_place() {
    let old = tempfile::tempdir().unwrap();
    let maia = Program::start(old.path(), &[]);
    let tell = |maia: &Program, words: &str| {
        let body = json!({ "messages": [{ "role": "user", "content": words }] });
        maia.post("/v1/namespaces/default/extract", &body).expect(200)["data"][0].take()
    };
    for words in [
        "I live in Berlin.",
        "I live in Berlin.",
        "I live in Paris.",
        "J'habite à Lyon.",
    ] {
        tell(&maia, words);
    }
    tell(&maia, "My name is Sam.");
    let gone = tell(&maia, "My name is Alexandra.")["id"].as_str().unwrap().to_owned();
    maia.call("DELETE", &format!("{MEMORIES}/{gone}"), &json!(null))
        .expect(200);
    let lyon = maia.get(MEMORIES).expect(200)["data"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let homes = ["User lives in Berlin", "User lives in Paris", "User habite à Lyon"];
    assert_eq!(chain(&maia, &lyon), homes);
    maia.stop();
    let exported = run(old.path(), &["export"]).stdout;
    let lines: Vec<&str> = exported.lines().collect();
    assert_eq!(lines.len(), 5, "{exported}");
    assert_eq!(
        lines.iter().filter(|line| line.contains("\"fact\"")).count(),
        1,
        "{exported}"
    );

    let reversed: Vec<&str> = lines.iter().rev().copied().collect();
    for order in [&lines, &reversed] {
        let new = tempfile::tempdir().unwrap();
        // The first attempt ends between a memory and what took its place.
        done(&pipe(new.path(), &["import", "-"], order[..2].join("\n").as_bytes()));
        done(&pipe(new.path(), &["import", "-"], order.join("\n").as_bytes()));
        let again = run(new.path(), &["export"]).stdout;
        let (mut again, mut expected): (Vec<&str>, Vec<&str>) = (again.lines().skip(1).collect(), lines[1..].to_vec());
        again.sort_unstable();
        expected.sort_unstable();
        assert_eq!(again, expected);
        done(&run(new.path(), &["check"]));
        let maia = Program::start(new.path(), &[]);
        let mut known = chain(&maia, &lyon);
        known.sort_unstable();
        let mut expected = homes.to_vec();
        expected.sort_unstable();
        assert_eq!(known, expected);
        let page = maia.get(MEMORIES).expect(200);
        assert_eq!(
            (&page["total"], &page["data"][0]["content"]),
            (&json!(1), &json!(homes[2]))
        );
        let search = |words: &str| {
            maia.post(&format!("{MEMORIES}/search"), &json!({ "query": words }))
                .expect(200)
        };
        assert_eq!(search("Berlin Paris Sam")["total"], 0);
        // What it says of the user came along too.
        assert_eq!(tell(&maia, "J'habite à Nice.")["superseded"], json!([lyon]));
        maia.stop();
        done(&run(new.path(), &["check"]));
    }
}
