use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use framewise_conform::report::{Entry, Report};

use crate::failure::{Failure, plain};

/// Cases that are known to fail, with the reason.
#[derive(Debug, Default)]
pub(crate) struct Expected(BTreeMap<String, String>);

/// A run held against what is known to fail.
#[derive(Debug)]
pub(crate) struct Judged<'r> {
    /// What failed and is not known to.
    pub(crate) unexpected: Vec<&'r Entry>,
    /// What is known to fail, was run, and passed.
    pub(crate) stale: Vec<String>,
    /// How many failures are known.
    pub(crate) known: usize,
}

impl Expected {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::said(format!("cannot read {}: {}", path.display(), plain(&error))))?;
        Self::parse(&text).map_err(|says| Failure::said(format!("{}: {says}", path.display())))
    }

    /// A name a line, and its reason after a #. A line of its own may be a comment.
    fn parse(text: &str) -> Result<Self, String> {
        let mut names = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let (name, reason) = line.split_once('#').unwrap_or((line, ""));
            let (name, reason) = (name.trim(), reason.trim());
            if name.is_empty() {
                continue;
            }
            if reason.is_empty() {
                return Err(format!("line {}: {name} has no reason; write it after a #", index + 1));
            }
            names.insert(name.to_owned(), reason.to_owned());
        }
        Ok(Self(names))
    }
}

pub(crate) fn judge<'r>(report: &'r Report, expected: Option<&Expected>) -> Judged<'r> {
    let none = Expected::default();
    let expected = &expected.unwrap_or(&none).0;
    let (known, unexpected): (Vec<_>, Vec<_>) =
        report.failed().partition(|entry| expected.contains_key(&entry.name));
    let stale = report
        .cases
        .iter()
        .filter(|entry| entry.passed && expected.contains_key(&entry.name))
        .map(|entry| entry.name.clone())
        .collect();
    Judged { unexpected, stale, known: known.len() }
}

/// Writes what failed, to be filled with better reasons.
pub(crate) fn write(path: &Path, report: &Report) -> Result<(), Failure> {
    let mut text = String::from("# Cases that are known to fail: a name a line, and its reason after a #.\n");
    for entry in report.failed() {
        let says = entry.says.replace(['\n', '\r'], " ");
        let _ = writeln!(text, "{}  # {}", entry.name, crate::render::clean(&says));
    }
    std::fs::write(path, text)
        .map_err(|error| Failure::said(format!("cannot write {}: {}", path.display(), plain(&error))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_failure_that_passes_is_told() {
        let entry = |name: &str, passed| Entry { name: name.into(), passed, ..Entry::default() };
        let report = Report {
            cases: vec![entry("a", false), entry("b", false), entry("c", true)],
            ..Report::default()
        };
        let expected =
            Expected::parse("# known\na  # their bug 12\n\nc # mended soon\nd # not run\n").unwrap();
        let judged = judge(&report, Some(&expected));
        assert_eq!(judged.unexpected.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!(judged.stale, ["c"]);
        assert_eq!(judged.known, 1);
        assert_eq!(Expected::parse("a\n").unwrap_err(), "line 1: a has no reason; write it after a #");
    }
}
