use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// The clock of a connection, and an alarm that exists only while there is a deadline.
#[derive(Debug)]
pub(super) struct Timer {
    start: Instant,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    pub(super) fn new(start: Instant) -> Self {
        Self { start, alarm: None }
    }

    /// The time since the start: the engine's clock.
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// There is no deadline any more.
    pub(super) fn stop(&mut self) {
        self.alarm = None;
    }

    /// Ready when the deadline has come, or an earlier one has that was asked for before.
    ///
    /// A deadline that moves away with each message (`idle`) does not touch the runtime's wheel each time: the alarm
    /// rings at the old moment, and is set anew then.
    pub(super) fn poll(&mut self, deadline: Option<Duration>, cx: &mut Context<'_>) -> Poll<()> {
        // A moment beyond the clock's end never comes.
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
