//! The notation: a transcript that was read and written reads as the same, and an error names a place in the text.

use framewise_transcript::Transcript;

/// The properties.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Transcript::parse(&text) {
        Ok(first) => round_trip(first, &text),
        Err(error) => {
            let line = text.lines().nth(error.line.saturating_sub(1)).unwrap_or("");
            let lines = text.lines().count() + 1;
            assert!((1..=lines).contains(&error.line), "{error} in {lines} lines");
            let columns = line.chars().count() + 1;
            // A byte order mark is not part of the first line.
            assert!((1..=columns).contains(&error.column), "{error} in {columns} columns");
        }
    }
}

/// Writes it and reads it again.
pub fn round_trip(mut first: Transcript, text: &str) {
    let written = first.to_string();
    let mut second =
        Transcript::parse(&written).unwrap_or_else(|error| panic!("{error}\n{written:?}\nof {text:?}"));
    assert_eq!(second.to_string(), written, "written once and twice");
    // Removing comments changes line numbers.
    for event in first.events.iter_mut().chain(&mut second.events) {
        event.line = 0;
    }
    assert_eq!(first, second, "{text:?}");
}

/// The examples.
pub fn seeds() -> Vec<Vec<u8>> {
    let examples = crate::seeds::examples().into_iter();
    let mut seeds: Vec<Vec<u8>> =
        examples.map(|(text, _)| text.as_bytes().to_vec()).filter(|seed| seed.len() <= 1024).collect();
    seeds.push(b"leg a\nopen x  # y\n[1.5] > \"\\x00\\\\\"\nleg b\n< 8 1\nleg a\n< reset".to_vec());
    seeds
}
