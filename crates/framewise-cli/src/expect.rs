//! What is known to fail: the file of `--expect`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::failure::{Failure, plain};

/// What is known to fail, with the reason.
#[derive(Debug, Default)]
pub(crate) struct Expected(BTreeMap<String, String>);

/// One thing that was run: a case, or a probe.
pub(crate) trait Ran {
    fn name(&self) -> &str;
    /// `None`: it was not run.
    fn passed(&self) -> Option<bool>;
    fn says(&self) -> &str;
}

/// A run held against what is known to fail.
#[derive(Debug)]
pub(crate) struct Judged<'r, T> {
    /// What failed and is not known to.
    pub(crate) unexpected: Vec<&'r T>,
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

    /// The names, in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
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

pub(crate) fn judge<'r, T: Ran>(ran: &'r [T], expected: Option<&Expected>) -> Judged<'r, T> {
    let none = Expected::default();
    let expected = &expected.unwrap_or(&none).0;
    let (known, unexpected): (Vec<_>, Vec<_>) = ran
        .iter()
        .filter(|one| one.passed() == Some(false))
        .partition(|one| expected.contains_key(one.name()));
    let stale = ran
        .iter()
        .filter(|one| one.passed() == Some(true) && expected.contains_key(one.name()))
        .map(|one| one.name().to_owned())
        .collect();
    Judged { unexpected, stale, known: known.len() }
}

/// Writes what failed, to be filled with better reasons.
pub(crate) fn write<T: Ran>(path: &Path, ran: &[T]) -> Result<(), Failure> {
    let mut text = String::from("# What is known to fail: a name a line, and its reason after a #.\n");
    for one in ran.iter().filter(|one| one.passed() == Some(false)) {
        let says = one.says().replace(['\n', '\r'], " ");
        let _ = writeln!(text, "{}  # {}", one.name(), crate::render::clean(&says));
    }
    std::fs::write(path, text)
        .map_err(|error| Failure::said(format!("cannot write {}: {}", path.display(), plain(&error))))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Ran for (&str, bool) {
        fn name(&self) -> &str {
            self.0
        }

        fn passed(&self) -> Option<bool> {
            Some(self.1)
        }

        fn says(&self) -> &str {
            self.0
        }
    }

    #[test]
    fn a_known_failure_that_passes_is_told() {
        let ran = [("a", false), ("b", false), ("c", true)];
        let expected =
            Expected::parse("# known\na  # their bug 12\n\nc # mended soon\nd # not run\n").unwrap();
        let judged = judge(&ran, Some(&expected));
        assert_eq!(judged.unexpected.iter().map(|one| one.0).collect::<Vec<_>>(), ["b"]);
        assert_eq!(judged.stale, ["c"]);
        assert_eq!(judged.known, 1);
        assert_eq!(Expected::parse("a\n").unwrap_err(), "line 1: a has no reason; write it after a #");
    }
}
