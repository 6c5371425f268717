//! A connection to the endpoint under test, after its handshake: raw bytes go out, and what comes in is read by a strict
//! engine.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use framewise_proto::deflate::{DeflateAgreement, DeflateConfig};
use framewise_proto::{CloseFrame, Config, Connection, Event, MessageKind, Payload as Part, Violation};
use framewise_rules::{Limits, Role, Rule};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::time::Instant;

use crate::case::{Frame, Payload, Seen};
use crate::log::Log;
use crate::wire::{Numbers, Unfinished, push_frame};

/// The largest message that a case sends is 16 MiB.
const MOST_MESSAGE: u64 = 64 * 1024 * 1024;
/// Bytes that an endpoint may send beyond four times what it was sent, and messages beyond what was due: one that floods
/// costs no more.
const MOST_UNASKED: u64 = 16 * 1024 * 1024;
const MOST_EVENTS: usize = 100_000;
/// A case is over after so long, whatever happens.
pub(crate) const LONGEST: Duration = Duration::from_secs(120);

/// What came from the endpoint under test.
#[derive(Debug)]
pub(crate) enum Happened {
    /// A message, a Ping or a Pong.
    Seen(Seen),
    /// Its Close frame.
    Close(Option<CloseFrame>),
    /// It broke a rule.
    Broke(Box<Violation>),
    /// The end of its bytes.
    Eof,
    /// It reset the connection.
    Reset,
    /// It sent far more than anybody asked for: no more is read.
    Flood,
    /// Nothing, for as long as was waited.
    Quiet,
}

/// A connection under test. It is one end, and the endpoint under test is the other.
pub(crate) struct Session<S> {
    read: ReadHalf<S>,
    write: WriteHalf<S>,
    role: Role,
    engine: Connection,
    numbers: Numbers,
    unfinished: Unfinished,
    /// Bytes that came and were not read by the engine yet.
    inbox: Vec<u8>,
    buffer: Vec<u8>,
    message: Vec<u8>,
    happened: VecDeque<Happened>,
    /// Nothing more comes.
    over: bool,
    /// The case has sent a Close itself: the engine's own is held back.
    closed: bool,
    unwritable: bool,
    /// Bytes in each direction, and what was made of those that came.
    sent: u64,
    received: u64,
    events: usize,
    log: Log,
    start: Instant,
    /// When bytes moved last, in either direction.
    moved: Instant,
}

/// What a handshake leaves.
pub(crate) struct Opened<S> {
    pub(crate) io: S,
    pub(crate) log: Log,
    pub(crate) start: Instant,
    /// Bytes of the peer's head.
    pub(crate) head: u64,
    /// Bytes that came after the head.
    pub(crate) rest: Vec<u8>,
    pub(crate) agreed: Option<DeflateAgreement>,
    /// What a server calls itself.
    pub(crate) server: Option<String>,
}

impl<S: AsyncRead + AsyncWrite> Session<S> {
    pub(crate) fn new(role: Role, opened: Opened<S>) -> Self {
        // An endpoint under test may send what it likes, as long as this end can hold it.
        let limits = Limits::default().message(MOST_MESSAGE).inflated(MOST_MESSAGE).no_inflate_ratio();
        // Each message of a case about compression is compressed, also a short one. What is sent is to be inflated, not to be
        // small: level 2 has every kind of block.
        let deflate = DeflateConfig::default().threshold(0).level(2);
        let config = Config::default().limits(limits).send_queue(usize::MAX).deflate(deflate);
        let mut engine = match role {
            Role::Client => {
                let mut keys = Numbers::new();
                Connection::client(config, Box::new(move || keys.key()), opened.head, Duration::ZERO)
            }
            Role::Server => Connection::server(config, opened.head, Duration::ZERO),
        };
        if let Some(agreed) = &opened.agreed {
            engine = engine.with_deflate(agreed);
        }
        let (read, write) = tokio::io::split(opened.io);
        let mut session = Self {
            read,
            write,
            role,
            engine,
            numbers: Numbers::new(),
            unfinished: Unfinished::default(),
            inbox: opened.rest,
            buffer: vec![0; 64 * 1024],
            message: Vec::new(),
            happened: VecDeque::new(),
            over: false,
            closed: false,
            unwritable: false,
            sent: 0,
            received: 0,
            events: 0,
            log: opened.log,
            start: opened.start,
            moved: Instant::now(),
        };
        session.digest();
        session
    }

    /// The bytes of a frame that this end sends.
    pub(crate) fn encode(&mut self, out: &mut Vec<u8>, frame: &Frame) {
        self.unfinished = push_frame(out, frame, self.role, &mut self.numbers);
    }

    /// More payload of the frame that was encoded last.
    pub(crate) fn encode_rest(&mut self, out: &mut Vec<u8>, payload: &[u8]) {
        self.unfinished.push(out, payload);
    }

    /// The engine, to send through: see [`Session::flush`].
    pub(crate) fn engine(&mut self) -> &mut Connection {
        &mut self.engine
    }

    /// From here on the engine's answers are held back: the case has sent a Close itself.
    pub(crate) fn close_by_hand(&mut self) {
        self.closed = true;
    }

    /// Writes bytes, and reads meanwhile. A peer that takes no more is no error here: what it does is what is judged.
    pub(crate) async fn send(&mut self, mut bytes: &[u8], patience: Duration) {
        let now = self.start.elapsed();
        self.log.bytes(self.role, now, bytes);
        while !bytes.is_empty() && !self.unwritable {
            let deadline = (self.moved + patience).min(self.start + LONGEST);
            tokio::select! {
                biased;
                read = self.read.read(&mut self.buffer), if !self.over => self.came(read),
                written = self.write.write(bytes) => match written {
                    Ok(0) | Err(_) => self.unwritable = true,
                    Ok(count) => {
                        self.sent += count as u64;
                        bytes = &bytes[count..];
                        self.moved = Instant::now();
                    }
                },
                () = tokio::time::sleep_until(deadline) => self.unwritable = true,
            }
        }
        if self.write.flush().await.is_err() {
            self.unwritable = true;
        }
    }

    /// Writes what the engine has queued.
    pub(crate) async fn flush(&mut self, patience: Duration) {
        while let Some(transmit) = self.engine.poll_transmit() {
            if self.closed {
                continue;
            }
            let bytes = transmit.into_vec();
            self.send(&bytes, patience).await;
        }
    }

    /// Shuts the writing side.
    pub(crate) async fn shut(&mut self) {
        self.log.eof(self.role, self.start.elapsed());
        // A peer that has gone needs no answer.
        let _ = self.write.shutdown().await;
        self.unwritable = true;
    }

    /// What happens next; [`Happened::Quiet`] where no byte moves for `patience`, or the case has taken too long.
    pub(crate) async fn next(&mut self, patience: Duration) -> Happened {
        self.moved = Instant::now();
        loop {
            self.flush(patience).await;
            if let Some(happened) = self.happened.pop_front() {
                return happened;
            }
            if self.over {
                return Happened::Quiet;
            }
            let deadline = (self.moved + patience).min(self.start + LONGEST.max(patience));
            tokio::select! {
                // What has come counts, also where this end was late to look.
                biased;
                read = self.read.read(&mut self.buffer) => self.came(read),
                () = tokio::time::sleep_until(deadline) => return Happened::Quiet,
            }
        }
    }

    /// Whether nothing more can come.
    pub(crate) fn is_over(&self) -> bool {
        self.over && self.happened.is_empty()
    }

    fn came(&mut self, read: io::Result<usize>) {
        let now = self.start.elapsed();
        self.moved = Instant::now();
        match read {
            Ok(0) => {
                self.over = true;
                self.log.eof(self.role.peer(), now);
                self.happened.push_back(Happened::Eof);
            }
            Ok(count) => {
                self.log.bytes(self.role.peer(), now, &self.buffer[..count]);
                self.received += count as u64;
                self.inbox.extend_from_slice(&self.buffer[..count]);
                self.digest();
                if self.received > MOST_UNASKED + 4 * self.sent || self.events > MOST_EVENTS {
                    self.over = true;
                    self.happened.push_back(Happened::Flood);
                }
            }
            Err(error) => {
                self.over = true;
                // TLS says `UnexpectedEof` where the peer ended TCP without ending TLS.
                if error.kind() == io::ErrorKind::UnexpectedEof {
                    self.log.eof(self.role.peer(), now);
                    self.happened.push_back(Happened::Eof);
                } else {
                    self.log.reset(self.role.peer(), now);
                    self.happened.push_back(Happened::Reset);
                }
            }
        }
    }

    /// Gives the engine what came.
    fn digest(&mut self) {
        let now = self.start.elapsed();
        let mut at = 0;
        loop {
            let opcode = self.inbox.get(at).map_or(0, |first| first & 0x0f);
            let (consumed, event) = self.engine.receive(now, &mut self.inbox[at..]);
            at += consumed;
            let Some(event) = event else { break };
            let happened = match event {
                Event::Data { payload, last, .. } => {
                    let (kind, bytes) = match payload {
                        Part::Text(text) => (MessageKind::Text, text.as_bytes()),
                        Part::Binary(bytes) => (MessageKind::Binary, &*bytes),
                    };
                    self.message.extend_from_slice(bytes);
                    last.then(|| message(kind, std::mem::take(&mut self.message)))
                }
                Event::Inflated { kind, last: true, .. } => {
                    Some(message(kind, self.engine.take_inflated().into_bytes()))
                }
                // Of what follows a Close, RFC 6455 §5.5.1 forbids data frames.
                Event::Tolerated(violation) if violation.rule == Rule::FrameAfterClose && opcode < 8 => {
                    Some(Happened::Broke(violation))
                }
                Event::Inflated { .. } | Event::Tolerated(_) | Event::Ended(_) => None,
                Event::Ping(payload) => Some(Happened::Seen(Seen::Ping(payload.to_vec()))),
                Event::Pong(payload) => Some(Happened::Seen(Seen::Pong(payload.to_vec()))),
                Event::Close(close) => Some(Happened::Close(close)),
                Event::Violation(violation) => Some(Happened::Broke(violation)),
            };
            self.events += usize::from(happened.is_some());
            self.happened.extend(happened);
        }
        self.inbox.drain(..at);
        while self.engine.poll_event().is_some() {}
    }

    /// What has arrived so far answers no step.
    pub(crate) fn forget(&mut self) {
        self.happened.retain(|happened| !matches!(happened, Happened::Seen(_)));
    }

    /// Ends it: the log of all that went over it.
    pub(crate) fn into_log(self) -> Log {
        self.log
    }

    /// How long it has lasted.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

fn message(kind: MessageKind, bytes: Vec<u8>) -> Happened {
    let payload = Payload::Bytes(bytes);
    Happened::Seen(match kind {
        MessageKind::Text => Seen::Text(payload),
        MessageKind::Binary => Seen::Binary(payload),
    })
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::task::{Context, Poll};

    use tokio::io::ReadBuf;

    use super::*;

    /// A peer that sends the same bytes without end, and counts them.
    struct Endless {
        bytes: Vec<u8>,
        at: usize,
        given: Arc<AtomicU64>,
    }

    impl AsyncRead for Endless {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let count = buf.remaining().min(self.bytes.len() - self.at);
            buf.put_slice(&self.bytes[self.at..self.at + count]);
            self.at = (self.at + count) % self.bytes.len();
            self.given.fetch_add(count as u64, Ordering::Relaxed);
            Poll::Ready(Ok(()))
        }
    }

    /// Reads until the peer is found to flood, or goes quiet: whether it was found, and how many bytes it had sent by then.
    async fn flooded(start: &[u8], bytes: Vec<u8>) -> (bool, u64) {
        let given = Arc::new(AtomicU64::new(0));
        let io = tokio::io::join(Endless { bytes, at: 0, given: given.clone() }, tokio::io::sink());
        let opened = Opened {
            io,
            log: Log::new(),
            start: Instant::now(),
            head: 0,
            rest: start.to_vec(),
            agreed: None,
            server: None,
        };
        let mut session = Session::new(Role::Client, opened);
        let flood = loop {
            match session.next(Duration::from_secs(60)).await {
                // Of control frames, the engine has a limit of its own.
                Happened::Flood => break true,
                Happened::Broke(violation) => break violation.rule == Rule::ControlFlood,
                Happened::Seen(_) | Happened::Close(_) => {}
                Happened::Eof | Happened::Reset | Happened::Quiet => break false,
            }
        };
        (flood, given.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn of_a_peer_that_floods_a_bounded_number_of_bytes_is_read() {
        let large = [&b"\x82\x7f\0\0\0\0\0\x01\0\0"[..], &vec![0; 65_536]].concat();
        let part = [&b"\x00\x7e\x10\x00"[..], &[b'a'; 4096]].concat();
        // After its limit of Pings the engine makes no events of them.
        for (name, start, bytes, most) in [
            ("large messages", &b""[..], large, MOST_UNASKED),
            ("one message without end", b"\x01\x00", part, MOST_UNASKED),
            ("empty messages", b"", b"\x81\x00".repeat(1000), 2 * MOST_EVENTS as u64),
            ("Pings", b"", b"\x89\x00".repeat(1000), MOST_UNASKED),
            ("Pings of 125 bytes", b"", [&b"\x89\x7d"[..], &[b'p'; 125]].concat(), MOST_UNASKED),
        ] {
            let (flood, given) = flooded(start, bytes).await;
            assert!(flood, "{name}");
            assert!(
                given > most / 2 && given <= most + 64 * 1024,
                "{name}: {given} bytes, {most} at the most"
            );
        }
    }

    #[tokio::test]
    async fn a_thousand_short_messages_are_no_flood() {
        let (near, far) = tokio::io::duplex(64);
        let (log, start) = (Log::new(), Instant::now());
        let rest = b"\x81\x02hi".repeat(1000);
        let opened = Opened { io: near, log, start, head: 0, rest, agreed: None, server: None };
        drop(far);
        let mut session = Session::new(Role::Client, opened);
        let mut texts = 0;
        loop {
            let happened = session.next(Duration::from_secs(60)).await;
            if !matches!(happened, Happened::Seen(Seen::Text(_))) {
                assert!(matches!(happened, Happened::Eof), "{happened:?}");
                break;
            }
            texts += 1;
        }
        assert_eq!(texts, 1000);
    }
}
