//! The search for the smallest part that still shows the same: delta debugging with a counted budget.

/// Diagnoses and bytes that a search may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    runs: usize,
    bytes: usize,
    spent: usize,
}

impl Budget {
    /// This many diagnoses, of this many bytes together.
    pub(crate) const fn new(runs: usize, bytes: usize) -> Self {
        Self { runs, bytes, spent: 0 }
    }

    /// Takes one diagnosis of this many bytes; false where it is used up.
    pub(crate) const fn take(&mut self, bytes: usize) -> bool {
        if self.runs == 0 || self.bytes < bytes {
            self.runs = 0;
            return false;
        }
        self.runs -= 1;
        self.bytes -= bytes;
        self.spent += 1;
        true
    }

    /// Whether it is used up.
    pub(crate) const fn is_over(&self) -> bool {
        self.runs == 0
    }

    /// Diagnoses taken so far.
    pub(crate) const fn spent(&self) -> usize {
        self.spent
    }
}

/// The items of `0..count` that cannot be left out: `holds` says whether a selection still shows the same, and is false
/// once the budget is used up. The whole is taken to hold. Removing any single one of the result fails, if the budget
/// sufficed.
pub(crate) fn least(count: usize, mut holds: impl FnMut(&[usize]) -> bool) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..count).collect();
    if count == 0 || holds(&[]) {
        return Vec::new();
    }
    let mut size = count.div_ceil(2);
    loop {
        let mut at = 0;
        let mut shrunk = false;
        while at < kept.len() && kept.len() > 1 {
            let end = (at + size).min(kept.len());
            let without: Vec<_> = kept[..at].iter().chain(&kept[end..]).copied().collect();
            if !without.is_empty() && holds(&without) {
                kept = without;
                shrunk = true;
            } else {
                at = end;
            }
        }
        if size == 1 && !shrunk {
            return kept;
        }
        size = (size / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_stays_and_nothing_else() {
        for needed in [&[][..], &[0], &[7], &[0, 99], &[3, 4, 50]] {
            let kept = least(100, |kept| needed.iter().all(|item| kept.contains(item)));
            assert_eq!(kept, needed);
        }
        assert_eq!(least(0, |_| false), [0; 0]);
        assert_eq!(least(1, |kept| kept == [0]), [0]);
    }

    #[test]
    fn a_used_up_budget_ends_the_search_with_what_held_last() {
        let mut budget = Budget::new(5, 1000);
        let kept = least(1000, |kept| budget.take(1) && kept.contains(&999));
        assert!(kept.contains(&999) && kept.len() < 1000, "{}", kept.len());
        assert!(budget.is_over());
        assert_eq!(budget.spent(), 5);
        let mut budget = Budget::new(1000, 10);
        assert!(!budget.take(11));
        assert!(budget.is_over(), "bytes count as well");
    }
}
