//! Absolute dates beside relative ones, so that "next Friday" still means something in a year.

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, Utc, Weekday};
use regex::Captures;

use super::pattern::pattern;

pattern!(
    RELATIVE,
    r"(?xi)\b(?:
      (?P<day> the\ day\ before\ yesterday | the\ day\ after\ tomorrow | yesterday | today | tomorrow | tonight | last\ night | this\ (?:morning|afternoon|evening) )
    | (?P<which> next | last | this | this\ past | this\ coming | past )\ 
      (?P<unit> monday | tuesday | wednesday | thursday | friday | saturday | sunday | weekend | week | month | year
              | spring | summer | autumn | fall
              | january | february | march | april | may | june | july | august | september | october | november | december )
    | (?P<ago> an? | one | two | three | four | five | six | seven | eight | nine | ten | eleven | twelve | [0-9]{1,3} )\ (?P<ago_unit> day | week | month | year )s?\ ago
    | in\ (?P<in> an? | one | two | three | four | five | six | seven | eight | nine | ten | eleven | twelve | [0-9]{1,3} )\ (?P<in_unit> day | week | month | year )s?
    )\b(?:'s|\u{2019}s)?"
);

/// `content` with the absolute date in parentheses after each relative one, counted from `at`.
pub(super) fn annotated(content: &str, at: DateTime<Utc>) -> String {
    let today = at.date_naive();
    RELATIVE
        .replace_all(content, |found: &Captures<'_>| {
            let Some(whole) = found.get(0) else {
                return String::new();
            };
            let already = content.get(whole.end()..).is_some_and(|rest| rest.starts_with(" ("));
            match absolute(found, today).filter(|_| !already) {
                Some(date) => format!("{} ({date})", whole.as_str()),
                None => whole.as_str().to_owned(),
            }
        })
        .into_owned()
}

fn absolute(found: &Captures<'_>, today: NaiveDate) -> Option<String> {
    let group = |name: &str| found.name(name).map(|part| part.as_str().to_lowercase());
    if let Some(day) = group("day") {
        let day = match day.as_str() {
            "the day before yesterday" => today.checked_sub_days(Days::new(2)),
            "yesterday" | "last night" => today.pred_opt(),
            "tomorrow" => today.succ_opt(),
            "the day after tomorrow" => today.checked_add_days(Days::new(2)),
            _ => Some(today),
        };
        return day.map(|day| day.to_string());
    }
    if let (Some(which), Some(unit)) = (group("which"), group("unit")) {
        return named(&which, &unit, today);
    }
    if let (Some(count), Some(unit)) = (group("ago"), group("ago_unit")) {
        return shifted(today, -i64::from(number(&count)?), &unit);
    }
    shifted(today, i64::from(number(&group("in")?)?), &group("in_unit")?)
}

/// "next Friday", "last week", "this month". The next Friday is the first after today, the last the newest before it.
fn named(which: &str, unit: &str, today: NaiveDate) -> Option<String> {
    let past = which == "last" || which.ends_with("past");
    let step = if past { -1 } else { i64::from(which == "next") };
    if let Ok(weekday) = unit.parse::<Weekday>() {
        let ahead = u64::from(weekday.days_since(today.weekday()));
        let day = if past {
            today.checked_sub_days(Days::new(if ahead == 0 { 7 } else { 7 - ahead }))
        } else {
            today.checked_add_days(Days::new(if ahead == 0 && which == "next" { 7 } else { ahead }))
        };
        return day.map(|day| day.to_string());
    }
    match unit {
        "weekend" => {
            let saturday =
                today.checked_add_days(Days::new(u64::from(Weekday::Sat.days_since(monday(today)?.weekday()))))?;
            let saturday = saturday.checked_sub_days(Days::new(u64::from(today.weekday().num_days_from_monday())))?;
            days_on(saturday, step * 7).map(|day| day.to_string())
        }
        "week" => days_on(monday(today)?, step * 7).map(|day| format!("week of {day}")),
        "month" | "year" => shifted(today, step, unit),
        "spring" | "summer" | "autumn" | "fall" => season(which, unit, today).map(|year| year.to_string()),
        month => {
            let month = month.parse::<chrono::Month>().ok()?.number_from_month();
            let year = match (past, which) {
                (true, _) if month >= today.month() => today.year() - 1,
                (false, "next") if month <= today.month() => today.year() + 1,
                (false, _) if month < today.month() => today.year() + 1,
                _ => today.year(),
            };
            Some(format!("{year}-{month:02}"))
        }
    }
}

/// The year of "last summer", the newest that is over, or of "next spring", the first that has not begun. Seasons as north of the equator; in winter
/// they lie in two years, and in the south their names mean others, so the year is all that is said.
fn season(which: &str, season: &str, today: NaiveDate) -> Option<i32> {
    let (begins, over) = match season {
        "spring" => (3, 6),
        "summer" => (6, 9),
        _ => (9, 12),
    };
    match which {
        "last" => Some(if today.month() >= over {
            today.year()
        } else {
            today.year() - 1
        }),
        "next" => Some(if today.month() < begins {
            today.year()
        } else {
            today.year() + 1
        }),
        "this" | "this coming" => Some(today.year()),
        _ => None,
    }
}

/// The date `count` units from `today`, as precise as the unit.
fn shifted(today: NaiveDate, count: i64, unit: &str) -> Option<String> {
    match unit {
        "day" => days_on(today, count).map(|day| day.to_string()),
        "week" => days_on(today, count.checked_mul(7)?).map(|day| day.to_string()),
        "month" => months_on(today, count).map(|day| day.format("%Y-%m").to_string()),
        _ => months_on(today, count.checked_mul(12)?).map(|day| day.year().to_string()),
    }
}

fn monday(today: NaiveDate) -> Option<NaiveDate> {
    today.checked_sub_days(Days::new(u64::from(today.weekday().num_days_from_monday())))
}

fn days_on(day: NaiveDate, count: i64) -> Option<NaiveDate> {
    let days = Days::new(count.unsigned_abs());
    if count < 0 {
        day.checked_sub_days(days)
    } else {
        day.checked_add_days(days)
    }
}

fn months_on(day: NaiveDate, count: i64) -> Option<NaiveDate> {
    let months = Months::new(u32::try_from(count.unsigned_abs()).ok()?);
    if count < 0 {
        day.checked_sub_months(months)
    } else {
        day.checked_add_months(months)
    }
}

fn number(word: &str) -> Option<u16> {
    const WORDS: [&str; 13] = [
        "", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    ];
    match word {
        "a" | "an" => Some(1),
        _ => word.parse().ok().or_else(|| {
            WORDS
                .iter()
                .position(|name| *name == word)
                .and_then(|n| u16::try_from(n).ok())
        }),
    }
}
