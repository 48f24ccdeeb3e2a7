//! Verb forms: just enough English morphology to turn "I work" into "User works" and to leave "I worked" alone.

use super::words::words;

words! {
    /// Past forms and participles that do not end in "-ed".
    IRREGULAR_PAST = "
        was were had did went came saw took got gave made said told knew thought found left felt brought bought caught taught fought sought
        built sent spent lent bent lost kept slept swept wept met held led fed bled bred fled sped shot sat stood understood withstood won
        began ran swam sang rang sank drank shrank became overcame ate fell forgot forgave froze spoke broke woke chose drove rode rose
        wrote threw grew blew flew drew wore tore swore bore stole shook sold paid laid heard meant dealt dreamt learnt burnt spelt smelt
        dug hung stuck struck swung stung spun hid bit slid lit shone withdrew forbade sewed mowed proved  undertook quit rebuilt
        rewrote relearned relearnt overslept hosted misled mistook lay arose awoke";

    /// Participles that are not past forms as well.
    PARTICIPLES = "
        been done gone seen known grown taken given written eaten drunk driven flown broken spoken chosen fallen forgotten forgiven ridden
        worn torn begun swum sung rung sunk risen thrown blown drawn stolen shaken hidden bitten frozen woken become come run overcome
        had got gotten put cut set hit let quit read beat beaten shown proven sewn mown born borne lain hurt shut split spread cost upset
        undergone withdrawn outgrown rewritten";

    /// Base forms that end in "-ed".
    ED_BASES = "need feed breed bleed speed weed seed heed succeed proceed exceed embed wed shed reed deed indeed sled hundred kindred naked wicked sacred";

    /// Common base forms: needed only where a verb must be told from a noun (after "and", after "my …").
    BASES = "
        abandon absorb accept ache achieve act add adopt adore advise afford agree aim allow answer appear apply appreciate argue arrive ask attend avoid bake bark be
        become begin believe belong bike bite blog born borrow bowl box breathe breed bring build burn buy call camp care carry catch
        celebrate change chase check cheer choose clean climb coach code collect color come commute compete compose connect consider
        consist contain contribute cook cost count cover craft create crochet cry cut cycle dabble dance date deal decide decorate deliver
        deserve design despise detest develop die direct dislike do donate drag draw dream dress drink drive drop dye earn eat edit educate
        enjoy enter excel exercise expect experience explore face fall farm fear feed feel fight find finish fish fit fix fly follow forget
        found foster garden get give go golf grill grow guide hang hate have hear help hike hit hold hope host hunt hurt identify
                illustrate import include inspire install intend interact invest join jog juggle jump keep knit know lack laugh lead learn leave lend
        let lift like limit listen live look lose love maintain make manage marry mean meditate meet mentor mind miss mix model move mow
        name need note notice nurse obsess offer open operate order organize organise own paint park participate pass pay perform photograph
        pick plan plant play post practice practise pray prefer prepare preach produce program promote provide pull pursue push put quilt race
        raise ran read rebuild receive record recycle refuse rehearse relax rely remain remember remodel rent repair report require research
        rescue respect rest restore retire ride row run sail save say scuba see seek sell send serve sew share shoot shop show sing sit skate
        skateboard ski skip sleep smoke snack snore snowboard socialize solve spar speak spend sponsor stand start stay stop stream struggle
        study suffer support surf survive swim take talk tan tattoo teach tend tell think throw tour train translate travel treat try tutor type
        turn understand use vacation view visit volunteer vote waitress wait wake walk want wash watch weigh wear weave welcome win wish wonder work
        workout worry worship wrestle write yell hand pack push sound grade guard handle judge kill knock manage march matter nap observe
        oversee persuade pitch polish press print protect punch quote reach react reduce reflect remind remove replace reply represent resist
        respond return roast rule scare scream seem separate settle shape shave shine sign skateboard smell smile smoke solve speak split spot
        squeeze stare steal store stretch strike suit supply surprise switch taste tease touch trade transfer trust upset visit warn waste
        whisper  wrap yawn retire arrive die expire close lie sit fit last freeze fall rise drop increase age ache hurt end land expect sell buy sleep adopt depart begin own expire";

    /// Bases that are as often nouns; after "and" they count as verbs only with something after them.
    NOUN_BASES = "
        act answer bark bike bite blog box camp care change coach code cook cost count cover craft cut cycle dance date deal design dream dress
        drink drive drop dye exercise experience face fall farm fear feed fight fish garden golf grill hike hit hold hope host hunt hurt jump
        lead lift limit look love mind mix model move name need nurse offer order paint park pass pay plan plant play post practice program race
        record report research rest ride row run sail show skate ski sleep smoke snack stand start stay stop stream study support surf swim talk
        tan tattoo tour train travel try type use vacation view visit vote walk wash watch welcome win wish work workout worry fly like help
        color colour model process read shop lack respect struggle treat start drag";
}

words! {
    /// Base forms that are their own past, told apart by the words around them.
    SAME_PAST = "put cut set hit let read hurt split spread cost beat bet cast fit";
}

/// Whether `word` is a form of the past.
pub(super) fn is_past(word: &str) -> bool {
    IRREGULAR_PAST.has(word) || (word.len() > 3 && word.ends_with("ed") && !ED_BASES.has(word))
}

/// Whether `word` can follow "have" in a perfect.
pub(super) fn is_participle(word: &str) -> bool {
    PARTICIPLES.has(word) || is_past(word)
}

/// Whether `word` is an "-ing" form of a verb (not "thing", "king", "morning").
pub(super) fn is_gerund(word: &str) -> bool {
    const NOUNS: [&str; 14] = [
        "thing",
        "something",
        "nothing",
        "anything",
        "everything",
        "king",
        "ring",
        "spring",
        "string",
        "wing",
        "morning",
        "evening",
        "during",
        "sibling",
    ];
    word.len() > 4 && (word.ends_with("ing") || word.ends_with("in'")) && !NOUNS.contains(&word)
}

/// Whether `word` is the third person singular of a known verb.
pub(super) fn is_third_person(word: &str) -> bool {
    let Some(stem) = word.strip_suffix('s') else {
        return false;
    };
    if BASES.has(stem) {
        return true;
    }
    let Some(stem) = stem.strip_suffix('e') else {
        return false;
    };
    BASES.has(stem) || stem.strip_suffix('i').is_some_and(|s| BASES.has(&format!("{s}y")))
}

/// Whether `word` is a form of a verb that is known here.
pub(super) fn is_known_verb(word: &str) -> bool {
    let cut = |ending: &str| word.strip_suffix(ending).unwrap_or_default();
    word.len() > 2
        && (BASES.has(word)
            || is_third_person(word)
            || IRREGULAR_PAST.has(word)
            || [cut("ed"), cut("d"), cut("ing")]
                .iter()
                .any(|stem| BASES.has(stem) || BASES.has(&format!("{stem}e")))
            || BASES.has(&format!("{}y", cut("ied"))))
}

/// The third person singular of a verb in the present: "go" → "goes".
pub(super) fn third_person(base: &str) -> String {
    match base {
        "have" => return "has".into(),
        "am" | "are" | "be" => return "is".into(),
        "were" => return "was".into(),
        "don't" => return "doesn't".into(),
        "haven't" => return "hasn't".into(),
        "aren't" | "ain't" => return "isn't".into(),
        "weren't" => return "wasn't".into(),
        _ if base.ends_with("n't") => return base.into(),
        _ => {}
    }
    let mut letters = base.chars().rev();
    let (last, before) = (letters.next(), letters.next());
    match (before, last) {
        (Some(b), Some('y')) if !"aeiou".contains(b) => format!("{}ies", base.strip_suffix('y').unwrap_or(base)),
        (_, Some('s' | 'x' | 'z')) | (Some('c' | 's'), Some('h')) => format!("{base}es"),
        (Some(b), Some('o')) if !"aeiou".contains(b) => format!("{base}es"),
        _ => format!("{base}s"),
    }
}
