use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use framewise_rules::Role;
use framewise_transcript::Action;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, sleep, sleep_until};

use super::change::{Change, Do};
use crate::tap::{Slot, Tap};
use crate::wire::Duplex;
use crate::{About, Sink};

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

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
    fn made(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rest of a direction; `None` where no byte was passed on for this long.
    async fn unless_silent<T>(&self, limit: Duration, rest: impl Future<Output = T>) -> Option<T> {
        let mut rest = pin!(rest);
        self.made();
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

impl Direction<'_, '_> {
    /// Passes it on to its end: what was read is noted in the order of the reads, and written before anything looks at it.
    async fn pump(
        mut self,
        mut reads: impl AsyncRead + Unpin,
        mut writes: impl AsyncWrite + Unpin,
    ) -> Result<(), Cut> {
        let mut buffer = vec![0; CHUNK];
        loop {
            let slot = self.passing.tap.slot().await;
            let read = match self.change.deadline() {
                None => reads.read(&mut buffer).await,
                Some(deadline) => tokio::select! {
                    read = reads.read(&mut buffer) => read,
                    () = sleep_until(deadline) => {
                        drop(slot);
                        let todo = self.change.due();
                        self.perform(todo, &mut writes).await?;
                        continue;
                    }
                },
            };
            match read {
                Ok(0) => return self.end(slot, writes).await,
                Ok(count) if self.change.is_over() => {
                    self.progress.made();
                    self.pass(slot, &buffer[..count], &mut writes).await?;
                }
                Ok(count) => {
                    self.progress.made();
                    drop(slot);
                    let todo = self.change.take(&buffer[..count]);
                    self.perform(todo, &mut writes).await?;
                }
                // TLS without its closing alert: the end of TCP is the end.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return self.end(slot, writes).await;
                }
                Err(_) => {
                    slot.note(self.from, Action::Reset);
                    return Err(Cut::Reset);
                }
            }
        }
    }

    async fn pass(
        &self,
        slot: Slot<'_>,
        bytes: &[u8],
        writes: &mut (impl AsyncWrite + Unpin),
    ) -> Result<(), Cut> {
        slot.note(self.from, Action::Bytes(bytes.to_vec()));
        let written = async {
            writes.write_all(bytes).await?;
            writes.flush().await
        };
        if written.await.is_err() {
            // Its reader has gone; the system says it here before the other direction reads it.
            self.passing.tap.slot().await.note(self.from.peer(), Action::Reset);
            return Err(Cut::Reset);
        }
        self.progress.made();
        Ok(())
    }

    async fn perform(&self, todo: Vec<Do>, writes: &mut (impl AsyncWrite + Unpin)) -> Result<(), Cut> {
        for step in todo {
            match step {
                Do::Pass(bytes) => self.pass(self.passing.tap.slot().await, &bytes, writes).await?,
                Do::Wait(time) => sleep(time).await,
                Do::Cut => {
                    for from in [self.from, self.from.peer()] {
                        self.passing.tap.slot().await.note(from, Action::Eof);
                    }
                    return Err(Cut::Asked);
                }
                Do::Reset => {
                    self.passing.tap.slot().await.note(self.from, Action::Reset);
                    return Err(Cut::Reset);
                }
                Do::Say(event) => self.passing.sink.event(self.passing.about, event),
            }
        }
        Ok(())
    }

    async fn end(mut self, slot: Slot<'_>, mut writes: impl AsyncWrite + Unpin) -> Result<(), Cut> {
        let todo = self.change.end();
        if todo.is_empty() {
            slot.note(self.from, Action::Eof);
        } else {
            drop(slot);
            self.perform(todo, &mut writes).await?;
            self.passing.tap.slot().await.note(self.from, Action::Eof);
        }
        // The other side may have gone: then its own direction says so.
        let _ = writes.shutdown().await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use framewise_inspect::Endpoints;
    use tokio::io::{DuplexStream, duplex, split};
    use tokio::sync::mpsc;

    use super::*;
    use crate::rewrite::Rewrite;
    use crate::search::TURN;
    use crate::tap::tap;
    use crate::{About, Event, Watch};

    const LIMIT: Duration = Duration::from_secs(60);

    /// A proxy between two streams; the far ends of both.
    fn proxied() -> (DuplexStream, DuplexStream, tokio::task::JoinHandle<Result<(), Cut>>) {
        proxied_to(Arc::new(|_: &About, _: Event| {}))
    }

    fn proxied_to(
        sink: Arc<dyn Sink>,
    ) -> (DuplexStream, DuplexStream, tokio::task::JoinHandle<Result<(), Cut>>) {
        let (client, near_client) = duplex(1024);
        let (server, near_server) = duplex(1024);
        let watch = Watch::new(About::default(), Endpoints::UNKNOWN, Arc::clone(&sink));
        let (tap, _) = tap(watch, None);
        let passing = tokio::spawn(async move {
            let (client_reads, client_writes) = split(near_client);
            let (server_reads, server_writes) = split(near_server);
            let nothing = |from| Change::new(from, Rewrite::default(), None);
            let changes = Changes { client: nothing(Role::Client), server: nothing(Role::Server) };
            let about = About::default();
            let passing = Passing { tap: &tap, about: &about, sink: &*sink, half_closed: LIMIT };
            passing.both(client_reads, client_writes, server_reads, server_writes, changes).await
        });
        (client, server, passing)
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
}
