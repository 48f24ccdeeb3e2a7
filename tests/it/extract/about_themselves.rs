//! What users say of themselves.

use super::Cases;

/// One message a line, and all that is kept of it.
pub(super) const ABOUT_THEMSELVES: Cases = &[
    // Who they are.
    ("I'm allergic to nuts", &["User is allergic to nuts"]),
    (
        "My name is Sam and I live in Berlin",
        &["User's name is Sam", "User lives in Berlin"],
    ),
    ("Hi, I'm Priya!", &["User is Priya"]),
    ("I am 34 years old.", &["User is 34 years old"]),
    ("I'm a pediatric nurse.", &["User is a pediatric nurse"]),
    (
        "I'm from Ghana but I live in Oslo.",
        &["User is from Ghana", "User lives in Oslo"],
    ),
    ("I was born in Lagos in 1988.", &["User was born in Lagos in 1988"]),
    ("I'm vegetarian.", &["User is vegetarian"]),
    ("I'm left-handed, by the way.", &["User is left-handed, by the way"]),
    ("im lactose intolerant", &["User is lactose intolerant"]),
    ("I have type 2 diabetes.", &["User has type 2 diabetes"]),
    (
        "I'm married and have three kids.",
        &["User is married and has three kids"],
    ),
    // Their people and animals.
    ("my wife Ana works at CERN", &["User's wife Ana works at CERN"]),
    ("My son turns six in March.", &["User's son turns six in March"]),
    ("My parents live in Porto.", &["User's parents live in Porto"]),
    ("I have two dogs and a parrot.", &["User has two dogs and a parrot"]),
    (
        "Our daughter is starting school in September.",
        &["User's daughter is starting school in September"],
    ),
    (
        "My brother and I run a bakery.",
        &["User and their brother run a bakery"],
    ),
    ("Ana is my sister.", &["Ana is User's sister"]),
    (
        "My boss doesn't like meetings on Fridays.",
        &["User's boss doesn't like meetings on Fridays"],
    ),
    // Home and work.
    ("We moved to Lisbon in 2019.", &["User moved to Lisbon in 2019"]),
    (
        "I work as a locksmith in Leeds.",
        &["User works as a locksmith in Leeds"],
    ),
    (
        "I've worked at Siemens since 2015.",
        &["User has worked at Siemens since 2015"],
    ),
    (
        "I'm studying marine biology at Kiel.",
        &["User is studying marine biology at Kiel"],
    ),
    (
        "I teach maths and coach the chess team.",
        &["User teaches maths and coaches the chess team"],
    ),
    (
        "I used to work for the post office.",
        &["User used to work for the post office"],
    ),
    ("I don't own a car.", &["User doesn't own a car"]),
    (
        "I live in Berlin and work from home.",
        &["User lives in Berlin and works from home"],
    ),
    ("I grew up on a farm in Ohio.", &["User grew up on a farm in Ohio"]),
    // What they like.
    ("I prefer dark mode.", &["User prefers dark mode"]),
    (
        "I love hiking, but I hate camping.",
        &["User loves hiking", "User hates camping"],
    ),
    ("My favourite colour is green.", &["User's favourite colour is green"]),
    ("Sushi is my favorite food.", &["Sushi is User's favorite food"]),
    ("I don't drink alcohol.", &["User doesn't drink alcohol"]),
    ("I can't stand cilantro.", &["User can't stand cilantro"]),
    (
        "I'd rather get short answers.",
        &["User would rather get short answers"],
    ),
    (
        "I'm a big fan of Studio Ghibli.",
        &["User is a big fan of Studio Ghibli"],
    ),
    (
        "I enjoy cooking for my friends.",
        &["User enjoys cooking for their friends"],
    ),
    ("I'm afraid of heights.", &["User is afraid of heights"]),
    // What they do and can.
    ("I play the cello in a quartet.", &["User plays the cello in a quartet"]),
    (
        "On weekends I go climbing with my cousin.",
        &["On weekends User goes climbing with their cousin"],
    ),
    (
        "I speak Polish and a little Czech.",
        &["User speaks Polish and a little Czech"],
    ),
    ("I can't eat gluten.", &["User can't eat gluten"]),
    ("I never work on Sundays.", &["User never works on Sundays"]),
    (
        "I take my medication every morning.",
        &["User takes their medication every morning"],
    ),
    (
        "I'm learning to play the banjo.",
        &["User is learning to play the banjo"],
    ),
    ("I've never been to Asia.", &["User has never been to Asia"]),
    (
        "I carry an EpiPen because I'm allergic to bees.",
        &["User carries an EpiPen because they're allergic to bees"],
    ),
    // What happened, and what will.
    (
        "I broke my ankle last week.",
        &["User broke their ankle last week (week of 2026-11-16)"],
    ),
    (
        "I got promoted yesterday!",
        &["User got promoted yesterday (2026-11-22)"],
    ),
    (
        "When I was ten, I moved to Canada.",
        &["When they were ten, User moved to Canada"],
    ),
    (
        "I lost my job at the shipyard in May.",
        &["User lost their job at the shipyard in May"],
    ),
    (
        "I'm flying to Tokyo next Friday.",
        &["User is flying to Tokyo next Friday (2026-11-27)"],
    ),
    ("I'm getting married in June.", &["User is getting married in June"]),
    ("I want to become a pilot.", &["User wants to become a pilot"]),
    (
        "I've been vegan since last year.",
        &["User has been vegan since last year (2025)"],
    ),
    (
        "My flight leaves tomorrow at 9 a.m. from gate 12.",
        &["User's flight leaves tomorrow (2026-11-24) at 9 a.m. from gate 12"],
    ),
    (
        "I'm training for a marathon in April.",
        &["User is training for a marathon in April"],
    ),
    // Beside other things.
    (
        "I have a cat named Miso, what about you?",
        &["User has a cat named Miso"],
    ),
    ("I'm a vegan. What can I cook tonight?", &["User is a vegan"]),
    (
        "Plan a weekend for us. We have two kids and I'm allergic to shellfish.",
        &["User has two kids", "User is allergic to shellfish"],
    ),
    (
        "Thanks! By the way, my birthday is on 3 May.",
        &["User's birthday is on 3 May"],
    ),
    (
        "ok so my landlord's name is Mr. Ortiz",
        &["User's landlord's name is Mr. Ortiz"],
    ),
];
