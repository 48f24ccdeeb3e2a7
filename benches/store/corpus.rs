//! Sentences without end, with the words of people: a chain of which word followed which in real text, and among them names that are as rare as names are.

use std::collections::HashMap;
use std::fs;

use serde_json::Value;

/// Real text where no other is given: prompts, and what maia's own documents say.
const TEXTS: [&str; 3] = [
    PROMPTS,
    include_str!("../../README.md"),
    include_str!("../../docs/architecture.md"),
];
const PROMPTS: &str = include_str!("../data/unrelated_prompts.txt");
/// Made-up names, and one word of so many that is one.
const NAMES: f64 = 100_000.0;
const NAME_EVERY: u64 = 12;

/// What sentences are made of, and what is asked of them.
pub(crate) struct Corpus {
    words: Vec<String>,
    /// For each word, those that have followed it.
    followers: Vec<Vec<u32>>,
    /// Real questions.
    pub(crate) questions: Vec<String>,
}

impl Corpus {
    /// From conversations in the form of `LoCoMo`, or from the texts of this repository.
    pub(crate) fn read(data: Option<&str>) -> Self {
        let Some(path) = data else {
            let lines = PROMPTS.lines().map(str::to_owned).collect();
            return Self::new(&TEXTS.join("\n"), lines);
        };
        let json: Value = serde_json::from_str(&fs::read_to_string(path).expect("the data")).expect("JSON");
        let strings = |pointer: &str, list: &str, field: &str| -> Vec<String> {
            let conversations = json.as_array().into_iter().flatten();
            let groups: Vec<&Value> = if pointer.is_empty() {
                conversations.collect()
            } else {
                conversations
                    .flat_map(|one| one[pointer].as_array().into_iter().flatten())
                    .collect()
            };
            let items = groups
                .into_iter()
                .flat_map(|group| group[list].as_array().into_iter().flatten());
            items
                .filter_map(|item| Some(item[field].as_str()?.to_owned()))
                .collect()
        };
        Self::new(
            &strings("sessions", "turns", "text").join("\n"),
            strings("", "qa", "question"),
        )
    }

    fn new(text: &str, questions: Vec<String>) -> Self {
        assert!(!questions.is_empty(), "the data holds no questions");
        let (mut words, mut numbers, mut followers) = (Vec::new(), HashMap::new(), Vec::<Vec<u32>>::new());
        let mut before = None;
        for word in text
            .split_whitespace()
            .filter(|word| word.chars().any(char::is_alphanumeric))
        {
            let number = *numbers.entry(word.to_owned()).or_insert_with(|| {
                words.push(word.to_owned());
                followers.push(Vec::new());
                u32::try_from(words.len() - 1).expect("few words")
            });
            if let Some(before) = before.replace(number) {
                followers.get_mut(before as usize).expect("a word").push(number);
            }
        }
        Self {
            words,
            followers,
            questions,
        }
    }

    /// The sentence of a number, always the same.
    pub(crate) fn sentence(&self, number: u64) -> String {
        let mut random = Random(number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let length = 8 + random.below(14);
        let mut word = random.below(self.words.len() as u64) as usize;
        let mut sentence = String::new();
        for _ in 0..length {
            if random.below(NAME_EVERY) == 0 {
                sentence.push_str(&name(random.zipf(NAMES)));
            } else {
                sentence.push_str(self.words.get(word).expect("a word"));
            }
            sentence.push(' ');
            let followers = self.followers.get(word).expect("a word");
            word = match followers.len() {
                0 => random.below(self.words.len() as u64) as usize,
                count => *followers.get(random.below(count as u64) as usize).expect("a follower") as usize,
            };
        }
        sentence.truncate(sentence.trim_end().len());
        sentence
    }
}

fn name(mut rank: u64) -> String {
    const SYLLABLES: [&str; 20] = [
        "ka", "ro", "mi", "ten", "sol", "vi", "dar", "lo", "nes", "pu", "ra", "bel", "fi", "gon", "ha", "jo", "wen",
        "ti", "zu", "mar",
    ];
    rank += 20;
    let mut name = String::new();
    while rank > 0 {
        name.push_str(SYLLABLES.get(rank as usize % SYLLABLES.len()).expect("a syllable"));
        rank /= SYLLABLES.len() as u64;
    }
    name
}

/// A generator of `xorshift64*` (Vigna 2016).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, most: u64) -> u64 {
        (self.next() >> 16) % most
    }

    /// A rank below `most`, each as frequent as it is low.
    fn zipf(&mut self, most: f64) -> u64 {
        let part = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        (part * most.ln()).exp() as u64
    }
}
