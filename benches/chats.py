"""What is said in the benchmark of the proxy: memories, questions about them and chats that end with such a question, the same ones in every run."""
import functools
import json
import random

# Forms of a memory, each with a question that somebody might ask about it. A form with verbs, past and plain, is as many forms as it has verbs.
FORMS = [
    ("{who} works as a {job} in {city}.", "Where does {name} work as a {job}?", ""),
    ("{who} wants to become a {job} and takes lessons {often}.", "When are the {job} lessons of {name}?", ""),
    ("{who} interviewed a {job} about {subject} {when}.", "Who was the {job} that {name} interviewed about {subject}?", ""),
    ("{who} is allergic to {food}.", "Can I serve {food} when {name} comes, or is there an allergy?", ""),
    ("{who} {did} {dish} for dinner {when}.", "When did {name} {do} {dish}?", "cooked/cook ordered/order burned/burn served/serve tried/try froze/freeze"),
    ("{who} moved to {city} {when} and lives near the {place} now.", "Does {name} still live near the {place} in {city}?", ""),
    ("{who} {did} the {instrument} {when}.", "When did {name} {do} the {instrument}?",
     "learned/learn practised/practise sold/sell tuned/tune rented/rent recorded/record abandoned/abandon"),
    ("{who} {did} a {colour} {thing} at the {place} {when}.", "Where did {name} {do} the {colour} {thing}?",
     "bought/buy sold/sell found/find forgot/forget repaired/repair painted/paint broke/break cleaned/clean hid/hide dropped/drop admired/admire "
     "exchanged/exchange donated/donate photographed/photograph unwrapped/unwrap raffled/raffle"),
    ("{who} lost a {thing} on the train to {city} {when}.", "Did {name} ever find the {thing} from the train to {city}?", ""),
    ("{who} {did} {subject} {when}.", "When was it that {name} {did} {subject}?",
     "read_a_book_about/read watched_a_film_about/watch gave_a_talk_on/give took_a_course_on/take heard_a_podcast_about/hear wrote_a_report_on/write "
     "visited_an_exhibition_on/visit joined_a_club_for/join dreamed_about/dream started_a_blog_about/start argued_about/argue collected_stamps_of/collect"),
    ("{who} {did} a {pet} called {pet_name} {when}.", "What is the name of the {pet} that {name} {did}?",
     "adopted/adopt rescued/rescue trained/train fed/feed walked/walk brushed/brush"),
    ("{who} is learning {language} for a trip to {city}.", "How is the {language} of {name} coming along?", ""),
    ("{who} translated a contract from {language} {when}.", "Did {name} translate the contract from {language}?", ""),
    ("{who} teaches {language} to beginners {often}.", "When does {name} teach {language}?", ""),
    ("{who} goes {sport} {often}.", "Which days does {name} go {sport}?", ""),
    ("{who} won a medal for {sport} in {city}.", "Where did {name} win the {sport} medal?", ""),
    ("{who} twisted an ankle while {sport} {when}.", "Is the ankle of {name} better, the one from {sport}?", ""),
    ("{who} has an appointment with the {doctor} {when}.", "When is the appointment of {name} with the {doctor}?", ""),
    ("{who} was sent to the {doctor} because of a rash.", "Has {name} been to the {doctor} about the rash?", ""),
    ("{who} prefers {drink} to {drink2} in the morning.", "What does {name} drink in the morning, {drink} or {drink2}?", ""),
    ("{who} spilled {drink} over a {thing} {when}.", "Did the {drink} come out of the {thing} of {name}?", ""),
    ("{who} {did} the {part} of an old {vehicle} {when}.", "When did {name} {do} the {part} of the {vehicle}?",
     "repaired/repair replaced/replace painted/paint removed/remove insured/insure polished/polish measured/measure"),
    ("{who} {did} a {vehicle} in {city} {when}.", "When did {name} {do} the {vehicle} in {city}?",
     "rented/rent crashed/crash parked/park inherited/inherit raced/race towed/tow"),
    ("{who} {did} the {tool} {when}.", "When did {name} {do} the {tool}?",
     "lent_out/lend borrowed/borrow returned/return misplaced/misplace sharpened/sharpen auctioned/auction"),
    ("{who} {did} {plant} behind the {place} {when}.", "Where did {name} {do} the {plant}?",
     "planted/plant pruned/prune watered/water picked/pick sketched/sketch noticed/notice"),
    ("{who} booked a hotel near the {place} in {city} for the holidays.", "Which hotel in {city} did {name} book for the holidays?", ""),
    ("{who} missed the flight to {city} {when}.", "Why did {name} miss the flight to {city}?", ""),
    ("{who} met {other} at a conference about {subject} in {city}.", "Where did {name} meet {other}?", ""),
    ("{who} gave {other} a {thing} for the birthday.", "What did {name} give {other} for the birthday?", ""),
    ("{who} owes {other} money for the {tool}.", "Has {name} paid {other} for the {tool}?", ""),
    ("{who} is afraid of {fear} since the journey to {city}.", "Why is {name} afraid of {fear}?", ""),
    ("{who} overcame the fear of {fear} with the help of a {doctor}.", "Who helped {name} with the fear of {fear}?", ""),
]

WORDS = {
    "job": "nurse carpenter translator baker plumber teacher geologist pharmacist librarian electrician journalist architect chemist surveyor dentist "
           "florist accountant programmer violinist optician tailor gardener lawyer welder historian beekeeper cartographer midwife locksmith glazier "
           "paramedic potter roofer sculptor stonemason upholsterer veterinarian zoologist actuary auctioneer barber blacksmith butcher choreographer "
           "conductor diplomat economist engraver firefighter goldsmith hydrologist illustrator jeweller landscaper mathematician meteorologist "
           "notary oceanographer photographer radiologist".split(),
    "city": "Lisbon Trieste Ghent Bergen Krakow Porto Galway Leipzig Bologna Toulouse Malmö Ljubljana Montreal Kyoto Dublin Vienna Seville Riga Basel "
            "Aarhus Utrecht Turin Brno Graz Nantes Oslo Valencia Zagreb Cork Antwerp Tallinn Vilnius Sofia Split Girona Palermo Genoa Lyon Lille Rennes "
            "Bremen Rostock Dresden Mainz Freiburg Lucerne Geneva Salzburg Linz Innsbruck Bratislava Debrecen Gdansk Poznan Tampere Turku Uppsala "
            "Stavanger Odense Reykjavik Glasgow Cardiff Bristol Leeds York".split(),
    "food": "peanuts|shellfish|strawberries|celery|mustard|sesame|hazelnuts|soy|wheat|eggs|kiwi|mango|walnuts|garlic|mushrooms|cashews|lupin|oysters|"
            "apricots|buckwheat|cinnamon|coriander|figs|lentils|maize|pistachios|prawns|rye|squid|vanilla".split("|"),
    "dish": "risotto|lamb curry|pumpkin soup|goulash|paella|ratatouille|lentil stew|ravioli|moussaka|fish pie|ramen|dumplings|lasagne|borscht|couscous|"
            "enchiladas|falafel|gazpacho|gnocchi|jambalaya|kimchi pancakes|laksa|meatballs|minestrone|onion tart|pad thai|pierogi|quiche|roast duck|"
            "saltimbocca|schnitzel|shakshuka|stuffed peppers|tagine|teriyaki salmon|tortilla|vegetable korma|baked beans|cauliflower cheese|chowder".split("|"),
    "when": [f"in {month} {year}" for year in range(2017, 2026) for month in
             "January February March April May June July August September October November December".split()]
            + "last weekend|last summer|before Easter|after the wedding|on Thursday|on Saturday|next month|two weeks ago".split("|"),
    "place": "harbour|old market|railway station|library|museum|town hall|swimming pool|botanical garden|university|lighthouse|bakery|theatre|football ground|"
             "castle|monastery|allotment|ferry terminal|observatory|brewery|cinema|aquarium|art gallery|bookshop|bowling alley|bus depot|campsite|cathedral|"
             "concert hall|community centre|courthouse|fire brigade|fish market|flower shop|golf course|greenhouse|hospital|ice rink|kindergarten|"
             "launderette|marina|nature reserve|opera house|pharmacy|planetarium|playground|police headquarters|quarry|racecourse|reservoir|"
             "sawmill|shipyard|stadium|synagogue|tennis courts|vineyard|viaduct|water tower|windmill|youth hostel|zoo".split("|"),
    "instrument": "cello|clarinet|accordion|double bass|oboe|harp|trumpet|banjo|viola|organ|saxophone|mandolin|bagpipes|bassoon|bongos|cornet|drums|"
                  "euphonium|flute|french horn|glockenspiel|harmonica|harpsichord|lute|marimba|piccolo|recorder|sitar|trombone|ukulele".split("|"),
    "often": "every Monday|on Tuesday evenings|twice a week|on Sunday mornings|every other Friday|before work|during the lunch break|once a month|"
             "on Wednesday afternoons|after the night shift|in the school holidays|at weekends|daily|early on Saturdays|every second Thursday|in winter".split("|"),
    "colour": "red blue green yellow grey purple turquoise orange silver beige crimson ivory maroon navy olive pink teal violet white black".split(),
    "thing": "umbrella|backpack|camera|wallet|wristwatch|raincoat|scarf|laptop|thermos|sleeping bag|chess set|headset|suitcase|sweater|notebook|lamp|"
             "kettle|tent|helmet|mirror|armchair|barometer|blanket|bookshelf|bracelet|briefcase|calculator|candlestick|cardigan|carpet|clock|cushion|"
             "dictionary|brooch|fountain pen|fruit bowl|mitten|hammock|handbag|keyboard|kite|magnifier|necklace|paintbrush|passport|picnic basket|"
             "pocket knife|dressing gown|radio|rucksack|rug|sandal|skateboard|slipper|sofa|teapot|telescope|tripod|typewriter|vase".split("|"),
    "subject": "bees|volcanoes|the Silk Road|tax law|cheese making|medieval maps|solar panels|jazz|submarines|the French Revolution|fungi|typography|"
               "glaciers|radio astronomy|coral reefs|ancient Egypt|railway history|black holes|urban planning|pottery|antibiotics|bridges|cave paintings|"
               "cryptography|dinosaurs|earthquakes|espionage|folk dancing|game theory|genetics|heraldry|hurricanes|insulation|knitting|linguistics|"
               "lobster fishing|magnetism|migrating birds|moss|Norse mythology|nutrition|octopuses|opera|perfume|pirates|polar expeditions|"
               "quantum computing|rivers|robotics|sailing ships|sleep research|spice routes|stained glass|sundials|tea ceremonies|tides|truffles|"
               "vaccines|water rights|wolves".split("|"),
    "pet": "greyhound|parrot|tortoise|hamster|terrier|rabbit|canary|poodle|goldfish|kitten|beagle|budgerigar|chameleon|chinchilla|cockatoo|collie|corgi|"
           "dachshund|ferret|gecko|iguana|labrador|mule|pony|python|spaniel|tabby|whippet|donkey|duck".split("|"),
    "language": "Portuguese|Japanese|Hungarian|Welsh|Arabic|Polish|Greek|Finnish|Korean|Turkish|Dutch|Swahili|Albanian|Armenian|Basque|Bulgarian|Catalan|"
                "Croatian|Czech|Danish|Estonian|Georgian|Hebrew|Hindi|Icelandic|Irish|Latvian|Maltese|Norwegian|Persian|Romanian|Serbian|Slovak|"
                "Tamil|Thai|Ukrainian|Urdu|Vietnamese|Yoruba|Zulu".split("|"),
    "sport": "hiking|swimming|climbing|cycling|rowing|bouldering|running|skating|sailing|fencing|archery|bowling|canoeing|curling|diving|fishing|golfing|"
             "horse riding|jogging|kayaking|karting|orienteering|paragliding|skiing|snowboarding|spearfishing|surfing|trampolining|wrestling|birdwatching".split("|"),
    "doctor": "dentist|dermatologist|cardiologist|optician|physiotherapist|vet|orthopaedist|allergist|audiologist|chiropodist|dietician|gynaecologist|"
              "neurologist|oncologist|osteopath|psychologist|pulmonologist|rheumatologist|surgeon|urologist".split("|"),
    "drink": "espresso|green tea|cocoa|rooibos|orange juice|black coffee|mint tea|oat milk|apple juice|barley water|buttermilk|camomile tea|chai|cider|"
             "coconut water|elderflower cordial|ginger ale|grapefruit juice|iced tea|kefir|lemonade|mineral water|smoothies|tomato juice".split("|"),
    "part": "gearbox|carburettor|brakes|clutch|exhaust|roof|upholstery|headlights|radiator|suspension|alternator|axle|bonnet|bumper|dashboard|fuel pump|"
            "gaskets|handlebars|ignition|mudguards|pistons|rudder|saddle|starter|steering|tyres|wheel bearings|windscreen|wiring|number plate".split("|"),
    "vehicle": "motorcycle|tractor|camper van|scooter|rowing boat|bicycle|convertible|sailing boat|pickup|caravan|ambulance|canoe|catamaran|dinghy|"
               "estate car|fire engine|forklift|glider|hearse|houseboat|hovercraft|jeep|limousine|minibus|moped|quad bike|sidecar|taxi|tandem|tricycle".split("|"),
    "tool": "cordless drill|hedge trimmer|ladder|pressure washer|chainsaw|wheelbarrow|sewing machine|soldering iron|tile cutter|projector|angle grinder|"
            "axe|bench vice|blowtorch|bolt cutters|cement mixer|chisels|crowbar|dehumidifier|floor sander|glue gun|jigsaw|lawn mower|leaf blower|"
            "mitre saw|paint sprayer|rotavator|scythe|sledgehammer|spirit level|stapler|steam cleaner|trolley jack|wallpaper stripper|wood lathe".split("|"),
    "plant": "tomatoes|lavender|raspberries|tulips|a fig tree|rosemary|potatoes|sunflowers|rhubarb|an apple tree|hydrangeas|beans|artichokes|asparagus|"
             "basil|begonias|blackcurrants|a cherry tree|chrysanthemums|courgettes|crocuses|daffodils|dahlias|foxmitten|geraniums|gooseberries|honeysuckle|"
             "hostas|irises|jasmine|kale|leeks|lilies|a magnolia|marigolds|a mulberry tree|parsnips|peonies|a plum tree|pumpkins|radishes|snowdrops|"
             "spinach|thyme|wisteria".split("|"),
    "fear": "heights|spiders|lifts|thunderstorms|wasps|deep water|flying|tunnels|geese|clowns|balloons|bats|bridges|crowds|darkness|dogs|escalators|"
            "fireworks|horses|injections|jellyfish|masks|mice|moths|needles|pigeons|quicksand|snakes|stage lights|ticks".split("|"),
}
# Two kinds, so that nobody prefers anything to itself.
WORDS["drink2"], WORDS["drink"] = WORDS["drink"][::2], WORDS["drink"][1::2]

FIRST = ("Marta Jonas Aisha Pieter Lucia Tomasz Ingrid Rafael Noor Stefan Yuki Carmen Oskar Leila Bruno Hanna Diego Saskia Emil Priya Anton Fatima Loïc Greta "
         "Mateo Elif Viktor Chiara Samuel Aurora Kofi Nadia Henrik Rosa Idris Paula Filip Zoe Marek Amelie Javier Tilda Omar Bianca Sven Mira Andrei Juno "
         "Malik Helga Ciro Wanda Teodor Ines Ravi Klara Enzo Signe Farid Dora Abel Agnes Alba Alma Anouk Arjun Astrid Beatriz Benno Birgit Boris Camille "
         "Casper Celia Daan Daria Dario Edith Eero Elena Elias Esther Eszter Fabio Felix Femke Flora Frida Gemma Gregor Gustav Hamid Hedda Hugo Ilse Imani "
         "Irene Isak Ivana Jasper Joana Josef Judit Kaito Kamil Karim Katya Lars Laszlo Lena Leon Linnea Livia Lukas Magda Maja Manuel Marcel Margot Milan "
         "Milos Nils Nina Noemi Odile Olga Otto Pavel Petra Quentin Ragna Renata Rosalind Ruben Sanne Selma Sergio Silke Sonja Soren Tamar Tessa Thijs "
         "Ulrike Umberto Vera Vesna Vincent Walter Xenia Yara Yusuf Zofia Zoltan").split()
LAST = "Lindqvist Moreau Okafor Novak Castellano Brandt Haddad Silva Kowalski Jansen Petrov Yamamoto Keller Rossi Nilsson Demir".split()
PET_NAMES = "Biscuit Pepper Cosmo Waffle Juno Pickle Luna Rocket Olive Toffee Bandit Pixel Marble Nugget Ziggy Clover Domino Maple Simba Tango".split()
INSTRUCTIONS = "You are a helpful assistant. Answer briefly, and say so where you do not know something. "


@functools.cache
def facts(count):
    """Memories, each with the question about it, or with none where it is about the user."""
    random_ = random.Random(20260923)
    people = [f"{first} {random_.choice(LAST)}" for first in FIRST]
    forms = [(memory, question, *verb.replace("_", " ").split("/")) for memory, question, verbs in FORMS for verb in verbs.split() or ["/"]]
    seen = {}
    while len(seen) < count:
        memory, question, did, do = random_.choice(forms)
        slots = {name: random_.choice(words) for name, words in WORDS.items()}
        person, slots["other"] = random_.sample(people, 2)
        about_user = random_.random() < 0.3
        slots |= {"did": did, "do": do, "pet_name": random_.choice(PET_NAMES), "name": person.split()[0], "who": "User" if about_user else person}
        seen.setdefault(memory.format(**slots), None if about_user else question.format(**slots))
    return list(seen.items())


def questions(memories, count):
    """Questions, each about one of so many memories."""
    return random.Random(count).sample([question for _, question in facts(memories) if question], count)


def chat(question, size, messages, stream, tokens, model):
    """The body of a chat of so many messages and bytes that ends with the question, as the official clients write it."""
    random_ = random.Random(messages)
    sentences = [memory for memory, _ in facts(400)]
    share = size // messages

    def text():
        words = random_.choice(sentences)
        while len(words) < share - 60:
            words += random_.choice([" ", "\n", "\n\n- "]) + random_.choice(sentences)
        return words

    said = [{"role": ("user", "assistant")[number % 2], "content": text()} for number in range(messages - 1)]
    body = {"messages": [*said, {"role": "user", "content": question}], "model": model, "max_tokens": tokens, "stream": stream, "temperature": 0.7}

    def encode():
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

    # Chats that are long are filled up where they are long, short ones in their instructions.
    missing = size - len(encode())
    if said:
        said[-1]["content"] = said[-1]["content"][:missing] if missing < 0 else said[-1]["content"] + "." * missing
    elif missing > len(INSTRUCTIONS):
        body["messages"].insert(0, {"role": "system", "content": ""})
        missing = size - len(encode())
        body["messages"][0]["content"] = (INSTRUCTIONS * (missing // len(INSTRUCTIONS) + 1))[:missing]
    return encode()
