//! When each message is due.

use std::time::Duration;

/// A part of a run in which the rate is constant, or changes steadily.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phase {
    /// How long it lasts.
    pub duration: Duration,
    /// Messages a second when it begins.
    pub from: f64,
    /// Messages a second when it ends.
    pub to: f64,
}

impl Phase {
    /// Messages that are due within it, up to a time since it began.
    fn due(&self, seconds: f64) -> f64 {
        let slope = (self.to - self.from) / self.duration.as_secs_f64();
        self.from * seconds + slope * seconds * seconds / 2.0
    }

    /// When this many messages of it are due: the inverse of `due`.
    fn time_of(&self, count: f64) -> f64 {
        if count <= 0.0 {
            return 0.0;
        }
        let slope = (self.to - self.from) / self.duration.as_secs_f64();
        if slope.abs() < f64::EPSILON {
            return count / self.from;
        }
        // The root of `slope t²/2 + from t = count`, in the form that does not divide by a small slope.
        let root = (self.from * self.from + 2.0 * slope * count).max(0.0).sqrt();
        2.0 * count / (self.from + root)
    }
}

/// The times at which messages are due, for one of several workers that share them in turn.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    phases: Vec<Phase>,
    /// The phase at hand, when it began, and how many messages were due before it.
    phase: usize,
    start: f64,
    before: f64,
    /// The number of the next message, and the distance to the one after.
    next: u64,
    step: u64,
}

impl Schedule {
    pub(crate) fn new(phases: &[Phase], worker: u16, workers: u16) -> Self {
        Self {
            phases: phases.iter().copied().filter(|phase| !phase.duration.is_zero()).collect(),
            phase: 0,
            start: 0.0,
            before: 0.0,
            next: worker.into(),
            step: workers.max(1).into(),
        }
    }
}

impl Iterator for Schedule {
    type Item = Duration;

    /// When the next message is due, since the start.
    fn next(&mut self) -> Option<Duration> {
        loop {
            let phase = self.phases.get(self.phase)?;
            let seconds = phase.duration.as_secs_f64();
            let all = phase.due(seconds);
            let count = self.next as f64 - self.before;
            if count < all {
                self.next += self.step;
                return Some(Duration::from_secs_f64(self.start + phase.time_of(count).clamp(0.0, seconds)));
            }
            self.before += all;
            self.start += seconds;
            self.phase += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(seconds: u64, from: f64, to: f64) -> Phase {
        Phase { duration: Duration::from_secs(seconds), from, to }
    }

    #[test]
    fn a_constant_rate_is_even() {
        let times: Vec<_> = Schedule::new(&[phase(2, 4.0, 4.0)], 0, 1).map(|time| time.as_millis()).collect();
        assert_eq!(times, [0, 250, 500, 750, 1000, 1250, 1500, 1750]);
    }

    #[test]
    fn a_ramp_rises_steadily() {
        // 0 to 100 a second within 2 s: t² · 25 messages by the time t.
        let times: Vec<_> = Schedule::new(&[phase(2, 0.0, 100.0)], 0, 1).collect();
        assert_eq!(times.len(), 100);
        for (count, time) in times.iter().enumerate() {
            let expected = (count as f64 / 25.0).sqrt();
            assert!((time.as_secs_f64() - expected).abs() < 1e-6, "{count}: {time:?}, {expected}");
        }
        let falling: Vec<_> = Schedule::new(&[phase(2, 100.0, 0.0)], 0, 1).collect();
        assert_eq!(falling.len(), 100);
        assert!(falling.is_sorted());
    }

    #[test]
    fn workers_share_what_one_would_send() {
        let phases = [phase(1, 0.0, 30.0), phase(1, 0.0, 0.0), phase(2, 30.0, 30.0)];
        let mut shared: Vec<_> = (0..3).flat_map(|worker| Schedule::new(&phases, worker, 3)).collect();
        shared.sort();
        let alone: Vec<_> = Schedule::new(&phases, 0, 1).collect();
        assert_eq!(shared, alone);
        assert_eq!(alone.len(), 75);
        assert!(!alone.iter().any(|time| (1.01..2.0).contains(&time.as_secs_f64())), "a silent phase");
    }

    #[test]
    fn without_a_rate_nothing_is_due() {
        assert_eq!(Schedule::new(&[], 0, 1).next(), None);
        assert_eq!(Schedule::new(&[phase(3, 0.0, 0.0)], 0, 1).next(), None);
    }
}
