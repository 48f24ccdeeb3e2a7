//! Thirty sentences a language: what is kept of them, and what is not.

use chrono::DateTime;
use maia::memory::extract::{Exchange, Extractor};

/// A message, and the one memory in it; empty: none.
type Sentences = [(&'static str, &'static str); 30];

const GERMAN: Sentences = [
    ("Ich heiße Jonas.", "User heißt Jonas"),
    ("Ich mag klassische Musik.", "User mag klassische Musik"),
    ("Mein Name ist Anna Weber.", "Users Name ist Anna Weber"),
    ("Nenn mich Joe.", "User möchte Joe genannt werden"),
    ("Ich bin 34 Jahre alt.", "User ist 34 Jahre alt"),
    ("Ich wohne in Köln.", "User wohnt in Köln"),
    ("Ich wohne nicht mehr in Köln.", "User wohnt nicht mehr in Köln"),
    (
        "Ich bin von Köln nach Kiel gezogen.",
        "User ist von Köln nach Kiel gezogen",
    ),
    ("Ich komme aus Österreich.", "User kommt aus Österreich"),
    ("Ich arbeite bei Siemens.", "User arbeitet bei Siemens"),
    ("Meine Zeitzone ist MEZ.", "Users Zeitzone ist MEZ"),
    ("Ich bin Vegetarier.", "User ist Vegetarier"),
    ("Ich bin verheiratet.", "User ist verheiratet"),
    ("Meine Lieblingsfarbe ist Grün.", "Users Lieblingsfarbe ist Grün"),
    ("Ich bin allergisch gegen Nüsse.", "User ist allergisch gegen Nüsse"),
    ("Meine Frau Ana arbeitet am CERN.", "Users Frau Ana arbeitet am CERN"),
    ("Ich habe zwei Hunde.", "User hat zwei Hunde"),
    (
        "Antworte ab jetzt auf Deutsch.",
        "User möchte ab jetzt Antworten auf Deutsch",
    ),
    ("Merk dir, dass ich in Kiel wohne.", "User wohnt in Kiel"),
    ("Ich esse kein Fleisch.", "User isst kein Fleisch"),
    ("Ich trinke nie Kaffee am Abend.", "User trinkt nie Kaffee am Abend"),
    ("Wohne ich in Köln?", ""),
    ("Vielleicht ziehe ich nach Berlin.", ""),
    ("Wenn ich in Rom wohne, esse ich Pizza.", ""),
    ("Ich bin müde.", ""),
    ("Ich habe eine Frage zu meinem Code.", ""),
    ("Stell dir vor, ich bin ein Pirat. Ich wohne in Tortuga.", ""),
    ("Übersetze ins Englische: Ich wohne in Berlin.", ""),
    ("Schreib mir ein Gedicht über den Herbst. Ich liebe den Regen.", ""),
    ("Er sagte: „Ich wohne in Rom.“", ""),
];

const FRENCH: Sentences = [
    ("Je m'appelle Camille.", "User s'appelle Camille"),
    ("Mon prénom est Luc.", "Le nom de User est Luc"),
    ("Appelle-moi Jo.", "User veut être appelé Jo"),
    ("J'ai 34 ans.", "User a 34 ans"),
    ("J'habite à Lyon.", "User habite à Lyon"),
    ("Je n'habite plus à Lyon.", "User n'habite plus à Lyon"),
    ("J'ai déménagé de Lyon à Nantes.", "User a déménagé de Lyon à Nantes"),
    ("Je viens de Belgique.", "User vient de Belgique"),
    ("Je travaille chez Airbus.", "User travaille chez Airbus"),
    ("Je suis végétarienne.", "User est végétarienne"),
    ("Je suis marié.", "User est marié"),
    (
        "Ma couleur préférée est le vert.",
        "La couleur préférée de User est le vert",
    ),
    ("Je suis allergique aux noix.", "User est allergique aux noix"),
    (
        "Ma femme Ana travaille au CERN.",
        "La femme de User Ana travaille au CERN",
    ),
    ("J'ai deux chiens.", "User a deux chiens"),
    ("Je n'ai pas de frères.", "User n'a pas de frères"),
    (
        "Réponds désormais en français.",
        "User veut désormais des réponses en français",
    ),
    ("Je ne mange pas de viande.", "User ne mange pas de viande"),
    ("J'adore la randonnée.", "User adore la randonnée"),
    ("Je suis infirmière.", "User est infirmière"),
    ("Mes parents vivent à Nice.", "Les parents de User vivent à Nice"),
    ("Est-ce que j'habite à Lyon ?", ""),
    ("Je pense que je suis allergique aux chats.", ""),
    ("Si j'habitais à Rome, je mangerais des pâtes.", ""),
    ("Je suis fatiguée.", ""),
    ("J'ai une question sur mon code.", ""),
    ("Imagine que je suis un pirate. J'habite à Tortuga.", ""),
    ("Traduis en anglais : J'habite à Paris.", ""),
    ("Écris-moi un poème sur la pluie. J'adore la mer.", ""),
    ("Il a dit « j'habite à Rome ».", ""),
];

const SPANISH: Sentences = [
    ("Me llamo Lucía.", "User se llama Lucía"),
    ("Mi nombre es Pablo Ruiz.", "El nombre de User es Pablo Ruiz"),
    ("Llámame Pepe.", "User quiere que le llamen Pepe"),
    ("Tengo 34 años.", "User tiene 34 años"),
    ("Vivo en Sevilla.", "User vive en Sevilla"),
    ("Ya no vivo en Sevilla.", "User ya no vive en Sevilla"),
    ("Me mudé de Sevilla a Madrid.", "User se mudó de Sevilla a Madrid"),
    ("Soy de Colombia.", "User es de Colombia"),
    ("Trabajo en Telefónica.", "User trabaja en Telefónica"),
    ("Mi zona horaria es CET.", "La zona horaria de User es CET"),
    ("Soy vegetariana.", "User es vegetariana"),
    ("Estoy casado.", "User está casado"),
    (
        "Mi color favorito es el verde.",
        "User tiene como color favorito: el verde",
    ),
    ("Soy alérgico a las nueces.", "User es alérgico a las nueces"),
    (
        "Mi esposa Ana trabaja en el CERN.",
        "La esposa de User Ana trabaja en el CERN",
    ),
    ("Tengo dos perros.", "User tiene dos perros"),
    (
        "A partir de ahora responde en español.",
        "User quiere respuestas en español a partir de ahora",
    ),
    ("No como carne.", "User no come carne"),
    ("Me gusta el senderismo.", "A User le gusta el senderismo"),
    ("Soy enfermera.", "User es enfermera"),
    ("Mis padres viven en Bilbao.", "Los padres de User viven en Bilbao"),
    ("¿Vivo en Sevilla?", ""),
    ("Creo que soy alérgico a los gatos.", ""),
    ("Si viviera en Roma, comería pizza.", ""),
    ("Estoy cansada.", ""),
    ("Tengo una duda sobre mi código.", ""),
    ("Imagina que soy un pirata. Vivo en Tortuga.", ""),
    ("Traduce al inglés: Vivo en Madrid.", ""),
    ("Escribe un poema sobre la lluvia. Me gusta el mar.", ""),
    ("Él dijo «vivo en Roma».", ""),
];

const PORTUGUESE: Sentences = [
    ("Eu me chamo Beatriz.", "User chama-se Beatriz"),
    ("O meu nome é João Silva.", "O nome de User é João Silva"),
    ("Me chame de Zé.", "User quer ser chamado de Zé"),
    ("Tenho 34 anos.", "User tem 34 anos"),
    ("Moro em Lisboa.", "User mora em Lisboa"),
    ("Não moro mais em Lisboa.", "User não mora mais em Lisboa"),
    (
        "Eu me mudei de Lisboa para Braga.",
        "User mudou-se de Lisboa para Braga",
    ),
    ("Sou de Angola.", "User é de Angola"),
    ("Trabalho na Petrobras.", "User trabalha na Petrobras"),
    ("O meu fuso horário é BRT.", "O fuso horário de User é BRT"),
    ("Sou vegetariana.", "User é vegetariana"),
    ("Sou casado.", "User é casado"),
    ("Minha cor favorita é verde.", "A cor favorita de User é verde"),
    ("Sou alérgico a nozes.", "User é alérgico a nozes"),
    (
        "Minha esposa Ana trabalha no CERN.",
        "A esposa de User Ana trabalha no CERN",
    ),
    ("Tenho dois cachorros.", "User tem dois cachorros"),
    (
        "A partir de agora responda em português.",
        "User quer respostas em português a partir de agora",
    ),
    ("Não como carne.", "User não come carne"),
    ("Gosto de caminhar na praia.", "User gosta de caminhar na praia"),
    ("Sou enfermeira.", "User é enfermeira"),
    ("Meus pais moram no Porto.", "Os pais de User moram no Porto"),
    ("Eu moro em Lisboa?", ""),
    ("Acho que sou alérgico a gatos.", ""),
    ("Se eu morasse em Roma, comeria pizza.", ""),
    ("Estou cansada.", ""),
    ("Tenho uma dúvida sobre o meu código.", ""),
    ("Imagine que sou um pirata. Moro em Tortuga.", ""),
    ("Traduza para o inglês: Moro em Lisboa.", ""),
    ("Escreva um poema sobre a chuva. Gosto do mar.", ""),
    ("Ele disse «moro em Roma».", ""),
];

const CHINESE: Sentences = [
    ("我叫王小明。", "用户叫王小明"),
    ("我的名字是李雷。", "用户的名字是李雷"),
    ("请叫我小李。", "用户希望被称为小李"),
    ("我今年34岁。", "用户今年34岁"),
    ("我住在北京。", "用户住在北京"),
    ("我已经不住在北京了。", "用户不再住在北京"),
    ("我从北京搬到了上海。", "用户从北京搬到了上海"),
    ("我来自四川。", "用户来自四川"),
    ("我在华为工作。", "用户在华为工作"),
    ("我的时区是东八区。", "用户的时区是东八区"),
    ("我是素食者。", "用户是素食者"),
    ("我结婚了。", "用户结婚了"),
    ("我最喜欢的颜色是绿色。", "用户最喜欢的颜色是绿色"),
    ("我对花生过敏。", "用户对花生过敏"),
    ("我妻子在医院工作。", "用户的妻子在医院工作"),
    ("我养了两只猫。", "用户养了两只猫"),
    ("以后请用中文回答。", "用户希望以后用中文回答"),
    ("我不吃肉。", "用户不吃肉"),
    ("我喜欢爬山。", "用户喜欢爬山"),
    ("我是护士。", "用户是护士"),
    ("我的生日是五月二日。", "用户的生日是五月二日"),
    ("我住在北京吗？", ""),
    ("我可能对猫过敏。", ""),
    ("如果我住在罗马，我会每天吃披萨。", ""),
    ("我累了。", ""),
    ("我有一个关于代码的问题。", ""),
    ("假设我是海盗。我住在岛上。", ""),
    ("翻译成英文：我住在上海。", ""),
    ("写一首关于雨的诗。我喜欢大海。", ""),
    ("他说：“我住在罗马。”", ""),
];

fn memories(message: &str) -> Vec<String> {
    let exchange = Exchange {
        user: Some(message),
        assistant: None,
        at: DateTime::UNIX_EPOCH,
    };
    let found = Extractor::default().extract(&exchange);
    found.into_iter().map(|memory| memory.content).collect()
}

#[test]
fn other_languages_are_read_by_rules_of_their_own() {
    let mut wrong = Vec::new();
    for (message, expected) in [GERMAN, FRENCH, SPANISH, PORTUGUESE, CHINESE].concat() {
        let expected: Vec<&str> = [expected].into_iter().filter(|memory| !memory.is_empty()).collect();
        let found = memories(message);
        if found != expected {
            wrong.push(format!("{message}\n  expected {expected:?}\n  found    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_made_of_a_language_that_is_not_known() {
    for message in [
        "Ik woon in Utrecht en ik werk bij Philips.",
        "We wonen in Utrecht.",
        "Mijn vrouw is lerares.",
        "Mieszkam w Warszawie i pracuję jako lekarz.",
        "I miei figli vivono a Milano.",
        "Mi chiamo Giulia e vivo a Torino.",
        "Jag bor i Stockholm och jag arbetar som läkare.",
        "Jeg bor i Oslo, og min kone er lærer.",
        "Asun Helsingissä.",
        "Ben Ankara'da yaşıyorum.",
        "Меня зовут Иван, я живу в Москве.",
        "Bydlím v Praze a mám dva psy.",
        "私は東京に住んでいます。",
        "저는 서울에 살아요.",
        "मैं दिल्ली में रहता हूँ।",
        "أنا أعيش في القاهرة.",
        "Eu locuiesc în Cluj și am doi câini.",
    ] {
        assert_eq!(memories(message), Vec::<String>::new(), "{message}");
    }
}

#[test]
fn two_statements_in_one_sentence_are_two_memories() {
    assert_eq!(
        memories("Ich wohne in Köln und ich arbeite bei Bayer."),
        ["User wohnt in Köln", "User arbeitet bei Bayer"]
    );
    assert_eq!(
        memories("Ich heiße Anna Weber, wohne in Köln und arbeite bei Bayer."),
        ["User heißt Anna Weber", "User wohnt in Köln", "User arbeitet bei Bayer"]
    );
    assert_eq!(
        memories("J'habite à Lyon et travaille chez Airbus."),
        ["User habite à Lyon", "User travaille chez Airbus"]
    );
    assert_eq!(
        memories("Vivo en Quito y tengo dos gatos."),
        ["User vive en Quito", "User tiene dos gatos"]
    );
    assert_eq!(
        memories("我住在北京，我在学校工作。"),
        ["用户住在北京", "用户在学校工作"]
    );
}

#[test]
fn what_is_said_under_a_condition_is_not_believed_by_halves() {
    for text in [
        "Wenn ich reich wäre, wohne ich in Rom und arbeite nie mehr.",
        "Vielleicht ziehe ich nach Rom und arbeite bei Fiat.",
        "Je pense que j'habite à Lyon et travaille chez Airbus.",
    ] {
        assert!(memories(text).is_empty(), "{text}: {:?}", memories(text));
    }
}
