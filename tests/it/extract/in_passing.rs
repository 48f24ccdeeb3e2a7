//! What users say of themselves as people really put it.

use super::Cases;

/// The same, as people really put it: in passing, in one breath, with fillers, negations and numbers.
pub(super) const IN_PASSING: Cases = &[
    ("hey, just fyi i'm colorblind", &["User is colorblind"]),
    (
        "We've got twins on the way, due in February.",
        &["User has twins on the way, due in February"],
    ),
    ("I am a single dad of two boys.", &["User is a single dad of two boys"]),
    ("My manager is called Ingrid.", &["User's manager is called Ingrid"]),
    (
        "I moved from Porto to Madrid two years ago.",
        &["User moved from Porto to Madrid two years ago (2024)"],
    ),
    (
        "I'm a software engineer at Spotify.",
        &["User is a software engineer at Spotify"],
    ),
    (
        "I run a small bakery in Lyon with my sister.",
        &["User runs a small bakery in Lyon with their sister"],
    ),
    ("My email is sam@example.com.", &["User's email is sam@example.com"]),
    ("My phone number is 555-0134.", &["User's phone number is 555-0134"]),
    ("My time zone is CET.", &["User's time zone is CET"]),
    ("I usually wake up at 5am.", &["User usually wakes up at 5am"]),
    ("I'm not a morning person.", &["User is not a morning person"]),
    ("I don't have any siblings.", &["User doesn't have any siblings"]),
    (
        "I hate cilantro and love garlic.",
        &["User hates cilantro and loves garlic"],
    ),
    (
        "My dog Rex is a five-year-old beagle.",
        &["User's dog Rex is a five-year-old beagle"],
    ),
    (
        "I was diagnosed with ADHD last year.",
        &["User was diagnosed with ADHD last year (2025)"],
    ),
    ("I quit smoking in 2020.", &["User quit smoking in 2020"]),
    ("I graduated from MIT in 2012.", &["User graduated from MIT in 2012"]),
    (
        "I've been married for ten years.",
        &["User has been married for ten years"],
    ),
    (
        "I've been playing the violin since I was six.",
        &["User has been playing the violin since they were six"],
    ),
    (
        "My grandmother, who is 92, lives with us.",
        &["User's grandmother, who is 92, lives with them"],
    ),
    ("I speak fluent Japanese.", &["User speaks fluent Japanese"]),
    ("I have a peanut allergy.", &["User has a peanut allergy"]),
    ("I take the bus to work.", &["User takes the bus to work"]),
    (
        "I need to take insulin every day.",
        &["User needs to take insulin every day"],
    ),
    ("My budget is 2000 euros.", &["User's budget is 2000 euros"]),
    (
        "I go to the gym three times a week.",
        &["User goes to the gym three times a week"],
    ),
    (
        "My husband and I are vegetarians.",
        &["User and their husband are vegetarians"],
    ),
    ("I no longer eat meat.", &["User no longer eats meat"]),
    ("I didn't go to college.", &["User didn't go to college"]),
    ("I wasn't born in Germany.", &["User wasn't born in Germany"]),
    (
        "I won't be at work next week.",
        &["User won't be at work next week (week of 2026-11-30)"],
    ),
    (
        "We're expecting a baby in April.",
        &["User is expecting a baby in April"],
    ),
    (
        "I'm going to visit my aunt in Chile next month.",
        &["User is going to visit their aunt in Chile next month (2026-12)"],
    ),
    (
        "I will be in London from 3 to 7 May.",
        &["User will be in London from 3 to 7 May"],
    ),
    ("I plan to retire in 2030.", &["User plans to retire in 2030"]),
    ("I'm saving up for a house.", &["User is saving up for a house"]),
    ("Note that I use a wheelchair.", &["User uses a wheelchair"]),
    (
        "For future reference, I'm based in Toronto.",
        &["User is based in Toronto"],
    ),
    (
        "In the future, don't use bullet points.",
        &["User wants the assistant not to use bullet points from now on"],
    ),
    (
        "Don't ever use the word delve.",
        &["User wants the assistant to never use the word delve"],
    ),
    ("Please call me Dr. Lee.", &["User wants to be called Dr. Lee"]),
    (
        "As a nurse, I work night shifts.",
        &["As a nurse, User works night shifts"],
    ),
    (
        "I'm 28, male, and live in Ohio.",
        &["User is 28, male, and lives in Ohio"],
    ),
    ("I only eat halal food.", &["User only eats halal food"]),
    ("I work nights.", &["User works nights"]),
    (
        "My son is allergic to penicillin.",
        &["User's son is allergic to penicillin"],
    ),
    (
        "My sister's wedding is on June 12.",
        &["User's sister's wedding is on June 12"],
    ),
    ("I drive a 2015 Honda Civic.", &["User drives a 2015 Honda Civic"]),
    ("I teach yoga on Saturdays.", &["User teaches yoga on Saturdays"]),
    (
        "My company uses Slack and my team is in Pune.",
        &["User's company uses Slack", "User's team is in Pune"],
    ),
    ("I code mostly in Rust.", &["User codes mostly in Rust"]),
    (
        "I prefer concise answers without preamble.",
        &["User prefers concise answers without preamble"],
    ),
    ("I like my steak rare.", &["User likes their steak rare"]),
    (
        "I don't like being called Samuel.",
        &["User doesn't like being called Samuel"],
    ),
    ("My pronouns are they/them.", &["User's pronouns are they/them"]),
    (
        "I have a meeting with Dr. Kim on Tuesday at 3 pm.",
        &["User has a meeting with Dr. Kim on Tuesday at 3 pm"],
    ),
    (
        "I have lived in Oslo for ten years.",
        &["User has lived in Oslo for ten years"],
    ),
    (
        "Yesterday I ran my first marathon!",
        &["Yesterday (2026-11-22) User ran their first marathon"],
    ),
    (
        "Last night my cat had four kittens.",
        &["Last night (2026-11-22) User's cat had four kittens"],
    ),
    (
        "I live in a small village with my wife and our two cats.",
        &["User lives in a small village with their wife and their two cats"],
    ),
    (
        "I can't drink milk because I'm lactose intolerant.",
        &["User can't drink milk because they're lactose intolerant"],
    ),
    (
        "My kids Mia and Leo are 7 and 9.",
        &["User's kids Mia and Leo are 7 and 9"],
    ),
    ("Both my parents are dentists.", &["Both User's parents are dentists"]),
    (
        "Two of my brothers live abroad.",
        &["Two of User's brothers live abroad"],
    ),
    (
        "My favourite author is Ursula Le Guin, and I love sci-fi.",
        &["User's favourite author is Ursula Le Guin", "User loves sci-fi"],
    ),
];
