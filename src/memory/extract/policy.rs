//! Which clauses about the speaker are worth keeping.
//!
//! The order is: what spoils any clause, then by tense and mood what the verb must say. Rules about who somebody is
//! (`strong`) hold in any message; rules about what they do or own hold only where the message is not about a task.

use super::{
    clause::{Clause, Shape, Subject, is_adverb},
    predicate,
    sentence::Word,
    source::CUT,
    words::{HEDGES, POINTERS, RELATIONS, STOP_WORDS, TALK_NOUNS, TASK_NOUNS, words},
};

words! {
    /// Verbs of the talk itself, of the mind and of the task: what they govern is no lasting fact.
    TALK_VERBS = "
        think thought guess suppose hope hoped wish wished wonder wondered assume assumed doubt mean meant see agree agreed know knew understand
        understood appreciate appreciated bet imagine imagined feel felt need needed want wanted try tried look looked ask asked tell told say said
        find found notice noticed expect expected require seem seems apologize apologise thank promise recommend suggest forget hear heard
        read-this get got check checked believe believed admire admired recall remember figure figured realize realized realise realised
        respect trust swear admit care mind concur congratulate support propose offer request demand consider considered
        encountered noticed received added changed updated upgraded created defined declared implemented called copied pasted followed
        googled searched installed ran-into reckon stumbled came agree disagree love-to-see could did do was were wanna gotta lemme let put set
        cannot please keep kept continue stay stayed decided struggle struggled recommend enter entered type typed click clicked press pressed
        understand wrote write given give gave provide provided include included use used attach attached post posted share shared
        spend mentioned mention explained explain talk talked spoke discussed discuss showed show made make saw watch learned hate-to
        totally liked loved enjoyed seen";

    /// Of those, verbs that state a fact when what follows is concrete, and the message is not about a task.
    FACT_VERBS = "
        use used write wrote read make made watch saw learned spend spent give gave create created received post share keep stay stayed
        support find-time get got put teach played loved enjoyed came decided kept talk loved hear considered struggle struggled care
        did do wanted-to-be made shared believe felt";

    /// Verbs of liking, in all tenses that last.
    LIKING = "like love hate prefer enjoy dislike adore despise detest loathe crave favor favour fear";

    /// Verbs that say where and how somebody lives and works.
    STANDING = "live work study teach reside own speak drive run manage attend play belong suffer practice practise commute smoke drink rent wear volunteer identify coach";

    /// Nouns that a wish to do or to be may have, when it is a plan for a life and not for the next five minutes.
    LIFE_PLANS = "
        become move travel visit retire marry adopt study graduate learn live own start open buy get work go be have run write raise play teach
        see explore join compete settle finish pursue save climb volunteer publish apply build grow race attend return take";

    /// Verbs that are plans when they are announced ("I'm going to …", "I will …").
    PLANNED = "
        move marry visit travel fly start begin graduate retire attend study join adopt buy open launch teach propose have get go be
        compete run host celebrate volunteer meet take leave return work give perform speak finish save sell see";

    /// Words that fix a time.
    TIME_WORDS = "
        today tomorrow tonight yesterday monday tuesday wednesday thursday friday saturday sunday january february march april june july august
        september october november december weekend week weeks month months year years spring summer autumn fall winter christmas easter
        thanksgiving halloween birthday morning evening night ago soon semester season since last next recently";

    /// Words by which something is reported broken: a request for help, not a fact.
    TROUBLE = "
        won't slow slowly broken crashed crashes cracked hacked fails failed failing stuck leaking leaks stopped keeps hurts aches frozen dead
        error missing lost disappeared wrong refuses doesn't-work jammed overheating noisy blinking stutters flickers lags false true null empty";

    /// Papers and talks: in the making, they are the task at hand.
    PAPERS = "article presentation report blog speech lecture quiz lesson email letter newsletter cv resume paper post survey workshop webinar pitch slides";

    /// Abilities and inabilities that are traits.
    ABILITIES = "speak play cook sew swim drive ride sing dance juggle type fly ski skate surf knit paint draw read eat drink have tolerate stand digest walk hear see see-well sleep travel lift run work wear use afford bear bake write make do fix whistle run stomach touch";

    /// After "can't", what is said in passing.
    PASSING = "wait believe help imagine figure find get seem think remember say tell decide understand complain argue stop thank even see do stand-it work make use run have";

    /// Progressive verbs of the task at hand or of the moment.
    PASSING_ING = "
        trying looking wondering getting having using writing asking thinking talking doing making creating developing running facing hoping
        wishing meaning feeling seeing struggling working building going coming waiting sitting standing reading watching calling kidding joking
        dying loving liking referring considering debugging testing attempting experiencing following receiving assuming guessing saying
        telling sending posting sharing adding needing wanting starting being keeping sorry implementing designing migrating setting
        listening rooting cheering imagining suggesting counting leaning looking";

    /// The same verbs, where a certain word after them makes a lasting fact of it ("working as", "working at").
    LASTING_AFTER = "as at for towards toward with part-time full-time remotely nights college university school married divorced through on to my a";
}

/// What is known of the message around a clause.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Setting {
    /// The message is about software or another task.
    pub(super) technical: bool,
    /// The speaker asked for this to be remembered.
    pub(super) asked: bool,
}

/// A rule's name, and how sure it is.
pub(super) type Verdict = (&'static str, f64);

/// The rule by which the clause is worth keeping, if one says so.
pub(super) fn judge(clause: &Clause<'_>, setting: Setting) -> Option<Verdict> {
    if spoiled(clause) || !opens_well(clause) {
        return None;
    }
    // What holds of the speaker and the listener together ("we rock as a team") is small talk.
    if clause.subject == Subject::We
        && clause
            .words
            .iter()
            .any(|word| matches!(word.lower.as_str(), "together" | "each" | "team" | "all"))
    {
        return None;
    }
    let verdict = match clause.subject {
        Subject::Mine => possession(clause)?,
        Subject::Together(_) => event_or_habit(clause, 0.75)?,
        Subject::I | Subject::We => by_shape(clause)?,
    };
    let strong = is_strong(verdict.0);
    if setting.asked {
        return Some((verdict.0, verdict.1.max(0.9)));
    }
    if !strong && (setting.technical || about_task(clause)) || clause.subject == Subject::We && setting.technical {
        return None;
    }
    Some(verdict)
}

/// Rules that hold in a message about a task too.
fn is_strong(rule: &str) -> bool {
    matches!(
        rule,
        "name"
            | "age"
            | "home"
            | "work"
            | "identity"
            | "trait"
            | "health"
            | "relation"
            | "favourite"
            | "preference"
            | "constraint"
    )
}

/// What spoils any clause: doubt, the listener, a cut, code.
fn spoiled(clause: &Clause<'_>) -> bool {
    clause.words.iter().any(|word| {
        HEDGES.has(&word.lower)
            || matches!(word.lower.as_str(), "you" | "your" | "yours" | "yourself" | "you're" | "y'all" | "ya" | "ur" | "?")
            || word.text.contains(CUT)
            || word.text.contains(['_', '{', '}', '=', '<', '>', '\\', '|', '(' , '`'])
            || word.text.contains(['*', '~'])
            || matches!(word.lower.as_str(), "minutes" | "example" | "instance")
            || word.text.contains("::")
            || word.text.contains("//")
    }) || clause.words.windows(2).any(|pair| {
        matches!(pair, [here, after] if here.lower == "here" && !matches!(after.lower.as_str(), "from" | "with" | "in" | "since" | "for" | "to"))
    }) || clause.words.last().is_some_and(|word| word.lower == "here")
        || clause.words.windows(2).any(|pair| {
        matches!(pair, [a, b] if matches!((a.lower.as_str(), b.lower.as_str()), ("not", "sure") | ("as", "though") | ("kind" | "sort", "of") | ("i", "say")))
    })
}

/// Whether what stands before the subject is a phrase of time or place.
fn opens_well(clause: &Clause<'_>) -> bool {
    let before = clause.words.get(..clause.start).unwrap_or_default();
    let Some(first) = before.first() else { return true };
    before.len() <= 9
        && (super::words::ADVERBIALS.has(&first.lower) || is_adverb(&first.lower))
        && !before.iter().any(|word| {
            matches!(
                word.lower.as_str(),
                "that" | "said" | "says" | "is" | "are" | "would" | "can" | "what" | "to" | "this" | "it"
            )
        })
        && !matches!(
            first.lower.as_str(),
            "some" | "many" | "all" | "right" | "ten" | "with" | "even" | "as" | "for" | "by"
        )
        || first.lower == "for" && before.len() >= 3
}

/// Whether the clause is about the material of a task.
fn about_task(clause: &Clause<'_>) -> bool {
    clause.words.iter().any(|word| TASK_NOUNS.has_noun(&word.lower))
}

fn by_shape(clause: &Clause<'_>) -> Option<Verdict> {
    let verb = clause.verb;
    let main = clause.word(verb.main);
    let next = clause.word(verb.main + 1);
    match verb.shape {
        Shape::Be | Shape::Was | Shape::PerfectBe => predicate::being(clause),
        Shape::Have | Shape::Had => predicate::having(clause),
        Shape::Present => habit(clause),
        Shape::Past => event(clause),
        Shape::UsedTo => (content(clause, verb.main) >= 1).then_some(("past", 0.8)),
        Shape::Perfect if matches!(main, "lived" | "worked" | "studied" | "taught" | "owned" | "played") => {
            standing(clause, main)
        }
        Shape::Perfect => {
            (!points(clause, verb.main + 1) && !blocked(clause, main) && content(clause, verb.main + 1) >= 2)
                .then_some(("experience", 0.7))
        }
        Shape::Being | Shape::PerfectBeing => progressive(clause),
        Shape::GoingTo => (PLANNED.has(main)
            && (content(clause, verb.main + 1) >= 2 || timed(clause))
            && !points(clause, verb.main + 1))
        .then_some(("plan", 0.7)),
        Shape::Will => (PLANNED.has(main)
            && timed(clause)
            && content(clause, verb.main + 1) >= 1
            && !points(clause, verb.main + 1))
        .then_some(("plan", 0.7)),
        Shape::Would if matches!(main, "rather" | "prefer") => {
            (content(clause, verb.main + 1) >= 1).then_some(("preference", 0.7))
        }
        Shape::Would if matches!(main, "love" | "like") && next == "to" => wish(clause, verb.main + 2),
        Shape::Can => ability(clause),
        Shape::Must => (recurs(clause) && content(clause, verb.main) >= 2).then_some(("constraint", 0.75)),
        Shape::Would | Shape::Doubt => None,
    }
}

/// "I live in Berlin", "I don't eat meat", "I bike to work".
fn habit(clause: &Clause<'_>) -> Option<Verdict> {
    let verb = clause.verb;
    let main = clause.word(verb.main);
    let (rest, next) = (verb.main + 1, clause.word(verb.main + 1));
    match main {
        "want" | "hope" | "plan" | "intend" | "aim" | "aspire" | "dream" | "wish" if !verb.negated => {
            let to = (rest..rest + 3).find(|at| matches!(clause.word(*at), "to" | "of" | "on"))?;
            return wish(clause, to + 1);
        }
        "know" if next == "how" => return (content(clause, rest) >= 2).then_some(("ability", 0.7)),
        "feel" | "think" | "believe" | "say" | "guess" | "wish" | "mean" => return None,
        "go" if next == "by" => return Some(("name", 0.9)),
        "prefer" | "need" if next == "to" && clause.words.len() > 14 => return None,
        "have" => return predicate::having(clause),
        "live" | "work" | "study" | "teach" => return standing(clause, main),
        _ => {}
    }
    if points(clause, rest) && (next != "one" && next != "both" || content(clause, rest) < 2) {
        return None;
    }
    if LIKING.has(main) {
        let said = content(clause, rest) >= 1 && !matches!(next, "how" | "when" | "what" | "where" | "the" | "to")
            || next == "to"
                && content(clause, rest) >= 1
                && !matches!(
                    clause.word(rest + 1),
                    "see" | "hear" | "know" | "think" | "say" | "ask" | "be"
                );
        let chosen = clause.words.iter().any(|word| {
            matches!(
                word.lower.as_str(),
                "option" | "version" | "first" | "second" | "third" | "latter" | "former" | "previous" | "last"
            )
        });
        let the = next == "the" && !chosen && content(clause, rest) >= 2;
        return (said || the).then_some(("preference", 0.85));
    }
    if TALK_VERBS.has(main)
        && !(calendar(clause) && content(clause, rest) >= 2)
        && !(FACT_VERBS.has(main) && content(clause, rest) >= 2)
    {
        return None;
    }
    if matches!(
        main,
        "drink" | "smoke" | "drive" | "eat" | "cook" | "dance" | "sing" | "swim" | "wear" | "vape" | "gamble"
    ) && (verb.negated || content(clause, rest) >= 1)
    {
        return Some(("habit", 0.85));
    }
    (content(clause, rest) >= 1 || STANDING.has(main) && content(clause, verb.main) >= 1).then_some(("habit", 0.7))
}

fn standing(clause: &Clause<'_>, main: &str) -> Option<Verdict> {
    let rest = clause.verb.main + 1;
    let rule = if main.starts_with("live") { "home" } else { "work" };
    let next = clause.word(rest);
    if points(clause, rest)
        || matches!(next, "on" | "around" | "out" | "through") && about_task(clause)
        || next == "with" && about_task(clause)
        || next == "for" && points(clause, rest + 1)
    {
        return None;
    }
    (content(clause, rest) >= 1).then_some((rule, 0.9))
}

/// "I moved to Lisbon in 2019", "I got promoted last week".
fn event(clause: &Clause<'_>) -> Option<Verdict> {
    let verb = clause.verb;
    let main = clause.word(verb.main);
    let next = clause.word(verb.main + 1);
    if main == "going"
        || matches!(main, "was" | "were")
        || verb.finite != verb.main && clause.word(verb.finite).starts_with("was") && PASSING_ING.has(main)
    {
        return None;
    }
    if main == "got" {
        return predicate::got(clause);
    }
    if blocked(clause, main) || points(clause, verb.main + 1) {
        return None;
    }
    let told = content(clause, verb.main + 1);
    if main == "grew" && next == "up" {
        return (told >= 1).then_some(("home", 0.85));
    }
    (told >= 2 || told >= 1 && (timed(clause) || named(clause)))
        .then_some(("event", if timed(clause) { 0.8 } else { 0.7 }))
}

fn event_or_habit(clause: &Clause<'_>, sure: f64) -> Option<Verdict> {
    let main = clause.word(clause.verb.main);
    let told = content(clause, clause.verb.main + 1);
    (!matches!(clause.verb.shape, Shape::Doubt | Shape::Would)
        && !TALK_VERBS.has(main)
        && told >= 1
        && !points(clause, clause.verb.main + 1))
    .then_some(("relation", sure))
}

/// "I'm learning Spanish", "I've been saving for a house".
fn progressive(clause: &Clause<'_>) -> Option<Verdict> {
    let verb = clause.verb;
    let main = clause.word(verb.main);
    let next = clause.word(verb.main + 1);
    if points(clause, verb.main + 1) || content(clause, verb.main + 1) == 0 {
        return None;
    }
    if matches!(main, "planning" | "hoping" | "aiming" | "saving") {
        if clause.words.iter().any(|word| PAPERS.has_noun(&word.lower)) {
            return None;
        }
        return (content(clause, verb.main + 1) >= 2 && clause.word(verb.main + 1) != "to"
            || LIFE_PLANS.has(clause.word(verb.main + 2)) && content(clause, verb.main + 2) >= 2)
            .then_some(("plan", 0.7));
    }
    if main == "working" || main == "living" || main == "studying" || main == "teaching" {
        let farm = clause.words.iter().any(|word| {
            matches!(
                word.lower.as_str(),
                "farm" | "ranch" | "ship" | "degree" | "phd" | "masters" | "novel" | "book"
            )
        });
        let task = about_task(clause) || next == "on" && !farm || next == "with" && about_task(clause);
        return (!task || next == "at" || next == "as")
            .then_some((if main == "living" { "home" } else { "work" }, 0.8));
    }
    if main == "looking" {
        let sought = next == "for"
            && clause.from(verb.main + 2).iter().take(4).any(|word| {
                matches!(
                    word.lower.as_str(),
                    "job"
                        | "work"
                        | "house"
                        | "apartment"
                        | "flat"
                        | "roommate"
                        | "internship"
                        | "girlfriend"
                        | "boyfriend"
                )
            });
        return sought.then_some(("plan", 0.7));
    }
    if PASSING_ING.has(main) {
        let lasting = LASTING_AFTER.has(next)
            && content(clause, verb.main + 2) >= 1
            && (main == "going" || main == "getting" || main == "starting" || timed(clause));
        return (lasting && !about_task(clause)).then_some(("plan", 0.65));
    }
    let paper = clause.words.iter().any(|word| PAPERS.has_noun(&word.lower));
    (!paper).then_some(("activity", 0.7))
}

/// "I want to become a nurse", "I'd love to visit Japan": a plan or a wish for a life.
fn wish(clause: &Clause<'_>, at: usize) -> Option<Verdict> {
    let main = clause.word(at);
    let next = clause.word(at + 1);
    let concrete = content(clause, at + 1) >= 1 && !points(clause, at + 1);
    let vague = matches!(
        main,
        "get" | "have" | "be" | "go" | "start" | "see" | "take" | "write" | "build" | "run" | "work" | "learn"
    );
    let ripe = match main {
        "be" => matches!(next, "a" | "an"),
        "learn" => next != "more" && next != "about" && next != "how",
        "see" | "take" | "go" | "have" | "get" | "build" | "write" | "run" | "work" | "start" => {
            content(clause, at + 1) >= 2 || named(clause)
        }
        _ => true,
    };
    let main = main.strip_suffix("ing").unwrap_or(main);
    ((LIFE_PLANS.has(main) || LIFE_PLANS.has(&format!("{main}e"))) && concrete && ripe && !about_task(clause))
        .then_some(("plan", if vague { 0.6 } else { 0.75 }))
}

/// "I can play the piano", "I can't eat gluten".
fn ability(clause: &Clause<'_>) -> Option<Verdict> {
    let verb = clause.verb;
    let main = clause.word(verb.main);
    if !ABILITIES.has(main)
        || points(clause, verb.main + 1)
        || about_task(clause)
        || content(clause, verb.main + 1) < 1 && !verb.negated
        || verb.negated && PASSING.has(main)
    {
        return None;
    }
    let lasting = matches!(
        main,
        "speak"
            | "play"
            | "eat"
            | "drink"
            | "cook"
            | "drive"
            | "swim"
            | "ride"
            | "stand"
            | "tolerate"
            | "sing"
            | "dance"
            | "wear"
            | "digest"
            | "sew"
            | "knit"
            | "juggle"
            | "afford"
    );
    (lasting || recurs(clause)).then_some((if verb.negated { "constraint" } else { "ability" }, 0.75))
}

/// "My wife Ana works at CERN", "my favourite colour is green".
fn possession(clause: &Clause<'_>) -> Option<Verdict> {
    let owned = clause.possession();
    let verb = clause.verb;
    let head = owned
        .iter()
        .rev()
        .find(|word| word.is_word() && !is_adverb(&word.lower))?;
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
    if points(clause, verb.main) && content(clause, verb.main) < 2 || content(clause, verb.main) == 0 {
        return None;
    }
    if owned
        .iter()
        .any(|word| matches!(word.lower.as_str(), "name" | "nickname"))
    {
        return (content(clause, verb.main) >= 1).then_some(("name", 0.95));
    }
    if owned.iter().any(|word| word.lower.starts_with("favo")) {
        if owned.len() == 1 {
            return None;
        }
        return Some(("favourite", 0.9));
    }
    if owned.iter().any(|word| RELATIONS.has_noun(&word.lower)) {
        let idle = content(clause, verb.main) < 2
            && matches!(verb.shape, Shape::Past | Shape::Perfect | Shape::Being)
            && !timed(clause);
        return (!idle
            && !matches!(
                predicate,
                "says" | "said" | "thinks" | "means" | "mean" | "wants" | "asked" | "asks" | "told" | "assigned"
            ))
        .then_some(("relation", 0.85));
    }
    Some((
        if matches!(verb.shape, Shape::Be | Shape::Was) {
            "attribute"
        } else {
            "thing"
        },
        0.75,
    ))
    .filter(|_| !about_task(clause) && !clause.words.iter().any(|word| TROUBLE.has(&word.lower)))
}

/// Whether a verb of the talk or the task is no fact here.
fn blocked(clause: &Clause<'_>, main: &str) -> bool {
    TALK_VERBS.has(main) && !(FACT_VERBS.has(main) && (content(clause, clause.verb.main + 1) >= 3 || timed(clause)))
        || matches!(main, "had" | "been" | "was")
}

/// Whether the word at a place points out of the sentence ("it", "that", but not "this Friday").
pub(super) fn points(clause: &Clause<'_>, at: usize) -> bool {
    let next = clause.word(at + 1);
    let counts = matches!(clause.word(at), "one" | "both" | "such" | "so")
        && !matches!(next, "" | "of" | "too" | "and" | "or")
        && !STOP_WORDS.has(next);
    POINTERS.has(clause.word(at)) && !TIME_WORDS.has(next) && !counts
}

/// How many words with content stand from a place on.
pub(super) fn content(clause: &Clause<'_>, from: usize) -> usize {
    clause.from(from).iter().filter(|word| has_content(word)).count()
}

fn has_content(word: &Word) -> bool {
    let name = word.is_capitalised() && word.lower != "i" && word.lower != "i'm";
    word.is_word() && (name || !STOP_WORDS.has(&word.lower) && !is_adverb(&word.lower))
}

/// Whether the clause says when.
pub(super) fn timed(clause: &Clause<'_>) -> bool {
    clause.words.iter().any(|word| {
        TIME_WORDS.has(&word.lower) || word.text.len() == 4 && word.text.bytes().all(|b| b.is_ascii_digit())
    })
}

/// Whether the clause names somebody or something after its verb.
pub(super) fn named(clause: &Clause<'_>) -> bool {
    clause
        .from(clause.verb.main + 1)
        .iter()
        .any(|word| word.is_capitalised() && word.lower != "i")
}

/// Whether the clause says that something recurs by the calendar ("every year", "on Mondays").
fn calendar(clause: &Clause<'_>) -> bool {
    clause.words.windows(2).any(|pair| matches!(pair, [every, unit] if matches!(every.lower.as_str(), "every" | "each" | "a") && matches!(unit.lower.as_str(), "day" | "week" | "month" | "year" | "morning" | "evening" | "night" | "summer" | "winter" | "weekend")))
}

/// Whether the clause says that something recurs.
fn recurs(clause: &Clause<'_>) -> bool {
    clause.words.iter().any(|word| {
        matches!(
            word.lower.as_str(),
            "every"
                | "daily"
                | "weekly"
                | "monthly"
                | "twice"
                | "always"
                | "never"
                | "weekends"
                | "weekdays"
                | "mondays"
                | "tuesdays"
                | "wednesdays"
                | "thursdays"
                | "fridays"
                | "saturdays"
                | "sundays"
                | "mornings"
                | "evenings"
        )
    })
}
