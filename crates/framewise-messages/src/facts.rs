//! Numbers in a text that mean something: close codes, HTTP statuses, durations, sizes.

mod status;

use crate::find::Text;
use crate::words::{Kind, Span};

/// A number and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) value: u64,
    pub(crate) span: Span,
}

#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) codes: Vec<Fact>,
    pub(crate) statuses: Vec<Fact>,
    /// In seconds.
    pub(crate) durations: Vec<Fact>,
    /// In bytes.
    pub(crate) sizes: Vec<Fact>,
}

/// Facts of one kind that are kept: a log repeats them.
const MOST: usize = 32;

pub(crate) fn facts(text: &Text<'_>) -> Facts {
    let mut facts = Facts::default();
    for index in 0..text.words.len() {
        let word = &text.words[index];
        if word.kind == Kind::Url {
            continue;
        }
        let fact = |value| Fact { value, span: word.span.clone() };
        if let Some((seconds, span)) = duration(text, index) {
            note(&mut facts.durations, Fact { value: seconds, span });
        } else if let Some((bytes, span)) = size(text, index) {
            note(&mut facts.sizes, Fact { value: bytes, span });
        } else if word.kind == Kind::Number
            && let Some(value) = word.number()
        {
            if status::is_status(text, index, value) {
                note(&mut facts.statuses, fact(value));
            } else if is_code(text, index, value) {
                note(&mut facts.codes, fact(value));
            }
        }
    }
    facts
}

fn note(facts: &mut Vec<Fact>, fact: Fact) {
    if facts.len() < MOST && facts.iter().filter(|other| other.value == fact.value).count() < 3 {
        facts.push(fact);
    }
}

/// The words before one, the nearest first, on the same line.
fn before<'t>(text: &'t Text<'_>, index: usize) -> impl Iterator<Item = &'t str> {
    let same_line = (1..=index).rev().take_while(|&index| !text.words[index].starts_line);
    same_line.map(|index| &*text.words[index - 1].text)
}

fn after<'t>(text: &'t Text<'_>, index: usize) -> impl Iterator<Item = &'t str> {
    text.words[index + 1..].iter().take_while(|word| !word.starts_line).map(|word| &*word.text)
}

/// What is directly before a word.
fn sign_before(text: &Text<'_>, index: usize) -> Option<char> {
    text.whole[..text.words[index].span.start].chars().next_back()
}

fn sign_after(text: &Text<'_>, index: usize) -> Option<char> {
    text.whole[text.words[index].span.end..].chars().next()
}

/// Part of a date, a version, an address or a decimal.
fn is_part(text: &Text<'_>, index: usize) -> bool {
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let start = text.words[index].span.start;
    let end = text.words[index].span.end;
    let joined_before =
        matches!(sign_before(text, index), Some('.' | ',' | '-' | '/' | ':' | '#' | '@' | '_'))
            && text.whole[..start].chars().rev().nth(1).is_some_and(|c| c.is_alphanumeric() || c == '.');
    let joined_after = matches!(sign_after(text, index), Some('.' | ',' | '-' | '/' | ':' | '_'))
        && digit(text.whole[end..].chars().nth(1));
    joined_before || joined_after
}

fn is_code(text: &Text<'_>, index: usize, value: u64) -> bool {
    if !(1000..5000).contains(&value)
        || text.words[index].span.len() != 4
        || is_unit(after(text, index).next())
    {
        return false;
    }
    let names_a_code = |word: &str| {
        matches!(
            word,
            "code"
                | "codes"
                | "close"
                | "closed"
                | "closes"
                | "closing"
                | "closecode"
                | "status"
                | "statuscode"
                | "sent"
                | "received"
                | "disconnected"
                | "disconnect"
                | "disconnects"
                | "disconnection"
                | "reason"
                | "event"
                | "ferm\u{e9}"
                | "fermeture"
        )
    };
    // "Closes #4401" is about another report.
    let near = sign_before(text, index) != Some('#') && before(text, index).take(4).any(names_a_code);
    // "status:1006"
    let direct = before(text, index).next().is_some_and(names_a_code)
        && !matches!(sign_before(text, index), Some('.' | '/' | '#'));
    // 1009 (message too big)
    let named = text.whole[text.words[index].span.end..].trim_start().starts_with('(')
        && near_names(text, index, value);
    // Bare, where it is no port, no part of a time or an address: those below 1016 are seldom anything else.
    let bare = (1001..=1015).contains(&value)
        && !is_part(text, index)
        && !matches!(sign_before(text, index), Some(':' | '$' | '+' | '-'));
    direct
        || (near && !is_part(text, index))
        || named
        || bare
        || near_names(text, index, value)
        || text.words.len() == 1
}

/// Words after a code that are its name.
fn near_names(text: &Text<'_>, index: usize, value: u64) -> bool {
    let mut after = after(text, index);
    let (first, second) = (after.next().unwrap_or(""), after.next().unwrap_or(""));
    match value {
        1000 => matches!((first, second), ("ok" | "normal", _)),
        1001 => (first, second) == ("going", "away"),
        1002 => first == "protocol",
        1003 => first == "unsupported" || (first, second) == ("cannot", "accept"),
        1005 => (first, second) == ("no", "status"),
        1006 => first == "abnormal",
        1007 => first == "invalid",
        1008 => first == "policy",
        1009 => (first, second) == ("message", "too"),
        1010 => first == "mandatory",
        1011 => matches!(first, "internal" | "unexpected" | "server"),
        1012 => first == "service",
        1013 => first == "try",
        _ => false,
    }
}

fn is_unit(word: Option<&str>) -> bool {
    word.is_some_and(|word| {
        seconds_of(word).is_some()
            || bytes_of(word).is_some()
            || matches!(
                word,
                "ms" | "milliseconds" | "clients" | "connections" | "users" | "times" | "messages"
            )
    })
}

fn seconds_of(unit: &str) -> Option<u64> {
    Some(match unit {
        "s" | "sec" | "secs" | "second" | "seconds" | "secondes" | "seconde" | "sekunden" | "秒" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" | "minuten" | "分" => 60,
        "h" | "hour" | "hours" | "heure" | "heures" | "stunde" => 3600,
        _ => return None,
    })
}

fn bytes_of(unit: &str) -> Option<u64> {
    Some(match unit {
        "byte" | "bytes" | "octets" | "b" => 1,
        "k" | "kb" | "kib" | "kilobytes" | "ko" => 1 << 10,
        "mb" | "mib" | "megabytes" | "mo" => 1 << 20,
        "gb" | "gib" | "go" => 1 << 30,
        _ => return None,
    })
}

/// "60s", "60 seconds", "a minute", "every hour"; not the value of a setting.
fn duration(text: &Text<'_>, index: usize) -> Option<(u64, Span)> {
    let word = &text.words[index];
    if before(text, index).take(2).any(|word| word.contains("timeout") || word == "interval") {
        return None;
    }
    let next = text.words.get(index + 1).filter(|next| !next.starts_line);
    if matches!(&*word.text, "a" | "one" | "every" | "each" | "une" | "1") || word.text.is_empty() {
        let next = next?;
        // "a few seconds" is no duration; "a minute" and "an hour" are.
        let unit = match &*next.text {
            "minute" => 60,
            "hour" | "heure" => 3600,
            _ => return None,
        };
        return Some((unit, word.span.start..next.span.end));
    }
    let number = word.number()?;
    let unit = word.unit();
    if unit.is_empty() {
        if word.kind != Kind::Number {
            return None;
        }
        let next = next?;
        let gap = &text.whole[word.span.end..next.span.start];
        let milliseconds = matches!(&*next.text, "ms" | "msec" | "milliseconds" | "毫");
        let seconds =
            if milliseconds { number / 1000 } else { number.checked_mul(seconds_of(&next.text)?)? };
        // A single letter is a unit only after a space or nothing.
        (matches!(gap, "" | " " | "-") && !(next.text.len() == 1 && gap == "-"))
            .then_some((seconds, word.span.start..next.span.end))
    } else if unit == "ms" {
        Some((number / 1000, word.span.clone()))
    } else {
        // "5m" is minutes, "2h" hours.
        Some((number.checked_mul(seconds_of(unit)?)?, word.span.clone()))
    }
}

/// "64 KB", "1048576 bytes", "65536".
fn size(text: &Text<'_>, index: usize) -> Option<(u64, Span)> {
    let word = &text.words[index];
    let number = word.number()?;
    if !word.unit().is_empty() {
        return Some((number.checked_mul(bytes_of(word.unit())?)?, word.span.clone()));
    }
    if let Some(next) = text.words.get(index + 1).filter(|next| !next.starts_line)
        && matches!(&text.whole[word.span.end..next.span.start], "" | " " | "-")
        && next.text.len() > 1
        && let Some(unit) = bytes_of(&next.text)
    {
        return Some((number.checked_mul(unit)?, word.span.start..next.span.end));
    }
    // A power of two that no one would write for anything else.
    let power = number.is_power_of_two() || number.checked_add(1).is_none_or(u64::is_power_of_two);
    (power && number >= 32_767 && !is_part(text, index)).then(|| (number, word.span.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::words;

    fn of(text: &str) -> (Vec<u64>, Vec<u64>, Vec<u64>, Vec<u64>) {
        let words = words(text);
        let facts = facts(&Text::new(text, &words));
        let values = |facts: Vec<Fact>| facts.into_iter().map(|fact| fact.value).collect();
        (values(facts.codes), values(facts.statuses), values(facts.durations), values(facts.sizes))
    }

    #[test]
    fn codes_are_told_by_what_is_around_them() {
        for text in [
            "closed with 1006",
            "1006. again.",
            "{ code: 1006, reason: '' }",
            "CLOSE 1006 (x)",
            "closes 1006",
            "code=1006,",
            "status:1006",
        ] {
            assert_eq!(of(text).0, [1006], "{text}");
        }
        assert_eq!(of("close 4401: unauthorized").0, [4401]);
        // A port, a year, a line, an address, a count.
        for text in [
            "ws://localhost:1006/x",
            "2026-11-20 at 1009 ms",
            "port 3000",
            "in 2019",
            "10.1.1003.4",
            "4000 clients",
            "1008 bytes",
            "conn.go:1009:3",
            "closes #4401",
        ] {
            assert_eq!(of(text).0, [0; 0], "{text}");
        }
    }

    #[test]
    fn statuses_are_told_by_what_is_around_them() {
        for (text, status) in [
            ("Unexpected response code: 504", 504),
            ("HTTP/1.1 400 Bad Request", 400),
            ("HTTP/2 307 ", 307),
            ("Handshake status 401", 401),
            ("502 Bad Gateway", 502),
            ("unexpected server response (302)", 302),
            ("returns 403 for clients", 403),
            ("\"GET /ws HTTP/1.1\" 400 12", 400),
            ("code 404 is returned", 404),
            ("HTTP error: 301 Moved Permanently", 301),
            ("got 301 status", 301),
            ("getStatus: 401", 401),
            ("403 error during", 403),
            ("Error 502 when the proxy is there", 502),
            ("it failed\n502\nproxy: HAProxy", 502),
            ("[W 19:49:35.382 App] 404 GET /api/channels", 404),
            ("browsers are rejected with 403 and", 403),
            ("returns 502 (Bad Gateway)", 502),
            ("failed with `401`", 401),
            ("I always get 400", 400),
        ] {
            assert_eq!(of(text).1, if status == 0 { vec![] } else { vec![status] }, "{text}");
        }
        for text in [
            "took 200 ms",
            "line 404",
            "in 300 bytes",
            "10.0.200.1",
            "conn.go:610",
            "code: 1006",
            "with 500 clients",
            "the 400 items",
            "error in app.js:404",
            "a 500-page book",
        ] {
            assert_eq!(of(text).1, [0; 0], "{text}");
        }
    }

    #[test]
    fn durations_and_sizes() {
        for (text, seconds) in [
            ("after 60 s", 60),
            ("exactly 60s", 60),
            ("100 seconds", 100),
            ("every minute", 60),
            ("空闲 60 秒", 60),
            ("59998 ms", 59),
            ("5 minutes", 300),
            ("a 60-second cut", 0),
            ("after 90 seconds", 90),
        ] {
            let expected = if seconds == 0 { vec![60] } else { vec![seconds] };
            assert_eq!(of(text).2, expected, "{text}");
        }
        for text in ["proxy_read_timeout 300s;", "a few seconds", "60 clients", "line 60"] {
            assert_eq!(of(text).2, [0; 0], "{text}");
        }
        assert_eq!(of("limit of 1048576 bytes, 64 KB, 65536").3, [1_048_576, 65_536, 65_536]);
        assert_eq!(of("u64::MAX is 18446744073709551615").3, [u64::MAX]);
        assert_eq!(of("port 8080, 50000 clients, goroutine 88169580").3, [0; 0]);
    }
}
