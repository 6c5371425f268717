use std::io;
use std::time::Duration;

use framewise_transcript::{Action, Event, Leg, Transcript};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep_until};

use super::script::{Count, Script, Step};

/// When a step is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// At its recorded time.
    Times,
    /// When the answers before it have come.
    Answers,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) transcript: Transcript,
    /// Steps whose answers did not come in time.
    pub(super) unanswered: usize,
    /// The script ends with a reset.
    pub(super) resets: bool,
}

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;
/// Bytes of the other side that are kept for the diagnosis; then nothing more is read.
const MOST: usize = 256 << 20;

struct Stage<'s, S> {
    reads: ReadHalf<&'s mut S>,
    writes: WriteHalf<&'s mut S>,
    script: &'s Script,
    start: Instant,
    count: Count,
    /// The other side's head.
    head: Vec<u8>,
    events: Vec<Event>,
    received: usize,
    over: bool,
    buffer: Vec<u8>,
}

/// Plays a script, and records both sides.
pub(super) async fn play<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    script: &Script,
    pace: Pace,
    wait: Duration,
) -> Played {
    let (reads, writes) = tokio::io::split(stream);
    let mut stage = Stage {
        reads,
        writes,
        script,
        start: Instant::now(),
        count: Count::new(true),
        head: Vec::new(),
        events: Vec::new(),
        received: 0,
        over: false,
        buffer: vec![0; CHUNK],
    };
    let (mut unanswered, mut resets) = (0, false);
    for step in &script.steps {
        if !stage.due(step, pace, wait).await {
            unanswered += 1;
        }
        if script.is_over(&stage.head) {
            break;
        }
        let action = script.fit(step, &stage.head);
        match &action {
            Action::Bytes(bytes) => {
                if !stage.send(bytes, wait).await {
                    break;
                }
            }
            Action::Eof => {
                stage.note(false, Action::Eof);
                let _ = stage.writes.shutdown().await;
            }
            Action::Reset => {
                stage.note(false, Action::Reset);
                resets = true;
                break;
            }
            Action::Gap(_) => {}
        }
    }
    // The rest of the other side: to its end, or to its silence.
    while !resets && !stage.over && stage.read_until(Instant::now() + wait).await {}
    let legs = vec![Leg { name: "client-server".to_owned(), open: None }];
    Played { transcript: Transcript { legs, events: stage.events }, unanswered, resets }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stage<'_, S> {
    /// Reads until a step is due; false where the answers before it did not come in time.
    async fn due(&mut self, step: &Step, pace: Pace, wait: Duration) -> bool {
        // Frames before the end of the handshake would not be those of the recording.
        let needed = match pace {
            Pace::Answers => step.after,
            Pace::Times => step.after.min(1),
        };
        let mut patience = Instant::now() + wait;
        while !self.over && self.count.complete() < needed {
            let before = self.received;
            self.read_until(patience).await;
            if self.received > before {
                // A large answer may take long.
                patience = Instant::now() + wait;
            } else if !self.over {
                return false;
            }
        }
        if pace == Pace::Times
            && let Some(time) = step.time
        {
            let at = self.start + time;
            while !self.over && self.read_until(at).await {}
            // A side that closed its direction may still read.
            sleep_until(at).await;
        }
        self.count.complete() >= needed
    }

    /// Sends, and reads meanwhile: the other side may send until it is read. False where it takes no more.
    async fn send(&mut self, bytes: &[u8], wait: Duration) -> bool {
        self.note(false, Action::Bytes(bytes.to_vec()));
        let mut at = 0;
        while at < bytes.len() {
            let limit = Instant::now() + wait;
            tokio::select! {
                written = self.writes.write(&bytes[at..]) => match written {
                    Ok(count) if count > 0 => at += count,
                    Ok(_) | Err(_) => return false,
                },
                read = self.reads.read(&mut self.buffer), if !self.over => self.took(read),
                () = sleep_until(limit) => return false,
            }
        }
        self.writes.flush().await.is_ok()
    }

    /// Reads once; false where nothing came up to then.
    async fn read_until(&mut self, at: Instant) -> bool {
        tokio::select! {
            read = self.reads.read(&mut self.buffer) => {
                self.took(read);
                true
            }
            () = sleep_until(at) => false,
        }
    }

    fn took(&mut self, read: io::Result<usize>) {
        let action = match read {
            Ok(0) => Action::Eof,
            Ok(count) => {
                self.received += count;
                if let Some(head) = self.count.take(&self.buffer[..count]) {
                    self.head = head;
                }
                Action::Bytes(self.buffer[..count].to_vec())
            }
            // TLS without its closing alert: the end of TCP is the end.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Action::Eof,
            Err(_) => Action::Reset,
        };
        self.over |= !matches!(action, Action::Bytes(_)) || self.received > MOST;
        self.note(true, action);
    }

    fn note(&mut self, peer: bool, action: Action) {
        let role = self.script.role;
        let from = if peer { role.peer() } else { role };
        let time =
            Some(Duration::from_micros(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)));
        self.events.push(Event { line: self.events.len() + 1, time, leg: 0, from, action });
    }
}
