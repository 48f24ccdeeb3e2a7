//! Terms of a query as the full-text index takes them.

use maia::text::{Term, all_terms};
use rusqlite::Connection;

/// A full-text index as the newest migration makes it, without its table.
fn index() -> Connection {
    let migration = include_str!("../../migrations/0006_smaller_rows.sql");
    let (_, options) = migration.split_once("USING fts5 (").unwrap();
    let (options, _) = options.split_once(");").unwrap();
    let options = options
        .replace("content = 'memory_texts'", "content = ''")
        .replace("content_rowid = 'row_id',", "");
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(&format!("CREATE VIRTUAL TABLE found USING fts5 ({options})"))
        .unwrap();
    connection
}

fn found(index: &Connection, term: &str) -> i64 {
    index
        .prepare_cached("SELECT count(*) FROM found WHERE found MATCH ?1")
        .unwrap()
        .query_row([term], |row| row.get(0))
        .unwrap_or_else(|error| panic!("{term}: {error}"))
}

#[test]
fn no_character_makes_two_words_of_a_term() {
    let index = index();
    for c in char::MIN..=char::MAX {
        if c.is_ascii() {
            continue;
        }
        for term in all_terms(&format!("ab{c}cd")) {
            found(&index, &term.match_expression());
            for beginning in term.beginnings() {
                found(&index, &beginning);
            }
        }
    }
}

#[test]
fn a_word_with_vowel_signs_is_found_as_one_word() {
    let index = index();
    index
        .execute_batch("INSERT INTO found (rowid, text) VALUES (1, 'मुझे हिन्दी पसंद है'), (2, 'दी मु')")
        .unwrap();
    let words = all_terms("हिन्दी");
    let expressions: Vec<String> = words.iter().map(Term::match_expression).collect();
    assert_eq!(expressions, ["\"हिन्दी\""]);
    assert_eq!(found(&index, &expressions[0]), 1);
    assert_eq!(found(&index, "\"हि\"*"), 1);
}
