//! A proxy whose upstream leads back to it, by a name or a way that could not be seen at the start: both ends of such a
//! connection are its own.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Both addresses of a connection: of the one who opened it, and of the one who accepted it.
type Addresses = [SocketAddr; 2];

/// The addresses of each client's connection, and of each connection to the server. A connection among both is one of the
/// proxy to itself. One address is not enough: the system gives the same port to connections to other addresses.
#[derive(Debug, Default)]
pub(super) struct Itself {
    ends: Mutex<Ends>,
}

#[derive(Debug, Default)]
struct Ends {
    clients: HashSet<Addresses>,
    ours: HashSet<Addresses>,
}

/// An end that is known as long as this is held.
#[derive(Debug)]
pub(super) struct End<'i> {
    itself: &'i Itself,
    addresses: Addresses,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Client,
    Ours,
}

impl Itself {
    /// A client came from this address to that one; `None` where it is the proxy itself.
    pub(super) fn accepted(&self, client: SocketAddr, listener: SocketAddr) -> Option<End<'_>> {
        self.end([client, listener], Kind::Client)
    }

    /// The proxy connected from this address to that one; `None` where the connection arrived at the proxy itself.
    pub(super) fn connected(&self, ours: SocketAddr, server: SocketAddr) -> Option<End<'_>> {
        self.end([ours, server], Kind::Ours)
    }

    fn end(&self, addresses: Addresses, kind: Kind) -> Option<End<'_>> {
        let addresses = addresses.map(|address| SocketAddr::new(address.ip().to_canonical(), address.port()));
        let mut ends = self.ends();
        // Whichever end comes to be known last sees the other one.
        let (mine, other) = ends.of(kind);
        if other.contains(&addresses) {
            return None;
        }
        mine.insert(addresses);
        Some(End { itself: self, addresses, kind })
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ends {
    fn of(&mut self, kind: Kind) -> (&mut HashSet<Addresses>, &HashSet<Addresses>) {
        match kind {
            Kind::Client => (&mut self.clients, &self.ours),
            Kind::Ours => (&mut self.ours, &self.clients),
        }
    }
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.itself.ends().of(self.kind).0.remove(&self.addresses);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_at_both_ends_is_the_proxy_itself() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let (listener, server) = (address("127.0.0.1:6455"), address("127.0.0.1:8080"));
        let itself = Itself::default();
        let ours = itself.connected(address("127.0.0.1:4000"), listener).expect("the first");
        assert!(itself.accepted(address("127.0.0.1:4000"), listener).is_none());
        assert!(
            itself.accepted(address("[::ffff:127.0.0.1]:4000"), listener).is_none(),
            "the same on an IPv6 listener"
        );
        // Another port, another machine, and the same connection later on.
        let client = itself.accepted(address("127.0.0.1:4001"), listener).expect("another port");
        assert!(itself.accepted(address("127.0.0.2:4000"), listener).is_some());
        assert!(itself.connected(address("127.0.0.1:4001"), listener).is_none(), "in the other order");
        drop((ours, client));
        assert!(itself.accepted(address("127.0.0.1:4000"), listener).is_some());
        assert!(itself.connected(address("127.0.0.1:4001"), listener).is_some());
        // The system gives a client the port that a connection to the server has: their other ends differ.
        let ours = itself.connected(address("127.0.0.1:4002"), server).expect("to the server");
        let client =
            itself.accepted(address("127.0.0.1:4002"), listener).expect("a client with the same port");
        drop((ours, client));
        let client = itself.accepted(address("127.0.0.1:4003"), listener).expect("a client");
        assert!(itself.connected(address("127.0.0.1:4003"), server).is_some(), "in the other order");
        drop(client);
    }
}
