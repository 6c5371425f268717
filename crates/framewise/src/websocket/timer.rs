use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// The clock of a connection, and an alarm that exists only while there is a deadline.
#[derive(Debug)]
pub(crate) struct Timer {
    start: Instant,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    pub(crate) fn new(start: Instant) -> Self {
        Self { start, alarm: None }
    }

    /// The time since the start, which is the clock of the engine.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Ready when the deadline, or an earlier one that was set before, has passed.
    ///
    /// A deadline that moves with each message (`idle`) does not reset the timer of the runtime each time: the timer fires at
    /// the old deadline, and is set again then.
    pub(crate) fn poll(&mut self, deadline: Option<Duration>, cx: &mut Context<'_>) -> Poll<()> {
        // A deadline beyond the range of the clock is never reached.
        let Some(deadline) = deadline.and_then(|deadline| self.start.checked_add(deadline)) else {
            self.alarm = None;
            return Poll::Pending;
        };
        let alarm = match &mut self.alarm {
            Some(alarm) => {
                if alarm.deadline() > deadline || alarm.is_elapsed() {
                    alarm.as_mut().reset(deadline);
                }
                alarm
            }
            None => self.alarm.insert(Box::pin(tokio::time::sleep_until(deadline))),
        };
        alarm.as_mut().poll(cx)
    }
}
