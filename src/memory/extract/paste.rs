//! Pasted text: set off by its announcement, by the task that is to be done on it, or by its own looks.

use super::{capped, pattern::pattern};

// "Here is the article: …", "this is the email I got:" – what follows is not the sender's.
pattern!(
    ANNOUNCED,
    r"(?xi)\b(?:here(?:'s|\u{2019}s|\ is|\ are)|heres|this\ is|these\ are|below(?:\ is|\ are)?|(?:the\ )?following(?:\ is|\ are)?|see|attached|given|consider|read|based\ on|from|using|use|for|with|about|of|in)\ 
    (?:(?:the|my|an?|this|these|some|our|what|his|her|their|following|below|attached)\ ){1,3}(?:[\w'-]+\ ){0,3}?
    (?:articles?|logs?|emails?|e-mails?|mail|texts?|transcript|documents?|passages?|paragraphs?|excerpt|story|poem|essay|letter|messages?
    |reviews?|posts?|conversation|chat|dialogue|resume|r\u{e9}sum\u{e9}|cv|bio|abstract|report|draft|notes|lyrics|speech|quotes?|statements?|tweets?|comments?
    |output|trace|traceback|code|description|contract|page|thread|minutes|ticket|blog|context|content|information|data|input|sentences?|snippet|scenario|question)
    \b[^\n.?!:]{0,80}(?::|\n)"
);
// "Translate to French: …", "Correct the grammar:" – what follows is material.
pattern!(
    WORKED_ON,
    r"(?xi)\b(?:translate|rewrite|re-write|rephrase|paraphrase|reword|proofread|summari[sz]e|correct|fix|edit|improve|analy[sz]e|classify|shorten|expand|polish
    |critique|continue|complete|finish|extract|convert|simplify|identify|categori[sz]e|label|detect|respond\ to|reply\ to|explain|determine|parse|check|turn|make|rate
    |evaluate|review|answer|read|consider|solve|transcribe|punctuate|format|generate|create|write|given|find|tell|decide|choose|select|say|type|repeat|echo|print|output)
    \b[^\n.?!:]{0,160}:(?:\s|\z)"
);
// "Translate this." – with nothing to say where the material is, all of the message may be it.
// "Context: …", "Sentence 1: …" – the labels of an exercise.
pattern!(
    LABELLED,
    r"(?i)(?:\A|[\n.?!]\s*)(?:context|passage|text|input|article|paragraph|sentence|statement|premise|hypothesis|document|review|tweet|e-?mail|dialogue|conversation|story|abstract|excerpt|transcript|example|prompt|intro(?:duction)?|q)(?: ?#?\d{1,2})?\s*:"
);
// "Here is the intro: …" – whatever is set off so is shown, unless it is the sender's own situation.
pattern!(SHOWN, r"(?i)\bhere(?:'s|\x{2019}s| is| are) [^\n.?!:]{1,80}:");
pattern!(
    OWN_SITUATION,
    r"(?i)\b(?:situation|background|deal|details|info|information about me|about me|profile|preferences|schedule|setup|thing)\b"
);
// "The text says: …" – somebody else's words.
pattern!(
    REPORTED,
    r"(?i)\b(?:text|passage|page|article|document|e-?mail|letter|note|message|website|site|book|sign|prompt|sentence|story) (?:says|reads|states|goes|said|begins|starts)\s*[:,]"
);
// "A man says: …" – whoever it is, it is their word. The colon tells it from what somebody said of themselves.
pattern!(
    SPOKEN,
    r"(?i)(?:\A|[\n.?!]\s*)[^\n.?!:]{1,60}\b(?:says|said|asks|asked|wrote|writes|claims|claimed|replied|replies|texted|posted|answered)(?: (?:me|us|to me|back|that))?\s*:"
);
// "Write a poem …" – what follows is fiction.
pattern!(
    FICTION,
    r"(?i)\b(?:write|compose|create|continue|make up|tell|generate|draft)\b[^\n.?!]{0,40}\b(?:poem|story|song|lyrics|haiku|tale|fiction|dialogue|monologue|screenplay|sonnet|rap|limerick|fanfic|scene|diary entry|joke)\b"
);
pattern!(
    WORKED_ON_ALL,
    r"(?xi)\b(?:(?:translate|rewrite|re-write|rephrase|paraphrase|reword|proofread|summari[sz]e|shorten|polish|simplify|transcribe|punctuate)\b[^\n.?!]{0,60}
    |(?:check|correct|fix|improve)\b[^\n.?!]{0,30}\b(?:grammar|spelling|punctuation|wording|sentence|paragraph|english)\b[^\n.?!]{0,40}
    |(?:make|does|is|put|turn|convert|continue|change|edit|expand|correct)\ (?:this|it|the\ (?:above|following|sentence|text|paragraph))\b[^\n.?!]{0,40}\b(?:sound|formal|shorter|longer|better|past|tense|correct|grammatical(?:ly)?|voice|sentence|paragraph|text|french|german|spanish)\b
    |(?:this|these|my|the\ following)\ (?:\w+\ )?(?:bio|opening(?:\ line)?|intro(?:duction)?|paragraph|sentence|essay|email|message|text|tweet|caption|profile|headline|summary|abstract|statement|draft)\b[^\n.!?]{0,40}\?
    |what\ (?:is|'s)\ the\ (?:sentiment|tone|subject|verb|noun|part\ of\ speech)\b)"
);
pattern!(
    POINTED_AT,
    r"(?i)\b(?:this|these|that|it|above|below|following|sentences?|paragraph|text|passage|e-?mail|message|into|to (?:french|german|spanish|english|italian|chinese|japanese|latin))\b|\x{FFFC}"
);
pattern!(
    LOG_LINE,
    r"(?i)^\s*(?:\[?\d{4}-\d\d-\d\d[t ]\d\d:\d\d|\[?\d{1,2}[:/]\d\d[:/]\d\d|\[\d{1,2}:\d\d|[a-z]{3} +\d{1,2} \d\d:\d\d:\d\d|\[?(?:error|warn|warning|info|debug|trace|fatal|notice|critical)\]?[ :\[]|traceback |\s*file \x22|\s*at [\w.$<>]+\(|\d+\.\d+\.\d+\.\d+ |caused by:|[$#%] \w)"
);
pattern!(
    DATA_LINE,
    r#"^\s*(?:\|.*\||[\[{}\]]+,?\s*$|[\[{]\s*["\[{]|"[^"]+"\s*:|<[/!?a-zA-Z]|[+-]{3,}|\S+(?:,\S*){4,}$|\S+(?:\t\S+){2,})"#
);
pattern!(
    MAIL_HEADER,
    r"(?i)^\s*(?:from|to|cc|bcc|subject|date|sent|reply-to|received|return-path|message-id|content-type|mime-version|x-[\w-]+|delivered-to):\s"
);
pattern!(
    TURN,
    r"^\s*(?:\[[^\]]{1,30}\]\s*|\(?\d{1,2}:\d\d\)?\s*)?[A-Z][\w.]{0,20}(?: [A-Z][\w.]{0,20}| \d{1,2}| \([^)]{1,20}\))?(?: ?\[[^\]]{1,20}\])?:\s+\S"
);
pattern!(
    SALUTATION,
    r"(?i)^\s*(?:dear|hi|hello|hey|good (?:morning|afternoon|evening)|to whom it may concern|greetings)\b[^.?!]{0,40}[,:]?\s*$"
);
pattern!(
    SIGN_OFF,
    r"(?i)^\s*(?:(?:best|kind|warm|many)?\s*(?:regards|wishes)|best|sincerely|yours(?: \w+)?|cheers|love|thanks|many thanks|respectfully|cordially|xoxo)(?: yours)?\s*,?\s*$"
);

/// Lines that must look like an e-mail header, or a turn of a transcript, before either is believed.
const ENOUGH_LINES: usize = 2;

/// How far into a message its own words reach, in bytes: what is longer, and not set off before that, is all pasted.
const OWN_REACH: usize = 8 * 1024;

/// `text` without what was pasted into it.
pub(super) fn without_pasted(text: &str) -> String {
    let whole = text.len();
    let text = capped(text, OWN_REACH);
    let shown = SHOWN.find(text).filter(|found| !OWN_SITUATION.is_match(found.as_str()));
    let cuts = [&ANNOUNCED, &WORKED_ON, &LABELLED, &FICTION, &REPORTED, &SPOKEN];
    let end = cuts
        .into_iter()
        .filter_map(|pattern| pattern.find(text))
        .chain(shown)
        .map(|found| found.start())
        .min();
    if end.is_none()
        && let Some(task) = WORKED_ON_ALL.find(text)
        && POINTED_AT.is_match(
            text.get(task.start()..)
                .unwrap_or_default()
                .split(['\n', '.', '!', '?'])
                .next()
                .unwrap_or_default(),
        )
    {
        return String::new();
    }
    if end.is_none() && text.len() < whole {
        return String::new();
    }
    let text = end.and_then(|end| text.get(..end)).unwrap_or(text);
    let lines = without_letter(text.lines().collect());
    let headers = lines.iter().filter(|line| MAIL_HEADER.is_match(line)).count();
    let turns = lines.iter().filter(|line| TURN.is_match(line)).count();
    let mut own = String::with_capacity(text.len());
    for line in lines {
        if headers >= ENOUGH_LINES && MAIL_HEADER.is_match(line) {
            break;
        }
        if !(LOG_LINE.is_match(line) || DATA_LINE.is_match(line) || turns >= ENOUGH_LINES && TURN.is_match(line)) {
            own.push_str(line);
        }
        own.push('\n');
    }
    own
}

/// Drops a letter: from its salutation, or from the top, to its sign-off and the name below.
fn without_letter(lines: Vec<&str>) -> Vec<&str> {
    let Some(end) = lines.iter().rposition(|line| SIGN_OFF.is_match(line)) else {
        return lines;
    };
    if end == 0 {
        return lines;
    }
    let start = lines
        .iter()
        .take(end)
        .position(|line| SALUTATION.is_match(line))
        .unwrap_or(0);
    let after = lines
        .iter()
        .skip(end + 1)
        .position(|line| line.trim().is_empty())
        .map_or(lines.len(), |blank| end + 1 + blank);
    lines
        .iter()
        .take(start)
        .chain(lines.iter().skip(after))
        .copied()
        .collect()
}
