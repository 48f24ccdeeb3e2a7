//! The word lists, as tables that can be read and extended without knowing the code around them.

use std::{collections::HashSet, sync::LazyLock};

/// A set of lower-case words.
pub(super) struct Words(LazyLock<HashSet<&'static str>>);

impl Words {
    /// A list that `read` makes on first use.
    pub(super) const fn new(read: fn() -> HashSet<&'static str>) -> Self {
        Self(LazyLock::new(read))
    }

    /// Whether the list has `word`.
    pub(super) fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    /// Whether the list has `word`, or the singular that `word` looks like the plural of.
    pub(super) fn has_noun(&self, word: &str) -> bool {
        let singular = word.strip_suffix("'s").unwrap_or(word);
        self.has(singular)
            || singular.strip_suffix('s').is_some_and(|s| self.has(s))
            || singular.strip_suffix("es").is_some_and(|s| self.has(s))
            || singular.strip_suffix("ies").is_some_and(|s| self.has(&format!("{s}y")))
    }
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub(super) static $name: super::words::Words = super::words::Words::new(|| $text.split_whitespace().collect());)*
    };
}
pub(super) use words;

words! {
    /// Words that open a sentence without saying anything.
    OPENERS = "
        yeah yes yep yup no nope nah oh ooh wow whoa hey hi hello thanks thx ty well so and but also plus actually honestly btw fyi
        anyway anyways okay ok sure cool great awesome nice haha hahaha lol hmm um uh ah aw aww please absolutely definitely totally
        exactly right alright true indeed besides additionally furthermore moreover unfortunately sadly luckily fortunately frankly
        personally seriously basically man dude gosh omg yay woohoo congrats agreed true same lately ps p.s. though still because cause";

    /// Openers of more than one word, written with underscores.
    OPENING_PHRASES = "
        by_the_way to_be_honest to_be_fair as_you_know just_so_you_know so_you_know for_context for_the_record for_your_information
        fun_fact just_fyi just_an_fyi quick_fyi in_fact of_course you_know on_another_note on_that_note speaking_of_which as_i_said as_i_mentioned like_i_said
        as_for_me for_me for_my_part a_bit_about_me about_me some_background for_background some_context quick_background
        in_other_words to_clarify no_worries thank_you for_future_reference oh_and believe_it_or_not you_see in_case_you_wondered
        good_morning good_evening good_afternoon good_to_know what_a_coincidence guess_what_- guess_what guess_what_? long_story_short
        i_wanted_to_say i_just_want_to_say";

    /// The first words of a phrase of time or place that may stand before the subject ("on weekends I …", "since 2019 my …").
    ADVERBIALS = "
        on in at since during after before for until till by from every each last next this yesterday today tomorrow tonight when
        while currently usually normally typically generally often sometimes occasionally recently nowadays growing once as two three
        four five six ten a these most back over throughout around outside originally ever whenever besides apart with despite due
        mainly mostly right now later soon eventually previously formerly years several some many all";

    /// Adverbs that may stand between a subject and its verb, besides those in "-ly".
    ADVERBS = "
        always never often sometimes seldom ever also still just even already now soon then once again too only almost nearly not
         both all each currently quite very really so pretty super kinda mostly sort about half 
        finally well maybe perhaps probably first recently usually occasionally truly totally fully originally typically normally
        regularly officially actually definitely honestly literally basically mainly primarily generally personally absolutely
        completely constantly previously formerly temporarily permanently barely hardly rarely frequently supposedly likely";

    /// Words in "-ly" that are verbs or nouns.
    NOT_ADVERBS = "rely apply supply reply fly multiply imply comply rally bully ally family italy july jelly belly butterfly";

    /// Words of doubt: one anywhere in a clause and the speaker does not vouch for it.
    HEDGES = "
        maybe perhaps probably possibly supposedly presumably apparently hypothetically theoretically might guess suppose wonder wondering
        seemingly unsure imagine pretend  kinda sorta somehow whether unless if otherwise suppose supposing lest idk imo imho";

    /// Pronouns that point out of the sentence.
    POINTERS = "it that this those these them they him her he she one ones both such so there here everything something anything nothing everyone someone";

    /// Words that carry no content of their own.
    STOP_WORDS = "
        a an the and or but of to in on at by for with from as into onto about over under than then so too very really just also still
        not no never always ever only even quite pretty much many more most some any all both each every other another such own same
        i me my mine myself we us our ours you your yours he him his she her hers it its they them their this that these those there
        here who whom whose which what when where why how be am is are was were been being do does did done have has had having will
        would can could should may might must shall 'm 've 'd 'll 're 's n't up out off down back again once now today well lot lots bit
        one ones thing things something anything everything nothing way ways kind sort stuff get got go going because while if since
        great good nice cool awesome amazing fun best better bad big little new super";

    /// People in somebody's life.
    RELATIONS = "
        wife husband spouse partner girlfriend boyfriend fiance fiancé fiancee fiancée ex-wife ex-husband mother mom mum mommy father dad daddy
        parent brother sister sibling twin son daughter kid child children baby toddler grandmother grandfather grandma grandpa granny grandson
        granddaughter grandparent grandkid grandchild uncle aunt cousin nephew niece stepmother stepfather stepson stepdaughter stepbrother
        stepsister mother-in-law father-in-law brother-in-law sister-in-law in-laws family friend bestie roommate flatmate housemate neighbor neighbour
        boss manager colleague coworker co-worker teammate mentor teacher coach therapist doctor dentist landlord student team ancestor relative folks
        pet dog cat puppy kitten pup bird parrot rabbit hamster horse fish turtle tortoise snake lizard guinea goat chicken cow";

    /// The material of a task at hand: what has one of these as its object is no fact about a life.
    TASK_NOUNS = "
        code function method array string variable script file folder directory column row dataframe df dataset query
        database api endpoint json csv xml html css regex error exception bug issue problem question task assignment homework essay
        sentence paragraph text word equation matrix vector formula loop output input request response container commit component
        button url link version package module object value integer index element node algorithm gpu cpu wordpress redux pytorch
        command terminal log config configuration template spreadsheet cell snippet parameter argument prompt instruction example step
        dictionary tuple pointer thread warning message stack schema parser compiler cursor sql pdf docx pixel boolean localhost
        dialog screen webpage widget dropdown enum struct interface constructor callback async cron pipeline pandas numpy kubernetes
        draft outline thesis haiku list idea doubt suggestion solution approach requirement following scenario statement javascript documentation docs tutorial changelog readme
        constant probability marble dice polynomial triangle chart excel vba docker nginx var repo option answer repo repository
        fault crash leak deadlock segfault
        port ssh firewall router plugin gradle maven npm pip unittest debugger breakpoint navbar";

    /// A message with two of these is about software, and habits and events in it belong to the task.
    TECHNICAL = "
        code function method array string variable script file folder directory column row dataframe dataset query database api endpoint
        json csv xml html css regex error exception bug compile compiles compiling compiler install installed installing npm pip docker
        kubernetes nginx sql mysql postgres postgresql react angular vue django flask typescript class field library form table page slide javascript java python c++ c# rust golang php laravel
        parse parsing loop output input request response server deploy deployed deploying container git commit merge branch debug debugging
        stacktrace undefined null segfault crash crashes crashed timeout localhost callback async thread import module library package
        excel vba macro formula spreadsheet cell pandas numpy tensorflow pytorch aws lambda azure s3 terraform ansible linux ubuntu bash
        unittest pytest build builds framework boolean integer json.parse latex webpack gradle maven android ios kotlin sdk cli backend frontend app redux ci gpu cpu component hook wordpress website test tests pod boolean localhost env ide vscode debugger breakpoint github gitlab jenkins yaml toml macos windows driver firmware";

    /// What people own, have and look forward to: kept even where the message goes on to ask for something.
    OWNED = "
        car bike bicycle motorcycle motorbike truck van house home apartment flat garden yard balcony boat cabin cottage farm guitar piano violin
        business company shop store bakery restaurant job career degree diploma license budget salary mortgage birthday anniversary
        surgery subscription allergy asthma diabetes adhd autism dyslexia migraine migraines anxiety depression
        arthritis epilepsy eczema hypertension intolerance condition phobia disability wheelchair tattoo scar twin experience siblings hobby
        hometown address email phone number pronoun timezone zone visa passport height weight diet religion language accent nickname schedule
        shift shifts medication insulin glasses braces collection instrument greenhouse pool sauna vegetarian age";

    /// Nouns after "my" that belong to the talk, not to a life.
    TALK_NOUNS = "
        question point guess mistake apology apologies understanding thought heart mind head pleasure concern confusion bet turn
        assumption intention hypothesis result attempt hope regard condolence prayer goodness gosh god lord word advice suggestion
        request expectation  reason answer thanks way part problem issue
        opinion view perspective viewpoint case guesses impression example prompt instruction favor eye ear jaw day two everything fault gratitude support congratulations";

    /// Endings of a question that a statement may carry, first word: ", what about you?".
    QUESTION_WORDS = "
        what how who where when which why do does did are is was were have has had can could would will should want wanna any aren't isn't don't doesn't
        right ok okay huh correct you yours and or got have";
}
