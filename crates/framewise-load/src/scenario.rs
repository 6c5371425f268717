//! A small file that says what is sent, and when.

use std::fmt;
use std::time::Duration;

use crate::mix::Kind;
use crate::schedule::Phase;

/// The phases of a run and the messages that each connection sends in turn. One statement a line; `#` begins a comment:
///
/// ```
/// use framewise_load::Scenario;
///
/// let scenario = Scenario::parse(
///     r#"
/// phase 5s 0..1000     # a ramp: from 0 to 1,000 messages a second
/// phase 30s 1000
/// phase 500ms 5000     # a burst
///
/// text 128             # bytes
/// text "{\"type\":\"ping\"}"
/// binary 65536
/// ping
/// "#,
/// )?;
/// assert_eq!((scenario.phases.len(), scenario.mix.len()), (3, 4));
/// # Ok::<(), framewise_load::ScenarioError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Scenario {
    /// The phases, one after another; may be empty.
    pub phases: Vec<Phase>,
    /// The messages, in turn; may be empty.
    pub mix: Vec<Kind>,
}

/// Where a scenario cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScenarioError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub says: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.says)
    }
}

impl std::error::Error for ScenarioError {}

/// The size of the largest message, in bytes: a mistake in a size must not take all memory.
pub const LARGEST: usize = 1 << 30;

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    ///
    /// The first line that is not a statement.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let mut scenario = Self::default();
        for (index, line) in text.lines().enumerate() {
            let wrong = |says: String| ScenarioError { line: index + 1, says };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            match word {
                "phase" => scenario.phases.push(phase(without_comment(rest)).map_err(wrong)?),
                "text" => scenario.mix.push(text_of(rest.trim()).map_err(wrong)?),
                "binary" => scenario.mix.push(Kind::Binary(size(without_comment(rest)).map_err(wrong)?)),
                "ping" if without_comment(rest).is_empty() => scenario.mix.push(Kind::Ping),
                "ping" => return Err(wrong("ping takes nothing after it".into())),
                _ => return Err(wrong(format!("`{word}` is not phase, text, binary or ping"))),
            }
        }
        Ok(scenario)
    }
}

fn without_comment(text: &str) -> &str {
    text.split('#').next().unwrap_or_default().trim()
}

fn phase(text: &str) -> Result<Phase, String> {
    let expected = "expected `phase DURATION RATE` or `phase DURATION FROM..TO`, such as `phase 10s 1000`";
    let (duration, rate) = text.split_once(char::is_whitespace).ok_or(expected)?;
    let (from, to) = rate.trim().split_once("..").unwrap_or((rate.trim(), rate.trim()));
    Ok(Phase { duration: duration_of(duration)?, from: rate_of(from)?, to: rate_of(to)? })
}

/// `10s`, `500ms`, `2m`, or seconds.
pub(crate) fn duration_of(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let factor = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("`{unit}` is not a unit of time: use ms, s, m or h")),
    };
    let seconds: f64 =
        number.parse().map_err(|_| format!("`{text}` is not a duration, such as 10s or 500ms"))?;
    Duration::try_from_secs_f64(seconds * factor)
        .map_err(|_| format!("`{text}` is not a duration: it must be 0 or more"))
}

fn rate_of(text: &str) -> Result<f64, String> {
    let rate: f64 =
        text.trim().parse().map_err(|_| format!("`{text}` is not a rate in messages a second"))?;
    if rate.is_finite() && rate >= 0.0 {
        Ok(rate)
    } else {
        Err(format!("`{text}` is not a rate: it must be 0 or more"))
    }
}

fn size(text: &str) -> Result<usize, String> {
    let size: usize = text.parse().map_err(|_| format!("`{text}` is not a size in bytes"))?;
    if size <= LARGEST {
        Ok(size)
    } else {
        Err(format!("{size} bytes are more than the largest message, {LARGEST}"))
    }
}

/// A size, or a string in quotes as JSON has it.
fn text_of(text: &str) -> Result<Kind, String> {
    if !text.starts_with('"') {
        return Ok(Kind::Text(size(without_comment(text))?));
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value =
        values.next().and_then(Result::ok).ok_or("the text in quotes does not end, or has a bad escape")?;
    let rest = text[values.byte_offset()..].trim();
    if rest.is_empty() || rest.starts_with('#') {
        Ok(Kind::Exactly(value))
    } else {
        Err(format!("`{rest}` follows the text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_read() {
        let scenario = Scenario::parse(
            "# all of them\nphase 1m 0..50 # up\nphase 500ms 2.5\n\ntext 0\ntext \"a # \\\"b\\\"\" # c\nbinary 7\nping # p",
        );
        let phase = |millis, from, to| Phase { duration: Duration::from_millis(millis), from, to };
        let expected = Scenario {
            phases: vec![phase(60_000, 0.0, 50.0), phase(500, 2.5, 2.5)],
            mix: vec![Kind::Text(0), Kind::Exactly("a # \"b\"".into()), Kind::Binary(7), Kind::Ping],
        };
        assert_eq!(scenario, Ok(expected));
        assert_eq!(Scenario::parse(""), Ok(Scenario::default()));
    }

    #[test]
    fn what_is_no_statement_is_named() {
        for (text, line, says) in [
            ("text 1\nsend 3", 2, "`send` is not phase, text, binary or ping"),
            ("phase 10s", 1, "expected `phase DURATION RATE`"),
            ("phase 10x 5", 1, "`x` is not a unit of time"),
            ("phase -1s 5", 1, "must be 0 or more"),
            ("phase 1s 5..-1", 1, "not a rate"),
            ("phase 1s NaN", 1, "not a rate"),
            ("text \"a", 1, "does not end"),
            ("text \"a\" b", 1, "`b` follows the text"),
            ("text 1x", 1, "`1x` is not a size"),
            ("binary 99999999999", 1, "more than the largest message"),
            ("ping 3", 1, "ping takes nothing"),
        ] {
            let error = Scenario::parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text}");
            assert!(error.says.contains(says), "{text}: {error}");
        }
    }
}
