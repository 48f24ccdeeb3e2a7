//! What is said in half sentences and in two.

use super::{Cases, check, from_user};

#[test]
fn half_sentences_and_pronouns_are_read_where_they_are_plain() {
    check(from_user, IN_A_HURRY);
    let nothing: Vec<(&str, &[&str])> = NOT_IN_A_HURRY
        .iter()
        .map(|message| (*message, &[] as &[&str]))
        .collect();
    check(from_user, &nothing);
}

/// Subjects that were left out, and pronouns whose noun stands in the sentence before.
const IN_A_HURRY: Cases = &[
    ("Just moved to Lyon.", &["User just moved to Lyon"]),
    (
        "Lost my job at the mill yesterday.",
        &["User lost their job at the mill yesterday (2026-11-22)"],
    ),
    (
        "Been learning the cello since March.",
        &["User has been learning the cello since March"],
    ),
    (
        "Planning a trip to Peru in April.",
        &["User is planning a trip to Peru in April"],
    ),
    (
        "Allergic to walnuts by the way.",
        &["User is allergic to walnuts by the way"],
    ),
    (
        "I have a cat. Her name is Luna.",
        &["User has a cat", "User's cat's name is Luna"],
    ),
    (
        "My sister lives in Bonn. She's a nurse.",
        &["User's sister lives in Bonn", "User's sister is a nurse"],
    ),
    (
        "My brother is 40 and he's got three kids.",
        &["User's brother is 40", "User's brother has three kids"],
    ),
    (
        "Guess what - I got a puppy two weeks ago!",
        &["User got a puppy two weeks ago (2026-11-09)"],
    ),
    (
        "I'm considering adopting a rescue dog.",
        &["User is considering adopting a rescue dog"],
    ),
    (
        "I'm looking forward to moving to Oslo next year.",
        &["User is looking forward to moving to Oslo next year (2027)"],
    ),
    (
        "We're putting together a street party next month.",
        &["User is putting together a street party next month (2026-12)"],
    ),
    (
        "I'll never forget our wedding day in Split.",
        &["User will never forget their wedding day in Split"],
    ),
    (
        "I'm lucky to have my wife and kids.",
        &["User is lucky to have their wife and kids"],
    ),
    ("Running helps me sleep.", &["Running helps User sleep"]),
    ("Red wine gives me migraines.", &["Red wine gives User migraines"]),
    (
        "Privacy is very important to me.",
        &["Privacy is very important to User"],
    ),
    (
        "My thesis defence is on 12 January.",
        &["User's thesis defence is on 12 January"],
    ),
    (
        "My essay is due tomorrow, can you help me?",
        &["User's essay is due tomorrow (2026-11-24)"],
    ),
    (
        "Whenever I ask for code, include type hints.",
        &["User wants the assistant to include type hints whenever they ask for code"],
    ),
    (
        "I like all music, but my favourite is ska.",
        &["User likes all music, but their favourite is ska"],
    ),
    (
        "Since I lost my job at the mill, money has been tight.",
        &["User lost their job at the mill"],
    ),
    (
        "I love helping people reach their goals and live well.",
        &["User loves helping people reach their goals and live well"],
    ),
    (
        "I like the old streets of Porto, take a look!",
        &["User likes the old streets of Porto"],
    ),
    (
        "We have a dog. His name is Bruno and he's allergic to chicken.",
        &[
            "User has a dog",
            "User's dog's name is Bruno",
            "User's dog is allergic to chicken",
        ],
    ),
];

/// What looks like it and is not: headings, orders, other people, the moment and the task.
const NOT_IN_A_HURRY: &[&str] = &[
    "Been there, done that.",
    "Been trying to fix this for hours.",
    "Been a long road.",
    "Gonna be a great night.",
    "Just curious, how does DNS work?",
    "Just updated the driver and the screen is black.",
    "Got an idea for the title?",
    "Started the server but it crashes.",
    "Lost in translation is a great movie.",
    "Had to restart the computer twice.",
    "Planning a wedding is stressful.",
    "Flying a drone at night, is it legal?",
    "Found a bug in line 20.",
    "Found an article about bees, summarize it.",
    "Born in 1879, Einstein developed relativity.",
    "Recently discovered planets: list five.",
    "He is my friend. She is a doctor. Who is older?",
    "A woman has a son. His name is Tom. How old is he?",
    "A man says: I have no brothers or sisters.",
    "I'm thinking about rewriting it in Rust.",
    "I'm considering using a hash map.",
    "I'm looking forward to your answer.",
    "I've been looking into this bug since Monday.",
    "I've been reading the documentation of tokio.",
    "That explanation helps me understand recursion.",
    "The compiler gives me a headache.",
    "Your answer makes me happy.",
    "I had a great time talking to you.",
    "Whenever I open the app, show a splash screen.",
    "We have two tables, users and orders, and we join them on id.",
    "I'm reading your second paragraph and I don't get the part about entropy.",
    "My name is [Your Name].",
    "I love the atmosphere and the music.",
    "I love the way it captures the passion of a master.",
    "I like to watch it.",
    "I love his whole look.",
    "Since my code has a bug, the loop never ends.",
];
