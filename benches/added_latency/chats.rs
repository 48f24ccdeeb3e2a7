//! What is said: questions, chats and memories, the same ones in every run.

use serde_json::json;

/// What people ask. Some of it matches memories, some asks about the user, some is about nothing that is known.
pub(crate) const QUESTIONS: [&str; 24] = [
    "Which coffee should I order at the station in Lisbon tomorrow morning?",
    "Can you remind me what Marta said about the garden?",
    "What should I cook for dinner on Friday?",
    "How long does the train from Vienna to Trieste take?",
    "What do you know about me?",
    "Write a short birthday message for my sister.",
    "Does anybody on the team still use the old printer?",
    "What is a good present for a colleague who loves chess?",
    "Explain the difference between a mutex and a semaphore.",
    "Where did we put the keys of the cabin?",
    "Which of my friends plays the violin?",
    "Plan a weekend in the mountains with the bicycle.",
    "Is the museum in Porto open on Mondays?",
    "When is the next meeting about the budget?",
    "Summarise what we know about the kitchen renovation.",
    "What is the capital of France?",
    "Who in the office is allergic to peanuts?",
    "Suggest a book for the flight to Montreal.",
    "Why does the radio in the cellar make that noise?",
    "Which display mode is better for reading at night?",
    "How do I tell the landlord about the broken window?",
    "What did the doctor say about running in winter?",
    "Find a restaurant near the harbour with vegetarian food.",
    "Translate the sentence about the lighthouse into Italian.",
];

/// A chat of so many messages that ends with the question, filled up to the size with what was said before it.
pub(crate) fn chat_body(question: &str, size: usize, messages: usize, stream: bool) -> String {
    let mut words = Words(7);
    let share = size / messages;
    let mut list = Vec::new();
    for index in 0..messages {
        let newest = index + 1 == messages;
        let mut content = if newest { question.to_owned() } else { words.sentence() };
        // One message alone is the question and nothing else; the fields around it make up the rest.
        while !newest && content.len() < share.saturating_sub(40) {
            content.push_str(". \n");
            content.push_str(&words.sentence());
        }
        list.push(json!({ "role": if index % 2 == 0 { "user" } else { "assistant" }, "content": content }));
    }
    let mut body = json!({ "model": "static", "messages": list, "temperature": 0.7, "stream": stream, "user": "" });
    let missing = size.saturating_sub(body.to_string().len());
    if let Some(user) = body.get_mut("user") {
        *user = "u".repeat(missing).into();
    }
    body.to_string()
}

/// Sentences that differ.
pub(crate) struct Words(pub(crate) u64);

impl Words {
    /// One of the words; those at the front are the common ones, as in any language.
    fn one<'a>(&mut self, words: &'a str) -> &'a str {
        // xorshift64 (Marsaglia 2003, "Xorshift RNGs").
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let all: Vec<&str> = words.split_whitespace().collect();
        let count = all.len() as u64;
        let place = (self.0 >> 20) % count * ((self.0 >> 40) % count + 1) / count;
        all.into_iter()
            .nth(usize::try_from(place).unwrap_or_default())
            .expect("a word")
    }

    /// A name that few other sentences share.
    fn name(&mut self) -> String {
        let mut name = self.one("Mar Ta Lo Ben Ka Se Vi Jo An Ri Fe Du Ol Ga Ni").to_owned();
        for _ in 0..2 {
            name.push_str(self.one("ta lo ri na mi ko dan sel vin rek bo lia tor gen sha"));
        }
        name
    }

    pub(crate) fn sentence(&mut self) -> String {
        let (who, does, how, name) = (self.one(WHO), self.one(DOES), self.one(HOW), self.name());
        let (what, place, when) = (self.one(WHAT), self.one(WHERE), self.one(WHEN));
        format!("{who} {does} the {how} {what} in {place} with {name} {when}").replace('_', " ")
    }
}

const WHO: &str = "User User's_sister User's_colleague User's_friend User's_neighbour The_team The_landlord The_doctor User's_brother User's_mother \
    The_teacher User's_cousin The_manager User's_partner The_trainer User's_uncle The_dentist User's_daughter The_mechanic User's_flatmate";
const DOES: &str = "likes prefers visited bought mentioned plays remembers repaired plans sold misses collects dislikes reads recommends cooked borrowed \
    painted photographed lost found cleaned measured ordered returned studied teaches needs owns rents shares tested threw_away translated wants wears \
    watched described carried hides";
const HOW: &str = "old small new quiet green heavy Italian wooden vegetarian broken expensive second-hand bright yellow narrow spicy blue electric \
    foldable noisy round Portuguese cheap frozen handmade leather modern plastic rare silver soft square striped thin warm waterproof white woollen";
const WHAT: &str = "coffee book train garden dinner bicycle chess_set violin kitchen window museum radio printer keys cabin cat lighthouse budget meeting \
    coat map recipe lamp piano camera dog tea concert flight ticket hotel phone laptop charger backpack tent boots running_shoes raincoat umbrella guitar \
    novel newspaper dictionary letter postcard stamp painting statue mirror carpet sofa armchair shelf desk drawer cupboard fridge oven kettle toaster \
    knife plate bowl glass bottle wine cheese bread soup salad pasta risotto curry peanuts allergy medicine vitamin glasses watch ring necklace scarf \
    gloves hat sweater shirt suitcase passport visa contract invoice tax_return insurance password_hint spreadsheet presentation report deadline \
    interview course exam diploma language sentence poem song film series podcast game puzzle tournament marathon swimming_pool gym yoga_class hike \
    tyre engine battery helmet boat sail anchor renovation heating chimney roof cellar_door staircase balcony plant tree hedge lawn tomato strawberry \
    birthday wedding anniversary present party picnic holiday weekend";
const WHERE: &str = "the_office Lisbon Vienna Porto the_harbour the_mountains the_station Trieste the_cellar Montreal the_market the_library the_airport \
    the_village Bergen Kyoto the_school the_hospital Krakow Dublin the_theatre the_park Ghent the_studio Leipzig the_forest Bologna the_pharmacy Oslo \
    the_bakery Galway the_stadium Ljubljana the_beach Quebec the_monastery Toulouse the_castle Malmo the_island";
const WHEN: &str = "on_Monday on_Friday in_winter in_spring in_the_morning at_the_weekend at_night in_summer on_Sunday in_the_evening last_year \
    every_Tuesday before_breakfast after_work in_March in_October once_a_month during_lunch on_Thursday in_autumn";
