//! A timer that is exact to some ten microseconds. Tokio's own counts in milliseconds, which is more than many a reply
//! takes: messages would be sent late, and their latency would be the timer's.

use std::io;
use std::time::Instant;

#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(crate) struct Timer(tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>);

#[cfg(target_os = "linux")]
impl Timer {
    #[allow(
        deprecated,
        reason = "an `OwnedFd` is always the same open descriptor, which is what `register` asks its caller for"
    )]
    pub(crate) fn new() -> io::Result<Self> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};

        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Self(tokio::io::unix::AsyncFd::new(timerfd_create(TimerfdClockId::Monotonic, flags)?)?))
    }

    /// Waits until this time.
    pub(crate) async fn until(&self, time: Instant) -> io::Result<()> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};

        let wait = time.saturating_duration_since(Instant::now());
        // A time of zero would switch the timer off.
        let Ok(value) = Timespec::try_from(wait) else { return Ok(()) };
        if wait.is_zero() {
            return Ok(());
        }
        let once = Itimerspec { it_interval: Timespec::default(), it_value: value };
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
        loop {
            let mut ready = self.0.readable().await?;
            let read = ready.try_io(|fd| Ok(rustix::io::read(fd, &mut [0; 8])?));
            if let Ok(read) = read {
                return read.map(drop);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(crate) struct Timer;

#[cfg(not(target_os = "linux"))]
impl Timer {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits until this time.
    pub(crate) async fn until(&self, time: Instant) -> io::Result<()> {
        tokio::time::sleep_until(time.into()).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_waits_until_the_time_and_not_for_one_that_has_passed() {
        let timer = Timer::new().unwrap();
        for wait in [Duration::from_micros(300), Duration::ZERO, Duration::from_millis(2)] {
            let time = Instant::now() + wait;
            timer.until(time).await.unwrap();
            assert!(Instant::now() >= time);
        }
        let past = Instant::now();
        timer.until(past).await.unwrap();
    }
}
