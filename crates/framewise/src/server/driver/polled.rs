//! What the futures of handlers ask of their connections.

use std::task::{Context, Poll, Waker};

use super::MESSAGES;
use super::core::{Core, Read};
use super::slots::{ConnectionId, Phase};
use crate::{Error, Message, MessageRef, Misuse, Text, buffers};

/// What was read from the connection whose turn it is, and not taken yet: a range of the read buffer.
#[derive(Debug, Default)]
pub(super) struct Window {
    at: usize,
    end: usize,
    /// How often it was read, and how many messages were taken, in this turn.
    reads: usize,
    taken: usize,
}

impl Core {
    /// The turn of a future begins.
    pub(super) fn begin_poll(&mut self, index: u32) -> Waker {
        self.window = Window::default();
        if let Some(waker) = self.elsewhere.remove(&index) {
            waker.wake();
        }
        // What was queued before may be written now.
        if let Phase::Active(ws) = &mut self.slots[index].phase
            && ws.queued() > 0
        {
            ws.write_now();
        }
        self.wakers.waker(self.slots.id(index))
    }

    /// The turn ends: what was not taken is kept, what was sent is written.
    pub(super) fn end_poll(&mut self, id: ConnectionId) {
        self.wakers.polled(id);
        let Some(index) = self.slots.find(id) else { return };
        self.keep_window(index);
        if let Phase::Active(ws) = &mut self.slots[index].phase
            && ws.queued() > 0
        {
            ws.write_now();
        }
        self.settle(index);
    }

    /// Gives what was read and not taken to the connection, which is active then.
    fn keep_window(&mut self, index: u32) {
        let Window { at, end, .. } = self.window;
        if at < end {
            (self.window.at, self.window.end) = (0, 0);
            let buffer = self.take_read();
            self.received_rest(index, &buffer[at..end], None);
            self.give_read(buffer);
        }
    }

    /// The next message of a connection.
    #[inline]
    pub(super) fn poll_message(
        &mut self,
        id: ConnectionId,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Message, Error>>> {
        let Some(index) = self.slots.find(id) else { return Poll::Ready(None) };
        if !self.is_turn_of(index) {
            return self.poll_elsewhere(index, cx);
        }
        while let Phase::Idle(_) = &self.slots[index].phase {
            if self.window.taken >= MESSAGES {
                break;
            }
            if self.window.at == self.window.end {
                if self.window.reads > 0 {
                    self.list_readable(index);
                    return self.waits(id, cx);
                }
                match self.read(index) {
                    Read::Bytes(count) => self.window = Window { at: 0, end: count, reads: 1, ..self.window },
                    Read::Nothing => return self.waits(id, cx),
                    Read::Active => {}
                }
                continue;
            }
            if let Some(message) = self.take_whole(index) {
                self.window.taken += 1;
                return Poll::Ready(Some(Ok(message)));
            }
        }
        if self.window.taken >= MESSAGES {
            self.list(index);
            return Poll::Pending;
        }
        self.keep_window(index);
        let Phase::Active(ws) = &mut self.slots[index].phase else { return Poll::Ready(None) };
        let polled = ws.poll_message(cx);
        match &polled {
            Poll::Pending => return self.waits(id, cx),
            Poll::Ready(Some(Ok(_))) => self.window.taken += 1,
            Poll::Ready(Some(Err(_)) | None) => {}
        }
        polled
    }

    /// Takes a whole message from the window. If there is none, the connection becomes active.
    fn take_whole(&mut self, index: u32) -> Option<Message> {
        let mut buffer = self.take_read();
        let Window { at, end, .. } = self.window;
        let received =
            self.idle(index).map(|(engine, config)| engine.receive_whole(config, &mut buffer[at..end]));
        let (message, broken) = match received {
            Some(Ok(Some((consumed, payload)))) => {
                self.window.at += consumed;
                let message = match MessageRef::from(payload) {
                    MessageRef::Text(text) => Message::Text(Text(buffers::copy_text(text))),
                    MessageRef::Binary(bytes) => Message::Binary(buffers::copy_out(bytes)),
                };
                (Some(message), None)
            }
            Some(Ok(None)) | None => (None, None),
            Some(Err(violation)) => (None, Some(*violation)),
        };
        if message.is_none() {
            (self.window.at, self.window.end) = (0, 0);
            self.received_rest(index, &buffer[at..end], broken);
        }
        self.give_read(buffer);
        message
    }

    /// The connection is polled by another future than the one whose turn it is.
    fn poll_elsewhere(&mut self, index: u32, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        let Some(ws) = self.active(index) else { return Poll::Ready(None) };
        let polled = ws.poll_message(cx);
        if polled.is_pending() {
            self.elsewhere.insert(index, cx.waker().clone());
        }
        polled
    }

    /// The connection waits for its socket, which its turn tells to the future; another one is woken.
    fn waits<T>(&mut self, id: ConnectionId, cx: &Context<'_>) -> Poll<T> {
        if !self.wakers.is_of(id, cx.waker()) {
            self.elsewhere.insert(id.index, cx.waker().clone());
        }
        Poll::Pending
    }

    /// Ready when the message is queued.
    pub(super) fn poll_send(
        &mut self,
        id: ConnectionId,
        message: MessageRef<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        let Some(index) = self.slots.find(id) else { return Poll::Ready(Err(Misuse::Closed.into())) };
        let turn = self.is_turn_of(index);
        if turn && self.is_full() && self.idle(index).is_some() {
            self.write(index);
        }
        if turn && self.idle(index).is_some() {
            return Poll::Ready(self.send(index, message));
        }
        let Some(ws) = self.active(index) else { return Poll::Ready(Err(Misuse::Closed.into())) };
        match ws.poll_capacity(cx) {
            Poll::Pending => return self.waits(id, cx),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {}
        }
        let queued = ws.queue(message);
        if !turn {
            ws.write_now();
        }
        Poll::Ready(queued)
    }

    /// The connection is dropped by its handler, while it runs or after it.
    pub(super) fn release(&mut self, id: ConnectionId) {
        let Some(index) = self.slots.find(id) else { return };
        self.elsewhere.remove(&index);
        if self.is_turn_of(index) {
            (self.window.at, self.window.end) = (0, 0);
        }
        // What is queued is written as it is dropped, and a Close if the handler panics.
        self.activate(index, None, None);
        self.slots[index].phase = Phase::Released;
        self.list(index);
        self.queue.wake();
    }

    /// The handler of a connection has returned: its place is free when the connection is dropped.
    pub(super) fn end_released(&mut self, index: u32) {
        if let Some(waker) = self.elsewhere.remove(&index) {
            waker.wake();
        }
        let slot = self.slots.get(index);
        if slot.is_some_and(|slot| matches!(slot.phase, Phase::Released)) {
            self.remove(index);
        }
    }
}
