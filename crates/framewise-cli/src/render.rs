//! How texts, bytes and findings look on a terminal. Everything returns text with colours in it; [`crate::output`] takes
//! them away where they are not wanted.

mod clean;
pub(crate) mod finding;
pub(crate) mod header;
pub(crate) mod hex;
pub(crate) mod line;
pub(crate) mod markdown;
pub(crate) mod style;
pub(crate) mod transcript;

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

pub(crate) use clean::{clean, escape_json};

/// A text cut to this many characters, with a sign that it was.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Columns that a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// Spaces that fill a text up to this many columns.
pub(crate) fn pad(text: &str, to: usize) -> String {
    " ".repeat(to.saturating_sub(columns(text)))
}

/// The words of a text in lines of at most `width` columns. What is between backticks stays on one line if it can.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for atom in atoms(text) {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(&atom);
        } else if columns(line) + 1 + columns(&atom) <= width {
            line.push(' ');
            line.push_str(&atom);
        } else {
            lines.push(atom);
        }
    }
    lines
}

/// Words, and short code spans as one word.
fn atoms(text: &str) -> Vec<String> {
    let mut atoms: Vec<String> = Vec::new();
    let mut open = false;
    for word in text.split_whitespace() {
        // French keeps these signs on the line of the word that they belong to.
        let sign = matches!(word.trim_end_matches(['.', ',']), "»" | ";" | ":" | "!" | "?" | "–");
        match atoms.last_mut() {
            // A long span is broken all the same: a line must end somewhere.
            Some(last) if (open && columns(last) < 50) || sign || last.ends_with('«') => {
                last.push(' ');
                last.push_str(word);
            }
            _ => atoms.push(word.to_owned()),
        }
        if word.matches('`').count() % 2 == 1 {
            open = !open;
        }
    }
    atoms
}

/// Lines with this many spaces before each.
pub(crate) fn indent(text: &str, by: usize) -> String {
    let mut indented = String::new();
    for line in text.lines() {
        if line.is_empty() {
            indented.push('\n');
        } else {
            let _ = writeln!(indented, "{:by$}{line}", "");
        }
    }
    indented
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_span_is_not_broken() {
        assert_eq!(wrap("one `two three` four", 12), ["one", "`two three`", "four"]);
        assert_eq!(wrap("", 12), [""]);
    }
}
