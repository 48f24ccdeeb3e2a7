//! What the speaker is, has and gets: predicates of "be", "have" and "get".
//!
//! Adjectives are moods more often than traits, so they are refused unless listed; nouns are kept unless listed.

use super::{
    action::wish,
    clause::{Clause, Shape, Subject, is_adverb},
    policy::Verdict,
    verbs::is_past,
    words::{RELATIONS, words},
};

words! {
    /// What somebody lastingly is, first word of the predicate.
    TRAITS = "
        vegetarian vegan pescatarian married single divorced engaged widowed separated retired unemployed self-employed employed pregnant diabetic
        asthmatic autistic dyslexic deaf blind colorblind colour-blind color-blind left-handed right-handed ambidextrous bilingual trilingual
        overweight underweight tall short bald introverted extroverted shy outgoing religious spiritual jewish christian catholic muslim hindu
        buddhist atheist agnostic gay straight bisexual lesbian transgender trans nonbinary non-binary queer adopted blonde
        lactose gluten celiac coeliac gluten-free intolerant athletic artistic musical colored homeless disabled paralyzed handicapped
        homeschooled home-schooled anemic epileptic nearsighted farsighted claustrophobic arachnophobic monolingual multilingual freelance
        allergic fluent afraid scared terrified passionate interested obsessed addicted fond keen good bad terrible great skilled
        into from based located stationed native american canadian mexican british english irish scottish welsh french german italian spanish
        dutch russian polish ukrainian greek turkish swedish norwegian danish finnish chinese japanese korean indian pakistani african
        brazilian asian hispanic latino latina black australian european swiss austrian portuguese israeli egyptian iranian nigerian
        raised born brought named called nicknamed known enrolled certified licensed trained majoring bound training part-time full-time
        wheelchair-bound competitive frugal  prone sensitive dependent estranged related originally currently";

    /// Traits that say nothing without "at", "in", "of", "about", "to" and a thing after them.
    GOVERNING = "afraid scared terrified passionate interested obsessed addicted fond keen good bad terrible great skilled fluent sensitive dependent related prone allergic known great trained certified black straight short competitive separated";

    /// Participles after "was" that are events of a life.
    HAPPENED = "
        born raised diagnosed promoted fired hired adopted accepted elected married divorced laid admitted drafted deployed awarded named bullied
        invited chosen selected nominated arrested injured stationed homeschooled brought educated baptized rejected hospitalized robbed
        unemployed pregnant homeless vegan vegetarian single inspired";

    /// Ages in words.
    NUMBERS = "three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety";

    /// Participles that are feelings.
    MOODS = "
        excited scared thrilled surprised amazed overwhelmed confused worried annoyed bored tired exhausted shocked frightened depressed stressed
        inspired moved touched blown impressed disappointed frustrated relieved pleased delighted pumped stoked supposed embarrassed ashamed
        interested fascinated determined convinced concerned stuck lost motivated devastated heartbroken hooked psyched used honored honoured
        humbled blessed swamped drained intrigued drawn able unable reminded told asked given";

    /// What somebody may be in.
    PLACES_TO_BE = "
        school college university grade navy army military marines band choir team club twenties thirties forties fifties sixties seventies
        teens 20s 30s 40s 50s 60s 70s 20's 30's 40's 50's kindergarten sorority fraternity relationship recovery remission wheelchair semester
        program programme year sales marketing finance tech it nursing education healthcare retail construction";

    /// What somebody may be on.
    STATES_TO_BE = "diet keto call medication medications insulin team board council antidepressants disability leave parole probation statins antibiotics committee";

    /// Nouns after "I'm a" that are moods or turns of phrase.
    PASSING_NOUNS = "bit little mess wreck loss idiot fool  lot tad few couple moron joke  mile day step minute ways";

}

/// "I'm a nurse", "I'm from Ghana", "I was born in 1990", "I've been vegan for years".
pub(super) fn being(clause: &Clause<'_>) -> Option<Verdict> {
    let verb = clause.verb;
    let past = verb.shape == Shape::Was;
    let mut at = verb.main;
    while is_adverb(clause.word(at)) || matches!(clause.word(at), "very" | "actually" | "more" | "pretty") {
        at += 1;
    }
    let (first, next) = (clause.word(at), clause.word(at + 1));
    if first.bytes().next().is_some_and(|b| b.is_ascii_digit()) || NUMBERS.has(first.split('-').next().unwrap_or(first))
    {
        return age_or_measure(clause, at);
    }
    match first {
        "a" | "an" => return noun(clause, at + 1),
        "the" | "one" if clause.content(at + 1) >= 2 && !past && clause.subject == Subject::I => {
            return Some(("identity", 0.7));
        }
        "in" | "at" | "on" => return place(clause, at),
        "of" if next == "a" => return noun(clause, at + 2),
        "part" if next == "of" => {
            return (clause.content(at + 2) >= 1 && !clause.points_out(at + 2)).then_some(("identity", 0.7));
        }
        "ex" => return (clause.content(at + 1) >= 1).then_some(("identity", 0.8)),
        "lucky" | "blessed" | "fortunate" | "grateful" | "thankful" if matches!(next, "to" | "for") => {
            let family = clause
                .from(at + 1)
                .iter()
                .take(5)
                .any(|word| RELATIONS.has_noun(&word.lower));
            let theirs = clause
                .from(at + 1)
                .iter()
                .take(4)
                .any(|word| matches!(word.lower.as_str(), "my" | "our"));
            return (family && theirs).then_some(("relation", 0.7));
        }
        "excited" | "thrilled" | "happy" | "proud" | "stoked" | "pumped" if next == "to" => {
            return wish(clause, at + 2).filter(|_| clause.is_timed() || clause.is_named());
        }
        "not" | "" => return None,
        "from" => return (clause.content(at + 1) >= 1).then_some(("home", 0.9)),
        "into" => return (clause.content(at + 1) >= 1 && !clause.points_out(at + 1)).then_some(("preference", 0.8)),
        "used" if next == "to" => return None,
        "my" | "our" => return (clause.content(at + 1) >= 1 && RELATIONS.has_noun(next)).then_some(("relation", 0.8)),
        _ => {}
    }
    if past && HAPPENED.has(first) || verb.shape == Shape::PerfectBe && (HAPPENED.has(first) || TRAITS.has(first)) {
        return (clause.content(at) >= 2 || !is_past(first)).then_some(("history", 0.85));
    }
    if verb.shape == Shape::PerfectBe
        && matches!(first, "to" | "out" | "in" | "with" | "at")
        && !clause.points_out(at + 1)
    {
        return (clause.content(at + 1) >= 1).then_some(("experience", 0.8));
    }
    if past && is_past(first) && !MOODS.has(first) {
        return (clause.content(at) >= 3).then_some(("history", 0.7));
    }
    if past {
        return None;
    }
    if TRAITS.has(first) {
        let governed = matches!(next, "at" | "in" | "of" | "about" | "to" | "with" | "on" | "as" | "by")
            && clause.content(at + 2) >= 1
            && !clause.points_out(at + 2);
        let lone = !GOVERNING.has(first) && !matches!(next, "to" | "that");
        let about_that = next == "to"
            && matches!(
                clause.word(at + 2),
                "hear" | "see" | "know" | "say" | "get" | "have" | "be"
            );
        let rule = match first {
            "allergic" | "diabetic" | "asthmatic" | "pregnant" | "lactose" | "gluten" | "celiac" | "coeliac"
            | "epileptic" | "intolerant" => "health",
            "from" | "based" | "located" | "stationed" | "born" | "raised" => "home",
            "named" | "called" | "nicknamed" => "name",
            "passionate" | "interested" | "obsessed" | "fond" | "keen" => "preference",
            _ => "trait",
        };
        let topic = first == "interested" && clause.word(at + 2) == "the";
        return ((governed || lone) && !about_that && !topic).then_some((rule, 0.85));
    }
    name(clause, at)
}

/// "I'm Sam", "I'm Sam Lee from Leeds": a capital where no sentence begins, and little after it.
fn name(clause: &Clause<'_>, at: usize) -> Option<Verdict> {
    let first = clause.words.get(at)?;
    let ends = |word: &str| matches!(word, "" | "." | "!" | "," | "from" | "and" | "-" | "(");
    let shouted = first.text.chars().count() > 1 && first.text.chars().all(|c| !c.is_lowercase());
    let last = clause
        .words
        .get(at + 1)
        .filter(|word| word.is_capitalised())
        .map_or(at, |_| at + 1);
    (clause.subject == Subject::I
        && clause.verb.shape == Shape::Be
        && !clause.verb.negated
        && first.is_capitalised()
        && !shouted
        && first.text.chars().all(char::is_alphabetic)
        && ends(clause.word(last + 1)))
    .then_some(("name", 0.75))
}

/// "I'm 34 years old", "I'm 34", "I'm 180 cm tall".
fn age_or_measure(clause: &Clause<'_>, at: usize) -> Option<Verdict> {
    let next = clause.word(at + 1);
    let number = clause.word(at);
    let plain = number.parse::<u32>().is_ok_and(|n| (3..120).contains(&n))
        || NUMBERS.has(number.split('-').next().unwrap_or(number));
    let age = matches!(next, "" | "." | "!" | "," | "and") && plain
        || matches!(
            next,
            "years" | "year" | "yrs" | "yo" | "y/o" | "weeks" | "months" | "now"
        ) && clause.word(at + 2) != "late";
    let measure = matches!(
        next,
        "cm" | "feet" | "foot" | "ft" | "kg" | "lbs" | "pounds" | "m" | "meters" | "inches"
    ) || number.ends_with("cm")
        || number.ends_with("kg");
    let rule = if age { "age" } else { "attribute" };
    (age || measure).then_some((rule, 0.9))
}

/// "I'm a nurse", "I'm an only child", "I was a teacher".
fn noun(clause: &Clause<'_>, at: usize) -> Option<Verdict> {
    let first = clause.word(at);
    let child = matches!(clause.word(at + 1), "girl" | "boy" | "kid" | "child" | "man" | "woman");
    if PASSING_NOUNS.has(first) && !child || clause.content(at) == 0 {
        return None;
    }
    if clause.from(at).iter().any(|word| word.lower == "fan") {
        return Some(("preference", 0.85));
    }
    Some(("identity", 0.85))
}

/// "I'm in high school", "I'm at university", "I'm on a keto diet", "I'm in Berlin".
fn place(clause: &Clause<'_>, at: usize) -> Option<Verdict> {
    let rest = || clause.from(at + 1).iter().take(5);
    match clause.word(at) {
        "on" => rest()
            .any(|word| STATES_TO_BE.has(&word.lower))
            .then_some(("health", 0.8)),
        preposition => {
            let listed = rest().any(|word| PLACES_TO_BE.has(&word.lower));
            let named = clause
                .words
                .get(at + 1)
                .is_some_and(super::sentence::Word::is_capitalised)
                && preposition == "in";
            (listed || named).then_some((if named { "home" } else { "identity" }, 0.75))
        }
    }
}
