//! Each script: a sentence that is stored, a question that is asked, and the sentence is found first.

use serde_json::json;

use crate::support::TestApp;

/// Script, what is known, what is asked.
const QUESTIONS: &[(&str, &str, &str)] = &[
    ("Chinese", "用户的妹妹在上海当医生", "谁在上海工作？"),
    ("Chinese, traditional", "用戶喜歡在週末爬山", "週末喜歡做什麼？"),
    ("Chinese, one character", "用户养了一只猫", "猫"),
    ("Japanese", "ユーザーは毎朝コーヒーを飲みます", "コーヒーは好きですか？"),
    (
        "Japanese, kanji",
        "来月は京都へ旅行する予定です",
        "京都旅行はいつですか？",
    ),
    ("Korean", "사용자는 부산에서 태어났습니다", "부산은 어디에 있나요?"),
    (
        "German, inflected",
        "Die Nutzerin wohnt in einer Altbauwohnung",
        "Hat sie eine Altbauwohnung?",
    ),
    (
        "German, a part of a compound",
        "Die Krankenversicherung läuft im März aus",
        "Was ist mit der Kranken?",
    ),
    (
        "German, a longer compound",
        "Die Krankenversicherung läuft im März aus",
        "Wer zahlt die Krankenversicherungsbeiträge?",
    ),
    (
        "German, umlauts left out",
        "Am Sonntag läuft Jörg den Marathon",
        "Lauft Jorg?",
    ),
    ("French", "L'utilisateur préfère les crêpes salées", "Quelles crepes ?"),
    ("Spanish", "Al usuario le gusta el jamón ibérico", "¿Qué jamon?"),
    ("Vietnamese", "Người dùng sống ở Đà Nẵng", "Đà Nẵng ở đâu?"),
    ("Turkish", "Kullanıcı İzmir'de yaşıyor", "İzmir nerede?"),
    ("Cyrillic", "Пользователь живёт в Новосибирске", "Где в Новосибирске?"),
    ("Cyrillic, й kept apart", "Мой любимый чай зелёный", "Какой чай?"),
    ("Greek", "Ο χρήστης μένει στη Θεσσαλονίκη", "Πού είναι η Θεσσαλονίκη;"),
    ("Arabic", "المستخدم يسكن في القاهرة", "أين القاهرة؟"),
    ("Hebrew", "המשתמש גר בחיפה עם הכלב", "איפה הכלב?"),
    ("Hindi", "उपयोगकर्ता को आम की चटनी पसंद है", "चटनी कैसी है?"),
    ("Thai", "ผู้ใช้ชอบ ส้มตำ มาก", "ส้มตำ อร่อยไหม"),
    (
        "digits of full width",
        "Die Rechnung hat die Nummer 4711",
        "Rechnung ４７１１",
    ),
    (
        "digits that are stored in full width",
        "会議は１５時に始まります",
        "15時",
    ),
    ("ligatures", "The ofﬁce closes at ﬁve", "When does the office close?"),
];

#[tokio::test]
async fn what_is_stored_is_found_first_in_every_script() {
    let app = TestApp::start(&[]).await;
    for (_, stored, _) in QUESTIONS {
        app.remember("default", [stored]).await;
    }
    let mut missed = Vec::new();
    for (script, stored, asked) in QUESTIONS {
        let path = "/v1/namespaces/default/memories/search";
        let found = app.api("POST", path, json!({ "query": asked })).await.json();
        let first = found["data"][0]["memory"]["content"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if first != *stored {
            missed.push(format!("{script}: {asked} found {first:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
