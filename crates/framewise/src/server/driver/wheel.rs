use std::time::Duration;

use super::slots::ConnectionId;

const BUCKETS: usize = 64;

/// The idle connections of a worker whose silence has a limit, by when to look at each. It is coarse: a connection is looked at
/// up to a thirty-second of its limit later.
#[derive(Debug)]
pub(super) struct Wheel {
    /// The time from one bucket to the next.
    tick: Duration,
    buckets: Vec<Vec<ConnectionId>>,
    /// The number of the bucket that is due next, since the start.
    next: u64,
    connections: usize,
}

impl Wheel {
    /// For limits of this length.
    pub(super) fn new(limit: Duration) -> Self {
        let tick = (limit / 32).max(Duration::from_millis(1));
        Self { tick, buckets: vec![Vec::new(); BUCKETS], next: 0, connections: 0 }
    }

    /// Has the connection looked at when this time has come.
    pub(super) fn add(&mut self, id: ConnectionId, due: Duration, now: Duration) {
        if self.connections == 0 {
            self.next = self.number(now);
        }
        let last = self.next + BUCKETS as u64 - 1;
        let number = (self.number(due) + 1).clamp(self.next, last);
        self.bucket(number).push(id);
        self.connections += 1;
    }

    /// When to call [`Wheel::take`]; `None` if there is no connection.
    pub(super) fn due(&self) -> Option<Duration> {
        let next = u32::try_from(self.next).unwrap_or(u32::MAX);
        (self.connections > 0).then(|| self.tick.saturating_mul(next))
    }

    /// Takes those to look at now.
    pub(super) fn take(&mut self, now: Duration) -> Vec<ConnectionId> {
        let mut taken = Vec::new();
        let turns = (self.number(now) + 1).saturating_sub(self.next).min(BUCKETS as u64);
        for number in self.next..self.next + turns {
            taken.append(self.bucket(number));
        }
        self.next += turns;
        self.connections -= taken.len();
        taken
    }

    fn number(&self, time: Duration) -> u64 {
        u64::try_from(time.as_nanos() / self.tick.as_nanos()).unwrap_or(u64::MAX / 2)
    }

    fn bucket(&mut self, number: u64) -> &mut Vec<ConnectionId> {
        &mut self.buckets[(number % BUCKETS as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn id(number: u64) -> ConnectionId {
        ConnectionId::of_token(number)
    }

    #[test]
    fn each_is_taken_when_it_is_due_and_not_much_later() {
        let second = Duration::from_secs(1);
        let mut wheel = Wheel::new(32 * second);
        assert_eq!(wheel.due(), None);
        for (number, start) in [(0, 1000), (1, 1003), (2, 1017)] {
            wheel.add(id(number), second * (start + 32), second * start);
        }
        let mut taken = Vec::new();
        while let Some(due) = wheel.due() {
            for id in wheel.take(due) {
                taken.push((id, due.as_secs()));
            }
        }
        assert_eq!(taken, [(id(0), 1033), (id(1), 1036), (id(2), 1050)]);
    }

    #[test]
    fn a_driver_that_was_away_takes_all_that_is_due() {
        let second = Duration::from_secs(1);
        let mut wheel = Wheel::new(32 * second);
        for number in 0..10 {
            wheel.add(id(number), second * (32 + number as u32), second * number as u32);
        }
        assert_eq!(wheel.take(second * 36).len(), 4);
        assert_eq!(wheel.take(second * 1000).len(), 6);
        assert_eq!(wheel.due(), None);
        // What is far away is looked at earlier, and added again.
        wheel.add(id(1), second * 5000, second * 1000);
        let mut last = Duration::ZERO;
        while let Some(due) = wheel.due() {
            last = due;
            wheel.take(due);
        }
        assert_eq!(last, second * 1063);
    }
}
