//! Which clauses about the speaker are worth keeping.
//!
//! The order is: what spoils any clause, then what the verb says (`action`, `predicate`, `belonging`), then whether
//! that is believed in a message like this one. Rules about who somebody is hold in any message; rules about what they
//! do or own hold only where the message is not about a task.

use super::{
    action, belonging,
    clause::{Clause, Shape, Subject, is_adverb},
    predicate,
    source::CUT,
    words::{ADVERBIALS, HEDGES, OWNED, TASK_NOUNS, words},
};

words! {
    /// The listener: what is said of them, or of both, is talk.
    LISTENER = "you your yours yourself you're y'all ya ur";

    /// Words that tie a clause to the moment or make an example of it.
    PASSING_MARKS = "minutes example instance";

    /// Symbols of code.
    CODE_MARKS = "* ~ ( ) { }";

    /// Words that, before the subject, make the rest something other than a plain statement.
    REPORTING = "that said says is are would can what to this it";

    /// Adverbials that more often open a remark on the talk or the task.
    LOOSE_OPENINGS = "some many all right ten with even by whenever once each";

    /// Rules that hold in a message about a task too.
    STRONG_RULES = "name age home work identity trait health relation favourite preference constraint ended";

    /// Rules that hold in a message that asks for a task to be done: what it says otherwise is there for the task.
    TASK_RULES = "name age home work trait health relation favourite constraint ended";

    /// Rules that need a reason to be believed where a note is taken, or the message goes on to ask something.
    SUPPORTING_RULES = "possession thing event attribute experience";

    /// Rules that are not believed where something is asked: what somebody plans is what they ask about.
    ASKED_ABOUT = "plan thing";
}

/// What a message asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Wants {
    /// Nothing, or small talk.
    #[default]
    Nothing,
    /// An answer to a question.
    Answer,
    /// A task to be done.
    Task,
    /// Nothing: the assistant takes a note.
    Noting,
}

/// What is known of the message around a clause.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Setting {
    /// The message is about software.
    pub(super) technical: bool,
    /// What the message wants; what it tells may be there only for that.
    pub(super) wants: Wants,
    /// The speaker asked for this to be remembered.
    pub(super) asked: bool,
}

/// A rule's name, and how sure it is.
pub(super) type Verdict = (&'static str, f64);

/// The rule by which the clause is worth keeping, if one says so.
pub(super) fn judge(clause: &Clause<'_>, setting: Setting) -> Option<Verdict> {
    if is_spoiled(clause) || !opens_well(clause) {
        return None;
    }
    let verdict = match clause.subject {
        Subject::Mine => belonging::possession(clause),
        Subject::Together(_) => action::of_both(clause),
        Subject::I | Subject::We => by_shape(clause),
    };
    if setting.asked {
        let told = clause.content(clause.verb.main) >= 1 && !matches!(clause.verb.shape, Shape::Doubt | Shape::Would);
        return verdict
            .map(|(rule, _)| (rule, 0.9))
            .or_else(|| told.then_some(("remember", 0.85)));
    }
    verdict.filter(|verdict| is_believed(clause, setting, *verdict))
}

/// Whether a rule is believed in a message like this one.
fn is_believed(clause: &Clause<'_>, setting: Setting, (rule, _): Verdict) -> bool {
    if setting.wants == Wants::Task && !TASK_RULES.has(rule) || setting.wants == Wants::Answer && ASKED_ABOUT.has(rule)
    {
        return false;
    }
    if STRONG_RULES.has(rule) {
        return !(clause.subject == Subject::We && setting.technical);
    }
    let supported = clause.words.iter().any(|word| OWNED.has_noun(&word.lower))
        || setting.wants == Wants::Noting && clause.is_timed();
    !setting.technical
        && (rule == "date" || !clause.has_noun(&TASK_NOUNS))
        && !clause.ends_pointing()
        && (setting.wants == Wants::Nothing || !SUPPORTING_RULES.has(rule) || supported)
}

/// What spoils any clause: doubt, the listener, a cut, code, talk of "here" and "together".
fn is_spoiled(clause: &Clause<'_>) -> bool {
    let here = |at: usize| {
        clause.word(at) == "here" && !matches!(clause.word(at + 1), "from" | "with" | "in" | "since" | "for" | "to")
    };
    let unsure = |at: usize| {
        matches!(
            (clause.word(at), clause.word(at + 1)),
            ("not", "sure") | ("as", "though") | ("kind" | "sort", "of") | ("i", "say")
        )
    };
    let doubtful = clause.words.iter().enumerate().any(|(at, word)| {
        HEDGES.has(&word.lower)
            || LISTENER.has(&word.lower)
            || PASSING_MARKS.has(&word.lower)
            || CODE_MARKS.has(&word.lower)
            || word.lower == "?"
            || word.text.contains([CUT, '_', '{', '}', '=', '<', '>', '\\', '|', '`'])
            || word.text.contains("::")
            || word.text.contains("//")
            || here(at)
            || unsure(at)
    });
    // What holds of the speaker and the listener together ("we make a great pair") is small talk.
    let ours = clause.subject == Subject::We
        && clause.verb.shape != Shape::Past
        && clause.words.iter().enumerate().any(|(at, word)| {
            let joined = word.lower == "together"
                && !matches!(clause.word(at.saturating_sub(1)), "putting" | "getting" | "bringing");
            joined || matches!(word.lower.as_str(), "each" | "team" | "all")
        });
    doubtful || ours
}

/// Whether what stands before the subject is a phrase of time or place.
fn opens_well(clause: &Clause<'_>) -> bool {
    let before = clause.words.get(..clause.start).unwrap_or_default();
    let Some(first) = before.first() else { return true };
    let opens = ADVERBIALS.has(&first.lower) || is_adverb(&first.lower);
    let loose = LOOSE_OPENINGS.has(&first.lower)
        || first.lower == "for" && before.len() < 3
        || matches!(first.lower.as_str(), "every" | "any") && clause.word(1) == "time";
    before.len() <= 9 && opens && !loose && !before.iter().any(|word| REPORTING.has(&word.lower))
}

fn by_shape(clause: &Clause<'_>) -> Option<Verdict> {
    match clause.verb.shape {
        Shape::Be | Shape::Was | Shape::PerfectBe => predicate::being(clause),
        Shape::Have | Shape::Had => belonging::having(clause),
        Shape::Present => action::habit(clause),
        Shape::Past => action::event(clause),
        Shape::UsedTo => (clause.content(clause.verb.main) >= 1).then_some(("past", 0.8)),
        Shape::Perfect => action::experience(clause),
        Shape::Being | Shape::PerfectBeing => action::progressive(clause),
        Shape::GoingTo | Shape::Will => action::plan(clause),
        Shape::Would => action::would(clause),
        Shape::Can => action::ability(clause),
        Shape::Must => (clause.recurs() && clause.content(clause.verb.main) >= 2).then_some(("constraint", 0.75)),
        Shape::Doubt => None,
    }
}
