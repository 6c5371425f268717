use std::fmt::Write as _;

use super::style::{CODE, HEADING};
use super::wrap;

/// The reference's Markdown for a terminal: paragraphs, lists and fenced code, wrapped to `width` columns and indented.
pub(crate) fn markdown(body: &str, width: usize, indent: usize) -> String {
    let mut text = String::new();
    let mut lines = body.lines().peekable();
    while let Some(line) = lines.next() {
        let trimmed = line.trim_start();
        if trimmed.is_empty() {
            text.push('\n');
        } else if let Some(fence) = fence(trimmed) {
            for code in lines.by_ref().take_while(|line| !line.trim_start().starts_with(&fence)) {
                let _ = writeln!(text, "{:1$}{code}", "", indent + 4);
            }
        } else {
            let (marker, first) = marker(trimmed);
            let mut block = first.to_owned();
            while let Some(next) = lines.next_if(|next| continues(next.trim_start())) {
                block.push(' ');
                block.push_str(next.trim());
            }
            let hang = marker.chars().count();
            let wrapped = wrap(&block, width.saturating_sub(indent + hang).max(20)).join("\n");
            for (index, line) in inline(&wrapped).lines().enumerate() {
                let marker = if index == 0 { marker } else { "" };
                let _ = writeln!(text, "{:indent$}{marker:hang$}{line}", "");
            }
        }
    }
    text
}

/// The first paragraph, on one line.
pub(crate) fn first_paragraph(body: &str) -> String {
    let lines = body.lines().map(str::trim).take_while(|line| !line.is_empty() && fence(line).is_none());
    lines.collect::<Vec<_>>().join(" ")
}

/// The first sentence: up to a full stop that a capital letter follows, since `RFC 6455 §7.4.1` has some as well.
pub(crate) fn first_sentence(body: &str) -> String {
    let paragraph = first_paragraph(body);
    let ends = paragraph.match_indices(". ").map(|(at, _)| at + 1);
    let next_is_capital =
        |at: &usize| paragraph[*at..].trim_start().starts_with(|c: char| c.is_uppercase() || c == '`');
    let end = ends.into_iter().find(next_is_capital).unwrap_or(paragraph.len());
    paragraph[..end].to_owned()
}

/// The marks that open a fence, and so close it.
fn fence(line: &str) -> Option<String> {
    let marks: String = line.chars().take_while(|&c| c == '`').collect();
    (marks.len() >= 3).then_some(marks)
}

/// What begins an item of a list, and the rest.
fn marker(line: &str) -> (&str, &str) {
    if line.starts_with("- ") {
        return line.split_at(2);
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && line[digits..].starts_with(". ") { line.split_at(digits + 2) } else { ("", line) }
}

/// Whether a line continues with the block before it.
fn continues(line: &str) -> bool {
    !line.is_empty() && marker(line).0.is_empty() && fence(line).is_none()
}

/// Code spans coloured, their backticks kept: without colour they are all that tells code from text.
pub(crate) fn inline(text: &str) -> String {
    let mut styled = String::new();
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            // Each line by itself: a colour must not run over the indentation of the next.
            let lines: Vec<_> = part.split('\n').map(|line| format!("{CODE}{line}{CODE:#}")).collect();
            let _ = write!(styled, "`{}`", lines.join("\n"));
        } else {
            for (index, part) in part.split("**").enumerate() {
                if index % 2 == 1 {
                    let _ = write!(styled, "{HEADING}{part}{HEADING:#}");
                } else {
                    styled.push_str(part);
                }
            }
        }
    }
    // The last backtick has no partner: it is a plain character.
    if text.matches('`').count() % 2 == 1 {
        styled.pop();
    }
    styled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(body: &str, width: usize) -> String {
        anstream::adapter::strip_str(&markdown(body, width, 2)).to_string()
    }

    #[test]
    fn paragraphs_lists_and_code() {
        let body =
            "One\ntwo `three`.\n\n```js\nif (x) {\n  y\n}\n```\n- an item that\n  goes on\n- **b**\n1. n";
        let expected = "  One two `three`.\n\n      if (x) {\n        y\n      }\n  - an item that goes on\n  - b\n  1. n\n";
        assert_eq!(plain(body, 24), expected);
    }

    #[test]
    fn a_lone_backtick_is_text() {
        assert_eq!(plain("a ` b", 40), "  a ` b\n");
    }
}
