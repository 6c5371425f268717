//! Our server, where the intermediary forwards to.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use framewise_proto::handshake::accept_value;
use framewise_rules::Role;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::end::{End, Record, Step};
use crate::http2;
use crate::probe::Probe;
use crate::results;
use crate::token::{Played, Token};

/// How long a head may take.
const HEAD: Duration = Duration::from_secs(20);
/// The largest head that is read.
const LARGEST: usize = 256 * 1024;
/// How long to wait for more where what arrived is not yet what was sent.
pub(crate) const SETTLE: Duration = Duration::from_millis(150);
/// How long a connection may take to arrive after the client has its 101.
const ARRIVAL: Duration = Duration::from_secs(3);
/// How long results are kept after the last moment at which a probe may end.
const KEPT: Duration = Duration::from_secs(60);
/// Connections that are played at the same time, at the most.
const MOST: usize = 512;

/// The server, until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// As [`serve`]; what the server saw of each connection is also appended to a file, for clients that cannot get it through the
/// intermediary: [`Path::run_with_results`](crate::Path::run_with_results).
pub async fn serve_with_results(listener: TcpListener, file: impl std::io::Write + Send + 'static) {
    let _server = Server::writing(listener, Plays::Any, Some(Mutex::new(Box::new(file))));
    std::future::pending::<()>().await;
}

/// Our server at the other end of a path, for clients in other programs: [`Path::run_remotely`](crate::Path::run_remotely).
/// It runs until the future is dropped.
pub async fn serve(listener: TcpListener) {
    let _server = Server::new(listener, Plays::Any);
    std::future::pending::<()>().await;
}

/// Which probes a server plays.
#[derive(Debug)]
pub(crate) enum Plays {
    /// Those of one run of this program.
    Run(u64, HashMap<String, Arc<Probe>>),
    /// Whatever a client asks for.
    Any,
}

/// Where results are appended.
type File = Mutex<Box<dyn std::io::Write + Send>>;

pub(crate) struct Shared {
    plays: Plays,
    file: Option<File>,
    /// A connection arrived.
    arrived: Notify,
    sessions: Mutex<HashMap<(u64, usize), Session>>,
}

/// A connection that arrived and is played.
#[derive(Debug)]
struct Session {
    stop: Arc<Notify>,
    start: Instant,
    probe: Arc<Probe>,
    done: JoinHandle<End<Connection>>,
}

/// What our server wrote down; its end of the connection stays open as long as this exists.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) record: Record,
    pub(crate) start: Instant,
    pub(crate) probe: Arc<Probe>,
    _open: End<Connection>,
}

/// A connection of the intermediary to us: of TCP, or a stream of HTTP/2 in one.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + std::fmt::Debug + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + std::fmt::Debug + Unpin> Io for T {}
pub(crate) type Connection = Box<dyn Io>;

impl Server {
    /// Serves on a listener.
    pub(crate) fn new(listener: TcpListener, plays: Plays) -> Self {
        Self::writing(listener, plays, None)
    }

    fn writing(listener: TcpListener, plays: Plays, file: Option<File>) -> Self {
        let shared = Arc::new(Shared { plays, file, arrived: Notify::new(), sessions: Mutex::default() });
        let inner = shared.clone();
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    // Out of descriptors: those of the probes that end are free again soon.
                    sleep(Duration::from_millis(50)).await;
                    continue;
                };
                // Small frames are probes: they go out as they are.
                let _ = stream.set_nodelay(true);
                tokio::spawn(arrive(stream, inner.clone()));
            }
        });
        Self { shared, task }
    }

    /// What became of a connection at this end, as soon as it has played its part.
    pub(crate) async fn take(&self, token: &Token, played: Played) -> Option<Taken> {
        self.shared.take(token, played).await
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("plays", &self.plays).finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn sessions(&self) -> std::sync::MutexGuard<'_, HashMap<(u64, usize), Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn probe(&self, token: &Token) -> Option<Arc<Probe>> {
        match &self.plays {
            Plays::Run(run, table) if token.run == *run => table.get(token.probe()).cloned(),
            Plays::Run(..) => None,
            Plays::Any => crate::probes::named(token.probe()).map(Arc::new),
        }
    }

    /// Plays a probe on a connection, whose results are then kept for some time.
    fn begin(self: &Arc<Self>, token: &Token, probe: Arc<Probe>, stream: Connection, read: &[u8]) {
        let mut sessions = self.sessions();
        // A request that arrives twice was repeated on the way: the first one counts.
        if sessions.len() >= MOST || sessions.contains_key(&token.connection()) {
            return;
        }
        let (stop, start) = (Arc::new(Notify::new()), Instant::now());
        let forget = probe.deadline + KEPT;
        let plays = part(probe.clone(), stream, read.to_vec(), start, token.key(), stop.clone());
        let (shared, about, played) = (self.clone(), token.clone(), probe.clone());
        let done = tokio::spawn(async move {
            let end = plays.await;
            if let Some(file) = &shared.file {
                // What the client sent last may still arrive.
                sleep(2 * SETTLE).await;
                let entry = results::entry(&about, &end.record(), &played);
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = file.write_all(&entry).and_then(|()| file.flush());
            }
            end
        });
        sessions.insert(token.connection(), Session { stop, start, probe, done });
        self.arrived.notify_waiters();
        if matches!(self.plays, Plays::Any) {
            let (shared, connection) = (self.clone(), token.connection());
            tokio::spawn(async move {
                sleep(forget).await;
                if let Some(session) = shared.sessions().remove(&connection) {
                    session.done.abort();
                }
            });
        }
    }

    /// The session of a connection. Some intermediaries answer the client before they connect to the server: where the client
    /// has a 101, its connection may still arrive.
    async fn session(&self, token: &Token, played: Played) -> Option<Session> {
        let arrives = async {
            loop {
                let arrived = self.arrived.notified();
                let mut arrived = std::pin::pin!(arrived);
                arrived.as_mut().enable();
                if let Some(session) = self.sessions().remove(&token.connection()) {
                    return session;
                }
                arrived.await;
            }
        };
        let patience = if played.answered { ARRIVAL } else { Duration::ZERO };
        timeout(patience, arrives).await.ok()
    }

    pub(crate) async fn take(&self, token: &Token, played: Played) -> Option<Taken> {
        let session = self.session(token, played).await?;
        if !played.answered {
            // The client has no connection.
            session.stop.notify_one();
        }
        let end = session.done.await.ok()?;
        let mut record = end.record();
        let whole =
            record.sent.after_head().len() == played.got && record.got.after_head().len() == played.sent;
        if played.answered && !whole {
            sleep(SETTLE).await;
            record = end.record();
        }
        Some(Taken { record, start: session.start, probe: session.probe, _open: end })
    }
}

async fn arrive(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut read = Vec::new();
    let head = async {
        while !read.windows(4).any(|four| four == b"\r\n\r\n") && read.len() < LARGEST {
            if !matches!(stream.read_buf(&mut read).await, Ok(count) if count > 0) {
                return false;
            }
        }
        true
    };
    if !timeout(HEAD, head).await.unwrap_or(false) {
        return;
    }
    if read.starts_with(b"PRI * HTTP/2.0") {
        // Whoever passes bytes on passes HTTP/2 on as well.
        let (read_half, write_half) = tokio::io::split(stream);
        let stream = tokio::io::join(std::io::Cursor::new(read).chain(read_half), write_half);
        // An intermediary that translates has many connections of clients in one of its own.
        let known = |head: &str| Token::find(head).and_then(|token| Some((shared.probe(&token)?, token)));
        let answers =
            |head: &str| known(head).map_or_else(Vec::new, |(probe, _)| answer_headers(&probe, head));
        return http2::accept(stream, answers, |stream, head| {
            if let Some((probe, token)) = known(&head) {
                shared.begin(&token, probe, Box::new(stream), head.as_bytes());
            }
        })
        .await;
    }
    let token = Token::find(&String::from_utf8_lossy(&read));
    if let Some(token) = &token
        && let Some(played) = token.asks_for_results()
    {
        return results::answer(&mut stream, &read, &shared, token, played).await;
    }
    let probe = token.as_ref().and_then(|token| shared.probe(token));
    match token.zip(probe) {
        Some((token, probe)) => {
            if probe.server.iter().any(|step| matches!(step, Step::Reset)) {
                let _ = stream.set_zero_linger();
            }
            shared.begin(&token, probe, Box::new(stream), &read);
        }
        // Somebody else: a health check of the intermediary, say.
        None => {
            let _ = stream
                .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .await;
        }
    }
}

/// Our server's part of a probe.
async fn part(
    probe: Arc<Probe>,
    stream: Connection,
    read: Vec<u8>,
    start: Instant,
    key: String,
    stop: Arc<Notify>,
) -> End<Connection> {
    let deadline = start + probe.deadline;
    let mut server = End::new(stream, start, &read, (Role::Server, probe.bounds(Role::Client)));
    let head = String::from_utf8_lossy(&read).into_owned();
    // Where the key is missing, the accept value of the client's own lets the rest be seen.
    let arrived = header(&head, "sec-websocket-key").unwrap_or(&key);
    let mut response = format!(
        "{}HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n",
        probe.interim,
        accept_value(arrived)
    );
    let headers = answer_headers(&probe, &head);
    for (name, value) in &headers {
        let _ = write!(response, "{name}: {value}\r\n");
    }
    response.push_str("\r\n");
    let mut bytes = response.into_bytes();
    bytes.extend_from_slice(&probe.early[1]);
    let over_http2 = head.split("\r\n").next().is_some_and(|line| line.ends_with("HTTP/2"));
    if over_http2 {
        server.sent_head(&http2::accepted(&headers));
        bytes.clone_from(&probe.early[1]);
    }
    let play = async {
        // The client's first frame shows that it has the 101: what follows does not share a segment with it by chance.
        let opened = timeout_at(deadline, async {
            if !bytes.is_empty() {
                server.send(&bytes).await;
            }
            server.after(1).await;
        });
        if opened.await.is_ok() {
            server.play(&probe.server, deadline).await;
        }
    };
    tokio::select! {
        () = play => {}
        () = stop.notified() => {}
    }
    server
}

/// The headers of our answer to this request, beside those of every handshake.
fn answer_headers(probe: &Probe, request: &str) -> Vec<(&'static str, String)> {
    probe.response.iter().filter(|(name, _)| may_answer(name, request)).cloned().collect()
}

/// Whether a server may send this header: an extension or a subprotocol only if the request offers one (RFC 6455 §4.2.2).
fn may_answer(name: &str, request: &str) -> bool {
    let needs_an_offer = ["sec-websocket-extensions", "sec-websocket-protocol"];
    !needs_an_offer.iter().any(|offered| offered.eq_ignore_ascii_case(name))
        || header(request, name).is_some()
}

/// The value of a header, whatever the case of its name.
pub(crate) fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}
