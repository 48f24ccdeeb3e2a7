//! What a memory says of the user, as far as another memory can say the same, the opposite or something newer.
//!
//! Read from the words of the memory alone, so that it holds for memories that somebody wrote as well as for those that were found. Only facts that
//! have one value at a time get a slot. To take two facts for one would lose the older, so every form here names the user and nobody else.

use super::{
    pattern::pattern,
    verbs::is_gerund,
    words::{Words, words},
};
use crate::model::{Fact, Slot};

words! {
    /// Words that say nothing of what is stated: tense, negation, person, degree.
    EMPTY = "
        user user's is are was were am be been being 's 're do does did doesn't don't didn't isn't aren't wasn't weren't not no never longer anymore
        again now currently still also too just really very actually already recently a an the their any to used will would has had have hasn't
        haven't that this";

    /// Verbs of ending something.
    ENDING = "stopped quit ended finished";
}

pattern!(NOTE, r" \((?:\d{4}-\d\d(?:-\d\d)?|\d{4})\)");
pattern!(NO_LONGER, r"(?i)\b(?:no longer|(?:anymore|any more|any longer)\z)");
pattern!(USED_TO, r"\AUser used to (?P<rest>.+)\z");
pattern!(
    STOPPED,
    r"\AUser (?:has |finally |recently |just )*(?:stopped|quit|gave up|given up) (?P<rest>[a-z]+ing\b.*)\z"
);
pattern!(
    LEFT,
    r"\AUser (?:recently |just )?(?:left|quit)(?: (?:their|a) (?:old )?(?:job|position|role|work) (?:at|with|for))? (?P<value>\p{Lu}[^,]*?)(?: (?:last|this|in|on|after|because|\().*)?\z"
);
pattern!(
    MOVED_AWAY,
    r"\AUser (?:recently |just )?(?:moved|relocated) (?:away from|out of) (?P<value>\p{Lu}[\p{L}'.-]*(?: \p{Lu}[\p{L}'.-]*)*)"
);

// How a fact with one value at a time is said. `of` is added to the name of the slot.
pattern!(
    NAME,
    r"\AUser(?:'s name is|'s name's| is (?:called|named)) (?:now |actually |really )?(?P<value>\p{L}.*)\z"
);
pattern!(
    CALLED,
    r"\AUser (?:now )?(?:wants to be called|goes by|prefers to be called) (?P<value>.+)\z"
);
pattern!(
    HOME,
    r"\AUser (?:(?:now|currently|still|recently|just|finally|actually) )*(?:lives|resides|is (?:now |currently )?(?:living|based|located|residing)|has (?:now )?(?:moved|relocated) (?:back )?to|moved (?:back )?to|moved from [^,]{2,40}? to|relocated to)(?: (?:now|currently))?(?: (?:in|at|near|outside))? (?P<value>(?:the )?\p{Lu}[\p{L}'.\u{2019}-]*(?: (?:(?:of|de|la|le|upon|am|do|del|di) )?\p{Lu}[\p{L}'.\u{2019}-]*)*)"
);
pattern!(
    HOME_SINCE,
    r"\AUser has (?:lived|been living|been based) in (?P<value>\p{Lu}[\p{L}'.-]*(?: \p{Lu}[\p{L}'.-]*)*) (?:for|since)\b"
);
pattern!(
    EMPLOYER,
    r"\AUser (?:(?:now|currently|still|recently|just) )*(?:works|is (?:now |currently )?(?:working|employed)|has been working|has worked|started (?:working|a (?:new )?job)|started|got a (?:new )?job|has a (?:new )?job|accepted a (?:job|position))(?: full-time)?(?: now)?(?: as (?:an? )?[\w -]{1,40}?)? (?:at|for|with) (?P<value>(?:\p{Lu}|an? |the )[^,(]*?)(?: (?:now|as|since|for|in|on|from|and|where|these|again)\b.*)?\z"
);
pattern!(
    EMPLOYER_IS,
    r"\AUser's (?:new |current )?employer is (?:now )?(?P<value>.+)\z"
);
pattern!(
    TIME_ZONE,
    r"(?i)\AUser(?:'s (?:current )?time ?zone is| is (?:now )?in the| is (?:now )?(?:in|on) time ?zone) (?:now )?(?P<value>[\w/+: -]+?)(?: time ?zone| time)?\z"
);
pattern!(
    AGE,
    r"\AUser(?:'s age is| is| just turned| turned| recently turned| has turned) (?:now |currently |already )?(?P<value>\d{1,3}|(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:[- ]\w+)?|\w+teen)(?: (?:years?|yrs?)(?:[ -]old| of age)?| yo| now| last \w+| this \w+| today| yesterday)*\z"
);
pattern!(
    DIET,
    r"\AUser (?:(?:now|currently|still|recently|just) )*(?:is|became|went|turned|has (?:been|become|gone))(?: (?:now|currently|strictly|fully))? (?:an? )?(?P<value>vegan|vegetarian|pescatarian|omnivore|flexitarian|carnivore)\b"
);
pattern!(
    DIET_ON,
    r"\AUser(?: is (?:now |currently )?on| (?:now )?follows|'s diet is) (?:an? |the )?(?P<value>[\w-]+)(?: diet)?\z"
);
pattern!(
    MARITAL,
    r"\AUser (?:(?:now|just|recently|happily|finally) )*(?:is|got|has been|became|was)(?: (?:now|currently|happily|recently|newly|legally|already|finally))* (?P<value>married|single|divorced|engaged|widowed|separated)(?: (?:to|for|since|with|and|again|now|from|in|last|this|two|three|\d|on|a)\b.*)?\z"
);
pattern!(
    FAVOURITE,
    r"\AUser's (?:(?:all-time|absolute|current|new|very) )*favou?rite (?P<of>[\w' -]+?) (?:is|are|'s) (?:now |currently |probably |definitely )?(?P<value>.+)\z"
);
pattern!(
    IS_FAVOURITE,
    r"\A(?P<value>[^,]+?) (?:is|are) (?:now )?User's (?:(?:all-time|absolute|current|new|very) )*favou?rite (?P<of>[\w' -]+?)\z"
);
pattern!(
    CONTACT,
    r"(?i)\AUser's (?:new |current )?(?P<of>(?:(?:home|work|personal|mobile|cell|business|private|office|postal|mailing|billing|shipping|emergency) )*(?:phone number|phone|number|mobile|cell|e-?mail address|e-?mail|address|handle|telegram|skype|discord|signal|whatsapp|website|zip code|postal code|postcode|emergency contact)) (?:is|are) (?:now )?(?P<value>.+)\z"
);
pattern!(
    ATTRIBUTE,
    r"(?i)\AUser's (?:new |current |preferred )?(?P<of>birthday|birth date|date of birth|height|weight|shoe size|blood type|pronouns|nationality|native language|mother tongue|job title|hometown|surname|last name|first name|middle name|full name|nickname) (?:is|are) (?:now )?(?P<value>.+)\z"
);

/// What a memory says, where it speaks of the user.
#[must_use]
pub fn fact(content: &str) -> Option<Fact> {
    let content = NOTE.replace_all(content, "").replace('\u{2019}', "'");
    let content = content.trim().trim_end_matches(['.', '!']);
    if !content.contains("User") {
        return None;
    }
    let (said, ended) = stated(content);
    let slot = match (LEFT.captures(content), MOVED_AWAY.captures(content)) {
        (Some(found), _) => Some(slot("employer", "", &found["value"])),
        (_, Some(found)) => Some(slot("home", "", &found["value"])),
        _ => read_slot(&said),
    };
    let gone = LEFT.is_match(content) || MOVED_AWAY.is_match(content);
    Some(Fact {
        slot,
        statement: statement(&said),
        ended: ended || gone,
    })
}

/// What something is called that is to be forgotten: "User's phone number".
pub(super) fn named(thing: &str) -> Fact {
    Fact {
        slot: None,
        statement: statement(thing),
        ended: false,
    }
}

/// The sentence as it was when it held, and whether it says that it holds no longer.
fn stated(content: &str) -> (String, bool) {
    if let Some(found) = USED_TO.captures(content) {
        return (format!("User {}", &found["rest"]), true);
    }
    if let Some(found) = STOPPED.captures(content) {
        return (format!("User is {}", &found["rest"]), true);
    }
    if !NO_LONGER.is_match(content) {
        return (content.to_owned(), false);
    }
    let positive = NO_LONGER.replace_all(content, "");
    let mut said: Vec<String> = Vec::new();
    let mut denied = false;
    for word in positive.split_whitespace() {
        match word {
            "doesn't" | "don't" => denied = true,
            "isn't" => said.push("is".into()),
            "aren't" => said.push("are".into()),
            "hasn't" => said.push("has".into()),
            "not" if said.last().is_some_and(|last| last == "is" || last == "are") => {}
            "not" if said.last().is_some_and(|last| last == "does") => {
                said.pop();
                denied = true;
            }
            _ if denied => {
                said.push(super::verbs::third_person(word));
                denied = false;
            }
            _ => said.push(word.to_owned()),
        }
    }
    (said.join(" "), true)
}

fn read_slot(content: &str) -> Option<Slot> {
    // Beside another one: "also works at", "part-time".
    let second = content
        .split_whitespace()
        .any(|word| matches!(word, "also" | "part-time" | "sometimes" | "too" | "partly"));
    let forms = [
        ("name", &NAME),
        ("called", &CALLED),
        ("home", &HOME),
        ("home", &HOME_SINCE),
        ("employer", &EMPLOYER_IS),
        ("employer", &EMPLOYER),
        ("time zone", &TIME_ZONE),
        ("age", &AGE),
        ("diet", &DIET),
        ("diet", &DIET_ON),
        ("marital status", &MARITAL),
        ("favourite", &FAVOURITE),
        ("favourite", &IS_FAVOURITE),
        ("contact", &CONTACT),
        ("attribute", &ATTRIBUTE),
    ];
    let (name, found) = forms
        .into_iter()
        .find_map(|(name, form)| form.captures(content).map(|found| (name, found)))?;
    let value = &found["value"];
    let one_of = value.to_lowercase().starts_with("one of") || value.starts_with("not ");
    let passing = name == "diet" && matches!(value, "team" | "board" | "council" | "leave" | "medication" | "phone");
    let zone = name != "time zone" || content.to_lowercase().contains("zone") || value.len() <= 5;
    (!second && !one_of && !passing && zone).then(|| slot(name, found.name("of").map_or("", |of| of.as_str()), value))
}

fn slot(name: &str, of: &str, value: &str) -> Slot {
    let of = of.to_lowercase().replace('-', "");
    let of = of
        .strip_suffix(" address")
        .filter(|of| of.ends_with("email"))
        .or_else(|| {
            of.strip_suffix("s")
                .filter(|of| name == "favourite" && !of.ends_with('s'))
        })
        .unwrap_or(&of)
        .replace("color", "colour");
    let value = value.to_lowercase();
    let value = match name {
        "home" => value.split(',').next().unwrap_or_default().replace("the ", ""),
        _ => value,
    };
    Slot {
        name: if of.is_empty() {
            name.to_owned()
        } else {
            format!("{name} {of}")
        },
        value: value
            .trim_matches(|c: char| !c.is_alphanumeric() && c != '+')
            .to_owned(),
    }
}

/// The words that tell something, each cut to its stem.
pub(super) fn statement(content: &str) -> String {
    let lower = content.to_lowercase();
    let telling = lower
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty());
    let mut stems: Vec<String> = Vec::new();
    for word in telling {
        let possession = matches!(word, "has" | "have" | "had" | "having") && stems.is_empty();
        if possession {
            stems.push("have".into());
        } else if !has(&EMPTY, word) && !has(&ENDING, word) {
            stems.push(stem(word));
        }
    }
    // "has lived", "has a dog": only the second has something.
    if let [have, verb, ..] = stems.as_slice()
        && have == "have"
        && lower
            .split_whitespace()
            .any(|word| stem(word) == *verb && (word.ends_with("ed") || is_gerund(word)))
    {
        stems.remove(0);
    }
    stems.join(" ")
}

fn has(list: &Words, word: &str) -> bool {
    list.has(word)
}

/// A word without the endings of person and tense.
fn stem(word: &str) -> String {
    let word = word.strip_suffix("'s").unwrap_or(word);
    let cut = ["ing", "ies", "ied", "es", "ed", "s"].iter().find_map(|ending| {
        word.strip_suffix(ending)
            .filter(|rest| rest.len() > 2)
            .map(|rest| (rest, *ending))
    });
    let mut stem = match cut {
        Some((rest, "ies" | "ied")) => format!("{rest}y"),
        Some((rest, _)) => rest.to_owned(),
        None => word.to_owned(),
    };
    if stem.len() > 3 && stem.ends_with('e') {
        stem.pop();
    }
    let bytes = stem.as_bytes();
    if let [.., a, b] = bytes
        && a == b
        && !matches!(b, b'l' | b's' | b'e' | b'o')
        && cut.is_some()
    {
        stem.pop();
    }
    stem
}
