"""What is said in the benchmark of the proxy: memories, questions about them and chats that end with such a question, the same ones in every run."""
import functools
import json
import random

# Each form of a memory, with a question that somebody might ask about it.
FORMS = [
    ("{who} works as a {job} in {city}.", "Where does {name} work as a {job}?"),
    ("{who} is allergic to {food}.", "Can I serve {food} when {name} comes, or is there an allergy?"),
    ("{who} cooked {dish} for dinner {when}.", "When did {name} cook {dish}?"),
    ("{who} moved to {city} {when} and lives near the {place} now.", "Does {name} still live near the {place} in {city}?"),
    ("{who} plays the {instrument} and practises {often}.", "Which days does {name} practise the {instrument}?"),
    ("{who} bought a {colour} {thing} at the {place} {when}.", "Where did {name} get the {colour} {thing}?"),
    ("{who} lost a {thing} on the train to {city} {when}.", "Did {name} ever find the {thing} from the train to {city}?"),
    ("{who} is reading a book about {subject} and recommends it.", "What was the book about {subject} that {name} recommended?"),
    ("{who} adopted a {pet} called {pet_name} {when}.", "What kind of animal is {pet_name}?"),
    ("{who} is learning {language} for a trip to {city}.", "How is the {language} of {name} coming along?"),
    ("{who} goes {sport} {often} with {other}.", "Who goes {sport} with {name}?"),
    ("{who} has an appointment with the {doctor} {when}.", "When is the appointment of {name} with the {doctor}?"),
    ("{who} prefers {drink} to {drink2} in the morning.", "What does {name} drink in the morning, {drink} or {drink2}?"),
    ("{who} is repairing the {part} of an old {vehicle}.", "How far is {name} with the {part} of the {vehicle}?"),
    ("{who} borrowed the {tool} from {other} and promised to return it {when}.", "Who has the {tool} that {other} lent out?"),
    ("{who} watched a film about {subject} at the {place} and did not like it.", "Which film about {subject} did {name} dislike?"),
    ("{who} planted {plant} behind the {place} {when}.", "Where did {name} plant the {plant}?"),
    ("{who} is saving money for a {colour} {vehicle}.", "What {vehicle} is {name} saving for?"),
    ("{who} booked a hotel near the {place} in {city} for the holiday with {other}.", "Which hotel in {city} did {name} book for the holiday?"),
    ("{who} wrote the report about {subject} for the {job} team {when}.", "Has {name} finished the report about {subject}?"),
    ("{who} met {other} at a conference about {subject} in {city}.", "Where did {name} meet {other}?"),
    ("{who} gave {other} a {thing} for the birthday {when}.", "What did {name} give {other} for the birthday?"),
    ("{who} is afraid of {fear} since the journey to {city}.", "Why is {name} afraid of {fear}?"),
    ("{who} teaches {language} to beginners {often} at the {place}.", "When are the {language} lessons of {name}?"),
]

WORDS = {
    "job": "nurse carpenter translator baker plumber teacher geologist pharmacist librarian electrician journalist architect chemist surveyor dentist "
           "florist accountant programmer violinist optician tailor gardener lawyer welder historian".split(),
    "city": "Lisbon Trieste Ghent Bergen Krakow Porto Galway Leipzig Bologna Toulouse Malmö Ljubljana Montreal Kyoto Dublin Vienna Seville Riga Basel "
            "Aarhus Utrecht Turin Brno Graz Nantes Oslo Valencia Zagreb Cork Antwerp".split(),
    "food": "peanuts|shellfish|strawberries|celery|mustard|sesame|hazelnuts|soy|wheat|eggs|kiwi|mango|walnuts|garlic|mushrooms".split("|"),
    "dish": "risotto|lamb curry|pumpkin soup|goulash|paella|ratatouille|lentil stew|ravioli|moussaka|fish pie|ramen|dumplings|lasagne|borscht|couscous".split("|"),
    "when": [f"in {month} {year}" for year in (2022, 2023, 2024) for month in
             "January February March April May June July August September October November December".split()]
            + "last weekend|last summer|before Easter|after the wedding|on Thursday|on Saturday|next month|two weeks ago".split("|"),
    "place": "harbour|old market|railway station|library|museum|town hall|swimming pool|botanical garden|university|lighthouse|bakery|theatre|football ground|"
             "castle|monastery|allotment|ferry terminal|observatory|brewery|cinema".split("|"),
    "instrument": "cello|clarinet|accordion|double bass|oboe|harp|trumpet|banjo|viola|organ|saxophone|mandolin".split("|"),
    "often": "every Monday|on Tuesday evenings|twice a week|on Sunday mornings|every other Friday|before work|during the lunch break|once a month".split("|"),
    "colour": "red blue green yellow grey purple turquoise orange silver beige".split(),
    "thing": "umbrella|backpack|camera|wallet|wristwatch|raincoat|scarf|laptop|thermos|sleeping bag|chess set|headphones|suitcase|sweater|notebook|lamp|"
             "kettle|tent|helmet|mirror".split("|"),
    "subject": "bees|volcanoes|the Silk Road|tax law|cheese making|medieval maps|solar panels|jazz|submarines|the French Revolution|fungi|typography|"
               "glaciers|radio astronomy|coral reefs|beekeeping|railway history|black holes|urban planning|pottery".split("|"),
    "pet": "greyhound|parrot|tortoise|hamster|terrier|rabbit|canary|poodle|goldfish|kitten".split("|"),
    "language": "Portuguese|Japanese|Hungarian|Welsh|Arabic|Polish|Greek|Finnish|Korean|Turkish|Dutch|Swahili".split("|"),
    "sport": "hiking|swimming|climbing|cycling|rowing|bouldering|running|skating|sailing|fencing".split("|"),
    "doctor": "dentist|dermatologist|cardiologist|optician|physiotherapist|vet|orthopaedist|allergist".split("|"),
    "drink": "espresso|green tea|cocoa|rooibos|orange juice|black coffee|mint tea|oat milk".split("|"),
    "part": "gearbox|carburettor|brakes|clutch|exhaust|roof|upholstery|headlights|radiator|suspension".split("|"),
    "vehicle": "motorcycle|tractor|camper van|scooter|rowing boat|bicycle|convertible|sailing boat|pickup|caravan".split("|"),
    "tool": "cordless drill|hedge trimmer|ladder|pressure washer|chainsaw|wheelbarrow|sewing machine|soldering iron|tile cutter|projector".split("|"),
    "plant": "tomatoes|lavender|raspberries|tulips|a fig tree|rosemary|potatoes|sunflowers|rhubarb|an apple tree|hydrangeas|beans".split("|"),
    "fear": "heights|spiders|lifts|thunderstorms|wasps|deep water|flying|tunnels|geese|clowns".split("|"),
}
WORDS["drink2"] = WORDS["drink"]

FIRST = ("Marta Jonas Aisha Pieter Lucia Tomasz Ingrid Rafael Noor Stefan Yuki Carmen Oskar Leila Bruno Hanna Diego Saskia Emil Priya Anton Fatima Loïc Greta "
         "Mateo Elif Viktor Chiara Samuel Aurora Kofi Nadia Henrik Rosa Idris Paula Filip Zoe Marek Amelie Javier Tilda Omar Bianca Sven Mira Andrei Juno "
         "Malik Helga Ciro Wanda Teodor Ines Ravi Klara Enzo Signe Farid Dora").split()
LAST = "Lindqvist Moreau Okafor Novak Castellano Brandt Haddad Silva Kowalski Jansen Petrov Yamamoto Keller Rossi Nilsson Demir".split()
PET_NAMES = "Biscuit Pepper Cosmo Waffle Juno Pickle Luna Rocket Olive Toffee Bandit Pixel Marble Nugget Ziggy Clover Domino Maple Simba Tango".split()
INSTRUCTIONS = "You are a helpful assistant. Answer briefly, and say so where you do not know something. "


@functools.cache
def facts(count):
    """Memories, each with the question about it, or with none where it is about the user."""
    random_ = random.Random(20260923)
    people = [f"{first} {last}" for first in FIRST for last in random_.sample(LAST, 4)]
    seen = {}
    while len(seen) < count:
        memory, question = random_.choice(FORMS)
        slots = {name: random_.choice(words) for name, words in WORDS.items()}
        person, slots["other"] = random_.sample(people, 2)
        slots["pet_name"] = random_.choice(PET_NAMES)
        about_user = random_.random() < 0.3
        slots["who"] = "User" if about_user else person
        slots["name"] = person
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
