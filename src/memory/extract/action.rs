//! What the speaker does, did, wants and can: the rules for verbs.

use super::{
    belonging,
    clause::{Clause, Shape, Subject},
    policy::Verdict,
    predicate::NUMBERS,
    sentence::Word,
    verbs::is_gerund,
    words::{RELATIONS, TASK_NOUNS, Words, words},
};

words! {
    /// Verbs of the talk itself, of the mind and of the task: what they govern is no lasting fact.
    TALK_VERBS = "
        think thought guess suppose hope hoped wish wished wonder wondered assume assumed doubt mean meant see agree agreed know knew understand
        understood appreciate appreciated bet imagine imagined feel felt need needed want wanted try tried look looked ask asked tell told say said
        find found notice noticed expect expected require seem seems apologize apologise thank promise recommend suggest forget hear heard
         get got check checked believe believed admire admired recall remember figure figured realize realized realise realised
        respect trust swear admit care mind concur congratulate support propose offer request demand consider considered
        encountered noticed received added changed updated upgraded created defined declared implemented called copied pasted followed
        googled searched installed  reckon stumbled came agree disagree  could did do was were wanna gotta lemme let put set
        cannot please keep kept continue stay stayed decided struggle struggled recommend enter entered type typed click clicked press pressed
        understand wrote write given give gave provide provided include included use used attach attached post posted share shared
        spend mentioned mention explained explain talk talked spoke discussed discuss showed show made make saw watch learned 
        totally liked loved enjoyed seen";

    /// Of those, verbs that state a fact when what follows is concrete, and the message is not about a task.
    FACT_VERBS = "
        use used write wrote read make made watch saw learned spend spent give gave create created received post share stay stayed
        support  get got teach played loved enjoyed decided talk talked spoke loved hear considered struggle struggled care
        did do  made shared believe felt";

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

    /// Abilities and inabilities that are traits.
    ABILITIES = "speak play cook sew swim drive ride sing dance juggle type fly ski skate surf knit paint draw read eat drink have tolerate stand digest walk hear see  sleep travel lift run work wear use afford bear bake write make do fix whistle run stomach touch";

    /// After "can't", what is said in passing.
    PASSING = "wait believe help imagine figure find get seem think remember say tell decide understand complain argue stop thank even see do  work make use run have";

    /// Progressive verbs of the task at hand or of the moment.
    PASSING_ING = "
        trying looking wondering getting having using writing asking thinking talking doing making creating developing running facing hoping
        wishing meaning feeling seeing struggling working building going coming waiting sitting standing reading watching calling kidding joking
        dying loving liking referring considering debugging testing attempting experiencing following receiving assuming guessing saying
        telling sending posting sharing adding needing wanting starting being keeping sorry implementing designing migrating setting
        listening rooting cheering imagining suggesting counting leaning looking staying pushing keeping heading";

    /// The same verbs, where a certain word after them makes a lasting fact of it ("working as", "working at").
    LASTING_AFTER = "as at for towards toward with part-time full-time remotely nights college university school married divorced through on to my a";

    /// What somebody has been doing for a while, which the moment does not explain.
    LONG_ING = "looking working doing taking reading watching running coming going writing creating building making developing sharing exploring";

    /// Progressive verbs of a plan that is not made yet, but meant.
    CONSIDERED = "thinking considering";

    /// What is done for the body's or the mind's sake ("I'm doing yoga").
    PRACTICES = "yoga pilates crossfit karate judo therapy chemo physio keto paleo cardio tai dialysis ivf rehab ballet gymnastics";

    /// What one works on for a life ("working on opening a studio").
    VENTURES = "opening starting becoming launching expanding growing buying renovating restoring quitting losing adopting";

    /// Papers and talks: in the making, they are the task at hand.
    PAPERS = "article presentation report blog speech lecture quiz lesson email letter newsletter cv resume paper post survey workshop webinar pitch slides";

    /// Habits that say something with no more than the verb, when they are denied.
    BARE_HABITS = "drink smoke drive eat cook dance sing swim wear vape gamble";

    /// Deeds whose absence is a fact of a life.
    UNDONE = "go have attend finish study learn eat drink like marry graduate";

    /// Words by which one of the things just spoken of is chosen.
    CHOOSING = "option version first second third latter former previous last";

    /// What can be worked on for years.
    LONG_WORK = "farm ranch ship degree phd masters novel book";

    /// Where all of us live.
    EVERYBODYS = "age world era society time times universe century planet simulation";

    /// What is looked for over weeks.
    SOUGHT = "job work house apartment flat roommate internship girlfriend boyfriend";

    /// Where one goes every day.
    ERRANDS = "bed sleep store shop bathroom gym work check try";

    /// Wishes that need more words to be concrete.
    VAGUE_WISHES = "get have be go start see take write build run work learn";

    /// Abilities that are traits without saying when.
    TRAIT_ABILITIES = "speak play eat drink cook drive swim ride stand tolerate sing dance wear digest sew knit juggle afford";
}

/// "I live in Berlin", "I don't eat meat", "I bike to work".
pub(super) fn habit(clause: &Clause<'_>) -> Option<Verdict> {
    let verb = clause.verb;
    let main = clause.word(verb.main);
    let (rest, next) = (verb.main + 1, clause.word(verb.main + 1));
    let told = clause.content(rest);
    match main {
        "want" | "hope" | "plan" | "intend" | "aim" | "aspire" | "dream" | "wish" if !verb.negated => {
            let to = (rest..rest + 3).find(|at| matches!(clause.word(*at), "to" | "of" | "on"))?;
            return wish(clause, to + 1);
        }
        "know" if next == "how" => return (told >= 2).then_some(("ability", 0.7)),
        "feel" | "think" | "believe" | "say" | "guess" | "wish" | "mean" => return None,
        "go" if next == "by" => return Some(("name", 0.9)),
        "have" => return belonging::having(clause),
        "live" | "work" | "study" | "teach" | "code" | "program" if next != "out" => return standing(clause, main),
        _ => {}
    }
    if clause.points_out(rest) && !(matches!(next, "one" | "both") && told >= 2)
        || is_about_something_said(clause, rest)
    {
        return None;
    }
    if LIKING.has(main) {
        return liking(clause, rest).then_some(("preference", 0.85));
    }
    let wanted = matches!(main, "need" | "want" | "needed" | "wanted");
    if main == "get" && matches!(next, "up" | "home") && clause.is_timed() | clause.recurs() | has_hour(clause) {
        return Some(("habit", 0.75));
    }
    if main == "get" && verb.negated && !clause.recurs() {
        return None;
    }
    if TALK_VERBS.has(main) && (wanted || !(told >= 2 && (clause.is_by_calendar() || FACT_VERBS.has(main)))) {
        return None;
    }
    if BARE_HABITS.has(main) && (verb.negated || told >= 1) {
        return Some(("habit", 0.85));
    }
    (told >= 1 || STANDING.has(main) && clause.content(verb.main) >= 1).then_some(("habit", 0.7))
}

/// Whether the clause says at what hour.
fn has_hour(clause: &Clause<'_>) -> bool {
    clause
        .words
        .windows(2)
        .any(|pair| matches!(pair, [at, hour] if at.lower == "at" && (NUMBERS.has(&hour.lower) || hour.lower.starts_with(|c: char| c.is_ascii_digit()))))
}

/// Whether what is liked is named, and not one of the things just spoken of.
fn liking(clause: &Clause<'_>, at: usize) -> bool {
    let told = clause.content(at);
    // What was said before it may be meant: "helping the community and making it a better place".
    let pointing = |(place, word): (usize, &Word)| {
        matches!(word.lower.as_str(), "it" | "this" | "those" | "these" | "them" | "him")
            && clause.content(at) - clause.content(at + place) < 3
    };
    if clause.from(at).iter().enumerate().any(pointing)
        || matches!(clause.word(at), "his" | "her" | "their" | "its" | "he" | "she")
    {
        return false;
    }
    match clause.word(at) {
        "how" | "when" | "what" | "where" => false,
        "to" => {
            told >= 1
                && !matches!(
                    clause.word(at + 1),
                    "see" | "hear" | "know" | "think" | "say" | "ask" | "be"
                )
        }
        "all" if matches!(clause.word(at + 1), "the" | "these" | "those") => false,
        "the" => {
            told >= 2 && is_told_apart(clause, at + 1) && !clause.words.iter().any(|word| CHOOSING.has(&word.lower))
        }
        _ => told >= 1,
    }
}

/// Whether what "the" begins is named or described, and so not only what was just spoken of ("the atmosphere").
fn is_told_apart(clause: &Clause<'_>, at: usize) -> bool {
    let describes = |word: &Word| {
        word.is_capitalised()
            || matches!(
                word.lower.as_str(),
                "of" | "to" | "in" | "on" | "at" | "that" | "when" | "where" | "from" | "between" | "with" | "i" | "we"
            )
    };
    clause.from(at).iter().any(describes)
}

/// "I live in Berlin", "I've worked at Siemens since 2015".
fn standing(clause: &Clause<'_>, main: &str) -> Option<Verdict> {
    let rest = clause.verb.main + 1;
    let rule = if main.starts_with("live") { "home" } else { "work" };
    let material =
        matches!(clause.word(rest), "on" | "around" | "out" | "through" | "with") && clause.has_noun(&TASK_NOUNS);
    let known = clause.word(rest) == "for" && clause.points_out(rest + 1);
    let told = clause.content(rest) >= 1 && !clause.points_out(rest);
    let everybody = clause.subject == Subject::We && clause.words.iter().any(|word| EVERYBODYS.has(&word.lower));
    (told && !material && !known && !everybody).then_some((rule, 0.9))
}

/// "I moved to Lisbon in 2019", "I got promoted last week".
pub(super) fn event(clause: &Clause<'_>) -> Option<Verdict> {
    let verb = clause.verb;
    let (main, next) = (clause.word(verb.main), clause.word(verb.main + 1));
    let told = clause.content(verb.main + 1);
    let passing = verb.finite != verb.main && clause.word(verb.finite).starts_with("was") && PASSING_ING.has(main);
    if passing || matches!(main, "going" | "was" | "were") {
        return None;
    }
    if main == "got" {
        return belonging::got(clause);
    }
    let gerund_at = verb.main + 1 + usize::from(main == "gave" && next == "up");
    if matches!(main, "stopped" | "quit" | "gave") && is_gerund(clause.word(gerund_at)) {
        return (!PASSING_ING.has(clause.word(gerund_at)) && !clause.has_noun(&TASK_NOUNS)).then_some(("ended", 0.85));
    }
    if main == "moved" && next == "here" && clause.word(verb.main + 2) == "from" {
        return (clause.content(verb.main + 3) >= 1).then_some(("home", 0.85));
    }
    if is_talk(clause, main)
        || clause.points_out(verb.main + 1)
        || is_about_something_said(clause, verb.main + 1)
        || matches!(main, "felt" | "forgot")
    {
        return None;
    }
    if verb.negated && UNDONE.has(main) {
        return (told >= 1).then_some(("event", 0.7));
    }
    if main == "grew" && next == "up" || main == "moved" && !clause.has_noun(&TASK_NOUNS) {
        return (told >= 1).then_some(("home", 0.85));
    }
    let timed = clause.is_timed();
    (told >= 2 || told >= 1 && (timed || clause.is_named())).then_some(("event", if timed { 0.8 } else { 0.7 }))
}

/// "My wife and I run a bakery".
pub(super) fn of_both(clause: &Clause<'_>) -> Option<Verdict> {
    let verb = clause.verb;
    let told = clause.content(verb.main + usize::from(verb.shape != Shape::Be));
    let vouched = !matches!(verb.shape, Shape::Doubt | Shape::Would) && !TALK_VERBS.has(clause.word(verb.main));
    (vouched && told >= 1 && !clause.points_out(verb.main + 1)).then_some(("relation", 0.75))
}

/// "I'm learning Spanish", "I've been saving for a house".
pub(super) fn progressive(clause: &Clause<'_>) -> Option<Verdict> {
    let verb = clause.verb;
    let rest = verb.main + 1;
    let (main, next) = (clause.word(verb.main), clause.word(rest));
    let told = clause.content(rest);
    let names = |list: &Words| clause.words.iter().any(|word| list.has(&word.lower));
    if clause.points_out(rest) || told == 0 {
        return None;
    }
    match main {
        "saving" if next == "up" => Some(("plan", 0.7)),
        "planning" | "hoping" | "aiming" | "saving" => {
            let life = LIFE_PLANS.has(clause.word(rest + 1)) && clause.content(rest + 1) >= 2;
            (!clause.has_noun(&PAPERS) && (told >= 2 && next != "to" || life)).then_some(("plan", 0.7))
        }
        "living"
            if matches!(
                next,
                "in" | "at" | "on" | "near" | "with" | "alone" | "abroad" | "outside" | "off" | "by"
            ) =>
        {
            Some(("home", 0.8))
        }
        "living" => (told >= 2).then_some(("activity", 0.65)),
        "working" | "studying" | "teaching" => {
            let long = names(&LONG_WORK) || VENTURES.has(clause.word(rest + 1)) && clause.content(rest + 2) >= 1;
            let job = matches!(next, "at" | "as") || !clause.has_noun(&TASK_NOUNS) && (next != "on" || long);
            job.then_some(("work", 0.8))
        }
        "looking" if next == "for" => names(&SOUGHT).then_some(("plan", 0.7)),
        "looking" if next == "forward" => {
            let meant = is_gerund(clause.word(rest + 2)) && clause.content(rest + 3) >= 1;
            (meant && is_meant(clause, rest + 3)).then_some(("plan", 0.65))
        }
        _ if CONSIDERED.has(main) => considered(clause, rest),
        "doing" if PRACTICES.has(next) || is_gerund(next) && told == 1 => Some(("activity", 0.7)),
        _ if verb.shape == Shape::PerfectBeing && LONG_ING.has(main) => {
            let about = told >= 2 && !clause.has_noun(&TASK_NOUNS) && !is_about_something_said(clause, rest);
            about.then_some(("activity", 0.65))
        }
        _ if PASSING_ING.has(main) => {
            let lasting =
                LASTING_AFTER.has(next) && !ERRANDS.has(clause.word(rest + 1)) && clause.content(rest + 1) >= 1;
            let begun = matches!(main, "going" | "getting" | "starting") || clause.is_timed();
            let dated = clause.is_ahead() && told >= 2;
            ((lasting && begun || dated) && !clause.has_noun(&TASK_NOUNS)).then_some(("plan", 0.65))
        }
        _ => (!clause.has_noun(&PAPERS)).then_some(("activity", 0.7)),
    }
}

/// "I'm considering adopting a dog", "we're thinking about going camping next month". Without a thing or a day it is talk.
fn considered(clause: &Clause<'_>, rest: usize) -> Option<Verdict> {
    let at = if matches!(clause.word(rest), "about" | "of") {
        rest + 1
    } else {
        rest
    };
    let meant = is_gerund(clause.word(at)) && clause.content(at + 1) >= 1 && is_meant(clause, at + 1);
    (meant && !clause.has_noun(&PAPERS)).then_some(("plan", 0.65))
}

/// Whether what is planned is of a life and not of the next five minutes: it has a day, a name, or is a step that people plan.
fn is_meant(clause: &Clause<'_>, at: usize) -> bool {
    let verb = clause.word(at - 1);
    let base = verb.strip_suffix("ing").unwrap_or(verb);
    let step = LIFE_PLANS.has(base) || LIFE_PLANS.has(&format!("{base}e")) || clause.word(at - 1) == "starting";
    let vague = VAGUE_WISHES.has(base) || VAGUE_WISHES.has(&format!("{base}e")) || base == "see" || base == "try";
    let concrete = if vague { clause.content(at) >= 2 } else { step };
    let dated = clause.is_ahead() && clause.content(at) >= 1;
    (step && concrete || dated) && !clause.points_out(at) && !clause.has_noun(&TASK_NOUNS)
}

/// "I want to become a nurse", "I'd love to visit Japan": a plan or a wish for a life.
pub(super) fn wish(clause: &Clause<'_>, at: usize) -> Option<Verdict> {
    let (main, next) = (clause.word(at), clause.word(at + 1));
    let vague = VAGUE_WISHES.has(main);
    let told = clause.content(at + 1);
    let ripe = match main {
        "be" => matches!(next, "a" | "an"),
        "learn" => !matches!(next, "more" | "about" | "how"),
        _ => !vague || told >= 2 || clause.is_named(),
    };
    let base = main.strip_suffix("ing").unwrap_or(main);
    let planned = LIFE_PLANS.has(base) || LIFE_PLANS.has(&format!("{base}e"));
    let papers = clause.has_noun(&PAPERS);
    (planned && ripe && told >= 1 && !papers && !clause.points_out(at + 1) && !clause.has_noun(&TASK_NOUNS))
        .then_some(("plan", if vague { 0.6 } else { 0.75 }))
}

/// "I can play the piano", "I can't eat gluten".
pub(super) fn ability(clause: &Clause<'_>) -> Option<Verdict> {
    let verb = clause.verb;
    let main = clause.word(verb.main);
    let told = clause.content(verb.main + 1) >= 1 || verb.negated;
    let passing = verb.negated && PASSING.has(main) || clause.points_out(verb.main + 1) || clause.has_noun(&TASK_NOUNS);
    let lasting = TRAIT_ABILITIES.has(main) || ABILITIES.has(main) && clause.recurs();
    (told && !passing && lasting).then_some((if verb.negated { "constraint" } else { "ability" }, 0.75))
}

/// "I've lived in Oslo for ten years", "I've visited every state".
pub(super) fn experience(clause: &Clause<'_>) -> Option<Verdict> {
    let verb = clause.verb;
    let main = clause.word(verb.main);
    if matches!(main, "lived" | "worked" | "studied" | "taught" | "owned" | "played") {
        return standing(clause, main);
    }
    if main == "known"
        && clause
            .from(verb.main + 1)
            .iter()
            .any(|word| RELATIONS.has_noun(&word.lower))
    {
        return Some(("relation", 0.75));
    }
    let told = !clause.points_out(verb.main + 1) && !is_talk(clause, main) && clause.content(verb.main + 1) >= 2;
    told.then_some(("experience", 0.7))
}

/// "I'm going to visit my aunt", "I will be in London from 3 to 7 May".
pub(super) fn plan(clause: &Clause<'_>) -> Option<Verdict> {
    let rest = clause.verb.main + 1;
    // "I'll never forget the day …" vouches for the day.
    let kept = matches!(
        (clause.word(clause.verb.main - 1), clause.word(clause.verb.main)),
        ("always", "remember") | ("never", "forget")
    );
    if kept && clause.content(rest) >= 2 && !clause.points_out(rest) {
        return Some(("experience", 0.7));
    }
    let told = clause.content(rest);
    let fixed = clause.is_timed() && told >= 1 || clause.verb.shape == Shape::GoingTo && told >= 2;
    (PLANNED.has(clause.word(clause.verb.main)) && fixed && !clause.points_out(rest)).then_some(("plan", 0.7))
}

/// "I'd rather get short answers", "I'd love to visit Japan".
pub(super) fn would(clause: &Clause<'_>) -> Option<Verdict> {
    let at = clause.verb.main;
    match (clause.word(at), clause.word(at + 1)) {
        ("rather" | "prefer", _) => (clause.content(at + 1) >= 1).then_some(("preference", 0.7)),
        ("love" | "like", "to") => wish(clause, at + 2),
        _ => None,
    }
}

/// Whether what follows the verb is a question in other words ("why it fails"), or points out of the sentence ("on them").
fn is_about_something_said(clause: &Clause<'_>, at: usize) -> bool {
    let asks = matches!(
        clause.word(at),
        "why" | "how" | "what" | "whether" | "if" | "where" | "who" | "which"
    );
    let points = matches!(clause.word(at), "on" | "with" | "for" | "to" | "about" | "from" | "at")
        && matches!(clause.word(at + 1), "it" | "them" | "this" | "that" | "these" | "those")
        && clause.points_out(at + 1);
    asks || points
}

/// Whether a verb of the talk or the task is no fact here.
fn is_talk(clause: &Clause<'_>, main: &str) -> bool {
    TALK_VERBS.has(main) && !(FACT_VERBS.has(main) && (clause.content(clause.verb.main + 1) >= 3 || clause.is_timed()))
        || matches!(main, "had" | "been" | "was")
}
