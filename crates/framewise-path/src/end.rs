//! One end of a connection: it plays its part of a probe, and writes down what it sent and got.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use framewise_proto::Opcode;
use framewise_rules::Role;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, WriteHalf};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use crate::server::header;
use crate::tape::{Bounds, Ended, Tape};
use crate::wire::{Frame, pattern};

/// What an end does next.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Sends bytes in one write.
    Send(Vec<u8>),
    /// Sends the first bytes in one write, or the others where permessage-deflate was agreed on this leg.
    Message(Vec<u8>, Vec<u8>),
    /// Sends a binary frame with this many bytes, or a part of a message.
    Large { from: Role, opcode: Opcode, fin: bool, size: usize },
    /// Sends so many binary frames of this size, each in a write of its own.
    Flood { from: Role, size: usize, count: usize },
    /// Sends bytes in pieces of this size, each in a write of its own.
    Cut(Vec<u8>, usize),
    /// Waits until so many frames have arrived in all.
    Await(usize),
    /// Waits for the end of the other side's stream.
    AwaitEnd,
    /// Does nothing for a while, and notices when the connection ends.
    Idle(Duration),
    /// Stops reading until the next `Await`.
    StopReading,
    /// Ends its own stream.
    Shut,
    /// Drops the connection with a reset.
    Reset,
    /// Runs a command of the shell, and waits for its end.
    Run(String),
}

/// What an end sent and got.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) sent: Tape,
    pub(crate) got: Tape,
    /// How many bytes the system had taken for sending, and when.
    pub(crate) written: Vec<(usize, Duration)>,
    /// A write failed.
    pub(crate) unwritable: bool,
    /// It played its part up to this step, and not further within the deadline.
    pub(crate) late: bool,
    /// It ended its stream itself, at this time.
    pub(crate) shut: Option<Duration>,
    /// When it began to read again, after it had stopped.
    pub(crate) resumed: Option<Duration>,
    /// A command did not succeed: what it said.
    pub(crate) failed: Option<String>,
}

impl Record {
    /// Everything but the bytes.
    pub(crate) fn without_bytes(&self) -> Self {
        Self {
            sent: self.sent.without_bytes(),
            got: self.got.without_bytes(),
            written: self.written.clone(),
            failed: self.failed.clone(),
            ..*self
        }
    }

    /// Moves every time by the difference of two clocks.
    pub(crate) fn shift(&mut self, by: impl Fn(Duration) -> Duration) {
        self.sent.shift(&by);
        self.got.shift(&by);
        self.written.iter_mut().for_each(|(_, at)| *at = by(*at));
        self.shut = self.shut.map(&by);
        self.resumed = self.resumed.map(&by);
    }

    /// How many bytes the system had taken for sending at a time.
    pub(crate) fn written_by(&self, at: Duration) -> usize {
        self.written.iter().rev().find(|&&(_, when)| when <= at).map_or(0, |&(bytes, _)| bytes)
    }
}

/// The state that the reader shares.
#[derive(Debug, Default)]
struct Shared {
    got: Mutex<Tape>,
    changed: Notify,
    /// Reading is stopped while this is set.
    stopped: Mutex<bool>,
    resumed: Notify,
}

#[derive(Debug)]
pub(crate) struct End<S> {
    write: Option<WriteHalf<S>>,
    shared: Arc<Shared>,
    reader: JoinHandle<()>,
    record: Record,
    start: Instant,
    /// Frames that come before those of the probe.
    before: usize,
    role: Role,
}

impl<S: AsyncRead + AsyncWrite + Send + 'static> End<S> {
    /// An end of a connection; `read` was read from it already.
    pub(crate) fn new(stream: S, start: Instant, read: &[u8], (role, bounds): (Role, Bounds)) -> Self {
        let (mut half, write) = tokio::io::split(stream);
        let shared = Arc::new(Shared { got: Mutex::new(Tape::new(bounds)), ..Shared::default() });
        if !read.is_empty() {
            shared.tape(|tape| tape.push(read, start.elapsed()));
        }
        let inner = shared.clone();
        let reader = tokio::spawn(async move {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                inner.wait_until_reading().await;
                let ended = match half.read(&mut buffer).await {
                    Ok(0) => Ended::Eof,
                    Ok(count) => {
                        inner.tape(|tape| tape.push(&buffer[..count], start.elapsed()));
                        inner.changed.notify_one();
                        continue;
                    }
                    // TLS says `UnexpectedEof` where the peer ended TCP without ending TLS.
                    Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ended::Eof,
                    Err(_) => Ended::Reset,
                };
                inner.tape(|tape| tape.end = Some((ended, start.elapsed())));
                inner.changed.notify_one();
                // The reading half lives as long as the other: dropping both is what closes the connection.
                std::future::pending::<()>().await;
            }
        });
        Self { write: Some(write), shared, reader, record: Record::default(), start, before: 0, role }
    }

    /// A head that was sent by other means.
    pub(crate) fn sent_head(&mut self, head: &str) {
        self.record.sent.push(head.as_bytes(), self.start.elapsed());
    }

    /// What it sends has this body after the head.
    pub(crate) fn sends_body(&mut self, body: &[u8]) {
        self.record.sent = Tape::new(Bounds { body: body.to_vec(), ..Bounds::default() });
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let Some(write) = &mut self.write else { return };
        let at = self.start.elapsed();
        self.record.sent.push(bytes, at);
        if write.write_all(bytes).await.is_err() || write.flush().await.is_err() {
            self.record.unwritable = true;
        } else {
            self.record.written.push((self.record.sent.bytes.len(), self.start.elapsed()));
        }
    }

    /// Waits for what the other side sent, until `enough` says so, or its stream ends.
    pub(crate) async fn wait(&mut self, enough: impl Fn(&Tape) -> bool) {
        loop {
            // RFC 6455 §5.5.2: "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response": an intermediary
            // with a keepalive of its own would end the connection. The Pong is for it, and not part of the probe.
            for ping in self.shared.tape(Tape::unanswered) {
                self.answer(ping).await;
            }
            if self.shared.tape(|tape| enough(tape) || tape.end.is_some()) {
                return;
            }
            self.shared.changed.notified().await;
        }
    }

    async fn answer(&mut self, ping: Vec<u8>) {
        let Some(write) = &mut self.write else { return };
        let pong = Frame::new(self.role, Opcode::Pong, ping).bytes();
        // A peer that has gone needs no answer.
        let _ = write.write_all(&pong).await;
        let _ = write.flush().await;
    }

    /// So many frames come before those of the probe; waits for them.
    pub(crate) async fn after(&mut self, frames: usize) {
        self.before = frames;
        self.wait(|tape| tape.frames >= frames).await;
    }

    pub(crate) fn peek<T>(&self, look: impl FnOnce(&Tape) -> T) -> T {
        self.shared.tape(|tape| look(tape))
    }

    /// Plays the steps, until the deadline at the latest.
    pub(crate) async fn play(&mut self, steps: &[Step], deadline: Instant) {
        for step in steps {
            let done = timeout_at(deadline, self.step(step)).await.is_ok();
            self.record.late |= !done;
            if !done {
                return;
            }
        }
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Send(bytes) => self.send(bytes).await,
            Step::Message(plain, deflated) => {
                let bytes = if self.compresses() { deflated } else { plain };
                self.send(bytes).await;
            }
            Step::Large { from, opcode, fin, size } => {
                let mut frame = Frame::new(*from, *opcode, pattern(*size));
                frame.header.fin = *fin;
                self.send(&frame.bytes()).await;
            }
            Step::Flood { from, size, count } => {
                let frame = Frame::new(*from, Opcode::Binary, pattern(*size)).bytes();
                for _ in 0..*count {
                    self.send(&frame).await;
                }
            }
            Step::Cut(bytes, size) => {
                for piece in bytes.chunks(*size) {
                    self.send(piece).await;
                    // Lets the other tasks read, so that pieces are not joined in our own socket more than needed.
                    tokio::task::yield_now().await;
                }
            }
            Step::Await(frames) => {
                if self.shared.read_again() {
                    self.record.resumed = Some(self.start.elapsed());
                }
                let frames = *frames + self.before;
                self.wait(|tape| tape.frames >= frames).await;
            }
            Step::AwaitEnd => self.wait(|_| false).await,
            Step::Idle(time) => {
                tokio::select! {
                    () = sleep(*time) => {}
                    () = self.wait(|_| false) => {}
                }
            }
            Step::StopReading => {
                if let Ok(mut stopped) = self.shared.stopped.lock() {
                    *stopped = true;
                }
            }
            Step::Shut => {
                self.record.shut.get_or_insert(self.start.elapsed());
                if let Some(write) = &mut self.write {
                    // A peer that has gone needs no answer.
                    let _ = write.shutdown().await;
                }
            }
            Step::Reset => {
                self.record.shut.get_or_insert(self.start.elapsed());
                self.write = None;
                self.reader.abort();
                let _ = (&mut self.reader).await;
            }
            Step::Run(command) => {
                if let Err(says) = crate::command::run(command).await {
                    self.record.failed = Some(says);
                }
            }
        }
    }

    /// Whether the answer of this leg has permessage-deflate.
    fn compresses(&self) -> bool {
        let agreed = |tape: &Tape| {
            let head = tape.head_text();
            head.starts_with("HTTP/")
                && header(&head, "sec-websocket-extensions")
                    .is_some_and(|value| value.contains("permessage-deflate"))
        };
        agreed(&self.record.sent) || self.peek(agreed)
    }

    pub(crate) fn record(&self) -> Record {
        let mut record = self.record.clone();
        record.got = self.shared.tape(|tape| tape.clone());
        record
    }
}

impl<S> Drop for End<S> {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Shared {
    fn tape<T>(&self, with: impl FnOnce(&mut Tape) -> T) -> T {
        with(&mut self.got.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn is_stopped(&self) -> bool {
        self.stopped.lock().is_ok_and(|stopped| *stopped)
    }

    async fn wait_until_reading(&self) {
        while self.is_stopped() {
            self.resumed.notified().await;
        }
    }

    /// Whether reading was stopped.
    fn read_again(&self) -> bool {
        let stopped = self.stopped.lock().is_ok_and(|mut stopped| std::mem::take(&mut *stopped));
        self.resumed.notify_one();
        stopped
    }
}
