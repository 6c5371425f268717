//! A non-blocking TCP socket whose readiness the driver of a worker tells.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use framewise_simd::append_with;
use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::{self, RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is known of a socket. It is not tried in vain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// Its end, or a failure, is there to be read, behind what else is.
    pub(super) ended: bool,
    /// How often it may be read in this turn.
    pub(super) reads: u8,
}

/// How often a connection is read in its turn: others wait.
const READS: u8 = 4;

impl Ready {
    /// A new one may be tried.
    pub(super) const NEW: Self = Self { readable: true, writable: true, ended: false, reads: READS };

    /// Notes what epoll told.
    pub(super) fn note(&mut self, flags: EventFlags) {
        self.ended |= flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
        self.readable |= self.ended || flags.contains(EventFlags::IN);
        self.writable |= self.ended || flags.contains(EventFlags::OUT);
    }

    /// Notes the result of a read into a buffer of this size. A stream that filled a part of it is drained; see epoll(7).
    pub(super) fn note_read(&mut self, read: Result<usize, Errno>, size: usize) {
        self.readable = match read {
            Ok(count) => count == size || self.ended,
            Err(error) => error == Errno::INTR,
        };
    }

    fn note_written(&mut self, written: Result<usize, Errno>, size: usize) {
        self.writable = match written {
            Ok(count) => count == size,
            Err(error) => error == Errno::INTR,
        };
    }
}

/// It is the turn of its connection.
pub(super) fn begin(ready: &Cell<Ready>) {
    ready.set(Ready { reads: READS, ..ready.get() });
}

pub(super) fn read(socket: impl AsFd, buffer: &mut [u8]) -> Result<usize, Errno> {
    net::recv(socket, buffer, RecvFlags::empty()).map(|(count, _)| count)
}

pub(super) fn write(socket: impl AsFd, bytes: &[u8]) -> Result<usize, Errno> {
    net::send(socket, bytes, SendFlags::NOSIGNAL)
}

pub(super) fn write_all_of(socket: impl AsFd, slices: &[IoSlice<'_>]) -> Result<usize, Errno> {
    net::sendmsg(socket, slices, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)
}

pub(super) fn peer(socket: impl AsFd) -> io::Result<SocketAddr> {
    let peer = net::getpeername(socket)?.ok_or(Errno::NOTCONN)?;
    Ok(peer.try_into()?)
}

/// The socket of a connection of which something is open, as a stream.
#[derive(Debug)]
pub(super) struct Socket {
    fd: OwnedFd,
    ready: Rc<Cell<Ready>>,
    /// A read failed with it, and nobody was told: the system tells it once.
    failed: Option<Errno>,
}

impl Socket {
    pub(super) const fn new(fd: OwnedFd, ready: Rc<Cell<Ready>>, failed: Option<Errno>) -> Self {
        Self { fd, ready, failed }
    }

    pub(super) const fn ready(&self) -> &Rc<Cell<Ready>> {
        &self.ready
    }

    pub(super) fn into_parts(self) -> (OwnedFd, Ready) {
        (self.fd, self.ready.get())
    }

    fn note(&self, note: impl FnOnce(&mut Ready)) {
        let mut ready = self.ready.get();
        note(&mut ready);
        self.ready.set(ready);
    }

    fn write_with(&self, size: usize, write: impl Fn() -> Result<usize, Errno>) -> Poll<io::Result<usize>> {
        while self.ready.get().writable {
            let written = write();
            self.note(|ready| ready.note_written(written, size));
            match written {
                Err(Errno::AGAIN | Errno::INTR) => {}
                written => return Poll::Ready(Ok(written?)),
            }
        }
        // The driver polls the connection again when epoll tells.
        Poll::Pending
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Err(error.into()));
        }
        let size = buf.remaining();
        while self.ready.get().readable {
            let Some(reads) = self.ready.get().reads.checked_sub(1) else {
                // In the next turn.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            };
            self.note(|ready| ready.reads = reads);
            let read = append_with(buf, |free| {
                net::recv(&self.fd, free, RecvFlags::empty()).map(|((filled, _), _)| filled)
            });
            self.note(|ready| ready.note_read(read, size));
            match read {
                Err(Errno::AGAIN | Errno::INTR) => {}
                read => return Poll::Ready(Ok(read.map(|_| ())?)),
            }
        }
        Poll::Pending
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.write_with(buf.len(), || write(&self.fd, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let size = bufs.iter().map(|slice| slice.len()).sum();
        self.write_with(size, || write_all_of(&self.fd, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(net::shutdown(&self.fd, Shutdown::Write)?))
    }
}
