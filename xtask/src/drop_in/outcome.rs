//! What the tests of a crate did.

use std::collections::BTreeMap;

/// Whether each test passed, by the number of its program and its name. Ignored tests are not among them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcomes(BTreeMap<(usize, String), bool>);

impl Outcomes {
    /// Reads what `cargo test` prints.
    pub(super) fn parse(said: &str) -> Self {
        let mut outcomes = BTreeMap::new();
        let mut program = 0;
        for line in said.lines() {
            if line.starts_with("running ") && (line.ends_with(" tests") || line.ends_with(" test")) {
                program += 1;
            }
            // A test may print something before its result.
            let Some((name, result)) = line.strip_prefix("test ").and_then(|line| line.split_once(" ... "))
            else {
                continue;
            };
            let passed = match result.split_whitespace().next_back() {
                Some("ok") => true,
                Some("ignored") => continue,
                Some(_) | None => false,
            };
            outcomes.insert((program, name.to_owned()), passed);
        }
        Self(outcomes)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn passed(&self) -> usize {
        self.0.values().filter(|passed| **passed).count()
    }

    /// The tests that pass here, and fail or are missing there.
    pub(super) fn worse(&self, there: &Self) -> Vec<&str> {
        let passed = self.0.iter().filter(|(_, passed)| **passed);
        passed
            .filter(|(test, _)| there.0.get(test) != Some(&true))
            .map(|((_, name), _)| name.as_str())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "\nrunning 3 tests\ntest a ... ok\ntest b - should panic ... ok\ntest c ... ignored\n\n\
                          test result: ok. 2 passed; 0 failed\n\nrunning 1 test\ntest a ... FAILED\n";

    #[test]
    fn tests_are_told_apart_by_their_program() {
        let outcomes = Outcomes::parse(BEFORE);
        assert_eq!((outcomes.len(), outcomes.passed()), (3, 2));
    }

    #[test]
    fn a_test_that_fails_or_is_missing_is_worse() {
        let before = Outcomes::parse(BEFORE);
        assert!(before.worse(&before).is_empty());
        let failed = Outcomes::parse(&BEFORE.replacen("test a ... ok", "test a ... FAILED", 1));
        assert_eq!(before.worse(&failed), ["a"]);
        let missing = Outcomes::parse(&BEFORE.replacen("test b - should panic ... ok\n", "", 1));
        assert_eq!(before.worse(&missing), ["b - should panic"]);
        // It failed before, too.
        let better = Outcomes::parse(&BEFORE.replacen("test a ... FAILED", "test a ... ok", 1));
        assert!(before.worse(&better).is_empty());
    }
}
