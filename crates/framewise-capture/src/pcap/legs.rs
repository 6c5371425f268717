//! WebSocket connections of a capture. Where it was taken beside a proxy, the proxy's two sides are legs of one connection.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use framewise_rules::Role;
use framewise_transcript::{Action, Leg, MOST_LEGS};

use crate::sink::{About, Act, Happened, Sink, Source};

/// What is kept back of a connection until its legs are known: a proxy connects to the server before it answers.
const PENDING: usize = 64 * 1024;
/// A proxy that takes longer than this to connect to the server is not recognised.
const PROXY: Duration = Duration::from_secs(15);
/// Connections that are open at once; the one that was silent for the longest is reported before more are.
const OPEN: usize = 2048;

/// One side's address pair, and the head of its request.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
    /// Empty where the handshake was not captured.
    pub(crate) head: Vec<u8>,
    /// What the leg begins with, as in a transcript.
    pub(crate) open: Option<String>,
    pub(crate) time: Duration,
}

/// Where a TCP connection belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) connection: u64,
    pub(crate) leg: usize,
}

#[derive(Debug)]
struct Connection {
    legs: Vec<Opening>,
    over: Vec<bool>,
    /// What happened before the legs were named; `None` since then.
    pending: Option<Vec<(usize, Role, Duration, Action)>>,
    kept: usize,
    last: Duration,
}

/// The WebSocket connections that are open.
#[derive(Debug, Default)]
pub(crate) struct Legs {
    open: HashMap<u64, Connection>,
    /// Those whose legs are not named yet.
    unnamed: Vec<u64>,
    count: u64,
    /// Connections that were reported before their end.
    pub(crate) cut: u64,
}

impl Legs {
    /// How many connections there were.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// A handshake begins, or a connection whose handshake was not captured.
    pub(crate) fn begin(&mut self, opening: Opening, sink: &mut dyn Sink) -> Place {
        if let Some(number) = self.onward(&opening)
            && let Some(connection) = self.open.get_mut(&number)
        {
            connection.legs.push(opening);
            connection.over.push(false);
            return Place { connection: number, leg: connection.legs.len() - 1 };
        }
        if self.open.len() >= OPEN
            && let Some((&oldest, _)) = self.open.iter().min_by_key(|(_, connection)| connection.last)
        {
            self.cut += 1;
            self.end(oldest, sink);
        }
        self.count += 1;
        let number = self.count;
        let last = opening.time;
        let connection =
            Connection { legs: vec![opening], over: vec![false], pending: Some(Vec::new()), kept: 0, last };
        self.open.insert(number, connection);
        self.unnamed.push(number);
        Place { connection: number, leg: 0 }
    }

    /// The connection that a proxy passes on with this request.
    fn onward(&self, opening: &Opening) -> Option<u64> {
        let fits = |number: &&u64| {
            let Some(connection) = self.open.get(*number) else { return false };
            let Some(before) = connection.legs.last() else { return false };
            connection.legs.len() < MOST_LEGS
                && before.server != opening.server
                && before.client != opening.client
                && opening.time.saturating_sub(before.time) < PROXY
                && passes_on(before, opening)
        };
        let mut found = self.unnamed.iter().filter(fits);
        // Two that it may belong to are none.
        found.next().copied().filter(|_| found.next().is_none())
    }

    /// Something happened on a leg.
    pub(crate) fn happened(
        &mut self,
        place: Place,
        from: Role,
        time: Duration,
        act: Act<'_>,
        sink: &mut dyn Sink,
    ) {
        let Some(connection) = self.open.get_mut(&place.connection) else { return };
        connection.last = time;
        let Some(pending) = &mut connection.pending else {
            let happened = Happened { leg: place.leg, from, time: Some(time), act };
            return sink.happened(place.connection, happened);
        };
        if let Act::Bytes(bytes) = act {
            connection.kept += bytes.len();
        }
        let asks = from == Role::Client && matches!(act, Act::Bytes(_));
        pending.push((place.leg, from, time, act.to_action()));
        // The first answer: every leg before it is there.
        if !asks || connection.kept > PENDING {
            self.name(place.connection, sink);
        }
    }

    /// Names the legs, and gives out what was kept back.
    fn name(&mut self, number: u64, sink: &mut dyn Sink) {
        self.unnamed.retain(|&unnamed| unnamed != number);
        let Some(connection) = self.open.get_mut(&number) else { return };
        let Some(pending) = connection.pending.take() else { return };
        let count = connection.legs.len();
        let legs = connection.legs.iter().enumerate().map(|(index, leg)| Leg {
            name: match (index, count) {
                (_, 1) => "client-server".to_owned(),
                (0, _) => "client-proxy".to_owned(),
                (index, _) if index + 1 == count => "proxy-server".to_owned(),
                (1, _) => "proxy-proxy".to_owned(),
                (index, _) => format!("proxy-proxy-{index}"),
            },
            open: leg.open.clone(),
        });
        let about = About {
            number,
            client: connection.legs.first().map(|leg| leg.client.to_string()),
            server: connection.legs.last().map(|leg| leg.server.to_string()),
            legs: legs.collect(),
            source: Source::Bytes,
            told: Vec::new(),
        };
        sink.begin(&about);
        for (leg, from, time, kept) in pending {
            let act = Act::of(&kept);
            sink.happened(number, Happened { leg, from, time: Some(time), act });
        }
    }

    /// Nothing more will happen on a leg.
    pub(crate) fn over(&mut self, place: Place, sink: &mut dyn Sink) {
        let Some(connection) = self.open.get_mut(&place.connection) else { return };
        if let Some(over) = connection.over.get_mut(place.leg) {
            *over = true;
        }
        if connection.over.iter().all(|over| *over) {
            self.end(place.connection, sink);
        }
    }

    fn end(&mut self, number: u64, sink: &mut dyn Sink) {
        self.name(number, sink);
        self.open.remove(&number);
        sink.over(number);
    }

    /// The capture is over.
    pub(crate) fn finish(&mut self, sink: &mut dyn Sink) {
        let mut left: Vec<u64> = self.open.keys().copied().collect();
        left.sort_unstable();
        for number in left {
            self.end(number, sink);
        }
    }
}

/// Whether a request is another one, passed on: by the key, or by what else a proxy leaves and adds.
fn passes_on(before: &Opening, after: &Opening) -> bool {
    let (Some(asked), Some(passed)) =
        (field(&before.head, "sec-websocket-key"), field(&after.head, "sec-websocket-key"))
    else {
        return forwarded_for(before, after);
    };
    asked == passed || forwarded_for(before, after)
}

/// Whether the proxy says for whom it asks; a proxy that makes a key of its own often does.
fn forwarded_for(before: &Opening, after: &Opening) -> bool {
    let address = before.client.ip().to_string();
    let names = ["x-forwarded-for", "x-real-ip", "forwarded"];
    let says =
        names.iter().any(|name| field(&after.head, name).is_some_and(|value| value.contains(&address)));
    // On one machine everything comes from the same address: the rest has to be the same, too.
    let same = ["sec-websocket-protocol", "origin", "user-agent", "cookie"]
        .iter()
        .all(|name| field(&before.head, name) == field(&after.head, name));
    says && same && field(&before.head, "x-forwarded-for") != field(&after.head, "x-forwarded-for")
}

/// The value of a header.
pub(crate) fn field(head: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    text.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}
