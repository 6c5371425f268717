use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{self, SocketFlags};
use tokio::net::TcpListener;

use super::epoll::Epoll;
use crate::server::accept_loop::{QUEUED, RETRY, is_exhausted};

/// The token of the listener.
pub(super) const LISTENER: u64 = u64::MAX;
/// How many connections are accepted in a turn.
const AT_ONCE: usize = 64;

/// The listener of a worker.
#[derive(Debug)]
pub(super) struct Acceptor {
    tcp: OwnedFd,
    /// The system had no descriptor or memory for a connection: when to try again.
    pub(super) retry: Option<Duration>,
}

impl Acceptor {
    pub(super) fn new(tcp: TcpListener, epoll: &Epoll) -> io::Result<Self> {
        let tcp = OwnedFd::from(tcp.into_std()?);
        // The connections inherit it. What is queued is written together already: Nagle's algorithm would only delay it.
        net::sockopt::set_tcp_nodelay(&tcp, true)?;
        epoll.add_listener(&tcp, LISTENER)?;
        Ok(Self { tcp, retry: None })
    }

    /// Accepts some connections.
    pub(super) fn accept(
        &mut self,
        epoll: &Epoll,
        now: Duration,
        mut accepted: impl FnMut(OwnedFd, SocketAddr),
    ) {
        for _ in 0..AT_ONCE {
            match self.next() {
                Ok((socket, peer)) => accepted(socket, peer),
                Err(Errno::AGAIN) => return,
                Err(error) if is_exhausted(&error.into()) => {
                    epoll.remove(&self.tcp);
                    self.retry = Some(now + RETRY);
                    return;
                }
                // The connection was gone before it was accepted.
                Err(_) => {}
            }
        }
    }

    /// Tries again.
    pub(super) fn resume(&mut self, epoll: &Epoll) -> io::Result<()> {
        self.retry = None;
        epoll.add_listener(&self.tcp, LISTENER)
    }

    /// Closes the listener. Accepts what the system has accepted for it already: it would be reset with it.
    pub(super) fn close(self, mut accepted: impl FnMut(OwnedFd, SocketAddr)) {
        for _ in 0..QUEUED {
            let Ok((socket, peer)) = self.next() else { return };
            accepted(socket, peer);
        }
    }

    fn next(&self) -> Result<(OwnedFd, SocketAddr), Errno> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (socket, peer) = net::acceptfrom_with(self.tcp.as_fd(), flags)?;
        let unknown = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        Ok((socket, peer.and_then(|peer| peer.try_into().ok()).unwrap_or(unknown)))
    }
}
