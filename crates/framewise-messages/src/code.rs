//! Source code and lists: what is in them was not printed by anyone, and describes no fault.

use crate::find::{Match, Text};

/// How a line of source code begins, in any language.
const BEGINS: [&str; 89] = [
    "throw ",
    "throws ",
    "return ",
    "return;",
    "raise ",
    "yield ",
    "await ",
    "const ",
    "let ",
    "var ",
    "val ",
    "static ",
    "final ",
    "private ",
    "public ",
    "protected ",
    "internal ",
    "def ",
    "fn ",
    "pub ",
    "func ",
    "fun ",
    "function ",
    "class ",
    "struct ",
    "enum ",
    "import ",
    "export ",
    "using ",
    "namespace ",
    "package ",
    "require(",
    "impl ",
    "mod ",
    "type ",
    "interface ",
    "override ",
    "async ",
    "#define",
    "#include",
    "#if",
    "#endif",
    "#[",
    "#!",
    "assert",
    "expect(",
    "case ",
    "if (",
    "if(",
    "elif ",
    "} else",
    "} catch",
    "catch (",
    "while ",
    "while(",
    "for (",
    "match ",
    "switch ",
    "errors.New",
    "fmt.",
    "printf",
    "fprintf",
    "console.",
    "logger.",
    "log.",
    "print(",
    "///",
    "//!",
    "/*",
    "*/",
    "Err(",
    "@Override",
    "self.",
    "super()",
    "try:",
    "else:",
    "except",
    "finally:",
    "@",
    "defp ",
    "elsif ",
    "rescue ",
    "lambda ",
    "with ",
    "local ",
    "void ",
    "int ",
    "char ",
    "bool ",
];
/// How one ends. A line of a log seldom does.
const ENDS: [&str; 13] =
    [");", "};", "\";", "';", ") {", "=> {", "{}", "),", "->", "() {", "&&", "||", "= {"];
/// Words of a keyword line that must not be prose: "if it is closed", "let me know", "for a while".
const SIGNS: [char; 14] = ['(', ')', '{', '}', ';', '=', '[', ']', '<', '"', '\'', '/', ':', '*'];
/// Bytes of a script that was written for machines alone.
const MINIFIED: usize = 1000;
/// Lines that a file has at least, and the share of them that is code; lines at least where all of them are.
const LINES: usize = 6;
const FEWEST: usize = 2;
const MOST: f64 = 0.6;

/// What a README has, and a report seldom.
const DOCUMENTATION: [&str; 15] = [
    "# changelog",
    "# change log",
    "changelog for",
    "[![",
    "# license",
    "license\n---",
    "license\n===",
    "mit license",
    "apache license",
    "mit or apache",
    "# installation",
    "# install\n",
    "# features",
    "# contributing",
    "# getting started",
];

/// Links that a list of changes has at least.
const CHANGES: usize = 20;

/// Whether a text explains a product: it names every fault, and has none.
pub(crate) fn is_documentation(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    // A list of changes, each with its pull request.
    lower.matches("](https://github.com/").nth(CHANGES).is_some()
        || DOCUMENTATION.iter().any(|mark| lower.contains(mark))
}

/// The lines of a text: which are source code.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Where each begins, and whether it is code.
    lines: Vec<(usize, bool)>,
    is_file: bool,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        let mut at = 0;
        let (mut code, mut all) = (0.0_f64, 0.0_f64);
        let mut lines = Vec::new();
        let mut after_code = false;
        for line in text.split_inclusive('\n') {
            let trimmed = line.trim();
            // A statement continues in lines that are indented; those of a stack trace begin with "at".
            let goes_on = after_code
                && (line.starts_with("  ") || line.starts_with('\t'))
                && !trimmed.starts_with("at ");
            let is_code = is_code(trimmed) || goes_on;
            lines.push((at, is_code));
            if !trimmed.is_empty() {
                code += f64::from(u8::from(is_code));
                all += 1.0;
                after_code = is_code;
            }
            at += line.len();
        }
        // Somebody who pastes one line of code asks for it.
        let is_minified = text.len() > MINIFIED && lines.len() <= 3 && text.contains("function");
        if let [line] = lines.as_mut_slice() {
            line.1 = is_minified;
        }
        let is_file = (lines.len() >= LINES && code >= MOST * all) || (lines.len() >= FEWEST && code >= all);
        let is_file = is_minified || (is_file && !begins_with_prose(text));
        Self { lines, is_file }
    }

    /// Whether a place is in a line of source code, in a comment, or one of a list of strings.
    pub(crate) fn is_code(&self, at: usize) -> bool {
        let next = self.lines.partition_point(|line| line.0 <= at);
        next.checked_sub(1).is_some_and(|line| self.lines[line].1)
    }

    /// Whether the text is a file of source code.
    pub(crate) const fn is_file(&self) -> bool {
        self.is_file
    }
}

/// Whether somebody begins to tell something: the first lines are sentences, and no comments.
fn begins_with_prose(text: &str) -> bool {
    let is_prose = |line: &str| {
        let line = line.trim();
        let words = line.split_whitespace().filter(|word| word.starts_with(char::is_alphabetic)).count();
        line.starts_with(char::is_alphabetic) && words >= 4 && !is_code(line)
    };
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let title = lines.next().unwrap_or("").trim();
    let is_title = title.starts_with(char::is_alphabetic) && title.contains(' ') && !is_code(title);
    is_title && (is_prose(title) || lines.take(2).any(is_prose))
}

fn is_code(line: &str) -> bool {
    let begins = BEGINS.iter().any(|begin| line.starts_with(begin)) && line.contains(SIGNS);
    let ends = ENDS.iter().any(|end| line.ends_with(end)) || matches!(line, "{" | "}" | ")" | "*");
    let branches = ["if ", "for ", "while ", "switch ", "with "].iter().any(|begin| line.starts_with(begin))
        && line.ends_with(['{', ':']);
    let comment = line.starts_with("* ") && !line.contains(['<', '>', '#']);
    // `"websocket", "error"`; a log that is printed over lines has `"message": "…",`.
    let is_list = line.starts_with(['"', '\'']) && line.ends_with([',', ']']) && !line.contains(['{', ':']);
    begins
        || branches
        || ends
        || comment
        || is_list
        || is_assignment(line)
        || line == "end"
        || line.starts_with("from ") && line.contains(" import ")
}

/// `name.part = value`
fn is_assignment(line: &str) -> bool {
    let Some((name, value)) = line.split_once(" = ") else { return false };
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | '[' | ']' | '"' | '\'');
    !name.is_empty() && name.chars().all(is_part) && !value.is_empty()
}

/// Whether words that a row has side by side are parts of different things in the text: `"websocket", "error"`, or of one
/// name: `transport.close`, `ServerDisconnected`.
///
/// Rows of many words say enough by themselves.
pub(crate) fn is_scattered(text: &Text<'_>, row: &str, found: &Match) -> bool {
    const PARTS: [char; 16] =
        ['\n', '"', '`', ',', ';', '(', ')', '{', '}', '[', ']', '|', '=', '#', '*', '&'];
    if found.at.len() > 3 {
        return false;
    }
    if let [at] = found.at[..] {
        // `SH--` is not "sh".
        let start = &text.whole[text.words[at].span.start..];
        let flag = row
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'));
        return flag && !start.starts_with(row);
    }
    let place = |index: usize| &text.words[found.at[index]].span;
    // One name: `response_timeout` is not "response: timeout".
    if found.at.len() > 1 && !row.contains([' ', '-', '{']) {
        return !text.whole[place(0).start..place(found.at.len() - 1).end].eq_ignore_ascii_case(row);
    }
    let joins = |part: &str| {
        part.trim_end_matches('.').contains(['_', '.']) || part.chars().skip(1).any(char::is_uppercase)
    };
    let is_name = row.split(' ').any(joins);
    (1..found.at.len()).any(|index| {
        let between = &text.whole[place(index - 1).end..place(index).start];
        if found.at[index] > found.at[index - 1] + 1 {
            return between.contains('\n');
        }
        between.contains(|c| PARTS.contains(&c) && !row.contains(c))
            || (!is_name
                && matches!(between, "" | "." | "_" | "::" | "/")
                && (between.is_empty() || !row.contains(between)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> bool {
        Lines::new(text).is_code(text.find("no close frame").unwrap_or(0))
    }

    #[test]
    fn a_line_of_source_code_is_no_message() {
        for line in [
            "throw new Error(\"no close frame\")",
            "    return fmt.Errorf(\"no close frame: %w\", err)",
            "assert_eq!(reason, \"no close frame\");",
            "  \"no close frame\",",
            "#define GONE \"no close frame\"",
            "/// Says that no close frame came.",
        ] {
            assert!(of(&format!("first\n{line}\nlast")), "{line}");
        }
    }

    #[test]
    fn what_a_program_printed_is_no_code() {
        for line in [
            "ConnectionClosedError: no close frame received or sent",
            "{\"level\":\"error\",\"msg\":\"no close frame\"}",
            "  \"message\": \"no close frame\",",
            "12:00:01 ERROR app no close frame received (1006)",
            "Error: no close frame {",
            "if there is no close frame, what do I do?",
            "for a while no close frame",
        ] {
            assert!(!of(&format!("first\n{line}\nlast")), "{line}");
        }
        // Somebody who pastes one line asks for it.
        assert!(!of("throw new Error(\"no close frame\");"));
    }

    #[test]
    fn a_readme_is_told_from_a_report() {
        assert!(is_documentation("# ws\n\n[![Version](x)](y)\n\nA WebSocket library"));
        assert!(is_documentation("Kosoku\n\n## License\n\nMIT"));
        assert!(!is_documentation("### Version\n8.1\n### What happens\nIt closes. Is a license needed?"));
    }

    #[test]
    fn a_file_of_code_is_told_from_a_report_with_code() {
        let code = "use std::io;\n\nfn main() {\n    let a = 1;\n    print(a);\n}\n";
        assert!(Lines::new(&code.repeat(3)).is_file());
        let report =
            format!("It closes.\n\nWhat can I do?\nIt says 1006\nand nothing else\n{code}\nThanks\nBye\n");
        assert!(!Lines::new(&report).is_file());
        // One sentence before the code makes a report of it.
        assert!(!Lines::new(&format!("It closes at once, see here:\n{}", code.repeat(3))).is_file());
        assert!(Lines::new(&format!("# It closes at once, see here:\n{}", code.repeat(3))).is_file());
    }
}
