//! A proxy whose upstream leads back to it, by a name or a way that could not be seen at the start: both ends of such a
//! connection are its own.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The address at the far end of each client, and at the near end of each connection to the server. An address among
/// both is a connection from the proxy to itself.
#[derive(Debug, Default)]
pub(super) struct Itself {
    ends: Mutex<Ends>,
}

#[derive(Debug, Default)]
struct Ends {
    clients: HashSet<SocketAddr>,
    ours: HashSet<SocketAddr>,
}

/// An end that is known as long as this is held.
#[derive(Debug)]
pub(super) struct End<'i> {
    itself: &'i Itself,
    address: SocketAddr,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Client,
    Ours,
}

impl Itself {
    /// A client came from this address; `None` where it is the proxy itself.
    pub(super) fn accepted(&self, client: SocketAddr) -> Option<End<'_>> {
        self.end(client, Kind::Client)
    }

    /// The proxy connected from this address; `None` where the connection arrived at the proxy itself.
    pub(super) fn connected(&self, ours: SocketAddr) -> Option<End<'_>> {
        self.end(ours, Kind::Ours)
    }

    fn end(&self, address: SocketAddr, kind: Kind) -> Option<End<'_>> {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        let mut ends = self.ends();
        // Whichever end comes to be known last sees the other one.
        let (mine, other) = ends.of(kind);
        if other.contains(&address) {
            return None;
        }
        mine.insert(address);
        Some(End { itself: self, address, kind })
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ends {
    fn of(&mut self, kind: Kind) -> (&mut HashSet<SocketAddr>, &HashSet<SocketAddr>) {
        match kind {
            Kind::Client => (&mut self.clients, &self.ours),
            Kind::Ours => (&mut self.ours, &self.clients),
        }
    }
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.itself.ends().of(self.kind).0.remove(&self.address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_at_both_ends_is_the_proxy_itself() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let itself = Itself::default();
        let ours = itself.connected(address("127.0.0.1:4000")).expect("the first");
        assert!(itself.accepted(address("127.0.0.1:4000")).is_none());
        assert!(
            itself.accepted(address("[::ffff:127.0.0.1]:4000")).is_none(),
            "the same on an IPv6 listener"
        );
        // Another port, another machine, and the same address later on.
        let client = itself.accepted(address("127.0.0.1:4001")).expect("another port");
        assert!(itself.accepted(address("127.0.0.2:4000")).is_some());
        assert!(itself.connected(address("127.0.0.1:4001")).is_none(), "in the other order");
        drop((ours, client));
        assert!(itself.accepted(address("127.0.0.1:4000")).is_some());
        assert!(itself.connected(address("127.0.0.1:4001")).is_some());
    }
}
