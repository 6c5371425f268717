//! Runs the probes.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use framewise::{Client, Limits, Proxy, Url};
use framewise_proto::Opcode;
use framewise_proto::handshake::accept_value;
use framewise_rules::{Cause, Role};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::end::{End, Step};
use crate::judge::{self, Ends, Note};
use crate::origin::{Arrived, Origin};
use crate::probe::{Group, Probe};
use crate::report::{Outcome, Report, Severity, Verdict};
use crate::software;
use crate::transcript;
use crate::wire::{Frame, random};

/// Probes at the same time.
const CONCURRENT: usize = 16;
/// How long a connection to the intermediary may take.
const DIAL: Duration = Duration::from_secs(10);
/// How long to wait for more where what arrived is not yet what was sent.
const SETTLE: Duration = Duration::from_millis(150);

/// Why a path could not be tested, in one sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

/// A path between our client and our server.
#[derive(Clone, Debug)]
pub struct Path {
    via: String,
    origin: String,
    url: Url,
    dialled: String,
    client: Client,
    host: String,
}

impl Path {
    /// The path that begins at `via` (`ws://`, `wss://`, or the proxies `http://`, `https://`, `socks5://` and `socks5h://`)
    /// and ends at our server, which listens at `origin`.
    ///
    /// # Errors
    ///
    /// A URL or an address that is none.
    pub fn new(via: &str, origin: &str) -> Result<Self, Unusable> {
        let scheme = via.split_once("://").map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
        let client = Client::new().limits(Limits::DEFAULT.handshake(DIAL));
        let said = |error: framewise::Error| Unusable(error.to_string());
        let (client, dialled) = match scheme.as_str() {
            "http" | "https" | "socks5" | "socks5h" => {
                let origin =
                    if origin.contains(':') { origin.to_owned() } else { format!("127.0.0.1:{origin}") };
                (client.proxy(Proxy::parse(via).map_err(said)?), format!("ws://{origin}/"))
            }
            "" => (client, format!("ws://{via}")),
            _ => (client, via.to_owned()),
        };
        let url: Url = dialled.parse().map_err(said)?;
        let host = url.authority().to_owned();
        Ok(Self { via: via.to_owned(), origin: origin.to_owned(), url, dialled, client, host })
    }

    /// Runs the probes, and says of each what became of it as soon as it is known.
    ///
    /// # Errors
    ///
    /// Our server cannot listen, or nobody listens at the intermediary's address.
    pub async fn run(&self, probes: &[Probe], told: impl FnMut(&Outcome)) -> Result<Report, Unusable> {
        let listener = TcpListener::bind(&self.origin).await.map_err(|error| {
            let address = &self.origin;
            Unusable(if error.kind() == std::io::ErrorKind::AddrInUse {
                format!(
                    "{address} is in use by another program; stop it, since the intermediary forwards to this address"
                )
            } else {
                format!("cannot listen on {address}: {error}; --origin is where the intermediary forwards to")
            })
        })?;
        self.run_on(listener, probes, told).await
    }

    /// As [`Path::run`], with a listener for our server.
    ///
    /// # Errors
    ///
    /// Nobody listens at the intermediary's address.
    pub async fn run_on(
        &self,
        listener: TcpListener,
        probes: &[Probe],
        mut told: impl FnMut(&Outcome),
    ) -> Result<Report, Unusable> {
        let origin = Arc::new(Origin::new(listener, random()));
        // Whoever does not take connections is no intermediary: that is no finding.
        drop(
            self.client
                .dial(&self.dialled)
                .await
                .map_err(|error| Unusable(format!("{}: {error}", self.via)))?,
        );
        let plain = crate::probes::plain();
        let mut number = 0;
        let (reached, ends) = self.play(&plain, &origin, &mut number).await;
        let software = software::recognise(&ends);
        let open = reached.verdict != Verdict::Refused
            && (reached.verdict == Verdict::AsSent
                || reached.verdict == Verdict::Changed
                || ends.server.is_some() && ends.client.got.head > 0);
        let mut outcomes: Vec<Option<Outcome>> = vec![None; probes.len()];
        let mut put = |index: usize, outcome: Outcome, outcomes: &mut Vec<Option<Outcome>>| {
            told(&outcome);
            outcomes[index] = Some(outcome);
        };
        for (index, probe) in probes.iter().enumerate() {
            if probe.name == plain.name {
                put(index, reached.clone(), &mut outcomes);
            } else if !open {
                put(index, skipped(probe), &mut outcomes);
            }
        }
        let path = Arc::new(self.clone());
        let slots = Arc::new(Semaphore::new(CONCURRENT));
        let mut running = JoinSet::new();
        let mut start = |index: usize, probe: &Probe, running: &mut JoinSet<(usize, Outcome)>, slot| {
            let (path, origin, probe) = (path.clone(), origin.clone(), probe.clone());
            let mut first = number;
            number += probe.connections;
            running.spawn(async move {
                let (outcome, _) = path.play(&probe, &origin, &mut first).await;
                drop(slot);
                (index, outcome)
            });
        };
        let due: Vec<_> =
            probes.iter().enumerate().filter(|(_, probe)| open && probe.name != plain.name).collect();
        // Silence costs nothing: it lasts while the rest runs.
        for (index, probe) in due.iter().filter(|(_, probe)| probe.group == Group::Idle) {
            start(*index, probe, &mut running, None);
        }
        for (index, probe) in due.iter().filter(|(_, probe)| probe.group != Group::Idle) {
            let weight = if probe.alone { CONCURRENT as u32 } else { 1 };
            let Ok(slot) = slots.clone().acquire_many_owned(weight).await else { break };
            start(*index, probe, &mut running, Some(slot));
            while let Some(Ok((index, outcome))) = running.try_join_next() {
                put(index, outcome, &mut outcomes);
            }
        }
        while let Some(Ok((index, outcome))) = running.join_next().await {
            put(index, outcome, &mut outcomes);
        }
        let mut probes: Vec<_> = outcomes.into_iter().flatten().collect();
        // What keeps every connection from opening is found, whatever was selected.
        if !open && !probes.iter().any(|outcome| outcome.name == reached.name) {
            probes.insert(0, reached);
        }
        let causes = worst_first(&probes);
        let fixes = software::fixes(software, &causes);
        Ok(Report {
            via: self.via.clone(),
            origin: self.origin.clone(),
            software: software.map(str::to_owned),
            probes,
            causes,
            fixes,
        })
    }

    /// Plays a probe on as many connections as it has, and judges it; the ends of the connection that it is about.
    async fn play(&self, probe: &Probe, origin: &Origin, number: &mut usize) -> (Outcome, Ends) {
        let began = Instant::now();
        let mut connections = Vec::new();
        for _ in 0..probe.connections {
            let (token, arrives) = origin.expect(*number);
            *number += 1;
            connections.push(self.connection(probe, token, arrives));
        }
        let ends = together(connections).await;
        let (mut bad, mut first_bad) = (0, 0);
        let mut notes = Vec::new();
        for (index, ends) in ends.iter().enumerate() {
            let seen = match ends {
                Ok(ends) => judge::judge(probe, ends),
                Err(says) => vec![Note {
                    verdict: Verdict::Refused,
                    causes: vec![Cause::ConnectionCutOnPath],
                    says: says.clone(),
                    bytes: Vec::new(),
                }],
            };
            bad += usize::from(!seen.is_empty());
            if notes.is_empty() {
                (notes, first_bad) = (seen, index);
            }
        }
        if probe.connections > 1 && bad > 0 {
            notes[0].says = format!("{bad} of {} connections failed: {}", probe.connections, notes[0].says);
        }
        // What is shown is the connection that the notes are about.
        let shown = ends.into_iter().nth(first_bad).and_then(Result::ok).unwrap_or_default();
        let mut outcome = outcome(probe, notes, began.elapsed());
        if outcome.verdict != Verdict::AsSent {
            outcome.transcript = transcript::transcript(&shown);
        }
        (outcome, shown)
    }

    /// One connection: both ends play their parts, until the deadline at the latest.
    async fn connection(
        &self,
        probe: &Probe,
        token: String,
        arrives: tokio::sync::oneshot::Receiver<Arrived>,
    ) -> Result<Ends, String> {
        let start = Instant::now();
        let stream = match timeout(DIAL, self.client.dial(&self.dialled)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(format!("the intermediary does not take this connection: {error}")),
            Err(_) => return Err("the intermediary does not take this connection in time".into()),
        };
        // Small frames are probes: they go out as they are.
        let _ = stream.tcp().set_nodelay(true);
        if probe.client.iter().any(|step| matches!(step, Step::Reset)) {
            let _ = stream.tcp().set_zero_linger();
        }
        let deadline = Instant::now() + probe.deadline;
        let key = key();
        let mut request = request(&self.host, &self.target(&token), &key, &token, probe).into_bytes();
        request.extend_from_slice(&probe.early[0]);
        let mut client = End::new(stream, start, &[]);
        let stop = Notify::new();
        let server = serve(probe, arrives, start, deadline, key, &stop);
        let play = async {
            let sent = timeout_at(deadline, async {
                client.send(&request).await;
                client.wait(|tape| tape.head > 0).await;
            });
            let answered = sent.await.is_ok() && client.peek(|tape| is_101(&tape.bytes));
            if answered {
                let go = Frame::new(Role::Client, Opcode::Text, "go").bytes();
                if timeout_at(deadline, client.send(&go)).await.is_ok() {
                    client.play(&probe.client, deadline).await;
                }
            } else {
                // The body of a rejection says why; and the request may still arrive.
                sleep(SETTLE).await;
                stop.notify_one();
            }
            answered
        };
        let (served, answered) = tokio::join!(server, play);
        let mut ends = Ends { client: client.record(), server: served.as_ref().map(End::record) };
        if let Some(server) = &ends.server
            && answered
        {
            let whole = server.sent.after_head().len() == ends.client.got.after_head().len()
                && ends.client.sent.after_head().len() == server.got.after_head().len();
            if !whole {
                sleep(SETTLE).await;
                ends = Ends { client: client.record(), server: served.as_ref().map(End::record) };
            }
        }
        Ok(ends)
    }

    fn target(&self, token: &str) -> String {
        let target = self.url.target();
        let and = if target.contains('?') { '&' } else { '?' };
        format!("{target}{and}framewise-path={token}")
    }
}

fn is_101(bytes: &[u8]) -> bool {
    let status = |at: &[u8]| at.starts_with(b"HTTP/1.1 101") || at.starts_with(b"HTTP/1.0 101");
    status(bytes) || bytes.windows(16).any(|at| at.starts_with(b"\r\n\r\n") && status(&at[4..]))
}

/// All of them at the same time.
async fn together<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    use std::task::Poll;
    let mut running: Vec<_> = futures.into_iter().map(|future| (Some(Box::pin(future)), None)).collect();
    std::future::poll_fn(move |cx| {
        let mut all = true;
        for (future, output) in &mut running {
            if let Some(pinned) = future {
                match pinned.as_mut().poll(cx) {
                    Poll::Ready(done) => (*future, *output) = (None, Some(done)),
                    Poll::Pending => all = false,
                }
            }
        }
        if all {
            Poll::Ready(running.iter_mut().filter_map(|(_, output)| output.take()).collect())
        } else {
            Poll::Pending
        }
    })
    .await
}

/// Our server's part.
async fn serve(
    probe: &Probe,
    arrives: tokio::sync::oneshot::Receiver<Arrived>,
    start: Instant,
    deadline: Instant,
    key: String,
    stop: &Notify,
) -> Option<End<tokio::net::TcpStream>> {
    let (stream, read) = tokio::select! {
        arrived = timeout_at(deadline, arrives) => arrived.ok()?.ok()?,
        () = stop.notified() => return None,
    };
    if probe.server.iter().any(|step| matches!(step, Step::Reset)) {
        let _ = stream.set_zero_linger();
    }
    let mut server = End::new(stream, start, &read);
    let head = String::from_utf8_lossy(&read).into_owned();
    // Where the key is missing, the accept value of the client's own lets the rest be seen.
    let arrived = head
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
        .map_or(key, |(_, value)| value.trim().to_owned());
    let mut response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n",
        accept_value(&arrived)
    );
    for (name, value) in &probe.response {
        let _ = write!(response, "{name}: {value}\r\n");
    }
    response.push_str("\r\n");
    let mut bytes = response.into_bytes();
    bytes.extend_from_slice(&probe.early[1]);
    let play = async {
        // The client's first frame shows that it has the 101: what follows does not share a segment with it by chance.
        let opened = timeout_at(deadline, async {
            server.send(&bytes).await;
            server.after(1).await;
        });
        if opened.await.is_ok() {
            server.play(&probe.server, deadline).await;
        }
    };
    tokio::select! {
        () = play => {}
        // The client has no connection.
        () = stop.notified() => {}
    }
    Some(server)
}

fn request(host: &str, target: &str, key: &str, token: &str, probe: &Probe) -> String {
    let connection =
        probe.request.iter().find(|(name, _)| *name == "Connection").map_or("Upgrade", |(_, value)| value);
    let mut head = format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: {connection}\r\nSec-WebSocket-Key: {key}\r\n\
         Sec-WebSocket-Version: 13\r\nX-Framewise-Path: {token}\r\n"
    );
    for (name, value) in probe.request.iter().filter(|(name, _)| *name != "Connection") {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    head
}

/// A Sec-WebSocket-Key.
fn key() -> String {
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&random().to_be_bytes());
    nonce[8..].copy_from_slice(&random().to_be_bytes());
    framewise_proto::handshake::ClientOffer::new("", "", nonce).key
}

fn skipped(probe: &Probe) -> Outcome {
    Outcome {
        name: probe.name.clone(),
        verdict: Verdict::Skipped,
        description: probe.says.clone(),
        says: "no connection can be opened: see handshake/plain".into(),
        causes: Vec::new(),
        severity: None,
        hurts: String::new(),
        bytes: Vec::new(),
        milliseconds: 0,
        transcript: String::new(),
    }
}

fn outcome(probe: &Probe, mut notes: Vec<Note>, took: Duration) -> Outcome {
    // What does harm first, and what both directions show once.
    notes.sort_by_key(|note| note.causes.is_empty());
    notes.dedup_by(|one, other| one.says == other.says);
    let rank = |verdict: Verdict| match verdict {
        Verdict::Refused => 0,
        Verdict::Closed => 1,
        Verdict::Capped => 2,
        Verdict::Hung => 3,
        Verdict::Dropped => 4,
        Verdict::Answered => 5,
        Verdict::Changed => 6,
        Verdict::Delayed => 7,
        Verdict::AsSent | Verdict::Skipped => 8,
    };
    let mut causes: Vec<Cause> = Vec::new();
    for &cause in notes.iter().flat_map(|note| &note.causes) {
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    }
    causes.sort_by_key(|&cause| severity(probe.severity, cause));
    let verdict =
        notes.iter().map(|note| note.verdict).min_by_key(|&verdict| rank(verdict)).unwrap_or(Verdict::AsSent);
    let says = if notes.is_empty() {
        format!("{}: it did", probe.says)
    } else {
        notes.iter().map(|note| note.says.as_str()).collect::<Vec<_>>().join("; ")
    };
    let hurt = !causes.is_empty();
    Outcome {
        name: probe.name.clone(),
        verdict,
        description: probe.says.clone(),
        says,
        severity: causes.first().map(|&cause| severity(probe.severity, cause)),
        causes,
        hurts: if hurt { probe.hurts.to_owned() } else { String::new() },
        bytes: notes
            .into_iter()
            .find(|note| !note.bytes.is_empty())
            .map(|note| note.bytes)
            .unwrap_or_default(),
        milliseconds: took.as_millis() as u64,
        transcript: String::new(),
    }
}

/// How bad a cause is in a probe of this severity.
fn severity(probe: Severity, cause: Cause) -> Severity {
    let legal = [Cause::FramesRemaskedOnPath, Cause::HeadersChangedOnPath, Cause::FramesRefragmentedOnPath];
    if legal.contains(&cause) { Severity::Note } else { probe }
}

/// Each cause once: the worst first, and among equals the one that most probes saw.
fn worst_first(probes: &[Outcome]) -> Vec<Cause> {
    let mut found: Vec<(Severity, usize, Cause)> = Vec::new();
    for outcome in probes {
        for &cause in &outcome.causes {
            let severity = severity(outcome.severity.unwrap_or(Severity::Note), cause);
            match found.iter_mut().find(|(_, _, known)| *known == cause) {
                Some((worst, count, _)) => (*worst, *count) = ((*worst).min(severity), *count + 1),
                None => found.push((severity, 1, cause)),
            }
        }
    }
    found.sort_by_key(|&(severity, count, _)| (severity, std::cmp::Reverse(count)));
    found.into_iter().map(|(_, _, cause)| cause).collect()
}
