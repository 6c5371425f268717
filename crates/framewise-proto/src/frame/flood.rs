use core::time::Duration;

use framewise_rules::Limits;

use crate::time::Nanos;

const SECOND: Duration = Duration::from_secs(1);

/// Counts control frames against [`Limits::control_run`] and [`Limits::control_rate`]. RFC 6455 §10.4 recommends
/// limits; a peer can send Pings more cheaply than they are answered.
///
/// A count begins with a frame and lasts one second; the first frame after that second begins the next count. The
/// memory is constant, and any one second holds at most twice the rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ControlCount {
    /// When the first frame of the count arrived; none before the first frame, and without a clock.
    since: Nanos,
    /// Frames since then.
    in_second: u32,
    /// Frames since the last data frame, within this count. Without a clock the count never ends.
    in_row: u32,
}

impl ControlCount {
    /// Whether one more frame would exceed a limit.
    pub(super) fn is_full(&self, now: Option<Duration>, limits: &Limits) -> bool {
        if self.is_over(now) {
            return limits.control_run == 0 || limits.control_rate == 0;
        }
        self.in_row >= limits.control_run || (now.is_some() && self.in_second >= limits.control_rate)
    }

    /// Counts one control frame.
    pub(super) fn add(&mut self, now: Option<Duration>) {
        if self.is_over(now) {
            *self = Self { since: now.map_or(Nanos::NONE, Nanos::of), ..Self::default() };
        }
        self.in_second = self.in_second.saturating_add(1);
        self.in_row = self.in_row.saturating_add(1);
    }

    /// A data frame arrived.
    pub(super) fn data(&mut self) {
        self.in_row = 0;
    }

    /// The frames counted in this second, and how many of them came in a row.
    pub(super) const fn counted(&self) -> (u32, u32) {
        (self.in_second, self.in_row)
    }

    /// Whether the current count has ended.
    fn is_over(&self, now: Option<Duration>) -> bool {
        match (now, self.since.get()) {
            (Some(now), Some(since)) => now.saturating_sub(since) >= SECOND,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits::DEFAULT.control_run(3).control_rate(5);

    const fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn frames_in_a_row_are_counted_within_a_second_and_data_ends_the_row() {
        let mut count = ControlCount::default();
        for _ in 0..3 {
            assert!(!count.is_full(Some(at(900)), &LIMITS));
            count.add(Some(at(900)));
        }
        // The clock's next second is not the count's.
        assert!(count.is_full(Some(at(1_899)), &LIMITS));
        assert!(!count.is_full(Some(at(1_900)), &LIMITS));
        count.data();
        assert!(!count.is_full(Some(at(1_000)), &LIMITS));
    }

    #[test]
    fn data_in_between_does_not_make_the_second_longer() {
        let mut count = ControlCount::default();
        for millisecond in 0..5 {
            count.data();
            assert!(!count.is_full(Some(at(millisecond)), &LIMITS));
            count.add(Some(at(millisecond)));
        }
        count.data();
        assert!(count.is_full(Some(at(999)), &LIMITS));
        assert!(!count.is_full(Some(at(1_000)), &LIMITS));
    }

    #[test]
    fn without_a_clock_only_a_row_is_counted() {
        let mut count = ControlCount::default();
        for _ in 0..100 {
            count.data();
            assert!(!count.is_full(None, &LIMITS));
            count.add(None);
        }
        for _ in 0..2 {
            count.add(None);
        }
        assert!(count.is_full(None, &LIMITS));
    }

    #[test]
    fn a_heartbeat_of_days_is_no_flood() {
        let mut count = ControlCount::default();
        for second in 0..100_000 {
            assert!(!count.is_full(Some(at(second * 1_000)), &LIMITS));
            count.add(Some(at(second * 1_000)));
        }
    }
}
