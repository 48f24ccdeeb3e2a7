//! Durations as people write them: `500ms`, `60s`, `2m`, `1h`.

use std::time::Duration;

/// Longest duration that makes sense for anything here: 365 days.
const LONGEST: Duration = Duration::from_hours(365 * 24);

pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a duration such as 500ms, 60s, 2m or 1h".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let milliseconds = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let duration = number
        .checked_mul(milliseconds)
        .map(Duration::from_millis)
        .ok_or_else(wrong)?;
    if duration.is_zero() || duration > LONGEST {
        return Err("must be more than nothing and at most 8760h".into());
    }
    Ok(duration)
}

/// Nothing written means that another setting decides.
pub(super) fn parse_optional(text: &str) -> Result<Option<Duration>, String> {
    if text.is_empty() {
        Ok(None)
    } else {
        parse(text).map(Some)
    }
}
