use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use framewise_rules::Role;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::{Instant, sleep, sleep_until};

use super::change::{Change, Do};
use crate::tap::{Did, Slot, Tap};
use crate::wire::Duplex;
use crate::{About, Sink};

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

thread_local! {
    /// What was just read. Nothing stays in it, so all connections of a thread share it, and it stays in the processor's cache.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

/// Why a connection was not passed on to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// A side reset it: the other one is to see that.
    Reset,
    /// This side did nothing for too long after the other one had ended.
    Silent(Role),
    /// The proxy ends.
    Stopped,
    /// A fault that was asked for.
    Asked,
}

/// What both directions of a connection have to do with.
pub(super) struct Passing<'p> {
    pub(super) tap: &'p Tap,
    pub(super) about: &'p About,
    pub(super) sink: &'p dyn Sink,
    /// How long one side may do nothing after the other one has ended.
    pub(super) half_closed: Duration,
}

/// What is changed in each direction.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) client: Change,
    pub(super) server: Change,
}

impl Passing<'_> {
    /// Passes bytes on between a client and a server until both have ended; then both are closed, in the way in which they
    /// ended.
    pub(super) async fn between(
        &self,
        mut client: Box<dyn Duplex>,
        mut server: Box<dyn Duplex>,
        changes: Changes,
        stop: impl Future,
    ) -> Result<(), Cut> {
        let passing = async {
            let (client_reads, client_writes) = tokio::io::split(&mut client);
            let (server_reads, server_writes) = tokio::io::split(&mut server);
            self.both(client_reads, client_writes, server_reads, server_writes, changes).await
        };
        let cut = tokio::select! {
            result = passing => result,
            _ = stop => Err(Cut::Stopped),
        };
        if cut == Err(Cut::Reset) {
            // What one side did is done to the other.
            client.reset();
            server.reset();
        }
        cut
    }

    /// Both directions at once. When one has ended, the other one may go on as long as it wants, but not be silent.
    async fn both(
        &self,
        client_reads: impl AsyncRead + Unpin,
        client_writes: impl AsyncWrite + Unpin,
        server_reads: impl AsyncRead + Unpin,
        server_writes: impl AsyncWrite + Unpin,
        changes: Changes,
    ) -> Result<(), Cut> {
        let progress = Progress::default();
        let direction = |from, change| Direction { from, passing: self, progress: &progress, change };
        let mut up = pin!(direction(Role::Client, changes.client).pump(client_reads, server_writes));
        let mut down = pin!(direction(Role::Server, changes.server).pump(server_reads, client_writes));
        tokio::select! {
            ended = &mut up => {
                ended?;
                progress.unless_silent(self.half_closed, down).await.unwrap_or(Err(Cut::Silent(Role::Server)))
            }
            ended = &mut down => {
                ended?;
                progress.unless_silent(self.half_closed, up).await.unwrap_or(Err(Cut::Silent(Role::Client)))
            }
        }
    }
}

/// When something was passed on last.
#[derive(Debug)]
struct Progress(Mutex<Instant>);

impl Default for Progress {
    fn default() -> Self {
        Self(Mutex::new(Instant::now()))
    }
}

impl Progress {
    fn made(&self, now: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rest of a direction; `None` where no byte was passed on for this long.
    async fn unless_silent<T>(&self, limit: Duration, rest: impl Future<Output = T>) -> Option<T> {
        let mut rest = pin!(rest);
        self.made(Instant::now());
        loop {
            let end = self.last() + limit;
            tokio::select! {
                done = &mut rest => return Some(done),
                () = sleep_until(end) => {
                    if self.last() + limit <= Instant::now() {
                        return None;
                    }
                }
            }
        }
    }
}

/// One direction of a connection.
struct Direction<'d, 'p> {
    from: Role,
    passing: &'d Passing<'p>,
    progress: &'d Progress,
    change: Change,
}

/// What became of one read.
enum Turn {
    /// All of it was passed on, and noted.
    Passed,
    /// It was noted; this rest is still to be written.
    Rest(Vec<u8>),
    /// It is to be changed before it is passed on.
    ToChange(Vec<u8>),
    /// The side ended its stream.
    End,
    /// The side reset its connection.
    Reset,
    /// It was noted; whom it is for has gone.
    Gone,
}

impl Direction<'_, '_> {
    /// Passes it on to its end: what was read is written as far as that goes at once, then noted in the order of the reads.
    async fn pump(
        mut self,
        mut reads: impl AsyncRead + Unpin,
        mut writes: impl AsyncWrite + Unpin,
    ) -> Result<(), Cut> {
        loop {
            let mut slot = Some(self.passing.tap.slot().await);
            let deadline = self.change.deadline();
            let turn = poll_fn(|cx| self.turn(&mut slot, &mut reads, &mut writes, cx));
            let turn = match deadline {
                None => turn.await,
                Some(deadline) => tokio::select! {
                    turn = turn => turn,
                    () = sleep_until(deadline) => {
                        drop(slot);
                        let todo = self.change.due();
                        self.perform(todo, &mut writes).await?;
                        continue;
                    }
                },
            };
            match turn {
                Turn::Passed => {}
                Turn::Rest(rest) => self.write(&rest, &mut writes).await?,
                Turn::ToChange(bytes) => {
                    drop(slot);
                    let todo = self.change.take(&bytes);
                    self.perform(todo, &mut writes).await?;
                }
                Turn::End => return self.end(slot, writes).await,
                Turn::Reset => return Err(Cut::Reset),
                Turn::Gone => return self.gone().await,
            }
        }
    }

    /// Reads once, writes what was read, and notes it.
    fn turn(
        &self,
        slot: &mut Option<Slot<'_>>,
        reads: &mut (impl AsyncRead + Unpin),
        writes: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<Turn> {
        BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            let read = ready!(Pin::new(reads).poll_read(cx, &mut buffer));
            let bytes = buffer.filled();
            match read {
                Ok(()) if bytes.is_empty() => return Poll::Ready(Turn::End),
                Ok(()) => {}
                // TLS without its closing alert: the end of TCP is the end.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Poll::Ready(Turn::End),
                Err(_) => {
                    if let Some(slot) = slot.take() {
                        slot.note(self.from, Did::Reset);
                    }
                    return Poll::Ready(Turn::Reset);
                }
            }
            let now = Instant::now();
            self.progress.made(now);
            if !self.change.is_over() {
                return Poll::Ready(Turn::ToChange(bytes.to_vec()));
            }
            let turn = match write_now(bytes, writes, cx) {
                Ok(None) => Turn::Passed,
                Ok(Some(rest)) => Turn::Rest(rest.to_vec()),
                Err(_) => Turn::Gone,
            };
            // Whom it is for may answer before all of it is written: its answer is noted after it.
            if let Some(slot) = slot.take() {
                slot.note_at(now, self.from, Did::Bytes(bytes));
            }
            Poll::Ready(turn)
        })
    }

    async fn pass(
        &self,
        slot: Slot<'_>,
        bytes: &[u8],
        writes: &mut (impl AsyncWrite + Unpin),
    ) -> Result<(), Cut> {
        let written = poll_fn(|cx| Poll::Ready(write_now(bytes, writes, cx))).await;
        slot.note(self.from, Did::Bytes(bytes));
        match written {
            Ok(None) => self.progress.made(Instant::now()),
            Ok(Some(rest)) => return self.write(rest, writes).await,
            Err(_) => return self.gone().await,
        }
        Ok(())
    }

    async fn write(&self, bytes: &[u8], writes: &mut (impl AsyncWrite + Unpin)) -> Result<(), Cut> {
        let written = async {
            writes.write_all(bytes).await?;
            writes.flush().await
        };
        if written.await.is_err() {
            return self.gone().await;
        }
        self.progress.made(Instant::now());
        Ok(())
    }

    /// Its reader has gone; the system says it here before the other direction reads it.
    async fn gone(&self) -> Result<(), Cut> {
        self.passing.tap.slot().await.note(self.from.peer(), Did::Reset);
        Err(Cut::Reset)
    }

    async fn perform(&self, todo: Vec<Do>, writes: &mut (impl AsyncWrite + Unpin)) -> Result<(), Cut> {
        for step in todo {
            match step {
                Do::Pass(bytes) => self.pass(self.passing.tap.slot().await, &bytes, writes).await?,
                Do::Wait(time) => sleep(time).await,
                Do::Cut => {
                    for from in [self.from, self.from.peer()] {
                        self.passing.tap.slot().await.note(from, Did::Eof);
                    }
                    return Err(Cut::Asked);
                }
                Do::Reset => {
                    self.passing.tap.slot().await.note(self.from, Did::Reset);
                    return Err(Cut::Reset);
                }
                Do::Say(event) => self.passing.sink.event(self.passing.about, event),
            }
        }
        Ok(())
    }

    async fn end(mut self, slot: Option<Slot<'_>>, mut writes: impl AsyncWrite + Unpin) -> Result<(), Cut> {
        drop(slot);
        let todo = self.change.end();
        self.perform(todo, &mut writes).await?;
        self.passing.tap.slot().await.note(self.from, Did::Eof);
        // The other side may have gone: then its own direction says so.
        let _ = writes.shutdown().await;
        Ok(())
    }
}

/// Writes what can be written without waiting; returns the rest where something is left to do.
fn write_now<'b>(
    bytes: &'b [u8],
    writes: &mut (impl AsyncWrite + Unpin),
    cx: &mut Context<'_>,
) -> io::Result<Option<&'b [u8]>> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match Pin::new(&mut *writes).poll_write(cx, rest) {
            Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(Ok(count)) => rest = &rest[count..],
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => return Ok(Some(rest)),
        }
    }
    match Pin::new(writes).poll_flush(cx) {
        Poll::Ready(done) => done.map(|()| None),
        Poll::Pending => Ok(Some(rest)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use framewise_inspect::{Connection, Endpoints};
    use tokio::io::{AsyncReadExt as _, DuplexStream, duplex, split};
    use tokio::sync::mpsc;

    use super::*;
    use crate::rewrite::Rewrite;
    use crate::search::TURN;
    use crate::tap::tap;
    use crate::{About, Event, Watch};

    const LIMIT: Duration = Duration::from_secs(60);

    type Ends = (DuplexStream, DuplexStream, tokio::task::JoinHandle<Result<(), Cut>>);

    /// A proxy between two streams; the far ends of both.
    fn proxied() -> Ends {
        proxied_to(Arc::new(|_: &About, _: Event| {}))
    }

    fn proxied_to(sink: Arc<dyn Sink>) -> Ends {
        observed(sink).0
    }

    fn observed(sink: Arc<dyn Sink>) -> (Ends, crate::Watching) {
        let (client, near_client) = duplex(1024);
        let (server, near_server) = duplex(1024);
        let watch = Watch::new(About::default(), Endpoints::UNKNOWN, Arc::clone(&sink));
        let (tap, watching) = tap(watch, None);
        let passing = tokio::spawn(async move {
            let (client_reads, client_writes) = split(near_client);
            let (server_reads, server_writes) = split(near_server);
            let nothing = |from| Change::new(from, Rewrite::default(), None);
            let changes = Changes { client: nothing(Role::Client), server: nothing(Role::Server) };
            let about = About::default();
            let passing = Passing { tap: &tap, about: &about, sink: &*sink, half_closed: LIMIT };
            passing.both(client_reads, client_writes, server_reads, server_writes, changes).await
        });
        ((client, server, passing), watching)
    }

    #[tokio::test(start_paused = true)]
    async fn a_side_that_is_silent_after_the_other_one_ended_is_given_up() {
        let (mut client, _server, passing) = proxied();
        client.shutdown().await.expect("it is open");
        let start = Instant::now();
        assert_eq!(passing.await.expect("it ends"), Err(Cut::Silent(Role::Server)));
        assert_eq!(start.elapsed().as_secs(), LIMIT.as_secs());
        let (_client, mut server, passing) = proxied();
        server.shutdown().await.expect("it is open");
        assert_eq!(passing.await.expect("it ends"), Err(Cut::Silent(Role::Client)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_side_that_goes_on_may_take_as_long_as_it_wants() {
        let (mut client, mut server, passing) = proxied();
        client.shutdown().await.expect("it is open");
        for _ in 0..10 {
            sleep(LIMIT.saturating_sub(Duration::from_secs(1))).await;
            server.write_all(b"more").await.expect("it is open");
            client.read_exact(&mut [0; 4]).await.expect("it is passed on");
        }
        drop(server);
        assert_eq!(passing.await.expect("it ends"), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn while_both_sides_are_open_silence_is_no_fault() {
        let (client, server, passing) = proxied();
        sleep(LIMIT * 1000).await;
        assert!(!passing.is_finished());
        drop((client, server));
        assert_eq!(passing.await.expect("it ends"), Ok(()));
    }

    /// A hostile stream can make a search long: no byte waits for it, and no other connection's observation.
    #[tokio::test]
    async fn a_search_for_causes_holds_up_neither_bytes_nor_other_connections() {
        let broken = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        let legal = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        let (hostile, mut of_hostile) = mpsc::unbounded_channel();
        let (other, mut of_other) = mpsc::unbounded_channel();
        let sink = |seen: mpsc::UnboundedSender<bool>| {
            Arc::new(move |_: &About, event: Event| {
                if let Event::Head { .. } | Event::Finding(_) = event {
                    let _ = seen.send(matches!(event, Event::Finding(_)));
                }
            })
        };
        // The search of another finding has the turn, and does not end.
        let endless = TURN.acquire().await.expect("it is never closed");
        let (mut client, mut server, _hostile) = proxied_to(sink(hostile));
        // No Upgrade: a finding, whose search waits. Up to what its queue holds, not even its own bytes do.
        client.write_all(broken).await.expect("it is open");
        server.read_exact(&mut vec![0; broken.len()]).await.expect("it is passed on");
        for _ in 0..100 {
            client.write_all(b"more").await.expect("it is open");
            server.read_exact(&mut [0; 4]).await.expect("it is passed on");
        }
        let (mut client, mut server, _other) = proxied_to(sink(other));
        client.write_all(legal).await.expect("it is open");
        server.read_exact(&mut vec![0; legal.len()]).await.expect("it is passed on");
        assert_eq!(of_other.recv().await, Some(false), "its head");
        assert!(of_hostile.try_recv().is_err(), "nothing is reported before its search had its turn");
        drop(endless);
        assert_eq!(of_hostile.recv().await, Some(true), "its finding");
    }

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    const RESPONSE: &[u8] =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                              Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    /// One byte of text, unmasked: legal from a server, and a fault from a client.
    const FRAME: &[u8] = b"\x81\x01a";

    async fn send(from: &mut DuplexStream, to: &mut DuplexStream, bytes: &[u8]) {
        from.write_all(bytes).await.expect("it is open");
        let mut passed = vec![0; bytes.len()];
        to.read_exact(&mut passed).await.expect("it is passed on");
        assert_eq!(passed, bytes);
    }

    /// The events of a connection in which a client's frame breaks a rule and more follows; its bytes pass on while searches
    /// are `held` up.
    async fn events(held: bool) -> (Vec<String>, Connection) {
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let written = Arc::clone(&seen);
        let sink = Arc::new(move |_: &About, event: Event| {
            let line = if let Event::Head { from, .. } = event {
                format!("head of the {from}")
            } else if let Event::Frame { from, payload, .. } = event {
                format!("frame of the {from}: {payload:?}")
            } else if let Event::Finding(finding) = event {
                format!("{:?} at {}", finding.rule, finding.offset)
            } else if let Event::Over(_) = event {
                "over".to_owned()
            } else {
                format!("{event:?}")
            };
            written.lock().expect("no test panics with it").push(line);
        });
        let turn = TURN.acquire().await.expect("it is never closed");
        let endless = held.then_some(turn);
        let ((mut client, mut server, passing), watching) = observed(sink);
        send(&mut client, &mut server, REQUEST).await;
        send(&mut server, &mut client, RESPONSE).await;
        send(&mut client, &mut server, FRAME).await;
        for number in 0..50 {
            send(&mut server, &mut client, &[0x81, 1, b'0' + number % 10]).await;
            send(&mut client, &mut server, FRAME).await;
        }
        // Half a frame, and the ends of both.
        send(&mut server, &mut client, &FRAME[..2]).await;
        drop(client);
        assert_eq!(server.read(&mut [0]).await.expect("it is open"), 0, "one end after the other");
        drop(server);
        let _ = passing.await.expect("it ends");
        drop(endless);
        let connection = watching.finish().await.expect("it is judged");
        let events = std::mem::take(&mut *seen.lock().expect("no test panics with it"));
        (events, connection)
    }

    #[tokio::test]
    async fn a_search_changes_neither_the_order_of_events_nor_loses_the_end() {
        let (at_once, judged) = events(false).await;
        let (later, judged_later) = events(true).await;
        assert_eq!(at_once, later);
        assert_eq!(
            at_once[..4],
            [
                "head of the client",
                "head of the server",
                "Some(MaskMissing) at 140",
                "frame of the client: [97]"
            ]
            .map(str::to_owned)
        );
        assert_eq!(at_once.last().map(String::as_str), Some("over"));
        let frames = |of: &str| at_once.iter().filter(|event| event.starts_with(of)).count();
        assert_eq!((frames("frame of the client"), frames("frame of the server")), (51, 50));
        let rules = |connection: &Connection| {
            connection.findings.iter().map(|finding| (finding.rule, finding.offset)).collect::<Vec<_>>()
        };
        assert_eq!(rules(&judged), rules(&judged_later));
        assert_eq!(judged.ended.is_some(), judged_later.ended.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_search_without_end_slows_its_connection_when_the_queue_is_full() {
        let endless = TURN.acquire().await.expect("it is never closed");
        let (mut client, mut server, _passing) = proxied();
        // A request that is none: a finding.
        send(&mut client, &mut server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut passed = 0;
        loop {
            client.write_all(b"m").await.expect("it is open");
            let read = tokio::time::timeout(Duration::from_secs(1), server.read_u8()).await;
            if read.is_err() {
                break;
            }
            passed += 1;
        }
        assert!((100..=200).contains(&passed), "{passed} steps wait");
        drop(endless);
        assert_eq!(server.read_u8().await.expect("it goes on"), b'm');
    }

    #[tokio::test]
    async fn an_observer_that_fails_ends_no_connection() {
        let ((mut client, mut server, passing), watching) =
            observed(Arc::new(|_: &About, event: Event| assert!(!matches!(event, Event::Head { .. }))));
        send(&mut client, &mut server, REQUEST).await;
        send(&mut server, &mut client, RESPONSE).await;
        send(&mut client, &mut server, FRAME).await;
        drop((client, server));
        let _ = passing.await.expect("it ends");
        assert!(watching.finish().await.is_none(), "nothing is known of it");
    }
}
