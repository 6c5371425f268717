use std::future::poll_fn;
use std::io::Write as _;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use framewise::proto::rules::CloseCode;
use framewise::{Ended, EndedBy, Error, Event, Message, WebSocket};
use framewise_live::Watching;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::Receiver;

use super::input::Input;
use super::print::{Screen, shown, write_message};
use super::{Binary, Stream};
use crate::failure::Failure;
use crate::live::Live;
use crate::output::To;
use crate::render::finding::code;

/// With more than that queued, no input is read: the server is slower than the input.
const FULL: usize = 32 * 1024;

/// A connection and its two ends on this side: what is typed, what is printed.
pub(super) struct Session {
    pub(super) ws: WebSocket<Stream>,
    pub(super) watching: Watching,
    pub(super) binary: Binary,
    pub(super) wait: Duration,
    pub(super) live: Live,
    pub(super) screen: Screen,
}

/// How far it has come.
#[derive(Default)]
struct State {
    /// The input has ended: when to close.
    closing: Option<tokio::time::Instant>,
    interrupted: bool,
    /// Standard output takes nothing more.
    deaf: bool,
    /// The reason in the server's Close.
    reason: String,
}

impl Session {
    /// Until the connection is over; whether Ctrl-C ended it.
    pub(super) async fn run(
        mut self,
        mut input: Receiver<Input>,
        mut interrupted: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<bool, Failure> {
        let mut state = State::default();
        loop {
            let open = self.ws.is_open();
            let full = self.ws.queued() >= FULL;
            let close_at = state.closing;
            tokio::select! {
                change = change(&mut self.ws, full) => match change {
                    Change::Event(Some(Ok(event))) => self.event(event, &mut state)?,
                    Change::Event(Some(Err(error))) => self.failed(&error),
                    Change::Event(None) => break,
                    Change::NotFull => {}
                },
                given = input.recv(), if open && !full && close_at.is_none() => {
                    self.input(given.unwrap_or(Input::End), &mut state).await?;
                }
                () = wait_until(close_at), if open && close_at.is_some() => self.close(CloseCode::NORMAL_CLOSURE, "")?,
                () = &mut interrupted, if !state.interrupted => self.interrupt(&mut state),
            }
            if state.deaf {
                // Whoever reads the pipe has seen enough.
                return Err(Failure::Output(std::io::ErrorKind::BrokenPipe.into()));
            }
        }
        let Self { ws, watching, live, screen, .. } = self;
        let ended = ws.ended().cloned();
        // What was found comes before how it ended, and the observation ends with the stream.
        drop(ws);
        watching.finish().await;
        if let Some(ended) = ended {
            report_end(&live, screen, &ended, &state.reason);
        }
        Ok(state.interrupted)
    }

    async fn input(&mut self, input: Input, state: &mut State) -> Result<(), Failure> {
        let result = match input {
            Input::Send(message) => self.ws.send(message).await,
            Input::Ping(payload) => self.ws.ping(&payload).await,
            Input::Raw(bytes) => match self.ws.flush().await {
                Ok(()) => self.write_raw(&bytes).await,
                Err(error) => Err(error),
            },
            Input::Close(code, reason) => self.ws.start_close(CloseCode(code.unwrap_or(1005)), &reason),
            Input::End => {
                state.closing = Some(tokio::time::Instant::now() + self.wait);
                return Ok(());
            }
            Input::Say(text) => {
                self.live.say(To::Stdout, text + "\n");
                return Ok(());
            }
            Input::Interrupt => {
                self.interrupt(state);
                return Ok(());
            }
            Input::Fault(sentence) => {
                let _ = self.ws.close(CloseCode::NORMAL_CLOSURE, "").await;
                return Err(Failure::said(sentence));
            }
        };
        match result {
            // The person's own mistake: said, and nothing was sent.
            Err(Error::Misuse(misuse)) if self.screen == Screen::Prompt => {
                self.live.sentence(To::Stderr, &format!("not sent: {misuse}"));
            }
            Err(Error::Misuse(misuse)) => return Err(Failure::said(format!("not sent: {misuse}"))),
            // The next event says what became of the connection.
            Ok(()) | Err(_) => {}
        }
        Ok(())
    }

    async fn write_raw(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let stream = self.ws.get_mut();
        stream.write_all(bytes).await?;
        stream.flush().await?;
        Ok(())
    }

    fn interrupt(&mut self, state: &mut State) {
        state.interrupted = true;
        let _ = self.close(CloseCode::GOING_AWAY, "");
    }

    fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Failure> {
        match self.ws.start_close(code, reason) {
            // It is closing already.
            Ok(()) | Err(Error::Misuse(_)) => Ok(()),
            Err(error) => Err(Failure::said(error.to_string())),
        }
    }

    fn event(&mut self, event: Event, state: &mut State) -> Result<(), Failure> {
        match event {
            Event::Message(message) => self.print(&message, state)?,
            Event::Pong(payload) if self.screen == Screen::Prompt => {
                self.live.sentence(To::Stderr, &format!("pong \"{}\"", String::from_utf8_lossy(&payload)));
            }
            Event::Ping(payload) if self.screen == Screen::Prompt => {
                let sentence = format!("ping \"{}\", answered", String::from_utf8_lossy(&payload));
                self.live.sentence(To::Stderr, &sentence);
            }
            Event::Close(Some(close)) => state.reason = close.reason,
            // The observer reports what was tolerated.
            Event::Pong(_) | Event::Ping(_) | Event::Close(None) | Event::Tolerated(_) | _ => {}
        }
        Ok(())
    }

    fn print(&self, message: &Message, state: &mut State) -> Result<(), Failure> {
        let mut stdout = match self.screen {
            Screen::Prompt => {
                self.live.say(To::Stdout, format!("< {}\n", shown(message)));
                return Ok(());
            }
            Screen::Terminal | Screen::Pipe => std::io::stdout().lock(),
        };
        let written = match self.screen {
            Screen::Pipe => write_message(&mut stdout, message, self.binary),
            Screen::Prompt | Screen::Terminal => writeln!(stdout, "{}", shown(message)),
        };
        match written.and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                state.deaf = true;
                Ok(())
            }
            Err(error) => Err(Failure::Output(error)),
        }
    }

    /// Prints any error but a violation, which the observer reports in full.
    fn failed(&self, error: &Error) {
        if error.violation().is_none() {
            self.live.sentence(To::Stderr, &error.to_string());
        }
    }
}

fn report_end(live: &Live, screen: Screen, ended: &Ended, reason: &str) {
    let by_peer = ended.by == EndedBy::Peer;
    let usual = matches!(ended.code.0, 1000 | 1001 | 1005);
    // In a pipe, a usual end is nothing to talk about.
    if screen == Screen::Prompt || (by_peer && !usual) {
        let who = match ended.by {
            EndedBy::Peer => "closed by the server",
            EndedBy::Us => "closed",
            EndedBy::Nobody => "lost",
            _ => "ended",
        };
        let reason = if reason.is_empty() { String::new() } else { format!(" \"{reason}\"") };
        live.sentence(To::Stderr, &format!("{who}: {}{reason}", code(ended.code)));
    }
}

/// What a session waits for.
#[derive(Debug)]
enum Change {
    Event(Option<Result<Event, Error>>),
    /// The queue was full, and is no longer.
    NotFull,
}

/// The next event; or, if the queue is `full`, the moment when it no longer is. Waiting for an event writes the queue.
fn change<S>(ws: &mut WebSocket<S>, full: bool) -> impl Future<Output = Change>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(move |cx| {
        let event = pin!(ws.next_event()).poll(cx);
        match event {
            Poll::Ready(event) => Poll::Ready(Change::Event(event)),
            Poll::Pending if full && ws.queued() < FULL => Poll::Ready(Change::NotFull),
            Poll::Pending => Poll::Pending,
        }
    })
}

async fn wait_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use framewise::{Client, Server};
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn a_full_queue_is_waited_for_until_the_peer_reads() {
        let (near, far) = tokio::io::duplex(1024);
        let (client, server) = (Client::new(), Server::new());
        let (ws, far) = tokio::join!(client.connect_over(near, "ws://x/"), server.accept(far));
        let (mut ws, mut far) = (ws.expect("a client"), far.expect("a server"));
        // More than the stream takes before the peer reads.
        while ws.queued() < FULL + 4096 {
            ws.feed("x".repeat(1000)).await.expect("open");
        }
        tokio::select! {
            biased;
            change = change(&mut ws, true) => panic!("before the peer reads: {change:?}"),
            () = std::future::ready(()) => {}
        }
        let mut read = vec![0; 4096];
        let (change, count) = tokio::join!(change(&mut ws, true), far.get_mut().read_exact(&mut read));
        assert!(matches!(change, Change::NotFull) && count.is_ok() && ws.queued() < FULL);
        // Without a full queue there is nothing to report.
        tokio::select! {
            biased;
            change = super::change(&mut ws, false) => panic!("without a change: {change:?}"),
            () = std::future::ready(()) => {}
        }
    }
}
