//! As much Markdown as the reference's files need: a title, sections, paragraphs, fences.

use alloc::string::String;

use super::Section;

/// The `# ` line; empty where the file has none.
pub(super) fn title(text: &'static str) -> &'static str {
    text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default().trim()
}

/// What stands under each `## ` heading that no fence encloses: in a code block it is somebody's comment.
pub(super) fn sections(text: &'static str) -> impl Iterator<Item = Section> {
    let mut rest = &text[heading(text).unwrap_or(text.len())..];
    core::iter::from_fn(move || {
        let rest_of_line = rest.strip_prefix("## ")?;
        let (line, body) = rest_of_line.split_once('\n').unwrap_or((rest_of_line, ""));
        let end = heading(body).unwrap_or(body.len());
        rest = &body[end..];
        Some(Section { heading: line.trim(), body: body[..end].trim() })
    })
}

/// The body of one section; empty where the file ends before it.
pub(super) fn body(text: &'static str, index: usize) -> &'static str {
    sections(text).nth(index).map_or("", |section| section.body)
}

/// The lines up to the first blank one or fence, joined by spaces.
pub(super) fn first_paragraph(body: &str) -> String {
    let mut paragraph = String::new();
    for line in body.lines().map(str::trim).take_while(|line| !line.is_empty() && fence(line).is_none()) {
        if !paragraph.is_empty() {
            paragraph.push(' ');
        }
        paragraph.push_str(line);
    }
    paragraph
}

/// Where the first heading outside of a fence starts.
fn heading(text: &str) -> Option<usize> {
    let mut open = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        match (open, fence(line)) {
            (None, None) if line.starts_with("## ") => return Some(at),
            (None, opened) => open = opened,
            // A longer run of the same mark closes a fence too.
            (Some((mark, length)), Some((m, l))) if m == mark && l >= length && is_bare(line) => open = None,
            (Some(_), _) => {}
        }
        at += line.len();
    }
    None
}

/// The mark of a fence, and how many of it there are.
fn fence(line: &str) -> Option<(char, usize)> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let length = line.chars().take_while(|&c| c == mark).count();
    (length >= 3).then_some((mark, length))
}

/// Whether nothing but the fence stands on the line: one with a language opens a block, it closes none.
fn is_bare(line: &str) -> bool {
    line.trim().chars().all(|c| matches!(c, '`' | '~'))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const TEXT: &str = concat!(
        "# Title\n\nBefore.\n\n## One\nA first\nparagraph.\n\n```python\n## no heading\n```\n",
        "\n## Two\n\n  ````text\n```\n## none either\n  ````\n\n## Three",
    );

    #[test]
    fn headings_inside_fences_are_no_headings() {
        let sections: Vec<_> = sections(TEXT).map(|section| section.heading).collect();
        assert_eq!(sections, ["One", "Two", "Three"]);
        assert_eq!(title(TEXT), "Title");
        assert_eq!(title("## No title\n"), "");
    }

    #[test]
    fn a_paragraph_ends_at_a_blank_line_or_a_fence() {
        assert_eq!(first_paragraph(body(TEXT, 0)), "A first paragraph.");
        assert_eq!(first_paragraph("One\ntwo\n```\nthree\n```\n"), "One two");
        assert_eq!(body(TEXT, 7), "");
    }
}
