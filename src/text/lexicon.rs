//! What English words have to do with each other: irregular forms, and kinds of things with what is of that kind.
//!
//! A stemmer knows neither that "took" is "take" nor that a violin is an instrument, and a question often names the kind where a memory names the thing:
//! "Which instruments does she play?" The groups hold everyday words only, and each says what everybody would; they are no attempt at a thesaurus.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Forms of one word that share no stem, a word a line.
const IRREGULAR: &str = "\
    become became|begin began begun|bite bit bitten|blow blew blown|break broke broken|bring brought|build built|burn burnt|buy bought\
    |catch caught|choose chose chosen|come came|deal dealt|dig dug|draw drew drawn|dream dreamt|drink drank drunk|drive drove driven\
    |eat ate eaten|fall fell fallen|feed fed|feel felt|fight fought|find found|fly flew flown|forget forgot forgotten|forgive forgave forgiven\
    |freeze froze frozen|give gave given|go went gone|grow grew grown|hang hung|hear heard|hide hid hidden|hold held|keep kept\
    |know knew known|lay laid|lead led|learn learnt|leave left|lend lent|lose lost|mean meant|meet met|pay paid|ride rode ridden|rise rose risen\
    |run ran|say said|see saw seen|sell sold|send sent|shake shook shaken|shine shone|shoot shot|sing sang sung|sink sank sunk|sit sat\
    |sleep slept|speak spoke spoken|spend spent|stand stood|steal stole stolen|stick stuck|strike struck|sweep swept|swim swam swum\
    |take took taken|teach taught|tear tore torn|tell told|think thought|throw threw thrown|understand understood|wake woke woken\
    |wear wore worn|win won|write wrote written|child children|man men|woman women|person people|foot feet|tooth teeth|mouse mice|life lives\
    |wife wives|knife knives|leaf leaves|shelf shelves|wolf wolves|half halves";

/// Kinds of things (their names before the colon) and things of that kind.
const KINDS: &str = "\
    activity hobby pastime: hiking camping painting drawing swimming running cooking baking gardening reading dancing yoga fishing cycling photography \
        knitting pottery gaming skiing climbing surfing\n\
    sport: football soccer basketball tennis baseball hockey golf swimming running volleyball skiing surfing cycling boxing rugby cricket climbing\n\
    exercise workout fitness: yoga running gym swimming training cycling pilates boxing jogging weights crossfit\n\
    martial: karate judo kickboxing taekwondo boxing jiujitsu aikido fencing\n\
    instrument: piano guitar violin drums flute clarinet cello trumpet saxophone ukulele harp bass keyboard\n\
    music musician: song band concert album guitar piano singer orchestra festival\n\
    pet animal: dog cat puppy kitten hamster rabbit bird fish turtle parrot snake horse lizard\n\
    child kid: son daughter baby toddler child kids\n\
    relative family: mother father mom dad sister brother son daughter wife husband grandma grandmother grandfather grandpa aunt uncle cousin niece nephew\n\
    parent: mother father mom dad mum\n\
    sibling: brother sister twin\n\
    relationship marital: single married divorced boyfriend girlfriend fiance husband wife partner dating breakup engaged wedding\n\
    country abroad: england france spain italy germany japan china india canada mexico brazil australia ireland scotland sweden norway thailand vietnam \
        greece portugal turkey egypt switzerland\n\
    european: england france spain italy germany ireland scotland sweden norway greece portugal austria poland london paris rome\n\
    city: paris london rome tokyo berlin barcelona boston chicago seattle york francisco angeles miami madrid vienna dublin\n\
    state: california texas florida oregon washington hawaii alaska colorado arizona michigan minnesota ohio virginia georgia\n\
    travel visit trip vacation holiday: trip travel visit vacation flight tour holiday abroad\n\
    dessert sweet: cake pie cookies ice cream brownie chocolate tart pudding cupcake\n\
    food dish meal cuisine: pizza pasta salad soup cake sandwich chicken rice bread sushi curry steak tacos\n\
    drink beverage: coffee tea wine beer juice cocktail\n\
    fruit: apple banana orange strawberry mango grape peach cherry\n\
    dance: ballet salsa hop contemporary tango ballroom\n\
    art artwork: painting drawing sculpture sketch pottery photography canvas\n\
    book: novel read author series memoir\n\
    game: chess cards console video board puzzle multiplayer\n\
    movie film: watch cinema series trilogy documentary\n\
    religious religion: church faith god bible prayer spiritual mosque temple\n\
    political politics: government rights election campaign liberal conservative policy vote\n\
    financial finance: money wealth rich poor debt salary income afford savings\n\
    job career profession occupation: work teacher engineer nurse doctor lawyer manager hired promotion business\n\
    school education degree: college university study course class graduate\n\
    health medical condition: doctor hospital sick illness injury pain therapy surgery asthma diabetes allergy\n\
    allergy allergic: peanut nuts pollen dairy gluten shellfish\n\
    injury: hurt broken sprained ankle knee pain\n\
    vehicle transport: car bike truck motorcycle bicycle van bus train\n\
    gift present: gave birthday wrapped surprise\n\
    color colour: red blue green yellow black white pink purple orange\n\
    stress relax: calm relax unwind meditation therapy\n\
    nature outdoor: hiking camping forest mountain lake beach park river\n\
    weather: rain snow sunny storm\n\
    volunteer charity: shelter donate fundraiser community\n\
    pain: hurt ache sore\n\
    clothes clothing outfit: shirt dress shoes jacket jeans hoodie";

static IRREGULAR_FORMS: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let mut forms = HashMap::new();
    for group in IRREGULAR.split('|') {
        let group: Vec<&str> = group.split_whitespace().collect();
        for word in &group {
            forms.insert(*word, group.clone());
        }
    }
    forms
});

static OF_KIND: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let mut of_kind: HashMap<&str, Vec<&str>> = HashMap::new();
    for (kinds, things) in KINDS.lines().filter_map(|line| line.split_once(':')) {
        for kind in kinds.split_whitespace() {
            of_kind
                .entry(kind)
                .or_default()
                .extend(things.split_whitespace().filter(|thing| *thing != kind));
        }
    }
    of_kind
});

/// All forms of a word (lower case) that share no stem with it, itself among them; none where it is regular.
pub(super) fn irregular_forms(word: &str) -> &'static [&'static str] {
    IRREGULAR_FORMS.get(word).map_or(&[], Vec::as_slice)
}

/// Things of the kind that a word (lower case, singular or plural) names; none where it names no kind.
pub(super) fn of_kind(word: &str) -> &'static [&'static str] {
    let exact = OF_KIND.get(word);
    let singular = || {
        let stem = word.strip_suffix("ies").map(|stem| format!("{stem}y"));
        let stem = stem.or_else(|| word.strip_suffix('s').map(str::to_owned));
        stem.and_then(|stem| OF_KIND.get(stem.as_str()))
    };
    let irregular = || {
        let mut forms = irregular_forms(word).iter();
        forms.find_map(|form| OF_KIND.get(form))
    };
    exact.or_else(singular).or_else(irregular).map_or(&[], Vec::as_slice)
}
