use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::task::{Context, Poll, ready};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The most events that one call returns.
const EVENTS: usize = 1024;
const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// The sockets of a worker. All of them together are one registration in tokio.
pub(super) struct Epoll {
    sockets: AsyncFd<OwnedFd>,
    events: Vec<Event>,
    /// The last call returned as many events as there is space for.
    more: bool,
}

impl Epoll {
    pub(super) fn new() -> io::Result<Self> {
        #[allow(
            deprecated,
            reason = "its successor is not in tokio 1.45; the descriptor of an `OwnedFd` does not change"
        )]
        let sockets = AsyncFd::with_interest(epoll::create(CreateFlags::CLOEXEC)?, Interest::READABLE)?;
        Ok(Self { sockets, events: Vec::with_capacity(EVENTS), more: false })
    }

    /// Tells when a connection becomes ready: once each time.
    pub(super) fn add(&self, socket: impl AsFd, token: u64) -> io::Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        Ok(epoll::add(self.sockets.get_ref(), socket, EventData::new_u64(token), flags)?)
    }

    /// Tells as long as a listener has connections to accept.
    pub(super) fn add_listener(&self, socket: impl AsFd, token: u64) -> io::Result<()> {
        Ok(epoll::add(self.sockets.get_ref(), socket, EventData::new_u64(token), EventFlags::IN)?)
    }

    pub(super) fn remove(&self, socket: impl AsFd) {
        // It fails if the socket is not there.
        let _ = epoll::delete(self.sockets.get_ref(), socket);
    }

    /// Ready when there are events, which [`Epoll::events`] returns.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if !self.more {
                // First cleared, then asked: whatever becomes ready later is told again.
                ready!(self.sockets.poll_read_ready(cx))?.clear_ready();
            }
            self.events.clear();
            let count = epoll::wait(self.sockets.get_ref(), spare_capacity(&mut self.events), Some(&AT_ONCE));
            let count = match count {
                Err(rustix::io::Errno::INTR) => continue,
                count => count?,
            };
            self.more = count == self.events.capacity();
            if count > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Has the next poll ask epoll, even if tokio was not told that it has to.
    #[cfg(test)]
    pub(super) const fn ask(&mut self) {
        self.more = true;
    }

    /// The events of the last call: the token and what is ready.
    pub(super) fn events(&self) -> impl Iterator<Item = (u64, EventFlags)> {
        self.events.iter().map(|event| (event.data.u64(), event.flags))
    }
}
