//! The subset of Markdown that the reference uses: a title, sections, paragraphs, fences.

use alloc::string::String;

use super::Section;

/// The `# ` line; empty if the file has none.
pub(super) fn title(text: &'static str) -> &'static str {
    text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default().trim()
}

/// The sections under `## ` headings. Inside a fence, `## ` is a comment in somebody's code.
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

/// The body of one section; empty if the file has fewer sections.
pub(super) fn body(text: &'static str, index: usize) -> &'static str {
    sections(text).nth(index).map_or("", |section| section.body)
}

/// The lines before the first blank line or fence, joined by spaces.
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

/// The offset of the first heading outside a fence.
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

/// The character of a fence, and how often it is repeated.
fn fence(line: &str) -> Option<(char, usize)> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let length = line.chars().take_while(|&c| c == mark).count();
    (length >= 3).then_some((mark, length))
}

/// Whether the line is only a fence. A fence with a language opens a block and closes none.
fn is_bare(line: &str) -> bool {
    line.trim().chars().all(|c| matches!(c, '`' | '~'))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const TEXT: &str = concat!(
        "# Title\n\nBefore.\n\n## One\nA first\nparagraph.\n\n```python\n## no heading\n```\n",
        "\n## Two\n\n  ````text\n```\n````rust\n## none either\n  ````\n\n## Three",
    );

    #[test]
    fn headings_inside_fences_are_no_headings() {
        let sections: Vec<_> = sections(TEXT).map(|section| section.heading).collect();
        assert_eq!(sections, ["One", "Two", "Three"]);
        assert_eq!(title(TEXT), "Title");
        assert_eq!(title("## No title\n"), "");
    }

    #[test]
    fn a_fence_is_closed_by_its_own_mark_as_often_and_nothing_else() {
        let headed = |text: &str| heading(text).map(|at| String::from(&text[at..]));
        // Another mark, fewer of the same, the same with a language: none of them closes it.
        for inside in ["~~~~", "~~~", "```", "````rust"] {
            let text = alloc::format!("````\n{inside}\n## inside\n````\n## behind\n");
            assert_eq!(headed(&text).as_deref(), Some("## behind\n"), "{inside}");
        }
        for closes in ["````", "`````", "  ````  "] {
            let text = alloc::format!("````\n{closes}\n## behind\n");
            assert_eq!(headed(&text).as_deref(), Some("## behind\n"), "{closes}");
        }
    }

    #[test]
    fn a_paragraph_ends_at_a_blank_line_or_a_fence() {
        assert_eq!(first_paragraph(body(TEXT, 0)), "A first paragraph.");
        assert_eq!(first_paragraph("One\ntwo\n```\nthree\n```\n"), "One two");
        assert_eq!(body(TEXT, 7), "");
    }
}
