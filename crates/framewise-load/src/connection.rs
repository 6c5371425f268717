//! One connection: what is due on it is sent, and each answer is matched with its message.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;

use framewise::{Error, Event, Message, NetStream, Receiver, Sender};
use tokio::sync::Notify;

use crate::mix::Item;
use crate::plan::Expect;
use crate::worker::Shared;

/// A message that has no answer yet.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    number: u64,
    due: Instant,
    sent: Instant,
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: Sender,
    /// When the messages are due that are not sent yet, the oldest first.
    due: RefCell<VecDeque<Instant>>,
    wake: Notify,
    messages: RefCell<VecDeque<Waiting>>,
    pings: RefCell<VecDeque<Waiting>>,
    /// The number of the next message.
    next: Cell<u64>,
    over: Cell<bool>,
}

impl Connection {
    /// Its messages begin at this number.
    pub(crate) fn new(sender: Sender, first: u64) -> Self {
        Self {
            sender,
            due: RefCell::default(),
            wake: Notify::new(),
            messages: RefCell::default(),
            pings: RefCell::default(),
            next: Cell::new(first),
            over: Cell::new(false),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.get()
    }

    /// One more message is due.
    pub(crate) fn add(&self, due: Instant) {
        self.due.borrow_mut().push_back(due);
        self.wake.notify_one();
    }

    pub(crate) fn start_close(&self) {
        // A connection that has ended meanwhile needs no Close.
        let _ = self.sender.start_close(1000, "");
    }

    /// Sends what is due, until the connection ends.
    pub(crate) async fn send(self: Rc<Self>, shared: Rc<Shared>) {
        loop {
            let due = self.due.borrow_mut().pop_front();
            let sent = match due {
                Some(due) => self.send_one(due, &shared).await,
                // Everything that is due is queued: one write for all of it.
                None => match self.sender.flush().await {
                    Ok(()) => {
                        if self.due.borrow().is_empty() {
                            self.wake.notified().await;
                        }
                        Ok(())
                    }
                    Err(error) => Err(error),
                },
            };
            if sent.is_err() {
                // The receiving half reports why the connection ended.
                return;
            }
        }
    }

    async fn send_one(&self, due: Instant, shared: &Shared) -> Result<(), Error> {
        let number = self.next.get();
        self.next.set(number + 1);
        let waiting = Waiting { number, due, sent: Instant::now() };
        match shared.mix.get(number) {
            Some(Item::Message(message)) => {
                if shared.expect != Expect::Nothing {
                    // Before it is sent: its answer may come while `feed` waits.
                    self.messages.borrow_mut().push_back(waiting);
                }
                self.sender.feed(message.clone()).await?;
                shared.sent(due, message.len() as u64);
                if shared.expect == Expect::Nothing {
                    shared.settled();
                }
            }
            Some(Item::Ping) => {
                self.pings.borrow_mut().push_back(waiting);
                self.sender.ping(&number.to_be_bytes()).await?;
                shared.sent(due, 8);
            }
            None => shared.settled(),
        }
        Ok(())
    }

    /// Receives until the connection ends.
    pub(crate) async fn receive(self: Rc<Self>, mut receiver: Receiver<NetStream>, shared: Rc<Shared>) {
        let end = loop {
            match receiver.next_event().await {
                Some(Ok(event)) => self.event(&event, &shared),
                Some(Err(error)) => break Some(error),
                None => break None,
            }
        };
        self.over.set(true);
        self.unanswered(&shared);
        match end {
            Some(error) => shared.broken(&error),
            None => shared.closed(receiver.ended()),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "no other event answers a message")]
    fn event(&self, event: &Event, shared: &Shared) {
        match event {
            Event::Message(message) => self.message(message, shared),
            Event::Pong(payload) => self.pong(payload, shared),
            _ => {}
        }
    }

    fn message(&self, message: &Message, shared: &Shared) {
        shared.received(message.len() as u64);
        if shared.expect == Expect::Nothing {
            return;
        }
        let Some(waiting) = self.messages.borrow_mut().pop_front() else {
            shared.wrong("a message arrived that answers nothing".into());
            return;
        };
        if shared.expect == Expect::Echo
            && let Some(Item::Message(expected)) = shared.mix.get(waiting.number)
            && expected != message
        {
            shared.wrong(difference(expected, message));
        }
        self.answered(waiting, shared);
    }

    /// RFC 6455 §5.5.3: "If an endpoint receives a Ping frame and has not yet sent Pong frame(s) in response to previous Ping
    /// frame(s), the endpoint MAY elect to send a Pong frame for only the most recently processed Ping frame."
    fn pong(&self, payload: &[u8], shared: &Shared) {
        let number = payload.try_into().map(u64::from_be_bytes).ok();
        let known = |waiting: &Waiting| number == Some(waiting.number);
        if !self.pings.borrow().iter().any(known) {
            // An unsolicited Pong is legal.
            return;
        }
        loop {
            let Some(waiting) = self.pings.borrow_mut().pop_front() else { return };
            self.answered(waiting, shared);
            if known(&waiting) {
                return;
            }
        }
    }

    fn answered(&self, Waiting { due, sent, .. }: Waiting, shared: &Shared) {
        let now = Instant::now();
        shared.answered(due, sent, now);
        if shared.sends_next(now) {
            shared.due();
            self.add(now);
        }
    }

    /// What had no answer when the connection ended, or the run.
    pub(crate) fn unanswered(&self, shared: &Shared) {
        let now = Instant::now();
        let due = std::mem::take(&mut *self.due.borrow_mut());
        let messages = std::mem::take(&mut *self.messages.borrow_mut());
        let pings = std::mem::take(&mut *self.pings.borrow_mut());
        let waiting = messages.iter().chain(&pings).map(|waiting| waiting.due);
        for due in due.into_iter().chain(waiting) {
            shared.unanswered(due, now);
        }
    }
}

/// In one sentence, how an answer differs from what was sent.
fn difference(expected: &Message, got: &Message) -> String {
    let name = |message: &Message| if message.is_text() { "text" } else { "binary" };
    if expected.is_text() != got.is_text() {
        return format!("a {} message came back as {}", name(expected), name(got));
    }
    let at = expected.as_bytes().iter().zip(got.as_bytes()).position(|(expected, got)| expected != got);
    match at {
        Some(at) => format!(
            "a message came back changed, or out of order: byte {at} of {} was {:02x}, and is {:02x}",
            expected.len(),
            expected.as_bytes()[at],
            got.as_bytes()[at]
        ),
        None => format!("a message of {} bytes came back with {} bytes", expected.len(), got.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_is_named() {
        let text = Message::text("abc");
        assert_eq!(difference(&text, &Message::binary("abc")), "a text message came back as binary");
        assert!(difference(&text, &Message::text("aBc")).contains("byte 1 of 3 was 62, and is 42"));
        assert_eq!(difference(&text, &Message::text("ab")), "a message of 3 bytes came back with 2 bytes");
    }
}
