mod change;
mod client;
mod forward;
mod itself;
mod pass;

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use framewise::{AcceptLoop, Incoming, Stop};
use framewise_inspect::{Connection, Endpoints};
use framewise_rules::Role;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::faults::Direction;
use crate::packets::Recording;
use crate::pair::{Pairing, Position};
use crate::rewrite::Rewrite;
use crate::tap::tap;
use crate::wire::{Duplex, Wire};
use crate::{About, Event, Fault, Packets, Recorder, Recordings, Sink, Upstream, Watch};
use change::Change;
pub use client::{Certificates, TlsFault};
use forward::{Asked, Prefixed};
use itself::Itself;
use pass::{Changes, Cut, Passing};

/// Connections that are open at once, unless [`Proxy::most_open`] says otherwise.
const MOST_OPEN: usize = 1024;
/// How long one side may do nothing after the other one has closed its direction, unless [`Proxy::half_closed`] says
/// otherwise.
const HALF_CLOSED: Duration = Duration::from_secs(60);

/// A proxy in front of a server: it forwards every byte unchanged, half-closed sides and resets as well, and reports what
/// it sees.
pub struct Proxy {
    /// `None` for the servers that the clients ask for.
    upstream: Option<Upstream>,
    sink: Arc<dyn Sink>,
    recordings: Option<Mutex<Recordings>>,
    packets: Option<Recording>,
    most_open: usize,
    half_closed: Duration,
    naming: Naming,
    faults: Vec<Fault>,
    place: Position,
    certificates: Option<Arc<dyn Certificates>>,
    itself: Itself,
}

/// Both ends of a connection.
struct Reached {
    client: Box<dyn Duplex>,
    server: Box<dyn Duplex>,
    upstream: Upstream,
}

/// Which fields of a request name the upstream instead of the proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// None: every byte passes unchanged.
    #[default]
    Unchanged,
    /// Host, where it names another server: servers refuse names that they do not know. The port does not count.
    Host,
    /// Origin, and Host stays.
    Origin,
    /// Host and Origin, with the upstream's port.
    HostAndOrigin,
}

impl Proxy {
    /// A proxy in front of this server, whose events go to this sink.
    pub fn new(upstream: Upstream, sink: Arc<dyn Sink>) -> Self {
        Self::to(Some(upstream), sink)
    }

    /// A forward proxy: clients ask for a server with CONNECT, SOCKS 5, or an absolute URL. TLS inside a tunnel is observed with
    /// [`Proxy::tls`], and passed on unseen without it. What is not a WebSocket connection is passed on, and nothing is said
    /// about it.
    pub fn forward(sink: Arc<dyn Sink>) -> Self {
        Self::to(None, sink)
    }

    fn to(upstream: Option<Upstream>, sink: Arc<dyn Sink>) -> Self {
        Self {
            upstream,
            sink,
            recordings: None,
            packets: None,
            most_open: MOST_OPEN,
            half_closed: HALF_CLOSED,
            naming: Naming::default(),
            faults: Vec::new(),
            place: Position::Alone,
            certificates: None,
            itself: Itself::default(),
        }
    }

    /// Observes connections on both sides of an intermediary: this proxy leads to it, and it leads to `behind`. Two connections
    /// are one if their requests have the same value in this header field, by default Sec-WebSocket-Key. What is found in
    /// both, and what differs between them, is reported here; `behind` reports only what has no other half.
    #[must_use]
    pub fn paired(mut self, mut behind: Self, header: Option<String>) -> (Self, Self) {
        let pairing = Arc::new(Pairing::new(header));
        self.place = Position::Before(Arc::clone(&pairing));
        behind.place = Position::Behind(pairing);
        (self, behind)
    }

    /// Records each connection.
    #[must_use]
    pub fn recorded(mut self, recordings: Option<Recordings>) -> Self {
        self.recordings = recordings.map(Mutex::new);
        self
    }

    /// Records the packets of all connections.
    #[must_use]
    pub fn packets(mut self, packets: Option<Packets>) -> Self {
        self.packets = packets.map(|packets| packets.start(Arc::clone(&self.sink)));
        self
    }

    /// Number of connections that may be open at once; further clients wait. Default: 1024. Each takes two descriptors, and
    /// a loop through another proxy must not take all that the system has.
    #[must_use]
    pub const fn most_open(mut self, connections: usize) -> Self {
        self.most_open = connections;
        self
    }

    /// Which fields of a request are rewritten to name the upstream. Default: none. Each rewriting is an
    /// [`Event::Rewritten`]; what is observed and recorded is what the server gets.
    #[must_use]
    pub const fn naming(mut self, naming: Naming) -> Self {
        self.naming = naming;
        self
    }

    /// Makes these faults in each connection; each one is an [`Event::Injected`]. What is observed and recorded is what is
    /// passed on. Where a fault reads or writes messages, the request's Sec-WebSocket-Extensions are removed, so that they
    /// are not compressed.
    #[must_use]
    pub fn faults(mut self, faults: Vec<Fault>) -> Self {
        self.faults = faults;
        self
    }

    /// Speaks TLS with clients that begin with it, with these certificates; the others speak as before.
    #[must_use]
    pub fn tls(mut self, certificates: Arc<dyn Certificates>) -> Self {
        self.certificates = Some(certificates);
        self
    }

    /// How long one side may do nothing after the other one has closed its direction. Default: one minute.
    #[must_use]
    pub const fn half_closed(mut self, limit: Duration) -> Self {
        self.half_closed = limit;
        self
    }

    /// Connects clients to the server until `stop` completes. Then it closes the open connections, and returns when they are
    /// reported. Dropping the future cuts them.
    pub async fn serve(self, listener: TcpListener, stop: impl Future) {
        let proxy = Arc::new(self);
        let sink = Arc::clone(&proxy.sink);
        let mut accepting = AcceptLoop::new(listener).max_open(proxy.most_open).on_delay(move |delay| {
            if let Some(event) = Event::delayed(delay) {
                sink.event(&About::default(), event);
            }
        });
        let stopping = Stop::new();
        let mut open = JoinSet::new();
        accepting
            .run(stop, |incoming| {
                while open.try_join_next().is_some() {}
                let (proxy, stopping) = (Arc::clone(&proxy), stopping.clone());
                open.spawn(async move {
                    let Incoming { stream, peer, number, slot, .. } = incoming;
                    proxy.pass(stream, peer, number, stopping.stopped()).await;
                    drop(slot);
                });
            })
            .await;
        drop(accepting);
        // No time for the rest: the tasks are waited for here.
        stopping.stop(Duration::ZERO).await;
        while open.join_next().await.is_some() {}
        if let Some(recording) = Arc::into_inner(proxy).and_then(|proxy| proxy.packets) {
            recording.finish().await;
        }
    }

    /// Forwards one connection until both sides have ended it or `stop` completes. Returns what was found in it; `None` if
    /// the server could not be reached.
    pub async fn pass(
        &self,
        client: TcpStream,
        address: SocketAddr,
        number: u64,
        stop: impl Future,
    ) -> Option<Connection> {
        let is_behind = matches!(self.place, Position::Behind(_));
        let about = About {
            id: if is_behind { format!("behind-{number}") } else { number.to_string() },
            client: Some(address.to_string()),
            server: self.upstream.as_ref().map(Upstream::authority),
        };
        if self.upstream.is_some() && !is_behind {
            self.sink.event(&about, Event::Accepted);
        }
        let listener = client.local_addr().ok();
        let Some(_client) =
            listener.map_or(Some(None), |listener| self.itself.accepted(address, listener).map(Some))
        else {
            self.sink.event(&about, Event::Loop);
            return None;
        };
        let mut stop = pin!(stop);
        let reached = tokio::select! {
            reached = self.reach(client, &about) => reached,
            _ = &mut stop => return None,
        };
        let (client, server, upstream) = match reached {
            Ok(Some(Reached { client, server, upstream })) => (client, server, upstream),
            Ok(None) => return None,
            Err(event) => {
                self.sink.event(&about, event);
                return None;
            }
        };
        let about = About { server: Some(upstream.authority()), ..about };
        let Some(_server) =
            ends(&*server).map_or(Some(None), |(ours, server)| self.itself.connected(ours, server).map(Some))
        else {
            self.sink.event(&about, Event::Loop);
            return None;
        };
        let recorder = self.recorder(&about, number);
        let watch = Watch::new(about.clone(), Endpoints::UNKNOWN, Arc::clone(&self.sink))
            .at(self.place.clone())
            .recorded(recorder);
        let (tap, watching) = tap(watch, None);
        let passing = Passing { tap: &tap, about: &about, sink: &*self.sink, half_closed: self.half_closed };
        let mut rewrite = upstream.rewrite(self.naming);
        rewrite.no_extensions = self.faults.iter().any(Fault::reads_messages);
        let changes = Changes {
            client: Change::new(Role::Client, rewrite, Direction::new(&self.faults, Role::Client)),
            server: Change::new(Role::Server, Rewrite::default(), Direction::new(&self.faults, Role::Server)),
        };
        let cut = passing.between(client, server, changes, stop).await;
        if let Err(Cut::Silent(silent)) = cut {
            self.sink.event(&about, Event::GivenUp { silent, after: self.half_closed });
        }
        drop(tap);
        watching.finish().await
    }

    /// Both ends, ready to pass bytes; `None` where the connection is not for WebSocket, and over.
    async fn reach(&self, client: TcpStream, about: &About) -> Result<Option<Reached>, Event> {
        let tracer = self.packets.as_ref().and_then(|packets| packets.trace(&client, Role::Server));
        let client = Wire::new(client, tracer);
        let Some(upstream) = &self.upstream else { return self.reach_asked(client, about).await };
        // A client that knows the server by its address sends no name (RFC 6066 §3).
        let name = client.tcp().local_addr().map(|address| address.ip().to_string()).unwrap_or_default();
        let (client, _) = self.encrypted(client, &name).await.map_err(Event::NotEncrypted)?;
        let server = upstream.connect(self.packets.as_ref()).await.map_err(Event::Unreachable)?;
        Ok(Some(Reached { client, server, upstream: upstream.clone() }))
    }

    /// As [`Self::reach`], to the server that the client asks for.
    async fn reach_asked(
        &self,
        mut client: Wire<TcpStream>,
        about: &About,
    ) -> Result<Option<Reached>, Event> {
        // Clients open connections before they need them: they are left alone.
        let Ok(Asked { mut upstream, request }) = forward::ask(&mut client).await else { return Ok(None) };
        let is_tunnel = request.is_none();
        let mut client: Box<dyn Duplex> = if is_tunnel {
            let (client, is_tls) =
                self.encrypted(client, upstream.host()).await.map_err(Event::NotEncrypted)?;
            if is_tls {
                upstream = upstream.with_tls().map_err(Event::Unreachable)?;
            }
            client
        } else {
            Box::new(client)
        };
        let mut head = request.unwrap_or_default();
        let mut end = head.len();
        if is_tunnel {
            let Ok(read) = forward::read_head(&mut client, &mut head).await else { return Ok(None) };
            end = read;
        }
        let is_websocket = forward::is_websocket(&head[..end]);
        let about = About { server: Some(upstream.authority()), ..about.clone() };
        if is_websocket {
            self.sink.event(&about, Event::Accepted);
        }
        let server = upstream.connect(self.packets.as_ref()).await;
        let mut client: Box<dyn Duplex> = Box::new(Prefixed::new(head, client));
        match server {
            Ok(server) if is_websocket => Ok(Some(Reached { client, server, upstream })),
            Ok(mut server) => {
                // A connection to itself: that is never wanted.
                let known = ends(&*server).and_then(|(ours, server)| self.itself.connected(ours, server));
                if known.is_some() {
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                }
                Ok(None)
            }
            Err(error) if is_websocket => Err(Event::Unreachable(error)),
            Err(_) => Ok(None),
        }
    }

    /// With TLS, where the client begins it.
    async fn encrypted(
        &self,
        client: Wire<TcpStream>,
        name: &str,
    ) -> Result<(Box<dyn Duplex>, bool), TlsFault> {
        match &self.certificates {
            Some(certificates) if client::begins_tls(&client).await => {
                let key_log = self.packets.as_ref().map(Recording::key_log);
                Ok((client::encrypt(client, &**certificates, name, key_log).await?, true))
            }
            Some(_) | None => Ok((Box::new(client), false)),
        }
    }

    fn recorder(&self, about: &About, number: u64) -> Option<Recorder> {
        let recordings = self.recordings.as_ref()?;
        match recordings.lock().unwrap_or_else(PoisonError::into_inner).recorder(number) {
            Ok(recorder) => Some(match self.place {
                Position::Before(_) => recorder.of_legs(["client-proxy", "proxy-server"]),
                Position::Alone | Position::Behind(_) => recorder,
            }),
            Err(failure) => {
                if let Some((path, error)) = failure {
                    self.sink.event(about, Event::NotRecorded { path, error });
                }
                None
            }
        }
    }
}

/// The addresses of a connection to a server: ours, and the server's.
fn ends(server: &dyn Duplex) -> Option<(SocketAddr, SocketAddr)> {
    let tcp = server.tcp();
    Some((tcp.local_addr().ok()?, tcp.peer_addr().ok()?))
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("upstream", &self.upstream).finish_non_exhaustive()
    }
}
