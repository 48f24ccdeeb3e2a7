//! What is the speaker's: their people and things ("my …"), what they have and what they get.

use super::{
    action::wish,
    clause::{Clause, Shape, Subject, is_adverb},
    policy::Verdict,
    predicate::NUMBERS,
    words::{OWNED, POINTERS, RELATIONS, TALK_NOUNS, TASK_NOUNS, TECHNICAL, words},
};

words! {
    /// Good days.
    FUN = "time fun blast ball";

    /// Things that are had only for the moment or for the task.
    PASSING_THINGS = "
        question problem issue idea doubt feeling time fun blast ball look thought concern trouble hope luck chance point clue request
        talk conversation headache cold suggestion  interest choice say faith hand heart plan sense lot bit difficulty hunch moment
        task error homework assignment following  list answer preference favor favour tendency urge guess patience memory memories
        no enough confusion nothing something anything everything
        proud mixed respect sympathy desire mind words word discussion debate argument";

    /// Words by which something is reported broken: a request for help, not a fact.
    TROUBLE = "
        won't slow slowly broken crashed crashes cracked hacked fails failed failing stuck leaking leaks stopped keeps hurts aches frozen dead
        error missing lost disappeared wrong refuses  jammed overheating noisy blinking stutters flickers lags false true null empty";

    /// What other people are said to say: it is their word, and mostly a request.
    SAYING = "says said thinks means mean wants asked asks told assigned";

    /// What somebody is got into by others: events of a life.
    GOT = "married engaged divorced promoted fired laid hired accepted diagnosed admitted mentored robbed mugged evicted elected dumped pregnant vaccinated baptized scammed injured drafted";
}

/// "My wife Ana works at CERN", "my favourite colour is green".
pub(super) fn possession(clause: &Clause<'_>) -> Option<Verdict> {
    let owned = clause.possession();
    let verb = clause.verb;
    let head = owned
        .iter()
        .rev()
        .find(|word| word.is_word() && !is_adverb(&word.lower))?;
    if matches!(
        head.lower.as_str(),
        "password" | "passcode" | "passphrase" | "pin" | "token" | "key"
    ) {
        return None;
    }
    let talk = owned.iter().take(2).any(|word| TALK_NOUNS.has_noun(&word.lower))
        || owned.len() == 1 && POINTERS.has(&head.lower);
    if talk && !owned.iter().any(|word| word.lower.starts_with("favo"))
        || matches!(verb.shape, Shape::Doubt | Shape::Would)
        || owned
            .iter()
            .any(|word| word.lower == "last" || matches!(word.lower.as_str(), "," if owned.len() > 6))
    {
        return None;
    }
    let predicate = clause.word(verb.main);
    if clause.points_out(verb.main) && clause.content(verb.main) < 2 || clause.content(verb.main) == 0 {
        return None;
    }
    if owned
        .iter()
        .any(|word| matches!(word.lower.as_str(), "name" | "nickname"))
    {
        return (clause.content(verb.main) >= 1).then_some(("name", 0.95));
    }
    if matches!(
        head.lower.as_str(),
        "goal" | "dream" | "plan" | "aim" | "ambition" | "wish"
    ) && predicate == "to"
    {
        let aimed = clause.content(verb.main + 1) >= 3 && !clause.has_noun(&TASK_NOUNS);
        return wish(clause, verb.main + 1).or_else(|| aimed.then_some(("plan", 0.65)));
    }
    if owned.iter().any(|word| word.lower.starts_with("favo")) {
        if owned.len() == 1 || owned.iter().skip(1).any(|word| POINTERS.has(&word.lower)) {
            return None;
        }
        return Some(("favourite", 0.9));
    }
    if verb.shape == Shape::Be
        && clause.is_timed()
        && matches!(predicate, "on" | "due" | "in" | "at" | "next" | "tomorrow")
    {
        return Some(("date", 0.75));
    }
    if owned.iter().any(|word| RELATIONS.has_noun(&word.lower)) {
        let idle = clause.content(verb.main) < 2
            && matches!(verb.shape, Shape::Past | Shape::Perfect | Shape::Being)
            && !clause.is_timed();
        let unsaid = !matches!(verb.shape, Shape::Be | Shape::Was)
            && matches!(clause.word(verb.main + 1), "it" | "this" | "that");
        return (!idle && !unsaid && !SAYING.has(predicate)).then_some(("relation", 0.85));
    }
    Some((
        if matches!(verb.shape, Shape::Be | Shape::Was) {
            "attribute"
        } else {
            "thing"
        },
        0.75,
    ))
    .filter(|_| !clause.has_noun(&TASK_NOUNS) && !clause.words.iter().any(|word| TROUBLE.has(&word.lower)))
}

/// "I have two dogs", "I have asthma", "I don't have any siblings".
pub(super) fn having(clause: &Clause<'_>) -> Option<Verdict> {
    let verb = clause.verb;
    let at = if clause.word(verb.main) == "have" {
        verb.main + 1
    } else {
        verb.main
    };
    let mut noun_at = at;
    while matches!(
        clause.word(noun_at),
        "a" | "an" | "the" | "such" | "this" | "that" | "so" | "lots" | "of" | "my" | "our"
    ) || is_adverb(clause.word(noun_at))
    {
        noun_at += 1;
    }
    let past = verb.shape == Shape::Had;
    let (first, second) = (clause.word(noun_at), clause.word(noun_at + 1));
    let family = clause
        .from(at)
        .iter()
        .take(6)
        .any(|word| RELATIONS.has_noun(&word.lower))
        || second == "siblings";
    if family && !past && !clause.points_out(at) {
        return Some(("relation", 0.85));
    }
    // "We had a blast last year at the Pride fest": the day was had, not the blast.
    if past && (FUN.has(first) || FUN.has(second)) {
        let day = clause.is_timed() || clause.is_named();
        return (day && clause.content(at) >= 3 && !clause.has_noun(&TASK_NOUNS)).then_some(("event", 0.65));
    }
    let head = if NUMBERS.has(first) || matches!(first, "one" | "two") {
        second
    } else {
        first
    };
    let material = TECHNICAL.has_noun(head) && !OWNED.has_noun(head);
    if matches!(clause.subject, Subject::I | Subject::We) && material && !clause.is_timed() {
        return None;
    }
    if clause.points_out(at)
        || PASSING_THINGS.has_noun(first)
        || PASSING_THINGS.has_noun(second)
        || clause.content(at) == 0
    {
        return None;
    }
    if clause
        .from(at)
        .iter()
        .take(5)
        .any(|word| TASK_NOUNS.has_noun(&word.lower))
    {
        return None;
    }
    if past {
        return (clause.content(at) >= 2 && (clause.is_timed() || clause.is_named())).then_some(("event", 0.65));
    }
    Some((if family { "relation" } else { "possession" }, 0.75))
}

/// "I got married in June", "I got a new job".
pub(super) fn got(clause: &Clause<'_>) -> Option<Verdict> {
    let next = clause.word(clause.verb.main + 1);
    if GOT.has(next) {
        return Some(("event", 0.85));
    }
    let thing = matches!(next, "a" | "an" | "another" | "my" | "our" | "two" | "three" | "into")
        && clause.content(clause.verb.main + 2) >= 1;
    let object = clause.from(clause.verb.main + 2).iter().take(4);
    let task = clause.has_noun(&TASK_NOUNS) || object.clone().any(|word| PASSING_THINGS.has_noun(&word.lower));
    (thing && !task && (clause.content(clause.verb.main + 2) >= 2 || clause.is_timed())).then_some(("event", 0.7))
}
